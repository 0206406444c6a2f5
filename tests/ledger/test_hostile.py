"""A hostile log, server or witness: whatever it says is a finding or no answer, in the same words at each look."""

import itertools
import json
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from governance.ledger import monitor, timestamps, web
from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.note import COSIGNATURE, TreeHead
from governance.ledger.policy import Policy, Witness
from governance.ledger.signing import SignerKey, cosign, sign_note
from governance.ledger.tree import leaf_hash
from governance.ledger.witness import SIZE_TYPE, client
from tests.serving import saying

LOG, WENDY = SignerKey.generate("log.test/hostile"), SignerKey.generate("wendy.example", COSIGNATURE)
POLICY = Policy.of(LOG.verifier)
NOW = datetime.now(UTC)
DEEP = b"[" * 30_000 + b"]" * 30_000
LONGEST_FINDING = 500
Said = tuple[bytes, bytes]
"""A leaf's body, and its public part's line."""


def part(payload: str) -> bytes:
    return b'{"index":0,"salt":"00","payload":%s}\n' % json.dumps(payload).encode()


def activity(state: Any = None, payload: str = "", **other: Any) -> Said:
    """An entry about an activity that has just started, but for `other`."""
    said = payload or canonical({"state": state or {"state": "started"}}).decode()
    body = {
        "type": "registry.activity",
        "id": "run",
        "rev": 1,
        "prev": None,
        "at": f"{NOW:%FT%TZ}",
        "payload": {"P": sha256_hex(b"\0" + said.encode())},
    }
    return canonical({**body, **other}), part(said)


def version(**state: Any) -> Said:
    return activity({"state": "sealed", "digest": "0" * 64, **state}, type="registry.version")


HOSTILE: dict[str, Said] = {
    "a revision that is text": activity(rev="1"),
    "no revision": activity(rev=None),
    "a revision that is true": activity(rev=True),
    "an object that is a number": activity(id=7),
    "an object that is a list": activity(id=["run"]),
    "a type that is a list": activity(type=["registry.activity"]),
    "a day before the first": activity(at="0001-01-01T00:00:00+14:00"),
    "a day after the last": activity(at="9999-12-31T23:59:59-14:00"),
    "the first year": activity(at="0001-01-01T00:00:00Z"),
    "a year that is short in UTC": activity(at="1000-01-01T00:00:00+14:00"),
    "a date that is none": activity(at="yesterday"),
    "a date that is a number": activity(at=7),
    "a deep entry": (DEEP, part("{}")),
    "a deep part": (activity()[0], DEEP + b"\n"),
    "a deep payload": activity(payload=DEEP.decode()),
    "a payload without a state": activity(payload="[]"),
    "a payload that is none": (activity()[0], part("\ud800")),
    "a payload with a number too long": activity(payload="9" * 5_000),
    "a subject that is a list": version(subject=["model:a@1"]),
    "a subject that is a number": version(subject=7),
    "a state that is a list": version(subject="model:a@1", state=["sealed"]),
    "a long key that is not ASCII": (b'{"%s":1}' % ("é" * 20_000).encode(), part("{}")),
    "a key that stands there twice": (b'{"%s":1,"%s":1}' % (b"k" * 20_000, b"k" * 20_000), part("{}")),
    "what rings and colours": activity(id="\a\x1b[31m\u202e" * 2_000, rev=7),
    "nothing": (b"", b"\n"),
    "no UTF-8": (b"\xff", b"\xff\n"),
}


def log_of(body: bytes, line: bytes) -> monitor.Fetch:
    """A log that has signed one entry, whatever it says."""
    note = sign_note(TreeHead(LOG.name, 1, leaf_hash(body)).text, LOG)
    bundle = struct.pack(">H", len(body)) + body
    return {"checkpoint": note.encode(), "tile/entries/000.p/1": bundle, "parts/000.p/1": line}.__getitem__


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_an_entry_says_is_a_finding_at_every_look(name, tmp_path):
    memory, fetch = monitor.Memory(), log_of(*HOSTILE[name])
    told = monitor.look(memory, POLICY, fetch, NOW)
    assert told
    assert all(one.isprintable() and len(one) <= LONGEST_FINDING for one in told), told
    monitor.keep(tmp_path, memory, told, NOW)
    again = monitor.load(tmp_path)
    assert again == memory
    assert monitor.look(again, POLICY, fetch, NOW + timedelta(hours=1)) == told
    assert monitor.look(again, POLICY, fetch, NOW + timedelta(hours=50))[: len(told)] == told


def test_of_many_findings_as_many_are_kept_as_tell_that_there_are_more(tmp_path):
    bodies = [b"%d" % number for number in range(150)]
    memory = monitor.Memory()
    for body in bodies:
        memory.add(leaf_hash(body))
    bundle = b"".join(struct.pack(">H", len(body)) + body for body in bodies)
    head = TreeHead(LOG.name, 150, memory.root())
    said = {"tile/entries/000.p/150": bundle, "parts/000.p/150": b'{"payload":null}\n' * 150}
    said["checkpoint"] = sign_note(head.text, LOG).encode()
    memory = monitor.Memory()
    told = monitor.look(memory, POLICY, said.__getitem__, NOW)
    assert len(told) == 101
    assert monitor._few(told)[-1] == "More is wrong than a report holds."
    assert monitor.look(memory, POLICY, said.__getitem__, NOW) == told


@pytest.mark.parametrize(
    "shape", ["busy {}", "busy {}\n\n— request {}\n", "log.test/hostile\n1\n{}\n\n— log.test/hostile {}\n"]
)
def test_a_checkpoint_that_is_none_is_told_in_the_same_words_whatever_stands_there(shape):
    def told(word: str) -> list[str]:
        return monitor.look(monitor.Memory(), POLICY, lambda _: shape.replace("{}", word).encode(), NOW)

    assert len(told("first")) == 1
    assert told("first") == told("later")


