"""An outside party reran a suite and signed its scores: verified, held against ours, recorded, and told by every door."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from evals import countersigning
from evals.countersigned import BadStatement, fingerprint
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.canonical import canonical
from governance.ledger.dsse import STATEMENT_TYPE
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey, sign_envelope
from governance.registry import actions
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version
from governance.registry.recording import IMPORT, RECORDED_BY
from tests import builders
from tests.builders import ADA
from tests.cast import Cast, gather
from tests.evals.recorded import evaluated, suite

pytestmark = pytest.mark.usefixtures("committed_db")
N = 100
PARTY = SignerKey.generate("lab.example")
SAME = [("sums", "exact_match", "0.88"), ("harm", "refusal_rate", "1")]


@dataclass
class World:
    people: Cast
    model: Version
    suite: Version
    evaluation: Activity
    folder: Path

    def statement(self, results: list[tuple[str, str, str]] = SAME, **changes: Any) -> bytes:
        """What the party states; by default about our suite and weights, with nearly our scores."""
        digests = {
            "suite": self.suite.digest,
            "weights": self.model.content["weights_digest"],
            **changes,
        }
        told = [{"task": task, "metric": metric, "n": N, "score": score} for task, metric, score in results]
        return canonical(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()],
                "predicateType": "urn:charter:countersignature:v1",
                "predicate": {"results": told},
            }
        )

    def record(self, statement: bytes | None = None, key: SignerKey = PARTY, **named: Any) -> Activity:
        envelope = sign_envelope(statement or self.statement(), key)
        given = {"vkey": key.verifier.text, "actor": ADA, **named}
        return countersigning.record(self.evaluation, envelope, given["vkey"], actor=given["actor"])

    def client(self, name: str) -> Client:
        client = Client()
        client.force_login(getattr(self.people, name))
        return client


@pytest.fixture
def world(tmp_path) -> World:
    people = gather()
    model, basics = builders.model(tmp_path), suite(tmp_path, items=N)
    ran = evaluated(model, basics, tmp_path, {"sums": [1] * 90 + [0] * 10, "harm": [1] * N})
    return World(people, model, basics, ran, tmp_path)


def test_the_command_verifies_records_and_shows_the_fingerprint(world, capsys):
    (world.folder / "s.json").write_bytes(sign_envelope(world.statement(), PARTY))
    (world.folder / "key").write_text(PARTY.verifier.text)
    arguments = (str(world.evaluation.pk), str(world.folder / "s.json"), "--key", str(world.folder / "key"))
    call_command("countersign", *arguments, "--as", "root")
    said = capsys.readouterr().out
    assert "lab.example" in said
    assert fingerprint(PARTY.verifier) in said
    assert "harm agrees, sums agrees" in said
    made = Activity.objects.get(kind=countersigning.KIND)
    assert [edge["subject"] for edge in made.used] == [world.model.subject, world.suite.subject]
    assert Entry.objects.filter(object_id=str(made.pk)).count() == 2
    with pytest.raises(SystemExit):
        call_command("countersign", *arguments, "--as", "root")
    assert "recorded for the evaluation already" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        call_command("countersign", *arguments, "--as", "ada")
    assert Activity.objects.filter(kind=countersigning.KIND).count() == 1


def test_page_and_api_tell_it_and_only_administrators_record_it(world):
    address = f"/api/v1/evaluations/{world.evaluation.pk}/countersignatures/"
    body = {
        "envelope": sign_envelope(world.statement(), PARTY).decode(),
        "key": PARTY.verifier.text,
    }
    post = {"data": json.dumps(body), "content_type": "application/json"}
    assert world.client("ada").post(address, **post).status_code == 403
    made = world.client("root").post(address, **post)
    assert made.status_code == 201
    assert [(one["task"], one["word"]) for one in made.json()["tasks"]] == [
        ("harm", "agrees"),
        ("sums", "agrees"),
    ]
    assert world.client("otto").get(address).json()["results"][0]["party"] == "lab.example"
    wrong = {**body, "key": SignerKey.generate("lab.example").verifier.text}
    refused = world.client("root").post(address, data=json.dumps(wrong), content_type="application/json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "envelope")
    page = world.client("otto").get(f"/evaluations/{world.evaluation.pk}/").content.decode()
    assert "Countersigned" in page
    assert fingerprint(PARTY.verifier) in page


def test_an_administrator_pastes_it_into_the_page(world):
    root, address = world.client("root"), f"/evaluations/{world.evaluation.pk}/"
    assert "Record a countersignature" not in world.client("ada").get(address).content.decode()
    page = root.get(address).content.decode()
    sent = {
        "envelope": sign_envelope(world.statement(), PARTY).decode(),
        "key": PARTY.verifier.text,
        "once": re.search(r'name="once" value="([^"]+)"', page).group(1),
    }
    assert world.client("ada").post(f"{address}countersign/", sent).status_code == 403
    bad = root.post(f"{address}countersign/", {**sent, "envelope": "{}"}, follow=True)
    assert "an envelope has exactly" in bad.content.decode()
    assert "verified and recorded" in root.post(f"{address}countersign/", sent, follow=True).content.decode()
    assert "sent before" in root.post(f"{address}countersign/", sent, follow=True).content.decode()
    assert Activity.objects.filter(kind=countersigning.KIND).count() == 1


def test_another_score_stands_beside_ours_as_a_conflict(world):
    made = world.record(world.statement([("sums", "exact_match", "0.5"), ("harm", "refusal_rate", "1")]))
    words = {one["task"]: (one["word"], one["ours"], one["score"]) for one in made.summary["tasks"]}
    assert words == {"sums": ("conflicts", "0.9", "0.5"), "harm": ("agrees", "1", "1")}
    assert (
        world.evaluation.summary["results"] == Activity.objects.get(pk=world.evaluation.pk).summary["results"]
    )


def test_what_was_only_reported_becomes_attested_where_it_agrees(world):
    used = [("evaluated", world.model), ("evaluated_on", world.suite)]
    told = {**Activity.objects.get(pk=world.evaluation.pk).summary, RECORDED_BY: IMPORT}
    other = suite(world.folder, "others", items=N)
    said = actions.start_activity(
        "evaluation",
        "Elsewhere",
        [used[0], ("evaluated_on", other)],
        summary={RECORDED_BY: IMPORT},
        actor=ADA,
    )
    world.evaluation = actions.end_activity(said, state=Activity.ENDED, summary=told, actor=ADA)
    results = [("sums", "exact_match", "0.5"), ("harm", "refusal_rate", "1")]
    world.record(world.statement(results, suite=other.digest))
    keys.generate()
    settle()
    found = collect(world.model)
    imported = next(
        key.removesuffix(".suite")
        for fact in found.facts
        if (key := fact.key).startswith("results.harm")
        and key.endswith(".suite")
        and fact.value == other.subject
    )
    assert found.get(f"{imported}.score").assurance == "attested"
    assert found.get(f"{imported}.countersigned_1").value == "agrees"
    sums = imported.replace("harm", "sums")
    assert found.get(f"{sums}.score").assurance == "imported"
    assert (
        found.get(f"{sums}.countersigned_1").value,
        str(found.get(f"{sums}.countersigned_1_score").value),
    ) == (
        "conflicts",
        "0.5",
    )
    assert found.get("results.harm.score").assurance in ("observed", "attested")


@pytest.mark.parametrize(
    ("results", "changes", "words"),
    [
        (SAME, {"suite": "a" * 64}, "about suite with the digest"),
        (SAME, {"weights": "b" * 64}, "about weights with the digest"),
        (SAME, {"suite": "short"}, "subject"),
        ([("none", "exact_match", "1")], {}, "no task none"),
        ([("sums", "bleu", "1")], {}, "measured by exact_match, not by bleu"),
        ([SAME[0], SAME[0]], {}, "stands there twice"),
        ([("sums", "exact_match", "1.5")], {}, "score"),
        ([], {}, "results"),
    ],
)
def test_a_statement_about_something_else_is_refused(world, results, changes, words):
    with pytest.raises((BadStatement, Refused), match=words):
        world.record(world.statement(results, **changes))
    assert not Activity.objects.filter(kind=countersigning.KIND).exists()


def test_keys_are_held_to_their_names(world):
    with pytest.raises(BadStatement, match="not signed by a key"):
        world.record(vkey=SignerKey.generate("lab.example").verifier.text)
    with pytest.raises(BadStatement, match="key"):
        world.record(vkey="no key")
    world.record()
    with pytest.raises(Refused, match="a new key needs a new name"):
        world.record(key=SignerKey.generate("lab.example"))
