"""Contamination searches through the doors: command, API, pages; what the ledger is told, what a removal makes, and evidence."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from evals import contamination
from evals.contamination import results_of
from governance.ledger import keys
from governance.ledger.canonical import canonical
from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry import blobs, datasets, erasure, importers, lineage, lookup
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, MARA
from tests.cast import Cast, gather
from tests.training.faking import activity_of, fresh
from training import actions, states, supervisor
from training.launchers import local
from training.models import Run
from training.outcome import BadResult, Result
from training.resolve import SpecRefused
from training.runner.job import file_hashes
from training.spec import SpecDraft

ITEMS = [
    f"The garden of family number {n} has {n} apple trees and {n + 2} old wooden benches" for n in range(40)
]
PLANTED = {3: ITEMS[5], 8: f"Well: {ITEMS[6]}?", 9: ITEMS[5].upper()}
ABOUT = {
    "description": "Chats.", "licence": "CC-BY-NC-4.0", "source_type": "human", "source": "written for tests",
    "processing": [{"method": "read twice", "purpose": "no typing errors"}],
    "mixture": [{"name": "chats", "rows": 12, "source_type": "human"}], "stated_rows": 12,
}  # fmt: skip
SUITE = """
title: Gardens
status: dev
tasks:
  - {name: sums, kind: exact_match, metric: exact_match, margin: "0.02", file: items.jsonl}
