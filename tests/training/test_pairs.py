"""Pairs from rankings: every two answers of different rank, ties counted, each row with the hash of the one it comes from."""

import hashlib
import json
from pathlib import Path

import pytest

from governance.registry import actions as registry
from governance.registry import blobs, datasets, importers, lineage, lookup
from governance.registry.access import may_read
from governance.registry.models import Reference, Version
from tests import builders
from tests.builders import ADA
from tests.cast import gather
from tests.training.faking import activity_of, fresh
from tests.training.jobs import run_here, used, write_job
from training import actions, states, supervisor
from training.methods import BadParams
from training.methods.pairs import validate
from training.outcome import BadResult, Result
from training.pairing import pairs_from
from training.resolve import SpecRefused
from training.runner.job import file_hashes
from training.runner.pairs import pairs_of, ties
from training.spec import SpecDraft

RANKINGS = [
    {"prompt": "Name a fruit.", "responses": ["Apple.", "Stone.", "Pear."], "ranks": [1, 2, 1], "id": "q1"},
    {"prompt": "Name a tree.", "responses": ["Fish.", "Oak."], "ranks": [2, 1], "id": "q2"},
    {"prompt": "Name a bird.", "responses": ["Owl.", "Hen."], "ranks": [1, 1], "id": "q3"},
]
ABOUT = {
    "description": "Rankings.", "licence": "CC-BY-4.0", "source_type": "human", "source": "written for tests", "languages": ["en"],
    "processing": [{"method": "read twice", "purpose": "no typing errors"}],
    "label_source": {"human": "1", "ai": "0", "rule": "0"},
}  # fmt: skip


def ranking(folder: Path, rows=RANKINGS, *, restricted: bool = False, **meta) -> Version:
    read = importers.read("dataset", builders.write_lines(folder / "rankings.jsonl", rows), {**ABOUT, **meta})
    return registry.register(
        "dataset", "rankings", read.content, files=read.files, restricted=restricted, actor=ADA
    )


def spec(subject: str = "dataset:rankings", **params) -> SpecDraft:
    output = {"slug": "pairs", "title": "Pairs"}
    return SpecDraft(stage="pairs", inputs={"derived_from": [subject]}, params=params, output=output)


def row_hash(row: dict) -> str:
    return hashlib.sha256(datasets.row_bytes(row)).hexdigest()


def rows_of(version: Version, folder: Path) -> list[dict]:
    (folder / "made.jsonl").write_bytes(blobs.read(version.content["files"][0]["sha256"]))
    return [row for _, row in datasets.rows_of(folder / "made.jsonl")]


