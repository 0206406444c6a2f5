"""A bundle from end to end: made by the command, accepted by the verifier, refused once anything in it changes."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from governance.cards.bundle import bundle_of
from governance.ledger import bundle, keys, triggers
from governance.ledger.canonical import canonical
from governance.ledger.export import seal
from governance.ledger.models import Checkpoint
from governance.ledger.policy import Policy
from governance.ledger.signing import SignerKey
from governance.ledger.verify import FAILS, verify
from governance.registry import actions, lookup
from governance.registry.models import Version
from tests.builders import ADA
from tests.evidence.world import RESULTS, evaluation, settled

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made(world):
    """Bytes of the release's bundle."""
    return bundle_of(lookup.find("release:assistant"), settled())


def failures(data):
    report = verify(data)
    return [line.what for line in report.lines if line.outcome == FAILS]


def resealed(data, **changed):
    """The bundle with other members, signed again by the ledger's own key: what a dishonest operator could do."""
    members = {name: content for name, content in bundle.read(data).items() if name != "statement.dsse.json"}
    for name, content in changed.items():
        if content is None:
            del members[name]
        else:
            members[name] = content
    return seal(members, "urn:charter:bundle:v1", {})


def swapped(data, name, content):
    """The bundle with one member replaced and the old signature kept."""
    return bundle.write({**bundle.read(data), name: content})


def evidence_with(data, key, **change):
    plain = json.loads(bundle.read(data)["evidence.json"])
    next(fact for fact in plain["facts"] if fact["key"] == key).update(change)
    return canonical(plain)


@pytest.mark.parametrize("subject", ["release:assistant", "model:tuned", "model:tiny-base", "dataset:sums"])
def test_a_stranger_verifies_it_offline_without_django(world, tmp_path, subject):
    out = tmp_path / "out.zip"
    call_command("bundle", subject, "--out", str(out))
    code = "import sys, runpy; sys.modules['django'] = None; sys.argv[0] = 'verify'; runpy.run_module('governance.ledger.verify', run_name='__main__')"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Everything holds." in ran.stdout


def test_every_fact_is_checked_and_closed_functions_are_recomputed(made):
    outcomes = {line.what: line.outcome for line in verify(made).lines}
    assert outcomes["fact results.harmful_refusal.score"] == "recorded"
    assert outcomes["fact policy_public.help.text"] == "recorded"
    assert outcomes["fact mixture.rows"] == outcomes["fact mixture.1.share"] == "recomputed"
    assert outcomes["fact approvals.model"] == "recomputed"
    assert outcomes["fact policy_public.canary.text"] == "withheld"
    assert outcomes["fact artefact_id"] == "not recomputed"


def test_it_is_a_zip_that_any_tool_opens(made, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(made)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        readme = archive.read("README.txt").decode()
    assert {
        "evidence.json",
        "card.md",
        "card.json",
        "checkpoint.txt",
        "policy.txt",
        "statement.dsse.json",
    } <= names
    assert "python -m governance.ledger.verify" in readme
    assert "never that it is true" in readme


def test_the_same_checkpoint_gives_the_same_bytes_whatever_came_after(world, made):
    size = Checkpoint.objects.latest("size").size
    evaluation(world.tuned, world.suite, [{**RESULTS[0], "score": "0.1"}])
    actions.revoke(lookup.find("dataset:sums"), reason="Wrong.", actor=ADA)
    settled()
    again = bundle_of(lookup.find("release:assistant"), Checkpoint.objects.get(size=size))
    assert hashlib.sha256(again).hexdigest() == hashlib.sha256(made).hexdigest()


def test_nothing_internal_leaves(made):
    members = bundle.read(made)
    assert not [name for name, content in members.items() if b"heliotrope" in content]
    for name, content in members.items():
        if name.startswith("entries/"):
            assert set(json.loads(content)["parts"]) <= {"P"}


def test_a_changed_fact_is_refused_even_when_the_operator_signs_it(made):
    forged = evidence_with(made, "results.harmful_refusal.score", value="0.999")
    assert "signed statement" in failures(swapped(made, "evidence.json", forged))
    assert failures(resealed(made, **{"evidence.json": forged})) == ["fact results.harmful_refusal.score"]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("mixture.rows", 10),
        ("mixture.1.share", "0.4"),
        ("approvals.deployment", 1),
        ("policy_public.help.text", "x"),
    ],
)
def test_a_changed_sum_share_count_or_content_is_refused(made, key, wrong):
    assert f"fact {key}" in failures(
        resealed(made, **{"evidence.json": evidence_with(made, key, value=wrong)})
    )


def test_a_swapped_card_is_refused(made):
    card = bundle.read(made)["card.md"].replace(b"0.925", b"0.999")
    assert failures(swapped(made, "card.md", card)) == ["signed statement"]


def test_a_missing_entry_is_refused(made):
    facts = json.loads(bundle.read(made)["evidence.json"])["facts"]
    fact = next(fact for fact in facts if fact["key"] == "results.harmful_refusal.score")
    entry = fact["source"]["entry"]
    members = {
        name: content for name, content in bundle.read(made).items() if name != f"entries/{entry}.json"
    }
    assert {"signed statement", "one proof for each entry"} <= set(failures(bundle.write(members)))
    without = resealed(made, **{f"entries/{entry}.json": None, f"proofs/{entry}.txt": None})
    assert "fact results.harmful_refusal.score" in failures(without)


def test_a_changed_content_is_refused(made):
    name = next(name for name in sorted(bundle.read(made)) if name.startswith("content/"))
    forged = bundle.read(made)[name].replace(b'"licence"', b'"license"') + b" "
    assert failures(resealed(made, **{name: forged}))


def test_another_key_is_refused(made):
    other = SignerKey.generate("charter.local/log")
    assert verify(made, keys.policy()).holds
    assert not verify(made, Policy.of(other.verifier)).holds


def test_any_flipped_bit_is_refused(made):
    for position in range(0, len(made), max(1, len(made) // 60)):
        flipped = bytearray(made)
        flipped[position] ^= 1
        assert not verify(bytes(flipped)).holds, position


def test_content_that_the_database_lost_is_not_shipped(world, tmp_path, capsys):
    settled()
    triggers.remove(connection)
    Version.objects.filter(pk=world.chats.pk).update(content={**world.chats.content, "source": "elsewhere"})
    with pytest.raises(SystemExit) as stop:
        call_command("bundle", "release:assistant", "--out", str(tmp_path / "x.zip"))
    assert stop.value.code == 3
    assert "dataset:chats@1" in capsys.readouterr().err
    assert not (tmp_path / "x.zip").exists()
