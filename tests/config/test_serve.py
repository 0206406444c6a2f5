"""`manage.py serve` as a process: the site answers, its worker runs what is queued, its ledger child signs it, and
all of them end together."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from django.utils import timezone

from governance.ledger import audit
from governance.ledger.models import Checkpoint, Entry
from governance.people.actions import create_token
from governance.people.permissions import table
from governance.registry import actions as registry
from governance.registry import importers, lookup
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from tests.conftest import REPO

SPEC = {
    "stage": "sft",
    "inputs": {"init_from": "model:tiny-base", "trained_on": ["dataset:chats"]},
    "params": {"learning_rate": "0.0005", "max_steps": 2, "per_device_batch_size": 2},
    "seed": 3,
    "output": {"slug": "assistant"},
}


@dataclass
class Site:
    process: "subprocess.Popen[bytes]"
    address: str
    log: Path

    def get(self, path: str, data: dict | None = None, **headers: str) -> HTTPResponse:
        body = json.dumps(data).encode() if data else None
        request = urllib.request.Request(self.address + path, body, headers)
        return urllib.request.urlopen(request, timeout=10)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/readyz").status == 200
        except (HTTPError, URLError, ConnectionError):
            return False


def until(true: Callable[[], object], log: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


@pytest.fixture
def site(profile, home) -> Iterator[Site]:
    """The site on an empty home, as `make serve` starts it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = home / "serve.log"
    with log.open("wb") as file:
        command = [sys.executable, "manage.py", "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=REPO, stdout=file, stderr=file)
    served = Site(process, f"http://127.0.0.1:{port}", log)
    try:
        until(served.is_ready, log)
        yield served
    finally:
        process.terminate()
        process.wait(20)


def descendants(pid: int) -> set[int]:
    listed = subprocess.check_output(["ps", "-e", "-o", "pid=,ppid=,stat="], text=True).splitlines()
    parents = {int(row.split()[0]): int(row.split()[1]) for row in listed if "Z" not in row.split()[2]}
    found, newest = set(), {pid}
    while newest:
        newest = {child for child, parent in parents.items() if parent in newest}
        found |= newest
    return found


def alive(pids: set[int]) -> set[int]:
    listed = subprocess.check_output(["ps", "-e", "-o", "pid=,stat="], text=True).splitlines()
    return pids & {int(row.split()[0]) for row in listed if "Z" not in row.split()[1]}


def world(folder: Path, base: Path) -> dict[str, str]:
    """What `SPEC` needs; returns the headers of an engineer's requests."""
    cast = gather()
    about = {"description": "Tiny base.", "licence": "Apache-2.0", "origin": "pretrained"}
    found = importers.read("model", base, about)
    registry.register("model", "tiny-base", found.content, files=found.files, actor=ADA)
    builders.dataset(folder, rows=8)
    expiry = timezone.now() + timedelta(hours=1)
    _, secret = create_token(cast.ada.account, label="ci", scopes=table(), expires_at=expiry, actor=ADA)
    return {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}


@pytest.mark.slow
def test_a_site_runs_signs_and_ends_as_one(site, tmp_path, tiny_base):
    headers = world(tmp_path, tiny_base)
    run = json.load(site.get("/api/v1/runs/", SPEC, **headers))
    state = lambda: json.load(site.get(f"/api/v1/runs/{run['id']}/", **headers))["state"]  # noqa: E731
    until(lambda: state() in {"succeeded", "failed"}, site.log)
    assert state() == "succeeded"
    assert lookup.find("model:assistant").state == "sealed"

    until(lambda: Checkpoint.objects.filter(size=Entry.objects.count()).exists(), site.log, 20)
    assert audit.run().problems == []

    children = descendants(site.process.pid)
    commands = subprocess.check_output(["ps", "-e", "-o", "pid=,args="], text=True)
    started = "\n".join(row for row in commands.splitlines() if int(row.split()[0]) in children)
    assert all(part in started for part in ("uvicorn", "celery", "ledger run")), started
    site.process.send_signal(signal.SIGTERM)
    site.process.wait(20)
    until(lambda: not alive(children), site.log, 10)


@pytest.mark.slow
def test_pages_come_with_their_headers_and_without_debugging(site, home):
    page = site.get("/accounts/login/")
    policy = dict(
        part.strip().partition(" ")[::2] for part in page.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert "unsafe-eval" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert site.get("/static/charter.css").headers["X-Content-Type-Options"] == "nosniff"
    with pytest.raises(HTTPError, match="404") as missing:
        site.get("/nowhere/")
    assert "Content-Security-Policy" in missing.value.headers
    assert "urlconf" not in missing.value.read().decode().lower()
    for secret in (home / "secret.key", home / "ledger" / "signer.key"):
        assert secret.stat().st_mode & 0o777 == 0o600


def test_debugging_is_off_unless_asked_for(tmp_path):
    ask = "from config import settings; print(settings.DEBUG, settings.SECRET_KEY)"

    def settings(**given: str) -> list[str]:
        environment = {
            name: value for name, value in os.environ.items() if name not in {"DEBUG", "SECRET_KEY"}
        }
        environment |= {"CHARTER_HOME": str(tmp_path / "fresh"), **given}
        return subprocess.check_output(
            [sys.executable, "-c", ask], cwd=REPO, env=environment, text=True
        ).split()

    debugging, key = settings()
    assert debugging == "False"
    assert len(key) > 50
    assert settings() == ["False", key]
    assert (tmp_path / "fresh" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert settings(DEBUG="1", SECRET_KEY="given") == ["True", "given"]
