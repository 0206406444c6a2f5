"""Scans: what the job counts, what the ledger is told, and how a registration leads to one."""

import gzip
import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from rest_framework.test import APIClient

from governance.ledger.canonical import canonical
from governance.ledger.models import Entry
from governance.people.models import User
from governance.registry import actions as registry
from governance.registry import blobs, importers, lookup, rows
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA, MARA
from tests.cast import gather
from tests.realdata import REAL, requires
from tests.training.faking import activity_of, fresh
from tests.training.jobs import events, result, run_here, used, write_job
from training import actions, scans, states, supervisor, waiting
from training.methods import BadParams
from training.methods.scan import validate
from training.outcome import BadResult, Result
from training.resolve import SpecRefused
from training.runner.job import file_hashes
from training.spec import SpecDraft

ABOUT = {"description": "Rows.", "licence": "CC-BY-NC-4.0", "source_type": "human"}
MAIL = "Write to ada.lovelace@analytical-engine.co.uk or ring +49 30 1234567."


def scanned(folder: Path, data: list[dict], format: str, **params) -> dict:
    """`scan.json` of a job that ran in this process."""
    path = builders.write_lines(folder / "rows.jsonl", data)
    content = {
        "format": format, "rows": len(data), "licence": "MIT", "source_type": "human", "columns": {},
        "files": [{"path": path.name, "sha256": "a" * 64, "size": 1}],
    }  # fmt: skip
    inputs = {"scanned": [used("dataset:rows@3", path, **content)]}
    job = write_job(folder / "job", "training.runner.scan", params=params, inputs=inputs)
    assert run_here(job) == 0, result(job)["reason"]
    assert result(job)["summary"] == {"rows": len(data)}
    return json.loads((job / "outputs" / "rows-3" / "scan.json").read_bytes())


