"""The offline verifier, on a small but whole bundle: what holds, and that nothing else does."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.ledger import bundle, dsse, export, keys
from governance.ledger.canonical import canonical
from governance.ledger.models import Entry, Head
from governance.ledger.policy import Policy
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey, sign_envelope
from governance.ledger.verify import main, verify
from tests.ledger.world import make, make_many, retitle

CONTENT = canonical({"kind": "constitution", "content": {"licence": "Apache-2.0", "sizes": [3, 4]}})
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PREDICATE = "https://charter.example/bundle/1"


def fact(key: str, value: Any, state: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": key,
        "label": key.title(),
        "value": value,
        "unit": None,
        "state": state,
        "assurance": "observed by Charter",
        "source": source,
    }


def recorded(key: str, value: Any, entry: int, pointer: str, **more: str) -> dict[str, Any]:
    return fact(key, value, "recorded", {"entry": entry, "class": "P", "pointer": pointer, **more})


def derived(key: str, value: Any, function: str, *inputs: str) -> dict[str, Any]:
    return fact(key, value, "derived", {"function": function, "inputs": list(inputs)})


INSIDE = {"content": f"content/{DIGEST}.json"}
FACTS = [
    recorded("title", "Third title", 3, "/state/title"),
    fact("who", "person:ada", "recorded", {"entry": 3, "class": "body", "pointer": "/actor"}),
    recorded("licence", "Apache-2.0", 1, "/state/title", **INSIDE, at="/content/licence"),
    recorded("sizes", [3, 4], 1, "/state/title", **INSIDE, at="/content/sizes"),
    recorded("first", 3, 1, "/state/title", **INSIDE, at="/content/sizes/0"),
    recorded("second", 4, 1, "/state/title", **INSIDE, at="/content/sizes/1"),
    derived("how many", 2, "count", "sizes"),
    derived("total", 7, "sum", "sizes"),
    derived("total by name", 7, "sum", "first", "second"),
    derived("share", "0.43", "ratio", "first", "total"),
    derived("rise", 1, "difference", "second", "first"),
    derived("interval", ["0.1", "0.2"], "paired_bootstrap", "first", "second"),
    fact("upstream data", None, "undisclosed", {"reason": "the publisher does not say", "owner": "upstream"}),
]


def members(facts: list[dict[str, Any]] | None = None) -> dict[str, bytes]:
    """Everything of a bundle but its statement."""
    artifact = make("house", "First title")
    make("rules", DIGEST)
    retitle(artifact, "Second title")
    retitle(artifact, "Third title")
    checkpoint = settle()
    evidence = {
        "schema": "evidence/1",
        "subject": {"subject": "constitution:house@1"},
        "at": {"size": checkpoint.size, "root": Head.objects.get().root},
        "facts": FACTS if facts is None else facts,
    }
    return {
        **export.evidence_members({1: ["P"], 3: ["P"]}, checkpoint),
        f"content/{DIGEST}.json": CONTENT,
        "card.md": b"# Card\n",
        "evidence.json": canonical(evidence),
    }


@pytest.fixture
def committed_key(committed_db) -> None:
    keys.generate()


@pytest.fixture
def whole(committed_key) -> bytes:
    return export.seal(members(), PREDICATE, {"release": "house"})


def failures(data: bytes, given: Any = None) -> list[str]:
    report = verify(data, given)
    return [f"{line.what}: {line.detail}" for line in report.lines if line.outcome == "FAILS"]


def test_all_of_it_holds(database):
    whole = export.seal(members(), PREDICATE, {})
    report = verify(whole, keys.policy())
    assert failures(whole) == []
    assert report.holds
    outcomes = {line.what: line.outcome for line in report.lines}
    assert outcomes["signed statement"] == outcomes["checkpoint"] == outcomes["entry 3"] == "holds"
    assert outcomes["fact title"] == outcomes["fact licence"] == outcomes["fact who"] == "recorded"
    assert outcomes["fact share"] == outcomes["fact how many"] == "recomputed"
    assert outcomes["fact interval"] == "not recomputed"
    assert outcomes["fact upstream data"] == "undisclosed"
    assert not report.notes


def test_a_key_from_the_bundle_itself_is_said_to_be_one(whole):
    report = verify(whole)
    assert report.holds
    assert "from the bundle itself" in report.notes[0]
    assert keys.verifiers()[0].text in report.notes[0]


def test_classes_that_were_not_asked_for_stay_hidden(whole):
    shown = json.loads(bundle.read(whole)["entries/1.json"])
    assert set(shown["parts"]) == {"P"}
    assert b"a test" not in whole
    assert b"a test" in b"".join(
        part["payload"].encode() for part in Entry.objects.get(leaf_index=1).parts.values()
    )


def test_every_flipped_bit_of_the_file_is_refused(whole):
    for place in range(len(whole) * 8):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(bundle.BundleError):
            bundle.read(bytes(flipped))


@pytest.mark.parametrize("with_key", [True, False])
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_any_member_is_refused(whole, with_key, step):
    """Packed again properly, so that only digests and signatures stand in the way."""
    given, contents = keys.policy() if with_key else None, bundle.read(whole)
    for name, content in contents.items():
        for place in range(0, len(content), step):
            flipped = bytearray(content)
            flipped[place] ^= 1 << place % 8
            changed = bundle.write({**contents, name: bytes(flipped)})
            assert not verify(changed, given).holds, (name, place)


@pytest.mark.parametrize(
    "name", ["statement.dsse.json", "checkpoint.txt", "policy.txt", "evidence.json", "card.md"]
)
def test_a_missing_member_is_refused(whole, name):
    contents = bundle.read(whole)
    del contents[name]
    assert failures(bundle.write(contents))


def test_an_added_member_is_refused(whole):
    added = bundle.write({**bundle.read(whole), "extra.md": b"x"})
    assert any("extra.md" in failure for failure in failures(added))


def test_another_key_is_refused(whole):
    other = SignerKey.generate(django_settings.LEDGER_ORIGIN).verifier
    assert [failure.partition(":")[0] for failure in failures(whole, Policy.of(other))] == ["checkpoint"]


def test_a_statement_by_another_key_is_refused(committed_key):
    contents = members()
    other = SignerKey.generate(django_settings.LEDGER_ORIGIN)
    envelope = sign_envelope(dsse.statement(contents, PREDICATE, {}), other)
    forged = bundle.write({**contents, "statement.dsse.json": envelope})
    assert any("signed statement" in failure for failure in failures(forged))


def resealed(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A bundle that its operator changed and signed again: what it says of the log must still be refused."""
    contents = members()
    change(contents)
    return export.seal(contents, PREDICATE, {})


