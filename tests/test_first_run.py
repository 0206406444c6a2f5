"""The pages that tell people what to type, typed: extracted from the manual and run for real."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

from tests import realdata
from tests.docs.generated import ROOT
from tests.docs.pages import blocks, commands

FIRST_RUN, API, README = "docs/first-run.md", "docs/api.md", "README.md"
OWN_DATA = "## Your own data"
NOT_RUN = ("source .venv", "DATA=~", "manage.py serve", "CHARTER=http", "make ")
"""Blocks that say where things are, or that do not end."""
SECONDS = 600


class House:
    """An installation of its own in `folder`, used from a shell as the pages tell."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self.work.mkdir(parents=True)
        self.home.mkdir()
        # Built once for all tests; the page has it built in its own home.
        Path(settings.CHARTER_CACHE).mkdir(parents=True, exist_ok=True)
        (self.home / "cache").symlink_to(settings.CHARTER_CACHE)

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        said = {"DATA": realdata.REAL / "gsm8k", "WORK": self.work, "CHARTER_HOME": self.home}
        inherited = {
            name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "CHARTER_CACHE"}
        }
        return {**inherited, "PATH": path, **{name: str(place) for name, place in said.items()}}

    def save(self, page: str) -> None:
        for block in blocks(page):
            if block.name:
                (self.work / block.name).write_text(block.text, encoding="utf-8")

    def type(self, *lines: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
            cwd=ROOT, env={**self.environment, **variables}, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.home / "charter.sqlite3") as database:
            return database.execute(sql).fetchall()

    def content(self, kind: str, slug: str) -> dict[str, object]:
        sql = "select content from registry_version v join registry_artifact a on a.id = v.artifact_id"
        return json.loads(str(self.ask(f"{sql} where kind = '{kind}' and slug = '{slug}'")[0][0]))


def run_page(house: House, page: str, after: str = "", **variables: str) -> str:
    """What the page's commands print, typed into one shell. Fails on the first that does."""
    house.save(page)
    typed = [
        text
        for text in commands(page, after)
        if not text.startswith(NOT_RUN) and "manage.py serve" not in text
    ]
    done = house.type(*typed, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class OwnData(NamedTuple):
    house: House
    said: str
    runs: list[tuple[object, ...]]
    """Stage and state of each run when the page had been typed; the API's page adds more."""


@pytest.fixture(scope="module")
def own_data(tmp_path_factory) -> OwnData:
    house = House(tmp_path_factory.mktemp("first-run"))
    said = run_page(house, FIRST_RUN, OWN_DATA)
    return OwnData(house, said, house.ask("select stage, state from training_run order by created_at"))


@pytest.mark.slow
@realdata.requires("gsm8k")
class TestFirstRun:
    def test_the_data_is_counted_as_published(self, own_data):
        house = own_data.house
        assert house.content("dataset", "gsm8k-train")["rows"] == 7473
        suite = house.content("eval-suite", "gsm8k")
        sha256 = suite["files"][0]["sha256"]
        items = (house.home / "blobs" / sha256[:2] / sha256[2:4] / sha256).read_text().splitlines()
        assert len(items) == 200
        assert json.loads(items[0])["target"] == "18"

    def test_the_run_succeeds_and_the_models_are_measured(self, own_data):
        assert [run for run in own_data.runs if run[0] != "scan"] == [
            ("sft", "succeeded"), ("evaluate", "succeeded"), ("evaluate", "succeeded"),
        ]  # fmt: skip
        # Registered data is scanned whenever a worker has time for it; the page waits for none of them.
        scans = [state for stage, state in own_data.runs if stage == "scan"]
        assert scans
        assert not {"failed", "cancelled"} & set(scans)
        assert "model:gsm8k-tuned@1 against b model:base@1" in own_data.said
        assert "release:gsm8k-assistant@1 passed: 3 passed" in own_data.said

    def test_the_card_names_licence_and_source(self, own_data):
        card = (own_data.house.work / "card.md").read_text()
        assert "MIT" in card
        assert "openai/grade-school-math at commit 3101c7d" in card
        assert "simulated: no" in card

    def test_bundle_and_ledger_hold(self, own_data):
        assert own_data.said.count("Everything holds.") == 2
        assert (own_data.house.work / "release.zip").stat().st_size > 0

    def test_the_parts_wait_for_their_reviewer(self, own_data):
        rows = own_data.house.ask("select count(*) from registry_version where state = 'in_review'")
        assert rows == [(4,)]

    def test_the_pipeline_of_the_api_page_ships(self, own_data):
        house = own_data.house
        port = free_port()
        command = [sys.executable, "manage.py", "serve", "--port", str(port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, cwd=ROOT, env=house.environment, **quiet) as server:
            try:
                wait_for(f"http://127.0.0.1:{port}/healthz")
                password = (house.work / "password").read_text().strip()
                run_page(house, API, CHARTER=f"http://127.0.0.1:{port}", PASSWORD=password)
            finally:
                server.terminate()
        assert (
            '<testsuite name="gate release:nightly@1" failures="0"'
            in (house.work / "nightly-gate.xml").read_text()
        )
        assert "release:nightly@1" in (house.work / "nightly-card.md").read_text()
        checked = house.type(f"python -m governance.ledger.verify {house.work / 'nightly.zip'}")
        assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
def test_the_tour_of_the_readme_can_be_walked(tmp_path):
    house = House(tmp_path / "tour")
    assert house.type("python manage.py demo --no-serve").returncode == 0
    for typed in commands(README):
        if not typed.startswith(NOT_RUN):
            done = house.type(typed.replace("var/", f"{house.home}/"))
            refused = "gate release:demo-assistant@2" in typed
            assert done.returncode == (1 if refused else 0), typed + done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(address: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            assert time.monotonic() < until, f"{address} does not answer"
            time.sleep(0.2)
