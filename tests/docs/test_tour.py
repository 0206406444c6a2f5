"""The tour as its page tells it, typed: the files that the reader writes, the commands, and the calls to a served house."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docs.generated import ROOT
from tests.docs.pages import Block, blocks
from tests.test_first_run import House, free_port, wait_for

PAGE = "docs/tour.md"
SAYS_WHERE = ("WORK=~", "CHARTER=http", "python manage.py serve")
"""Blocks that say where things are, or that do not end."""
PARTS = {"constitution:desk-rules", "release-policy:desk", "model:desk", "deployment:desk", "release:desk"}


def section(heading: str) -> list[Block]:
    """The blocks between a heading of the second level and the next one."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    after = text.index(f"\n{heading}\n")
    following = text.find("\n## ", after + 1)
    rest = blocks(PAGE, text[following:].splitlines()[1]) if following > 0 else []
    found = blocks(PAGE, heading)
    return found[: len(found) - len(rest)]


def type_out(house: House, *headings: str, **variables: str) -> str:
    """What the commands of these sections print, typed into one shell. Fails on the first that does."""
    typed = [
        block.text
        for heading in headings
        for block in section(heading)
        if block.language == "bash" and not block.text.startswith(SAYS_WHERE)
    ]
    done = house.type(*typed, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def begun(folder: Path) -> House:
    house = House(folder)
    house.save(PAGE)
    type_out(house, "## Before you begin", "## What you write")
    return house


def states(house: House) -> dict[str, str]:
    sql = "select kind || ':' || slug, state from registry_version v join registry_artifact a on a.id = v.artifact_id"
    return dict(house.ask(sql))


class TestWhatTheReaderWrites:
    def test_the_page_names_every_file_before_it_is_used(self):
        named = [block.name for block in blocks(PAGE) if block.name]
        text = (ROOT / PAGE).read_text(encoding="utf-8")
        assert len(set(named)) == len(named) == 9
        for name in named:
            assert f"$WORK/{name}" in text or f"`{name}`, *Register*" in text, name

    def test_forty_pairs_and_questions_that_are_in_none_of_them(self, tmp_path):
        maker = next(block.text for block in section("## What you write") if block.language == "bash")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", maker.replace("python -", f"{sys.executable} -", 1)],
            env={"WORK": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        pairs, items = (lines(tmp_path / name) for name in ("pairs.jsonl", "items.jsonl"))
        assert "40 rows" in done.stdout
        assert len(pairs) == 40
        assert len({item["id"] for item in items}) == len(items) == 72
        assert sum(item["expected"] == "refuse" for item in items) == 36
        assert not {item["question"] for item in items} & {pair["prompt"][0]["content"] for pair in pairs}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def holds_a_released_help_desk(house: House) -> None:
    """What every track leaves: the model that the pairs taught to refuse, judged, and a card that says where it comes from."""
    results = {
        row["task"]: row
        for (summary,) in house.ask(
            "select summary from registry_activity where kind = 'evaluation' order by started_at"
        )
        for row in json.loads(str(summary))["results"]
    }
    assert {name: (row["n"], row["score"]) for name, row in results.items()} == {
        "refuses": (36, "1"),
        "helps": (36, "1"),
    }
    assert house.ask("select verdict from releases_gatereport") == [("passed",)]
    card = (house.work / "card.md").read_text(encoding="utf-8")
    for said in (
        "model:base@1",
        "dataset:desk-pairs@1",
        "CC0-1.0",
        "constitution:desk-rules@1",
        "guideline:desk-raters@1",
        "0.001",
    ):
        assert said in card, said
    assert (house.work / "release.zip").stat().st_size > 0


@pytest.mark.slow
class TestCommandLine:
    @pytest.fixture(scope="class")
    def walked(self, tmp_path_factory) -> tuple[House, str]:
        house = begun(tmp_path_factory.mktemp("tour-commands"))
        return house, type_out(house, "## At the command line")

    def test_the_pairs_teach_it_and_the_gate_passes(self, walked):
        house, said = walked
        holds_a_released_help_desk(house)
        assert "release:desk@1 passed: 3 passed" in said
        assert "Everything holds." in said

    def test_what_ships_waits_for_its_reviewer(self, walked):
        assert {name for name, state in states(walked[0]).items() if state == "in_review"} == PARTS

    def test_the_same_order_makes_the_same_weights(self, walked):
        house, _ = walked
        again = house.type(f'python manage.py launch "{house.work}/dpo.yaml" --follow --as ada')
        assert "made model:desk@1" in again.stdout, again.stdout + again.stderr


@pytest.mark.slow
class TestApi:
    @pytest.fixture(scope="class")
    def walked(self, tmp_path_factory) -> tuple[House, str]:
        house, port = begun(tmp_path_factory.mktemp("tour-api")), free_port()
        password = (house.work / "password").read_text(encoding="utf-8").strip()
        with served(house, port):
            said = type_out(house, "## Over the API", CHARTER=f"http://127.0.0.1:{port}", PASSWORD=password)
        return house, said

    def test_the_pairs_teach_it_and_the_gate_passes(self, walked):
        house, said = walked
        holds_a_released_help_desk(house)
        assert "passed" in said
        assert "Everything holds." in said

    def test_the_comparison_has_a_verdict_for_each_task(self, walked):
        compared = json.loads((walked[0].work / "comparison.json").read_text(encoding="utf-8"))
        assert {task["task"]: task["direction"] for task in compared["tasks"]} == {
            "refuses": "improved",
            "helps": "inconclusive",
        }

    def test_everything_that_ships_is_approved(self, walked):
        found = states(walked[0])
        assert {found[name] for name in PARTS} == {"approved"}


@contextmanager
def served(house: House, port: int) -> Iterator[None]:
    """`manage.py serve` with web, worker and ledger, as the page says."""
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=house.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", 60)
            yield
        finally:
            process.terminate()


def test_sections_end_where_the_next_begins() -> None:
    assert all("manage.py serve" not in block.text for block in section("## At the command line"))
    assert not [block for block in section("## Before you begin") if block.name]
