"""What evidence says of a comparison: its figures, what they rest on, as of any size, and every reason why there are none."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evals import comparison
from evals.provider import FUNCTION
from governance.cards.bundle import bundle_of
from governance.evidence.collect import collect
from governance.evidence.facts import Derivation, Document
from governance.evidence.records import Inconsistent
from governance.ledger import keys
from governance.ledger.canonical import sha256_hex
from governance.ledger.settle import settle
from governance.ledger.verify import verify
from governance.registry import actions, blobs
from governance.registry.kinds import release_policy
from governance.registry.models import Activity, Version
from governance.releases.gates import evaluate
from tests import builders
from tests.builders import ADA, POLLY
from tests.evals.recorded import evaluated, suite
from tests.evidence.world import compose

pytestmark = pytest.mark.usefixtures("committed_db")
BASE = {"sums": [1] * 300 + [0] * 100, "harm": [1] * 400}
TUNED = {"sums": [1] * 380 + [0] * 20, "harm": [1] * 400}
RULE = {
    "id": "safe",
    "title": "Not worse",
    "reads": ["comparison.harm.size"],
    "expression": '{"equivalent": true, "non-inferior": true, "inferior": false}[facts["comparison.harm.size"]]',
    "message": "Compare.",
}


@dataclass
class World:
    folder: Path
    base: Version
    tuned: Version
    basics: Version
    constitution: Version

    def measure(
        self, model: Version, scores: dict[str, list[int]], on: Version | None = None, **settings
    ) -> Activity:
        return evaluated(model, on or self.basics, self.folder, scores, **settings)

    def child(self, parent: Version, slug: str) -> Version:
        """A model that a training made from `parent`, with weights of its own."""
        step = actions.start_activity("training", slug, [("init_from", parent)], summary={}, actor=ADA)
        content = {**parent.content, "description": slug, "weights_digest": sha256_hex(slug.encode())}
        made = actions.register("model", slug, content, actor=ADA, imported=False)
        actions.end_activity(step, state=Activity.ENDED, produced=[("output", made)], summary={}, actor=ADA)
        return made

    def release(self, baseline: Version | None, slug: str = "assistant") -> Version:
        return compose(self.tuned, self.constitution, slug=slug, baseline=baseline)


@pytest.fixture
def world(tmp_path):
    comparison.by_digest.cache_clear()
    keys.generate()
    base = builders.model(tmp_path)
    tuned = builders.trained(tmp_path, base, [builders.dataset(tmp_path)])
    return World(
        tmp_path,
        base,
        tuned,
        suite(tmp_path),
        actions.register("constitution", "house", builders.CONSTITUTION, actor=POLLY),
    )


@pytest.fixture
def both(world):
    """The world with both models evaluated."""
    world.measure(world.base, BASE)
    world.measure(world.tuned, TUNED)
    # The second was held against the first at once, so this process knows the comparison.
    comparison.by_digest.cache_clear()
    return world


def figures(document: Document, task: str) -> dict[str, object]:
    prefix = f"comparison.{task}."
    return {
        fact.key.removeprefix(prefix): fact.value for fact in document.facts if fact.key.startswith(prefix)
    }


def reasons(document: Document) -> dict[str, str]:
    """Why there are no figures; those against the anchor and the predecessor, "harm-anchor", have tests of their own."""
    empty = [fact for fact in document.within("comparison") if fact.is_empty and "-" not in fact.key]
    return {fact.key: fact.source.reason for fact in empty}


def evidence(version: Version) -> Document:
    return collect(version, settle().size)


def test_a_release_is_compared_with_its_baseline_task_by_task(both):
    document = evidence(both.release(both.base))
    assert figures(document, "sums") == {
        "baseline": "model:base@1", "n": 400, "score_a": "0.95", "score_b": "0.75", "difference": "0.2",
        "ci_low": "0.163737", "ci_high": "0.24197", "n10": 80, "n01": 0, "direction": "improved", "size": "non-inferior",
        "n_needed": 3925,
    }  # fmt: skip
    harm = figures(document, "harm")
    assert (harm["difference"], harm["direction"], harm["size"]) == ("0", "inconclusive", "equivalent")
    assert document.get("comparison.sums.difference").unit == "share"
    assert document.get("comparison.sums.n10").unit == "items"
    assert document.get("comparison.sums.size").unit is None


def test_each_figure_names_the_facts_that_it_was_made_from(both):
    document = evidence(both.release(both.base))
    fact = document.get("comparison.sums.difference")
    assert (fact.state, fact.assurance) == ("derived", "observed")
    assert isinstance(fact.source, Derivation)
    assert fact.source.function == FUNCTION
    inputs = [document.get(key) for key in fact.source.inputs]
    tuned, base = (
        Activity.objects.get(label=f"Evaluation of {one.subject}") for one in (both.tuned, both.base)
    )
    assert [one.value for one in inputs] == [
        "0.95",
        tuned.summary["items_sha256"],
        base.summary["items_sha256"],
    ]
    assert len({entry for one in inputs for entry in document.entries_behind(one)}) == 2


def test_the_bundle_verifies_and_says_what_was_not_recomputed(both):
    version = both.release(both.base)
    report = verify(bundle_of(version, settle()))
    assert report.holds, [line for line in report.lines if line.outcome == "FAILS"]


def test_a_model_is_compared_with_the_nearest_model_that_it_was_made_from(both):
    grandchild = both.child(both.tuned, "grandchild")
    both.measure(grandchild, BASE)
    assert figures(evidence(both.tuned), "sums")["baseline"] == "model:base@1"
    assert figures(evidence(grandchild), "sums")["baseline"] == "model:tuned@1"


def test_an_ancestor_that_was_not_evaluated_is_passed_over(world):
    world.measure(world.base, BASE)
    last = world.child(world.tuned, "last")
    world.measure(last, TUNED)
    assert figures(evidence(last), "sums")["baseline"] == "model:base@1"


def test_the_same_size_gives_the_same_bytes_whatever_came_later(both):
    version = both.release(both.base)
    size = settle().size
    before = collect(version, size).canonical()
    both.measure(both.base, TUNED)
    both.measure(both.tuned, BASE, limit=400)
    assert figures(evidence(version), "sums")["difference"] == "-0.2"
    comparison.by_digest.cache_clear()
    assert collect(version, size).canonical() == before
    assert collect(version, size).canonical() == before


def test_before_the_baseline_was_evaluated_there_was_nothing_to_compare(world):
    world.measure(world.tuned, TUNED)
    version = world.release(world.base)
    size = settle().size
    world.measure(world.base, BASE)
    wanted = "model:base@1 was not evaluated on eval-suite:basics@1."
    assert reasons(collect(version, size)) == {"comparison.harm.size": wanted, "comparison.sums.size": wanted}
    assert reasons(evidence(version)) == {}


def test_a_release_without_a_baseline_says_so(both):
    assert reasons(evidence(both.release(None))) == {
        "comparison": "The release names no baseline to compare with."
    }


def test_a_model_is_not_held_against_itself(both):
    (why,) = reasons(evidence(both.release(both.tuned))).values()
    assert "has the same weights" in why


def test_a_model_made_from_nothing_evaluated_says_so(world):
    world.measure(world.tuned, TUNED)
    (why,) = reasons(evidence(world.tuned)).values()
    assert "No model that these weights were made from" in why


def test_without_an_evaluation_the_field_is_just_not_recorded(world):
    assert reasons(evidence(world.release(world.base))) == {"comparison": "No record holds it."}


def test_what_was_asked_otherwise_is_a_gap_that_names_the_field(world):
    world.measure(world.base, BASE, chat_template_sha256="d" * 64)
    world.measure(world.tuned, TUNED)
    found = reasons(evidence(world.release(world.base)))
    assert set(found) == {"comparison.harm.size", "comparison.sums.size"}
    assert all("chat_template_sha256" in why for why in found.values())


def test_a_task_that_the_baseline_did_not_run_is_a_gap_of_its_own(world):
    world.measure(world.base, {"sums": BASE["sums"]})
    world.measure(world.tuned, TUNED)
    document = evidence(world.release(world.base))
    assert set(reasons(document)) == {"comparison.harm.size"}
    assert document.get("comparison.sums.size").value == "non-inferior"


def test_a_trial_is_marked_as_one(world):
    world.measure(world.base, BASE, limit=400)
    world.measure(world.tuned, TUNED)
    (warning,) = figures(evidence(world.release(world.base)), "sums")["warnings"]
    assert "this is a trial, not a measurement" in warning


def test_a_task_name_in_two_suites_is_told_apart_as_in_the_results(both):
    other = suite(both.folder, "other")
    both.measure(both.base, TUNED, other)
    both.measure(both.tuned, BASE, other)
    document = evidence(both.release(both.base))
    assert figures(document, "sums")["difference"] == "0.2"
    assert figures(document, "sums__other_1")["difference"] == "-0.2"
    assert document.get("results.sums__other_1.score").value == "0.75"


def test_lost_items_are_a_gap_and_altered_ones_an_error(both):
    version = both.release(both.base)
    settle()
    base = Activity.objects.get(label="Evaluation of model:base@1")
    path = Path(blobs.store().path(blobs.place(base.summary["items_sha256"])))
    kept = path.read_text()
    os.chmod(path, 0o644)
    path.write_text(kept.replace('"score":"0"', '"score":"1"'))
    with pytest.raises(Inconsistent, match="not those that were recorded"):
        evidence(version)
    path.unlink()
    found = reasons(evidence(version))
    assert all("are not in the store" in why for why in found.values())
    path.write_text(kept)
    assert reasons(evidence(version)) == {}


def test_the_gate_reads_it(both):
    policy = release_policy.KIND.parse({"title": "House", "rules": [RULE]})
    assert evaluate(evidence(both.release(both.base)), policy).verdict == "passed"
    undecided = evaluate(evidence(both.release(None, "alone")), policy)
    assert undecided.verdict == "undecided"


def test_queries_do_not_grow_with_the_ancestors(both):
    def queries(version: Version) -> int:
        size = settle().size
        with CaptureQueriesContext(connection) as found:
            collect(version, size)
        return len(found)

    few = queries(both.tuned)
    above = both.base
    for number in range(6):
        above = both.child(above, f"step{number}")
    both.measure(above, TUNED)
    assert queries(above) <= few + 2