@pytest.fixture(autouse=True)
def cache(tmp_path, settings, monkeypatch) -> Path:
    settings.CHARTER_CACHE = tmp_path / "cache"
    monkeypatch.setenv("CHARTER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.usefixtures("keep_signals")
class TestJob:
    def test_lengths_turns_and_what_is_longer(self, tmp_path):
        pairs = [("one two", "one"), ("one", "one two three"), ("one", "two"), ("a b c d", "a")]
        data = [
            {
                "prompt": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "user", "content": f"Question {n}?"},
                ],
                "chosen": [{"role": "assistant", "content": good}],
                "rejected": [{"role": "assistant", "content": bad}],
                "note": n,
            }
            for n, (good, bad) in enumerate(pairs)
        ]
        found = scanned(tmp_path, data, "preference")
        assert set(found["columns"]) == {"prompt", "chosen", "rejected"}
        assert found["columns"]["chosen"]["words"] == {"n": 4, "min": 1, "median": 1, "p95": 2, "max": 4}
        assert found["columns"]["prompt"]["characters"]["max"] == len("Be kind.\nQuestion 0?")
        assert found["turns"] == {"n": 4, "min": 2, "median": 2, "p95": 2, "max": 2}
        assert found["chosen_longer"]["words"] == {"n": 3, "ties": 1, "longer": 2, "share": "0.6667"}
        assert found["chosen_longer"]["characters"]["ties"] == 1
        assert (found["licence"], found["source_type"], found["format"]) == ("MIT", "human", "preference")

    def test_only_ties_have_no_share(self, tmp_path):
        found = scanned(tmp_path, [{"prompt": "a", "chosen": "b", "rejected": "c"}], "preference")
        assert found["chosen_longer"]["words"] == {"n": 0, "ties": 1, "longer": 0, "share": None}

    def test_forms_of_personal_data_are_counted_and_never_kept(self, tmp_path):
        data = [{"text": "Nothing here."}, {"text": MAIL, "by": "root@kernel.org"}, *[{"text": MAIL}] * 8]
        found = scanned(tmp_path, data, "text", first_rows=3)
        assert found["personal_data"]["email"] == {"matches": 10, "rows": 9, "first_rows": [2, 3, 4]}
        assert found["personal_data"]["phone"] == {"matches": 9, "rows": 9, "first_rows": [2, 3, 4]}
        assert found["personal_data"]["us_ssn"] == {"matches": 0, "rows": 0, "first_rows": []}
        assert "lovelace" not in json.dumps(found)
        assert "kernel" not in json.dumps(found)

    def test_the_same_row_and_nearly_the_same_text(self, tmp_path):
        text = "The quick brown fox jumps over the lazy dog and runs home before the rain comes down on it"
        data = [
            {"text": text},
            {"text": text},
            {"text": f"{text} again"},
            {"text": "Something else is here."},
        ]
        found = scanned(tmp_path, data, "text")["duplicates"]
        assert (found["exact"], found["near"], found["rows_compared"]) == (1, 1, 4)
        assert (found["threshold"], found["permutations"], found["seed"]) == ("0.8", 128, 7)
        (tmp_path / "strict").mkdir()
        assert scanned(tmp_path / "strict", data, "text", threshold="1")["duplicates"]["near"] == 0

    def test_languages_are_guessed_on_a_sample_that_its_seed_draws_again(self, tmp_path):
        german = {"text": "Guten Morgen, wie geht es Ihnen heute an diesem schönen Tag im Mai?"}
        english = {"text": "Good morning, how are you today on this beautiful day in the month of May?"}
        data = [*[german] * 40, *[english] * 60, {"text": "Hm."}]
        whole = scanned(tmp_path, data, "text")["languages"]
        assert whole == {"rows": 101, "seed": 7, "too_short": 1, "shares": {"de": "0.4000", "en": "0.6000"}}
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
        samples = [
            scanned(tmp_path / name, data, "text", language_rows=20)["languages"]
            for name in ("first", "second")
        ]
        assert samples[0] == samples[1]
        assert samples[0]["rows"] == 20

    def test_a_row_count_that_is_not_the_files_fails_the_job(self, tmp_path):
        path = builders.write_lines(tmp_path / "rows.jsonl", [{"text": "a"}])
        content = {"format": "text", "rows": 2, "files": [{"path": path.name, "sha256": "a" * 64}]}
        inputs = {"scanned": [used("dataset:rows@1", path, **content)]}
        job = write_job(tmp_path / "job", "training.runner.scan", params={}, inputs=inputs)
        assert run_here(job) == 1
        assert "says that it has 2 rows, and its file holds 1" in result(job)["reason"]

    def test_a_set_without_files_and_unknown_parameters_are_refused(self, tmp_path):
        inputs = {"scanned": [used("dataset:rows@1", None, format="text", rows=2, files=[])]}
        job = write_job(tmp_path / "job", "training.runner.scan", params={}, inputs=inputs)
        assert run_here(job) == 1
        assert "has no files" in result(job)["reason"]
        with pytest.raises(BadParams, match="there is no such field"):
            validate({"rows": 3})

    @requires("hh_rlhf")
    def test_in_published_pairs_the_chosen_answer_is_shorter_more_often(self, tmp_path):
        packed = REAL / "hh_rlhf" / "harmless-base-test.jsonl.gz"
        data = [json.loads(line) for line in gzip.decompress(packed.read_bytes()).splitlines()]
        found = scanned(tmp_path, data, "hh-rlhf")
        longer = found["chosen_longer"]["words"]
        assert (found["rows"], longer["n"], longer["ties"]) == (2312, 2267, 45)
        assert longer["share"].startswith("0.438")
        assert found["languages"]["shares"]["en"] > "0.9"
        assert found["turns"]["min"] >= 1


def queue(*subjects: str, **params) -> Version:
    return actions.queue(SpecDraft(**{**scans.order(*subjects), "params": params}), actor=ADA)


