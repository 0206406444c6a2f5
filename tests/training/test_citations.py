"""Rows that name principles: what their column may hold, counted by a scan, found in the matrix."""

import json

import pytest
from django.test import Client

from governance.registry import actions as registry
from governance.registry import importers, index
from governance.registry.citations import coverage
from governance.registry.datasets.citing import cited
from governance.registry.models import Citation
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from training import actions, scans, states, supervisor
from training.runner import principles
from training.runner.principles import Principles
from training.spec import SpecDraft

TAGS = ["no-harm", ["no-harm", "help"], "house#help", "no-harm, constitution:house@1#help", "", None, ["no-harm", 7], "No Such!"]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "cites", "readable"),
    [
        ("no-harm", {"no-harm"}, True),
        ("a, b", {"a", "b"}, True),
        (["a", "house#b", "policy:use#c", "constitution:house@2#d"], {"a", "house#b", "policy:use#c", "constitution:house@2#d"}, True),
        ("", set(), True),
        (None, set(), True),
        ([], set(), True),
        ("Be kind!", set(), False),
        (["a", None], {"a"}, False),
        (7, set(), False),
        ({"id": "a"}, set(), False),
        ("a" * 201, set(), False),
    ],
)  # fmt: skip
def test_what_the_column_may_hold(value, cites, readable):
    assert cited({"principle": value}) == (cites, readable)


def test_more_names_than_are_counted_are_told_as_a_number(monkeypatch):
    monkeypatch.setattr(principles, "MOST", 2)
    counting = Principles()
    counting.add([{"principle": name} for name in ("a", "b", "c", "a", ["b", "d"])])
    assert counting.result() == {
        "rows": 5, "unreadable": 0, "left_out": 2, "cited": {"a": 2, "b": 2},
    }  # fmt: skip


def tagged(folder, **meta):
    house = builders.constitution()
    rows = [
        {"prompt": f"Question {n}?", "completion": "Yes.", "principle": tag} for n, tag in enumerate(TAGS)
    ]
    path = builders.write_lines(folder / "rows.jsonl", rows)
    about = {
        "description": "Tagged.", "source_type": "human", "licence": "MIT",
        "guidelines": [{"subject": house.subject, "digest": house.digest}], **meta,
    }  # fmt: skip
    found = importers.read("dataset", path, about)
    return house, registry.register("dataset", "rows", found.content, files=found.files, actor=ADA)


@pytest.mark.usefixtures("committed_db")
def test_a_scan_brings_the_rows_into_the_matrix(tmp_path, settings):
    settings.CHARTER_CACHE = tmp_path / "cache"
    house, rows = tagged(tmp_path)
    assert not Citation.objects.exists(), "nothing is counted before the scan"
    run = actions.queue(SpecDraft(**scans.order(rows.subject)), actor=ADA)
    supervisor.execute(run.id, "worker")
    run.refresh_from_db()
    assert run.state == states.SUCCEEDED, run.reason
    cells = {line.id: line.cells["rows"].count for line in coverage.of_version(house, None).lines}
    assert cells == {"no-harm": 4, "help": 3}
    assert "no-harm" not in json.dumps(run.activity.summary), "the ledger is told no value of a row"
    before = set(Citation.objects.values_list("area", "name", "place", "count"))
    index.rebuild()
    assert set(Citation.objects.values_list("area", "name", "place", "count")) == before
    client = Client()
    client.force_login(gather().ada)
    page = client.get("/versions/dataset:rows@1/").content.decode()
    assert "(in 2 the column cannot be read)" in page
    assert "rows that name it" in page


@pytest.mark.django_db
def test_a_scan_that_is_recorded_without_its_file_changes_nothing(tmp_path):
    _, rows = tagged(tmp_path)
    activity = registry.start_activity("scan", "A scan", [("scanned", rows)], summary={}, actor=ADA)
    told = {"subject": rows.subject, "digest": rows.digest, "scan_sha256": "0" * 64}
    registry.end_activity(activity, state="ended", summary={"scans": [told]}, actor=ADA)
    assert not Citation.objects.exists()


@pytest.mark.django_db
def test_declared_rows_of_items_are_evaluations(tmp_path):
    house = builders.constitution()
    path = builders.write_lines(tmp_path / "items.jsonl", [{"prompt": "1+1?", "target": "2", "id": "a"}])
    about = {
        "description": "Items.", "source_type": "human", "licence": "MIT", "format": "items",
        "cites": ["constitution:house#help"],
    }  # fmt: skip
    found = importers.read("dataset", path, about)
    registry.register("dataset", "items", found.content, files=found.files, actor=ADA)
    (help_line,) = [line for line in coverage.of_version(house, None).lines if line.id == "help"]
    assert (help_line.cells["rows"].count, help_line.cells["eval"].count) == (0, 1)