def edit_entry(contents: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> None:
    entry = json.loads(contents["entries/1.json"])
    change(entry)
    contents["entries/1.json"] = canonical(entry)


def test_the_operator_cannot_change_an_entry(committed_key):
    def forge(entry: dict[str, Any]) -> None:
        body = base64.b64decode(entry["body"]).replace(b"person:ada", b"person:eve")
        entry["body"] = base64.b64encode(body).decode()

    changed = resealed(lambda contents: edit_entry(contents, forge))
    assert any("entry 1: the proof does not lead" in failure for failure in failures(changed))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda entry: entry["parts"]["P"].update(payload='{"state":{},"summary":{}}'), "committed to"),
        (lambda entry: entry["parts"]["P"].update(salt="00" * 32), "committed to"),
        (lambda entry: entry["parts"]["P"].update(salt="00"), "32 bytes"),
        (lambda entry: entry["parts"].update(R=entry["parts"]["P"]), "committed to"),
        (lambda entry: entry["parts"].update(P=None), "no salt"),
        (lambda entry: entry.update(more=1), "exactly body and parts"),
    ],
)
def test_the_operator_cannot_change_a_part(committed_key, change, reason):
    changed = resealed(lambda contents: edit_entry(contents, change))
    assert any("entry 1" in failure and reason in failure for failure in failures(changed))


def test_the_operator_cannot_move_a_proof(committed_key):
    def swap(contents: dict[str, bytes]) -> None:
        contents["proofs/1.txt"], contents["proofs/3.txt"] = (
            contents["proofs/3.txt"],
            contents["proofs/1.txt"],
        )

    assert any("another entry" in failure for failure in failures(resealed(swap)))


def test_the_operator_cannot_leave_a_proof_out(committed_key):
    assert any(
        "no proof" in failure for failure in failures(resealed(lambda contents: contents.pop("proofs/1.txt")))
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (recorded("title", "Another title", 3, "/state/title"), "the entry says 'Third title'"),
        (recorded("title", "Third title", 3, "/state/nothing"), "nothing stands"),
        (recorded("title", "Third title", 2, "/state/title"), "not in the bundle"),
        (fact("title", "x", "recorded", {"entry": 3, "class": "I", "pointer": ""}), "not disclosed"),
        (recorded("licence", "MIT", 1, "/state/title", **INSIDE, at="/content/licence"), "the entry says"),
        (recorded("licence", "Apache-2.0", 3, "/state/title", **INSIDE, at="/content/licence"), "is not"),
        (recorded("licence", "Apache-2.0", 1, "/state/title", **INSIDE), "the place in it"),
        (derived("how many", 3, "count", "sizes"), "recomputed 2"),
        (derived("total", 8, "sum", "sizes"), "recomputed 7"),
        (derived("share", "0.44", "ratio", "first", "total"), "recomputed 0.428571"),
        (derived("share", "0.43", "ratio", "first"), "two inputs"),
        (derived("share", "much", "ratio", "first", "total"), "no number"),
        (derived("rise", "1", "difference", "second", "nobody"), "not in the document"),
        (derived("rise", 0, "sum", "upstream data"), "empty"),
        (derived("rise", 1, "sum", "rise"), "from itself"),
        (derived("rise", 1, "anything", "rise"), "from itself"),
        (fact("title", "x", "withheld", {"reason": "r", "owner": "o"}), "no value"),
        (fact("title", None, "unknown", {"reason": "r", "owner": "o"}), "no state"),
        (fact("title", None, "withheld", {"reason": "r"}), "owner"),
        ({**FACTS[0], "more": 1}, "a fact has exactly"),
        ({**FACTS[0], "source": None}, "a fact has exactly"),
    ],
)
def test_the_operator_cannot_misquote(committed_key, wrong, reason):
    kept = [item for item in FACTS if item["key"] != wrong["key"]]
    contents = members([*kept, wrong])
    found = failures(export.seal(contents, PREDICATE, {}))
    assert any(reason in failure for failure in found), found