"""
V1 = "/api/v1/contamination/"


@pytest.fixture(autouse=True)
def _quick(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(local, "RUNNER", "tests.training.fast_runner")
    settings.CHARTER_CACHE = tmp_path / "cache"
    supervisor.detaching.clear()


@pytest.fixture
def cast(committed_db) -> Cast:
    keys.generate()
    return gather()


def chats(
    folder: Path, slug: str = "chats", planted: dict[int, str] = PLANTED, *, restricted: bool = False, **meta
) -> Version:
    rows = [
        {"messages": [{"role": "user", "content": planted.get(n, f"Question {n}?")}, {"role": "assistant", "content": ITEMS[0]}]}
        for n in range(1, 13)
    ]  # fmt: skip
    read = importers.read("dataset", builders.write_lines(folder / f"{slug}.jsonl", rows), {**ABOUT, **meta})
    return registry.register(
        "dataset", slug, read.content, files=read.files, restricted=restricted, actor=ADA
    )


def gardens(folder: Path, slug: str = "gardens", *, restricted: bool = False, more: str = "") -> Version:
    place = folder / slug
    place.mkdir()
    builders.write_lines(
        place / "items.jsonl",
        [{"id": f"g{n:02}", "prompt": text, "target": str(n)} for n, text in enumerate(ITEMS)],
    )
    (place / "suite.yaml").write_text(SUITE + more)
    read = importers.read("eval-suite", place / "suite.yaml", {})
    return registry.register(
        "eval-suite", slug, read.content, files=read.files, restricted=restricted, actor=ADA
    )


def twin(version: Version, slug: str, *, restricted: bool) -> Version:
    """Another artifact that holds the same."""
    return registry.register(version.kind, slug, version.content, restricted=restricted, actor=ADA)


def asked(
    *subjects: str, against: tuple[str, ...] = ("eval-suite:gardens",), actor=ADA, **params: Any
) -> Run:
    draft = SpecDraft(**contamination.order(subjects or ("dataset:chats",), against, **params))
    run = actions.queue(draft, actor=actor)
    assert supervisor.execute(run.id, "worker")
    return fresh(run)


def searched(*subjects: str, **how: Any) -> Run:
    run = asked(*subjects, **how)
    assert run.state == states.SUCCEEDED, run.reason
    return run


def damage(sha256: str, text: bytes) -> None:
    path = Path(blobs.store().path(blobs.place(sha256)))
    path.chmod(0o644)
    path.write_bytes(text)


class TestLedger:
    def test_the_activity_tells_figures_rule_and_digests(self, cast, tmp_path):
        source, suite = chats(tmp_path), gardens(tmp_path)
        activity = activity_of(searched())
        assert (activity.kind, activity.produced) == ("contamination", [])
        assert {edge["role"] for edge in activity.used} == {"searched", "evaluations"}
        told = activity.summary
        assert told["rule"] == {
            "name": "tulu3",
            "unit": "word",
            "n": 8,
            "share": "0.5",
            "set_threshold": "0.02",
        }
        (one,) = told["searches"]
        assert (one["dataset_digest"], one["suite_digest"]) == (source.digest, suite.digest)
        assert {name: one[name] for name in ("items", "contaminated", "share", "flagged", "short_items", "rows_hit")} == {
            "items": 40, "contaminated": 2, "share": "0.05", "flagged": True, "short_items": 0, "rows_hit": 3,
        }  # fmt: skip
        assert "contaminated_left" not in one
        hits = [json.loads(line) for line in blobs.read(told["hits_sha256"]).splitlines()]
        assert [(hit["row"], hit["item"]) for hit in hits] == [(3, "g05"), (8, "g06"), (9, "g05")]
        entry = Entry.objects.filter(object_type=Activity.ledger_type, object_id=str(activity.pk)).order_by(
            "-rev"
        )[0]
        assert json.loads(entry.parts["P"]["payload"])["state"]["summary"]["searches"] == told["searches"]

    @pytest.mark.parametrize("hidden", ["dataset", "suite"])
    def test_of_what_is_restricted_the_ledger_hears_only_that_it_was_searched(self, cast, tmp_path, hidden):
        chats(tmp_path, restricted=hidden == "dataset")
        gardens(tmp_path, restricted=hidden == "suite")
        run = searched(action="remove")
        told = activity_of(run).summary
        (one,), (removed,) = told["searches"], told["removed"]
        assert set(one) == {"dataset", "dataset_digest", "suite", "suite_digest", "withheld"}
        assert set(removed) == {"dataset", "dataset_digest", "withheld"}
        assert told["job"] == {"searches": 1}
        made = lookup.find("dataset:chats")
        assert (made.number, made.restricted) == (2, True)
        assert ("3 rows" in made.content["processing"][-1]["implementation"]) == (hidden == "dataset")
        assert contamination.report_of(activity_of(run)).searches[0].contaminated == 2

    @pytest.mark.parametrize("hidden", ["dataset", "suite"])
    def test_whoever_may_not_read_one_of_them_does_not_search(self, cast, tmp_path, hidden):
        chats(tmp_path, restricted=hidden == "dataset")
        gardens(tmp_path, restricted=hidden == "suite")
        draft = SpecDraft(**contamination.order(["dataset:chats"], ["eval-suite:gardens"]))
        with pytest.raises(SpecRefused, match="restricted to its authors"):
            actions.queue(draft, actor=cast.actor("eno"))
        assert not Run.objects.exists()


class TestRemoval:
    def test_a_sealed_version_without_the_rows_and_its_lineage(self, cast, tmp_path):
        source, suite = chats(tmp_path), gardens(tmp_path)
        before = datasets.inspect(tmp_path / "chats.jsonl")
        activity = activity_of(searched(action="remove"))
        made = lookup.find("dataset:chats")
        assert (made.number, made.state, made.restricted, made.created_by) == (2, "sealed", False, "ada")
        assert activity.produced == [{"role": "output", "subject": "dataset:chats@2", "digest": made.digest}]
        (tmp_path / "left.jsonl").write_bytes(blobs.read(made.content["files"][0]["sha256"]))
        left = [row for _, row in datasets.rows_of(tmp_path / "left.jsonl")]
        kept = [row for number, row in datasets.rows_of(tmp_path / "chats.jsonl") if number not in PLANTED]
        assert (left, made.content["rows"], before.rows) == (kept, 9, 12)
        assert made.content["rows_digest"] == datasets.inspect(tmp_path / "left.jsonl").rows_digest
        assert lineage.ancestors(made, "data") == [source]
        assert made.content["derived_from"] == [{"subject": source.subject, "digest": source.digest}]
        first, step = made.content["processing"]
        assert (first["method"], step["method"]) == ("read twice", "decontamination by runs of 8 words")
        assert step["rows_removed"] == 3
        assert step["implementation"].endswith(f"{suite.subject}: 3 rows")
        for name in ("licence", "source_type", "source", "mixture", "conversational"):
            assert made.content[name] == source.content[name]
        (removed,) = activity.summary["removed"]
        assert (removed["rows_removed"], removed["rows_left"]) == (3, 9)
        assert [one["rows"] for one in removed["by_suite"]] == [3]
        rows = [json.loads(line) for line in blobs.read(activity.summary["removed_sha256"]).splitlines()]
        assert [(row["dataset"], row["row"]) for row in rows] == [(source.subject, n) for n in (3, 8, 9)]
        assert activity.summary["searches"][0]["contaminated_left"] == 0

    def test_what_is_left_is_clean_and_a_second_removal_makes_nothing(self, cast, tmp_path):
        chats(tmp_path)
        gardens(tmp_path)
        searched(action="remove")
        again = activity_of(searched(action="remove"))
        assert again.summary["searches"][0]["contaminated"] == 0
        assert (again.produced, again.summary.get("removed_sha256")) == ([], None)
        assert lookup.find("dataset:chats").number == 2

    def test_several_datasets_and_suites_each_have_their_own(self, cast, tmp_path):
        chats(tmp_path)
        chats(tmp_path, "clean", {})
        gardens(tmp_path)
        gardens(tmp_path, "parks", more="licence: CC0-1.0\n")
        suites = ("eval-suite:gardens", "eval-suite:parks")
        activity = activity_of(searched("dataset:chats", "dataset:clean", against=suites, action="remove"))
        found = {(one["dataset"], one["suite"]): one["contaminated"] for one in activity.summary["searches"]}
        assert found == {
            ("dataset:chats@1", "eval-suite:gardens@1"): 2,
            ("dataset:chats@1", "eval-suite:parks@1"): 2,
            ("dataset:clean@1", "eval-suite:gardens@1"): 0,
            ("dataset:clean@1", "eval-suite:parks@1"): 0,
        }
        assert [edge["subject"] for edge in activity.produced] == ["dataset:chats@2"]

    def test_what_is_left_of_an_older_version_takes_no_newer_ones_place(self, cast, tmp_path):
        chats(tmp_path)
        gardens(tmp_path)
        searched(action="remove")
        run = asked("dataset:chats@1", action="remove", n=9)
        assert (run.state, run.failure_class) == (states.FAILED, "bad_result")
        assert "dataset:chats@2 is newer than dataset:chats@1" in run.reason
        assert lookup.find("dataset:chats").number == 2
        registry.revoke(lookup.find("dataset:chats@2"), reason="wrong", actor=MARA)
        assert (
            activity_of(searched("dataset:chats@1", action="remove", n=9)).produced[0]["subject"]
            == "dataset:chats@3"
        )

    def test_of_two_artifacts_with_the_same_content_each_is_itself(self, cast, tmp_path):
        """The same digest twice, on both sides: only the names tell which of them is restricted."""
        source, suite = chats(tmp_path), gardens(tmp_path)
        hidden = twin(source, "a-secret", restricted=True)
        other = twin(suite, "other", restricted=False)
        assert (hidden.digest, other.digest) == (source.digest, suite.digest)
        run = searched("dataset:chats", "dataset:a-secret", against=("gardens", "other"), action="remove")
        told = activity_of(run).summary
        assert {(one["dataset"], one["suite"]): one.get("contaminated") for one in told["searches"]} == {
            ("dataset:chats@1", "eval-suite:gardens@1"): 2,
            ("dataset:chats@1", "eval-suite:other@1"): 2,
            ("dataset:a-secret@1", "eval-suite:gardens@1"): None,
            ("dataset:a-secret@1", "eval-suite:other@1"): None,
        }
        assert {one["dataset"]: one.get("rows_removed") for one in told["removed"]} == {
            "dataset:chats@1": 3,
            "dataset:a-secret@1": None,
        }
        for one in (source, hidden):
            made = lookup.find(one.artifact.name)
            assert (made.number, made.restricted) == (2, one.restricted)
            assert made.content["derived_from"] == [{"subject": one.subject, "digest": one.digest}]
            assert len(contamination.pairs_with(activity_of(run), one)) == 2


class TestErasure:
    def test_what_quotes_a_dataset_or_a_suite_goes_with_it(self, cast, tmp_path):
        source, suite = chats(tmp_path), gardens(tmp_path)
        told = activity_of(searched(action="remove")).summary
        for version in (source, suite):
            going = erasure.preview(version, erasure.PERSONAL, whole=True).blobs
            assert {told["hits_sha256"], told["removed_sha256"]} <= set(going)


class TestCommand:
    def call(self, *arguments: str) -> None:
        call_command(
            "contamination", "dataset:chats", "--against", "eval-suite:gardens", *arguments, "--as", "ada"
        )

    def test_it_follows_and_says_what_was_found(self, cast, tmp_path, capsys):
        chats(tmp_path)
        gardens(tmp_path)
        self.call("--follow")
        said = capsys.readouterr().out
        assert (
            "dataset:chats@1 against eval-suite:gardens@1: 2 of 40 items contaminated (share 0.05); FLAGGED"
            in said
        )

    def test_rule_and_removal_as_json(self, cast, tmp_path, capsys):
        chats(tmp_path)
        gardens(tmp_path)
        self.call("--rule", "substring", "--n", "40", "--remove", "--follow", "--json")
        told = json.loads(capsys.readouterr().out)
        assert told["produced"][0]["subject"] == "dataset:chats@2"
        # The capitals of row 9 are another text to this rule.
        assert [told["searches"][0][name] for name in ("contaminated", "rows_hit")] == [2, 2]
        assert Run.objects.get().spec["params"] == {
            "rule": "substring", "n": 40, "share": "0", "set_threshold": "0.02", "action": "remove", "listed_rows": 100,
        }  # fmt: skip

    def test_what_cannot_be_is_refused(self, cast, tmp_path, capsys):
        chats(tmp_path)
        gardens(tmp_path)
        for arguments in (("--share", "2"), ("--n", "0")):
            with pytest.raises(SystemExit) as ended:
                self.call(*arguments)
            assert ended.value.code == 2
            assert arguments[0].removeprefix("--") in capsys.readouterr().err
        assert not Run.objects.exists()


def api(cast: Cast, name: str) -> APIClient:
    client = APIClient()
    client.force_login(cast.users[name])
    return client


class TestApi:
    def test_a_search_is_asked_for_and_told_with_its_hits(self, cast, tmp_path):
        chats(tmp_path)
        gardens(tmp_path)
        given = {"datasets": ["dataset:chats"], "suites": ["gardens"], "share": "0.9"}
        response = api(cast, "ada").post(V1, given, format="json")
        assert response.status_code == 201, response.content
        run = Run.objects.get(pk=response.json()["id"])
        assert (run.stage, run.spec["params"]["share"]) == ("contamination", "0.9")
        supervisor.execute(run.id, "worker")
        (listed,) = api(cast, "otto").get(f"{V1}?subject=dataset:chats@1").json()["results"]
        told = api(cast, "otto").get(f"{V1}{listed['id']}/").json()
        assert told["summary"]["searches"][0]["contaminated"] == 2
        hits = api(cast, "otto").get(f"{V1}{listed['id']}/hits/?page_size=2").json()
        assert [hit["row"] for hit in hits["results"]] == [3, 8]
        assert set(hits["results"][0]) == {"dataset", "suite", "task", "item", "row", "share", "span"}
        none = api(cast, "otto").get(f"{V1}{listed['id']}/hits/?dataset=dataset:other@1").json()
        assert none["results"] == []

    def test_refusals(self, cast, tmp_path):
        chats(tmp_path)
        gardens(tmp_path)
        given = {"datasets": ["dataset:chats"], "suites": ["gardens"]}
        assert api(cast, "otto").post(V1, given, format="json").status_code == 403
        for wrong in (
            {"suites": []},
            {"rule": "palm"},
            {"share": "many"},
            {"hits": 3},
            {"datasets": ["dataset:none"]},
        ):
            response = api(cast, "ada").post(V1, {**given, **wrong}, format="json")
            assert response.status_code in {400, 422}, (wrong, response.content)
            assert next(iter(wrong)) in response.content.decode() or "searched" in response.content.decode()
        assert not Run.objects.exists()
        assert api(cast, "otto").get(f"{V1}{uuid.uuid4()}/").status_code == 404

    def test_hits_of_restricted_versions_are_for_those_who_may_read_them(self, cast, tmp_path):
        chats(tmp_path, restricted=True)
        gardens(tmp_path)
        activity = activity_of(searched())
        for name, status in (("otto", 403), ("eno", 403), ("ada", 200), ("axel", 200)):
            assert api(cast, name).get(f"{V1}{activity.pk}/hits/").status_code == status, name
            assert browser(cast, name).get(f"/contamination/{activity.pk}/").status_code == status, name


def browser(cast: Cast, name: str) -> Client:
    client = Client()
    client.force_login(cast.users[name])
    return client


class TestPages:
    def test_the_page_has_a_table_per_evaluation_and_hits_by_page(self, cast, tmp_path, monkeypatch):
        monkeypatch.setattr("evals.contamination_views.PAGE", 2)
        chats(tmp_path)
        gardens(tmp_path)
        run = searched(action="remove")
        text = browser(cast, "otto").get(f"/contamination/{run.activity_id}/").content.decode()
        assert text.count("<strong>contaminated</strong>") == 1
        assert "?start=3" in text
        assert "?start=9" not in text
        assert "3 of its rows removed, 9 left" in text
        assert "/versions/dataset:chats@2/" in text
        second = browser(cast, "otto").get(f"/contamination/{run.activity_id}/?page=2").content.decode()
        assert "?start=9" in second
        none = browser(cast, "otto").get(f"/contamination/{run.activity_id}/?suite=nothing").content.decode()
        assert "No item was found." in none
        assert (
            f"/contamination/{run.activity_id}/"
            in browser(cast, "otto").get(f"/runs/{run.pk}/").content.decode()
        )

    def test_versions_show_their_searches_and_lead_to_a_new_one(self, cast, tmp_path):
        chats(tmp_path)
        gardens(tmp_path)
        before = browser(cast, "ada").get("/versions/dataset:chats@1/").content.decode()
        assert "Not searched for evaluation items" in before
        form = "/runs/new/?stage=contamination&amp;searched=dataset%3Achats%401"
        assert form in before
        assert form not in browser(cast, "otto").get("/versions/dataset:chats@1/").content.decode()
        opened = browser(cast, "ada").get(form.replace("&amp;", "&")).content.decode()
        assert 'value="dataset:chats@1"' in opened
        run = searched()
        for subject in ("dataset:chats@1", "eval-suite:gardens@1"):
            page = browser(cast, "otto").get(f"/versions/{subject}/").content.decode()
            assert f"/contamination/{run.activity_id}/" in page
            assert "2 of 40 items contaminated" in page

    @pytest.mark.parametrize("subject", ["dataset:chats@1", "eval-suite:gardens@1"])
    def test_a_search_that_goes_on_is_told_on_both_sides(self, cast, tmp_path, subject):
        suite = gardens(tmp_path)
        twin(chats(tmp_path), "alike", restricted=False), twin(suite, "other", restricted=False)
        run = actions.queue(
            SpecDraft(**contamination.order(["dataset:chats"], ["eval-suite:gardens"])), actor=ADA
        )
        told = "A search is under way"
        page = browser(cast, "otto").get(f"/versions/{subject}/").content.decode()
        assert told in page
        assert f"/runs/{run.pk}/" in page
        for other in ("dataset:alike@1", "eval-suite:other@1"):
            assert told not in browser(cast, "otto").get(f"/versions/{other}/").content.decode()

    @pytest.mark.parametrize("name", ["report_sha256", "hits_sha256"])
    def test_an_altered_file_is_told(self, cast, tmp_path, name):
        chats(tmp_path)
        gardens(tmp_path)
        run = searched()
        damage(run.activity.summary[name], blobs.read(run.activity.summary[name]).replace(b"sums", b"some"))
        text = browser(cast, "otto").get(f"/contamination/{run.activity_id}/").content.decode()
        assert "The results cannot be shown." in text
        assert "restore them from a backup" in text

    def test_a_lost_file_is_told(self, cast, tmp_path):
        chats(tmp_path)
        gardens(tmp_path)
        run = searched()
        Path(blobs.store().path(blobs.place(run.activity.summary["report_sha256"]))).unlink()
        text = browser(cast, "otto").get(f"/contamination/{run.activity_id}/").content.decode()
        assert "The results cannot be shown." in text
        assert browser(cast, "otto").get(f"/contamination/{uuid.uuid4()}/").status_code == 404


REPORT_CHANGES = [
    ({}, "", None),
    ({"searches": []}, "", "the report has others"),
    ({"hits_sha256": "0" * 64}, "", "not the one that its report speaks of"),
    ({"removed_sha256": "0" * 64}, "", "The removed.jsonl that the search left is not the one"),
    ({"action": "remove"}, "", "Rows were to be removed from 1 datasets"),
    ({"action": "report"}, "", "is not as agreed: action"),
    ({"value": "secret"}, "", "is not as agreed: value"),
    (None, "", "left no report.json"),
    ({}, "{", "cannot be read"),
]


@pytest.mark.parametrize(
    ("change", "text", "said"),
    REPORT_CHANGES,
    ids=["good", "pairs", "hits", "removed", "parted", "action", "more", "missing", "damaged"],
)
def test_a_result_that_is_not_as_agreed_is_not_taken(cast, tmp_path, change, text, said):
    source, suite = chats(tmp_path), gardens(tmp_path)
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    (outputs / "hits.jsonl").write_bytes(b"")
    counts = {"items": 40, "short_items": 0, "sharing": 0, "contaminated": 0, "share": "0", "flagged": False}
    report = {
        "rule": {"name": "tulu3", "unit": "word", "n": 8, "share": "0.5", "set_threshold": "0.02"}, "action": "mark",
        "searches": [
            {
                "dataset": source.subject, "dataset_digest": source.digest, "rows": 12, "rows_without_text": 0, "rows_hit": 0,
                "suite": suite.subject, "suite_digest": suite.digest, "tasks": [{"task": "sums", **counts}], **counts,
            }
        ],
        "removed": [], "hits_sha256": file_hashes(outputs)[0]["sha256"], "removed_sha256": None,
    }  # fmt: skip
    if change is not None:
        (outputs / "report.json").write_bytes(text.encode() or canonical({**report, **change}))
    told = Result(
        status="succeeded", reason=None, failure_class=None, outputs=file_hashes(outputs), summary={}
    )
    run = actions.queue(
        SpecDraft(**contamination.order(["dataset:chats"], ["eval-suite:gardens"])), actor=ADA
    )
    if said is None:
        assert results_of(run, told, outputs).summary["searches"][0]["contaminated"] == 0
    else:
        with pytest.raises(BadResult, match=said):
            results_of(run, told, outputs)