@pytest.mark.usefixtures("committed_db")
class TestRun:
    def test_from_queue_to_the_summary_in_the_ledger(self, tmp_path):
        version = builders.dataset(tmp_path, rows=4, licence="MIT")
        run = queue("dataset:chats")
        assert supervisor.execute(run.id, "worker")
        assert (fresh(run).state, fresh(run).reason) == (states.SUCCEEDED, "")
        activity = activity_of(run)
        (told,) = activity.summary["scans"]
        assert activity.produced == []
        assert (told["subject"], told["digest"], told["rows"]) == ("dataset:chats@1", version.digest, 4)
        assert told["personal_data"]["email"] == {"matches": 0, "rows": 0}
        assert told["turns"]["max"] == 2
        assert "columns" not in told
        payload = json.dumps(Entry.objects.filter(object_id=str(activity.pk)).latest("rev").parts)
        assert "Question" not in payload
        assert "first_rows" not in json.dumps(told)
        kept = json.loads(blobs.read(told["scan_sha256"]))
        assert kept["columns"]["messages"]["words"]["n"] == 4
        assert scans.newest(version) == (activity, scans.Scan.model_validate(kept))

    def test_several_sets_at_once_and_the_newest_scan_counts(self, tmp_path):
        versions = [builders.dataset(tmp_path, slug, rows=n) for n, slug in enumerate(("a", "b"), 2)]
        first, second = queue("dataset:a", "dataset:b"), queue("dataset:b", language_rows=1)
        for run in (first, second):
            supervisor.execute(run.id, "worker")
        assert [scans.newest(version)[0].pk for version in versions] == [
            activity_of(first).pk,
            activity_of(second).pk,
        ]
        assert scans.newest(versions[1])[1].languages.rows == 1

    def test_of_a_restricted_set_the_ledger_is_told_that_it_was_scanned(self, tmp_path):
        path = builders.write_lines(tmp_path / "secret.jsonl", [{"text": MAIL}])
        read = importers.read("dataset", path, ABOUT)
        version = registry.register(
            "dataset", "secret", read.content, files=read.files, restricted=True, actor=ADA
        )
        run = queue("dataset:secret")
        supervisor.execute(run.id, "worker")
        (told,) = activity_of(run).summary["scans"]
        assert set(told) == {"subject", "digest", "rows", "scan_sha256"}
        assert scans.newest(version)[1].personal_data["email"].matches == 1

    def test_of_two_artifacts_with_the_same_content_each_is_itself(self, tmp_path):
        """The same digest twice: only the name tells which of them is restricted."""
        version = builders.dataset(tmp_path)
        hidden = registry.register("dataset", "a-secret", version.content, restricted=True, actor=ADA)
        assert hidden.digest == version.digest
        run = queue("dataset:chats", "dataset:a-secret")
        assert waiting.unfinished("scan", hidden) == run
        supervisor.execute(run.id, "worker")
        told = {one["subject"]: one for one in activity_of(run).summary["scans"]}
        assert set(told[hidden.subject]) == {"subject", "digest", "rows", "scan_sha256"}
        assert told[version.subject]["turns"]["max"] == 2
        assert [scans.newest(one)[1].subject for one in (version, hidden)] == [
            version.subject,
            hidden.subject,
        ]

    def test_a_compressed_file_can_be_browsed_once_it_was_scanned(self, tmp_path):
        path = tmp_path / "rows.jsonl.gz"
        path.write_bytes(gzip.compress(b'{"text": "first"}\n{"text": "second"}\n'))
        read = importers.read("dataset", path, ABOUT)
        version = registry.register("dataset", "packed", read.content, files=read.files, actor=ADA)
        with pytest.raises(rows.NotUnpacked, match=r"A scan of dataset:packed@1 makes a copy"):
            rows.page(version, 1, 5)
        supervisor.execute(queue("dataset:packed").id, "worker")
        assert [shown.row for shown in rows.page(version, 2, 5).rows] == [{"text": "second"}]

    def test_a_set_held_elsewhere_cannot_be_scanned(self, tmp_path):
        content = {**ABOUT, "held": "elsewhere", "rows": 5, "source": "far away"}
        registry.register("dataset", "far", content, actor=ADA)
        run = queue("dataset:far")
        supervisor.execute(run.id, "worker")
        assert fresh(run).failure_class == "bad_input"
        assert "has no files" in fresh(run).reason

    def test_only_datasets_are_scanned(self, tmp_path):
        builders.constitution()
        with pytest.raises(SpecRefused, match="scanned takes a dataset"):
            queue("constitution:house")

    def test_the_command_waits_and_tells(self, tmp_path, capsys):
        gather()
        builders.dataset(tmp_path)
        call_command("scan", "dataset:chats", "--follow", "--json", "--as", "ada")
        told = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert told["state"] == states.SUCCEEDED
        assert told["scans"][0]["rows"] == 3


