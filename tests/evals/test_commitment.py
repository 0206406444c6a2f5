"""A closed suite's digest stood in the ledger before the run: what evidence and card say, and what they do not."""

import pytest
from django.core.management import call_command

from evals.commitment_facts import FUNCTION
from governance.evidence.collect import collect
from governance.evidence.facts import Derivation, Document
from governance.ledger import keys
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions
from governance.registry.models import Activity, Version
from governance.registry.recording import IMPORT, RECORDED_BY
from tests import builders
from tests.builders import ADA, SAFETENSORS
from tests.evals.recorded import TASKS, evaluated, suite

pytestmark = pytest.mark.usefixtures("committed_db")
N = 4
SCORES = {"sums": [1] * N, "harm": [1] * N}


def closed(folder, slug: str = "basics", status: str = "private") -> Version:
    return suite(folder, slug, items=N, tasks=TASKS.replace("status: dev", f"status: {status}"))


def evidence(model: Version) -> Document:
    keys.generate()
    settle()
    return collect(model)


def entry_of(row) -> int:
    return Entry.objects.filter(object_id=str(row.pk)).order_by("rev").first().leaf_index


def test_the_suites_entry_and_the_runs_first_are_named_in_their_order(tmp_path, capsys):
    model, private = builders.model(tmp_path), closed(tmp_path)
    ran = evaluated(model, private, tmp_path, SCORES)
    found = evidence(model)
    fact = found.get("suites.1.commitment")
    sealed, began = entry_of(private), entry_of(ran)
    assert sealed < began
    assert fact.value == f"suite committed at entry {sealed}, run began after it at entry {began}"
    assert isinstance(fact.source, Derivation)
    assert fact.source.function == FUNCTION
    inputs = {name: found.get(name) for name in fact.source.inputs}
    assert inputs["suites.1.committed_digest"].value == private.digest
    assert {one.source.entry for one in inputs.values()} == {sealed, began}
    assert fact.assurance == "observed"
    call_command("card", "model:base")
    assert fact.value in capsys.readouterr().out


def test_of_an_imported_evaluation_nobody_knows_when_it_began(tmp_path):
    model, private = builders.model(tmp_path), closed(tmp_path, status="unseen")
    ran = evaluated(model, private, tmp_path, SCORES)
    elsewhere = builders.model(tmp_path, "other", tensors={**SAFETENSORS, "c": [1.0]})
    used = [("evaluated", elsewhere), ("evaluated_on", private)]
    said = actions.start_activity("evaluation", "Elsewhere", used, summary={RECORDED_BY: IMPORT}, actor=ADA)
    summary = {**ran.summary, RECORDED_BY: IMPORT}
    actions.end_activity(said, state=Activity.ENDED, summary=summary, actor=ADA)
    fact = evidence(elsewhere).get("suites.1.commitment")
    assert (fact.value, fact.state) == (None, "not_recorded")
    assert "made elsewhere" in fact.source.reason


def test_open_suites_need_no_commitment(tmp_path):
    model = builders.model(tmp_path)
    evaluated(model, closed(tmp_path, status="dev"), tmp_path, SCORES)
    assert evidence(model).get("suites.1.commitment") is None
