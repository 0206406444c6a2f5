"""openssl on what the log, its witness and its timestamp authority signed: Ed25519 notes and statements, RFC 3161 tokens."""

import json
import subprocess
from pathlib import Path

import pytest

from governance.ledger.note import decode64
from tests.outside import cases
from tests.outside.tools import accepts_ours_and_refuses, program
from tests.outside.world import Exported

SPKI = bytes.fromhex("302a300506032b6570032100")
"""SubjectPublicKeyInfo of Ed25519 (RFC 8410), up to the key's 32 bytes."""


@pytest.fixture(scope="module", autouse=True)
def openssl() -> str:
    return program("openssl")


class Openssl:
    """What `openssl pkeyutl -verify` says of a signature by the key in a vkey."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def refusal(self, vkey: str, message: bytes, signature: bytes) -> str | None:
        public = decode64(vkey.split("+", 2)[2])[1:]
        for name, data in (("key", SPKI + public), ("message", message), ("signature", signature)):
            (self.folder / name).write_bytes(data)
        return self.run(
            "pkeyutl -verify -rawin -pubin -keyform DER -inkey key -in message -sigfile signature"
        )

    def run(self, arguments: str) -> str | None:
        done = subprocess.run(
            ["openssl", *arguments.split()], cwd=self.folder, capture_output=True, text=True, check=False
        )
        return (done.stdout + done.stderr or "refused") if done.returncode else None


@pytest.fixture
def with_openssl(tmp_path) -> Openssl:
    return Openssl(tmp_path)


def lines_of(note: str) -> tuple[bytes, list[bytes]]:
    """What is signed, and what stands in each signature line."""
    body, _, lines = note.partition("\n\n")
    return f"{body}\n".encode(), [decode64(line.rpartition(" ")[2]) for line in lines.splitlines()]


def log_refusal(with_openssl: Openssl, case: cases.Case) -> str | None:
    body, signatures = lines_of(case["note"])
    return with_openssl.refusal(case["vkey"], body, b"".join(one[4:] for one in signatures[:1]))


def witness_refusal(with_openssl: Openssl, case: cases.Case) -> str | None:
    """A witness signs the checkpoint under a header with the time (c2sp.org/tlog-cosignature)."""
    body, signatures = lines_of(case["note"])
    time, signature = (signatures[1][4:12], signatures[1][12:]) if len(signatures) > 1 else (b"", b"")
    header = b"cosignature/v1\ntime %d\n" % int.from_bytes(time, "big")
    return with_openssl.refusal(case["witnesses"][0], header + body, signature)


def statement_refusal(with_openssl: Openssl, case: cases.Case) -> str | None:
    """DSSE's encoding, written out: what openssl is given does not come from our own code."""
    content = json.loads(case["envelope"])
    kind, payload = content["payloadType"].encode(), decode64(content["payload"])
    signed = b"DSSEv1 " + b" ".join([b"%d" % len(kind), kind, b"%d" % len(payload), payload])
    signatures = [decode64(one["sig"]) for one in content["signatures"]]
    return with_openssl.refusal(case["vkey"], signed, b"".join(signatures))


def test_the_log_signed_the_checkpoint(with_openssl, exported):
    ours = cases.checkpoint(exported)
    altered = {name: alter(ours) for name, alter in cases.CHECKPOINT.items()}
    accepts_ours_and_refuses(
        {name: log_refusal(with_openssl, case) for name, case in {"ours": ours, **altered}.items()}
    )


def test_the_witness_cosigned_it(with_openssl, exported):
    ours = cases.checkpoint(exported)
    names = ("origin changed", "size changed", "root changed", "a line more")
    altered = {name: cases.CHECKPOINT[name](ours) for name in names}
    altered |= {name: alter(ours) for name, alter in cases.COSIGNED.items()}
    accepts_ours_and_refuses(
        {name: witness_refusal(with_openssl, case) for name, case in {"ours": ours, **altered}.items()}
    )


def test_the_log_signed_the_statement_of_the_bundle(with_openssl, exported):
    ours = cases.envelope(exported)
    altered = {name: alter(ours) for name, alter in cases.ENVELOPE.items()}
    accepts_ours_and_refuses(
        {name: statement_refusal(with_openssl, case) for name, case in {"ours": ours, **altered}.items()}
    )


def stamped(exported: Exported) -> tuple[bytes, bytes]:
    """The stamped note, and the token."""
    (token,) = (exported.log / "timestamps").rglob("*.tsr")
    return (token.parent / "note").read_bytes(), token.read_bytes()


def test_the_authority_stamped_the_checkpoint(with_openssl, exported, tmp_path):
    note, token = stamped(exported)
    assert exported.note.startswith(note.decode())
    new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    assert with_openssl.run(f"{new} -keyout other.key -out other.pem -subj /CN=root -days 2") is None
    (tmp_path / "root.pem").write_bytes(exported.authority.read_bytes())
    middle = len(token) // 2
    given = {
        "ours": (note, token, "root.pem"),
        "another note": (note + b" ", token, "root.pem"),
        "an older checkpoint": (exported.old.encode(), token, "root.pem"),
        "token flipped": (
            note,
            token[:middle] + bytes([token[middle] ^ 1]) + token[middle + 1 :],
            "root.pem",
        ),
        "end of the token flipped": (note, token[:-1] + bytes([token[-1] ^ 1]), "root.pem"),
        "token cut": (note, token[:-1], "root.pem"),
        "another authority": (note, token, "other.pem"),
    }
    verdicts = {}
    for name, (data, answer, roots) in given.items():
        (tmp_path / "data").write_bytes(data)
        (tmp_path / "token").write_bytes(answer)
        verdicts[name] = with_openssl.run(f"ts -verify -data data -in token -CAfile {roots}")
    accepts_ours_and_refuses(verdicts)
