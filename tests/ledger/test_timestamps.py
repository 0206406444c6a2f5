"""RFC 3161 timestamps by a local authority, which is openssl behind a small HTTP server."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.ledger import keys, timestamps
from governance.ledger.models import Timestamp
from governance.ledger.settle import settle
from governance.ledger.timestamps import NotStamped
from tests.ledger.world import make

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

CONFIG = """
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[tsa_cert]
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
"""


class Authority:
    """A timestamp authority with a root of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.root, self.config = folder, folder / "root.pem", folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=folder))
        new = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        self.openssl(f"{new} -keyout root.key -out root.csr -subj /CN=root")
        self.openssl(
            "x509 -req -in root.csr -signkey root.key -days 2 -extfile openssl.cnf -extensions ca -out root.pem"
        )
        self.openssl(f"{new} -keyout tsa.key -out tsa.csr -subj /CN=tsa")
        self.openssl(
            "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile openssl.cnf"
            " -extensions tsa_cert -out tsa.pem"
        )
        (folder / "serial").write_text("01\n")

    def openssl(self, arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True, cwd=self.folder)

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        self.openssl("ts -reply -config openssl.cnf -section here -queryfile query.tsq -out answer.tsr")
        return (self.folder / "answer.tsr").read_bytes()


@contextmanager
def listening(made: Authority) -> Iterator[str]:
    """The authority's address; its `spoil` may be set to a function over its answers."""
    made.spoil = lambda answer: answer

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = made.spoil(made.answer(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def authority(tmp_path, settings):
    made = Authority(tmp_path / "authority")
    settings.LEDGER_TSA_ROOTS = str(made.root)
    with listening(made) as settings.LEDGER_TSA_URL:
        yield made


@pytest.fixture
def signed(committed_db):
    keys.generate()
    make()
    return settle()


def test_a_checkpoint_is_stamped_and_openssl_accepts_the_token(authority, signed, tmp_path):
    stamped = timestamps.stamp(signed)
    assert abs(stamped.at - timezone.now()) < timedelta(minutes=1)
    assert timestamps.check(bytes(stamped.token), signed.note.encode(), authority.root) == stamped.at
    (authority.folder / "note").write_text(signed.note)
    (authority.folder / "token.tsr").write_bytes(bytes(stamped.token))
    authority.openssl("ts -verify -data note -in token.tsr -CAfile root.pem")
    (authority.folder / "note").write_text(signed.note + " ")
    with pytest.raises(subprocess.CalledProcessError):
        authority.openssl("ts -verify -data note -in token.tsr -CAfile root.pem")


def test_a_token_over_something_else_or_by_somebody_else_is_refused(authority, signed, tmp_path):
    stamped = timestamps.stamp(signed)
    with pytest.raises(NotStamped, match=r"does not hold|something else"):
        timestamps.check(bytes(stamped.token), b"another note", authority.root)
    other = Authority(tmp_path / "other")
    with pytest.raises(NotStamped, match="does not hold"):
        timestamps.check(bytes(stamped.token), signed.note.encode(), other.root)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"<html>no</html>",
        lambda answer: answer[:-1],
        lambda answer: answer[:-9] + bytes(9),
    ],
    ids=["empty", "page", "cut", "altered"],
)
def test_an_answer_that_is_no_token_is_not_kept(authority, signed, spoil):
    authority.spoil = spoil
    with pytest.raises(NotStamped):
        timestamps.stamp(signed)
    assert not Timestamp.objects.exists()


def test_an_old_answer_played_again_is_refused(authority, signed):
    first = bytes(timestamps.stamp(signed).token)
    authority.spoil = lambda _: first
    make("more")
    with pytest.raises(NotStamped):
        timestamps.stamp(settle())


def test_once_a_day(authority, signed):
    assert timestamps.due()
    call_command("ledger", "stamp")
    assert not timestamps.due()
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert timestamps.due()


def test_without_an_authority(signed, settings):
    assert not timestamps.due()
    with pytest.raises(CommandError, match="LEDGER_TSA_URL"):
        call_command("ledger", "stamp")
    settings.LEDGER_TSA_URL = "http://127.0.0.1:9/"
    with pytest.raises(NotStamped, match="does not answer"):
        timestamps.stamp(signed)