@pytest.mark.usefixtures("committed_db")
class TestAfterRegistration:
    @pytest.fixture(autouse=True)
    def on(self, committed_db, settings):
        settings.CHARTER_SCAN_ON_REGISTER = True
        gather()

    def register(self, folder: Path, *more: str) -> None:
        path = builders.write_lines(folder / "rows.jsonl", [{"text": "one"}, {"text": "two"}])
        (folder / "meta.json").write_text(json.dumps(ABOUT))
        call_command(
            "register",
            "dataset",
            "rows",
            str(path),
            "--meta",
            str(folder / "meta.json"),
            "--as",
            "ada",
            *more,
        )

    def test_a_dataset_that_comes_in_is_going_to_be_scanned_once(self, tmp_path, capsys):
        self.register(tmp_path)
        run = waiting.unfinished("scan", lookup.find("dataset:rows"))
        assert (run.stage, run.state, run.requested_by) == ("scan", states.QUEUED, "ada")
        assert f"A scan of dataset:rows@1 is queued: run {str(run.pk)[:8]}." in capsys.readouterr().err
        self.register(tmp_path)
        supervisor.execute(run.id, "worker")
        self.register(tmp_path)
        assert scans.Run.objects.count() == 1

    def test_an_upload_over_the_api_is_told_in_a_header(self):
        client = APIClient()
        client.force_login(User.objects.get(username="ada"))
        given = {"kind": "dataset", "slug": "rows", "meta": json.dumps(ABOUT)}
        file = SimpleUploadedFile("rows.jsonl", b'{"text": "one"}\n')
        response = client.post("/api/v1/versions/upload/", {**given, "file": [file]}, format="multipart")
        assert response.status_code == 201
        run = waiting.unfinished("scan", lookup.find("dataset:rows"))
        assert response["Charter-Notes"] == f"A scan of dataset:rows@1 is queued: run {str(run.pk)[:8]}."

    def test_not_when_it_is_not_wanted(self, tmp_path, settings):
        self.register(tmp_path, "--no-scan")
        settings.CHARTER_SCAN_ON_REGISTER = False
        self.register(tmp_path)
        assert not scans.Run.objects.exists()

    def test_nothing_else_is_scanned(self, tmp_path):
        constitution = builders.constitution()
        revoked = registry.revoke(builders.dataset(tmp_path), reason="wrong", actor=MARA)
        far = registry.register(
            "dataset", "far", {**ABOUT, "held": "elsewhere", "rows": 5, "source": "x"}, actor=ADA
        )
        for version in (constitution, revoked, far):
            assert scans.after_registration(version, ADA) is None
        assert not scans.Run.objects.exists()

    def test_a_queue_that_fails_fails_no_registration(self, tmp_path, capsys, monkeypatch):
        def broken(*_, **__):
            raise SpecRefused("inputs", "no")

        monkeypatch.setattr(scans.actions, "queue", broken)
        self.register(tmp_path)
        assert lookup.find("dataset:rows").is_sealed
        assert "is registered, but what should follow failed" in capsys.readouterr().err


GOOD = {
    "subject": "dataset:chats@1", "rows": 3, "format": "messages", "licence": "", "source_type": "human", "columns": {},
    "columns_left_out": 0, "turns": None, "chosen_longer": None, "personal_data": {},
    "languages": {"rows": 3, "seed": 0, "too_short": 3, "shares": {}},
    "duplicates": {
        "exact": 0, "near": 0, "rows_compared": 3, "seed": 0, "threshold": "0.8", "permutations": 128, "shingle_words": 3,
    },
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"digest": "0" * 64}, f"speaks of dataset:chats@1 with the digest {'0' * 64}"),
        ({"subject": "dataset:other@1"}, "speaks of dataset:other@1"),
        ({"value": "secret"}, "is not as agreed: value"),
        ({"rows": "many"}, "is not as agreed: rows"),
        ({"duplicates": {"exact": 1}}, "is not as agreed: duplicates"),
        (None, "left no chats-1/scan.json"),
    ],
    ids=["good", "another", "name", "more", "wrong", "less", "missing"],
)
def test_a_result_that_is_not_as_agreed_is_not_taken(tmp_path, change, said):
    version = builders.dataset(tmp_path)
    outputs = tmp_path / "outputs"
    (outputs / "chats-1").mkdir(parents=True)
    if change is not None:
        (outputs / "chats-1" / "scan.json").write_bytes(
            canonical({**GOOD, "digest": version.digest, **change})
        )
    told = Result(
        status="succeeded", reason=None, failure_class=None, outputs=file_hashes(outputs), summary={}
    )
    run = queue("dataset:chats")
    if said is None:
        assert scans.results_of(run, told, outputs).summary["scans"][0]["duplicates"] == GOOD["duplicates"]
    else:
        with pytest.raises(BadResult, match=said):
            scans.results_of(run, told, outputs)


def test_progress_and_phases_are_told(tmp_path, keep_signals):
    scanned(tmp_path, [{"text": "a"}] * 3, "text")
    assert [event["dataset"] for event in events(tmp_path / "job", "phase")] == ["dataset:rows@3"]
    assert events(tmp_path / "job", "progress")[-1]["done"] == 3