def test_what_is_served_is_quoted_short_and_in_one_line():
    ghost = {"subject": "\x1b" + "x" * 20_000, "state": "\ud800" * 20_000, "digest": None}
    memory, fetch = monitor.Memory(), log_of(*activity())
    assert monitor.look(memory, POLICY, fetch, NOW, iter([ghost])) == []
    (told,) = monitor.look(memory, POLICY, fetch, NOW + timedelta(minutes=16), iter([ghost]))
    assert told.startswith("?xx")
    assert "is served as ????" in told
    assert len(told) <= LONGEST_FINDING


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"[]",
        b"\xff",
        DEEP,
        b'{"results": [{}], "next": null}',
        b'{"results": []}',
        b'{"results": [], "next": 7}',
        b'{"results": 7, "next": null}',
        b'{"results": [{"subject": ["x"], "state": "sealed", "digest": null}], "next": null}',
        b'{"results": [{"subject": "x", "state": {}, "digest": null}], "next": null}',
    ],
    ids=itertools.count(),
)
def test_versions_that_cannot_be_read_are_no_answer(page):
    memory, fetch = monitor.Memory(), log_of(*activity())
    with pytest.raises(web.Unreachable, match="malformed"):
        monitor.look(memory, POLICY, fetch, NOW, monitor.versions(lambda _: page))
    assert memory == monitor.Memory()


def test_versions_without_end_are_no_answer(monkeypatch):
    monkeypatch.setattr(monitor, "MAX_PAGES", 5)
    with pytest.raises(web.Unreachable, match="no end"):
        list(monitor.versions(lambda _: b'{"results": [], "next": "?page=2"}'))


ANSWERS = {
    "nothing": b"",
    "no HTTP": b"\x1b[31mgo away" * 1_000 + b"\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 OK\r\n\r\n",
    "a chunk that ends early": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
    "an error that ends early": b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    "a way to no port": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:port/\r\n\r\n",
    "a way to no host": b"HTTP/1.1 302 Found\r\nLocation: http://[/\r\n\r\n",
    "a way to a file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n\r\n",
    "an error": b"HTTP/1.1 500 \x1b[31m\r\n\r\n\x1b[31m" + b"x" * 9_000,
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_a_server_says_is_no_answer(name, settings, tmp_path):
    head = TreeHead(LOG.name, 1, bytes(32))
    with saying(ANSWERS[name]) as address:
        asked = (
            lambda: monitor.look_once(address, POLICY, monitor.Memory()),
            lambda: monitor.tell(address, "token", "outside", 1, []),
            lambda: client.ask(Witness(WENDY.verifier, address), sign_note(head.text, LOG), head, proof),
        )
        for ask in asked:
            with pytest.raises(web.Unreachable) as refusal:
                ask()
            assert str(refusal.value).isprintable()
            assert len(str(refusal.value)) < 2 * LONGEST_FINDING
        settings.LEDGER_TSA_URL = address
        with pytest.raises(timestamps.NotStamped):
            timestamps.stamp(SimpleNamespace(note="a note"))


def proof(*_: int) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    "address", ["", "ftp://127.0.0.1/", "http://[", "http://127.0.0.1:port", "http://a b/"]
)
def test_an_address_that_is_none_is_no_answer(address):
    with pytest.raises(web.Unreachable):
        web.ask(address, timeout=1, most=1)


def http(status: str, kind: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n".encode() + body


@pytest.mark.parametrize("moment", [client.LAST_MOMENT + 1, 2**63, 2**64 - 1])
def test_a_cosignature_of_a_time_that_nobody_can_keep_is_no_answer(moment):
    head = TreeHead(LOG.name, 1, bytes(32))
    line = cosign(head.text, moment, WENDY).encode()
    with (
        saying(http("200 OK", "text/plain", line)) as address,
        pytest.raises(web.Unreachable, match="after the year 9999"),
    ):
        client.ask(Witness(WENDY.verifier, address), sign_note(head.text, LOG), head, proof)


@pytest.mark.parametrize(
    ("status", "kind", "bodies"),
    [
        ("409 Conflict", SIZE_TYPE, (b"9\n", b"12\n")),
        ("409 Conflict", "text/plain", (b"request 1", b"request 2")),
        ("422 No", "text/plain", (b"request 1", b"request 2")),
    ],
)
def test_a_witness_that_disagrees_does_so_in_the_same_words(status, kind, bodies):
    head, told = TreeHead(LOG.name, 1, bytes(32)), set()
    for body in bodies:
        with saying(http(status, kind, body)) as address, pytest.raises(client.Disagrees) as refusal:
            client.ask(Witness(WENDY.verifier, address), sign_note(head.text, LOG), head, proof)
        told.add(str(refusal.value))
    assert len(told) == 1


def test_the_command_says_that_it_got_no_answer(tmp_path, capsys, monkeypatch):
    policy = tmp_path / "policy.txt"
    policy.write_text(POLICY.text)
    assert command(tmp_path, policy, monkeypatch, ANSWERS["no HTTP"]) == 2
    assert "does not answer" in capsys.readouterr().err
    assert command(tmp_path, policy, monkeypatch, http("200 OK", "text/html", b"<p>hello")) == 1
    assert capsys.readouterr().out.startswith("The checkpoint does not hold: a note is")


def command(folder: Path, policy: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> int:
    with saying(answer) as address:
        arguments = ["monitor", address, "--policy", str(policy), "--state", str(folder / "seen")]
        monkeypatch.setattr("sys.argv", arguments)
        return monitor.main()