def test_facts_in_a_circle_are_refused(committed_key):
    circle = [derived("a", 1, "sum", "b"), derived("b", 1, "sum", "a")]
    assert len(failures(export.seal(members(circle), PREDICATE, {}))) == 2


def test_a_key_twice_is_refused(committed_key):
    assert any(
        "twice" in failure for failure in failures(export.seal(members([FACTS[0], FACTS[0]]), PREDICATE, {}))
    )


def test_evidence_at_another_size_is_refused(committed_key):
    def shift(contents: dict[str, bytes]) -> None:
        evidence = json.loads(contents["evidence.json"])
        evidence["at"]["size"] -= 1
        contents["evidence.json"] = canonical(evidence)

    assert any("another size" in failure for failure in failures(resealed(shift)))


@pytest.mark.parametrize("printed", ["0.4", "0.43", "0.429", "0.42857"])
def test_a_ratio_is_compared_at_its_printed_decimals(committed_key, printed):
    facts = [item for item in FACTS if item["key"] != "share"]
    facts.append(derived("share", printed, "ratio", "first", "total"))
    assert failures(export.seal(members(facts), PREDICATE, {})) == []


@pytest.mark.parametrize("junk", [b"", b"PK", b"not a zip", b"PK\3\4" + b"\xff" * 40])
def test_junk_is_refused(junk):
    assert not verify(junk).holds


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(max_size=6)
    | st.sampled_from(["derived", "recorded", "sum", "P"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_nonsense_in_place_of_anything_is_a_failure_and_never_a_crash(committed_key):
    """An operator who signs garbage gets a report, not a traceback that looks like a verifier's fault."""
    contents = members()
    names = [name for name in contents if name.endswith(".json")]

    @settings(max_examples=200, deadline=None)
    @given(st.data())
    def check(data: Any) -> None:
        name = data.draw(st.sampled_from(names))
        document = json.loads(contents[name])
        parent, step = data.draw(st.sampled_from(places(document)))
        parent[step] = data.draw(JSON)
        changed = {**contents, name: json.dumps(document, sort_keys=True, separators=(",", ":")).encode()}
        report = verify(export.seal(changed, PREDICATE, {}))
        assert all(line.what for line in report.lines)

    check()


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) inside a JSON document."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for step, value in list(items):
        found.append((document, step))
        if isinstance(value, dict | list):
            found += places(value)
    return found


def test_control_characters_do_not_reach_the_terminal(committed_key, tmp_path, capsys):
    path = tmp_path / "release.zip"
    path.write_bytes(export.seal(members([{**FACTS[0], "key": "a\x1b[2Jb"}]), PREDICATE, {}))
    assert main([str(path)]) == 0
    shown = capsys.readouterr().out
    assert "fact a?[2Jb" in shown
    assert "\x1b" not in shown


def test_the_command(whole, tmp_path, capsys):
    path, key = tmp_path / "release.zip", tmp_path / "charter.vkey"
    path.write_bytes(whole)
    key.write_text(keys.policy_path().read_text())
    assert main([str(path)]) == 0
    shown = capsys.readouterr().out
    assert "Everything holds." in shown
    assert "never that it is true" in shown
    assert main([str(path), "--key", str(key), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True
    assert main([str(path), "--key", keys.verifiers()[0].text]) == 0
    path.write_bytes(whole[:-1])
    assert main([str(path)]) == 1
    assert "FAIL" in capsys.readouterr().out
    assert main([str(tmp_path / "absent.zip")]) == 2
    assert main([str(path), "--key", "nonsense"]) == 2


def test_it_runs_without_django(whole, tmp_path):
    path = tmp_path / "release.zip"
    path.write_bytes(whole)
    blocked = "import sys; sys.modules['django'] = None; from governance.ledger.verify import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", blocked, str(path)],
        cwd=django_settings.BASE_DIR,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Everything holds." in ran.stdout


def test_a_proof_of_every_entry_holds(database):
    make_many(5)
    checkpoint = settle()
    for index in range(5):
        entry = Entry.objects.get(leaf_index=index)
        proof = export.prove(index, checkpoint)
        assert proof.check(bytes.fromhex(entry.leaf_hash), keys.policy()) == 5