class TestRule:
    def test_every_two_answers_of_different_rank_are_a_pair(self):
        row = {"prompt": "p", "responses": ["a", "b", "c", "d"], "ranks": [2, 1, 2, 7]}
        found = [(pair["chosen"], pair["rejected"]) for pair in pairs_of(row, "0" * 64)]
        assert found == [("b", "a"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
        assert ties(row) == 1
        assert len(found) + ties(row) == 6

    def test_nothing_can_be_set(self):
        with pytest.raises(BadParams, match="margin"):
            validate({"margin": 2})


@pytest.mark.usefixtures("committed_db")
class TestRun:
    def test_from_rankings_to_a_sealed_dataset(self, tmp_path):
        source = ranking(tmp_path)
        run = actions.queue(spec(), actor=ADA)
        assert supervisor.execute(run.id, "worker")
        assert (fresh(run).state, fresh(run).reason) == (states.SUCCEEDED, "")
        made = lookup.find("dataset:pairs")
        assert rows_of(made, tmp_path) == [
            {
                "prompt": "Name a fruit.",
                "chosen": "Apple.",
                "rejected": "Stone.",
                "source_row": row_hash(RANKINGS[0]),
            },
            {
                "prompt": "Name a fruit.",
                "chosen": "Pear.",
                "rejected": "Stone.",
                "source_row": row_hash(RANKINGS[0]),
            },
            {
                "prompt": "Name a tree.",
                "chosen": "Oak.",
                "rejected": "Fish.",
                "source_row": row_hash(RANKINGS[1]),
            },
        ]
        content = made.content
        assert (content["format"], content["conversational"], content["rows"]) == ("preference", False, 3)
        assert content["rows_digest"] == datasets.inspect(tmp_path / "made.jsonl").rows_digest
        assert content["derived_from"] == [{"subject": "dataset:rankings@1", "digest": source.digest}]
        assert [step["method"] for step in content["processing"]] == [
            "read twice",
            "all pairs of different rank",
        ]
        assert "3 rankings, 3 pairs, 2 ties left out" in content["processing"][1]["implementation"]
        for name in ("licence", "source_type", "source", "languages", "label_source"):
            assert content[name] == source.content[name]
        assert (made.restricted, made.created_by) == (False, "ada")

    def test_the_activity_and_the_lineage_name_the_source(self, tmp_path):
        source = ranking(tmp_path)
        run = actions.queue(spec(), actor=ADA)
        supervisor.execute(run.id, "worker")
        made, activity = lookup.find("dataset:pairs"), activity_of(run)
        assert activity.kind == "conversion"
        assert activity.used == [{"role": "derived_from", "subject": source.subject, "digest": source.digest}]
        assert activity.produced == [{"role": "output", "subject": made.subject, "digest": made.digest}]
        assert activity.summary["job"] == {"rankings": 3, "pairs": 3, "ties": 2}
        assert Reference.objects.get(version=made).target == source
        assert lineage.ancestors(made, "data") == [source]

    def test_conversations_and_columns_of_other_names(self, tmp_path):
        said = [{"role": "user", "content": "Hi?"}]
        rows = [
            {
                "q": said,
                "responses": [[{"role": "assistant", "content": text}] for text in "ab"],
                "ranks": [2, 1],
            }
        ]
        ranking(tmp_path, rows, columns={"prompt": "q"})
        supervisor.execute(actions.queue(spec(), actor=ADA).id, "worker")
        made = lookup.find("dataset:pairs")
        assert made.content["conversational"] is True
        (row,) = rows_of(made, tmp_path)
        assert (row["prompt"], row["chosen"][0]["content"], row["source_row"]) == (
            said,
            "b",
            row_hash(rows[0]),
        )

    def test_the_same_again_makes_no_second_version(self, tmp_path):
        ranking(tmp_path)
        for _ in range(2):
            supervisor.execute(actions.queue(spec(), actor=ADA).id, "worker")
        assert Version.objects.filter(artifact__slug="pairs").count() == 1

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            ([{"prompt": "a", "chosen": "b", "rejected": "c"}], "pairs are made from rows of format ranking"),
            (RANKINGS[2:], "all answers of a prompt have the same rank"),
        ],
        ids=["pairs already", "ties alone"],
    )
    def test_what_makes_no_pairs_says_so_and_makes_nothing(self, tmp_path, rows, said):
        ranking(tmp_path, rows)
        run = actions.queue(spec(), actor=ADA)
        supervisor.execute(run.id, "worker")
        assert (fresh(run).state, fresh(run).failure_class) == (states.FAILED, "bad_input")
        assert said in fresh(run).reason
        assert not Version.objects.filter(artifact__slug="pairs").exists()

    def test_what_comes_of_restricted_rows_is_restricted(self, tmp_path):
        cast = gather()
        ranking(tmp_path, restricted=True)
        with pytest.raises(SpecRefused, match="restricted to its authors"):
            actions.queue(spec(), actor=cast.actor("eno"))
        supervisor.execute(actions.queue(spec(), actor=cast.actor("ada")).id, "worker")
        made = lookup.find("dataset:pairs")
        assert made.restricted
        assert [name for name in cast.users if may_read(cast.users[name], made)] == [
            "ada",
            "ravi",
            "rosa",
            "axel",
        ]

    def test_of_two_artifacts_with_the_same_content_only_what_comes_of_the_restricted_one_is(self, tmp_path):
        gather()
        source = ranking(tmp_path)
        hidden = registry.register("dataset", "a-secret", source.content, restricted=True, actor=ADA)
        assert hidden.digest == source.digest
        for version in (source, hidden):
            supervisor.execute(actions.queue(spec(version.subject), actor=ADA).id, "worker")
            made = lookup.find("dataset:pairs")
            assert made.content["derived_from"] == [{"subject": version.subject, "digest": version.digest}]
            assert made.restricted == version.restricted


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("summary", "data", "said"),
    [
        ({"rankings": 1, "pairs": 2, "ties": 0}, '{"prompt": "a", "chosen": "b", "rejected": "c"}\n', "made 2 pairs, and pairs.jsonl holds 1"),
        ({"rankings": 1, "pairs": 1, "ties": 0}, "{\n", "cannot be read: line 1"),
        ({"rankings": 1, "pairs": 1, "ties": 0}, None, "cannot be read"),
    ],
    ids=["miscounted", "damaged", "missing"],
)  # fmt: skip
def test_a_result_that_does_not_fit_is_not_sealed(tmp_path, summary, data, said):
    ranking(tmp_path)
    (tmp_path / "outputs").mkdir()
    if data is not None:
        (tmp_path / "outputs" / "pairs.jsonl").write_text(data)
    told = Result(
        status="succeeded",
        reason=None,
        failure_class=None,
        outputs=file_hashes(tmp_path / "outputs"),
        summary=summary,
    )
    with pytest.raises(BadResult, match=said):
        pairs_from(actions.queue(spec(), actor=ADA), told, tmp_path / "outputs")


def test_the_rows_are_canonical_lines(tmp_path, keep_signals):
    path = builders.write_lines(tmp_path / "rankings.jsonl", RANKINGS)
    inputs = {"derived_from": [used("dataset:rankings@1", path, format="ranking", rows=3)]}
    job = write_job(tmp_path / "job", "training.runner.pairs", params={}, inputs=inputs)
    assert run_here(job) == 0
    for line in (job / "outputs" / "pairs.jsonl").read_bytes().splitlines():
        assert datasets.row_bytes(json.loads(line)) == line
