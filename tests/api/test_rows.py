"""Rows of a dataset over HTTP: with their hashes, from any place, for those who may read them."""

import gzip
import hashlib
from pathlib import Path

import pytest
import rfc8785

from governance.registry import actions, blobs, importers, rows
from governance.registry.datasets import copies
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, dataset, write_lines

ABOUT = {"description": "Rows.", "licence": "CC0-1.0", "source_type": "human"}
ROWS = [{"text": f"line {number}.", "n": number, "x": [0.5, None]} for number in range(1, 8)]
PLACE = f"{V1}/versions/dataset/rows/1/rows/"


@pytest.fixture(autouse=True)
def cache(settings, tmp_path) -> Path:
    settings.CHARTER_CACHE = tmp_path / "cache"
    return settings.CHARTER_CACHE


def registered(folder: Path, **how):
    read = importers.read("dataset", write_lines(folder / "rows.jsonl", ROWS), ABOUT)
    return actions.register("dataset", "rows", read.content, files=read.files, actor=ADA, **how)


def test_rows_come_with_their_numbers_and_hashes(tmp_path, signed_in):
    registered(tmp_path)
    told = signed_in("otto").get(PLACE).json()
    assert (told["total"], told["next"]) == (7, None)
    assert [row["row"] for row in told["results"]] == ROWS
    assert [row["sha256"] for row in told["results"]] == [
        hashlib.sha256(rfc8785.dumps(row)).hexdigest() for row in ROWS
    ]


def test_next_leads_through_all_of_them(tmp_path, signed_in):
    registered(tmp_path)
    client, place, seen = signed_in("otto"), f"{PLACE}?limit=3", []
    while place:
        told = client.get(place).json()
        seen += [row["number"] for row in told["results"]]
        place = told["next"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert client.get(f"{PLACE}?start=99").json() == {"total": 7, "next": None, "results": []}


@pytest.mark.parametrize(
    "query",
    [
        "start=0",
        "start=x",
        "start=99999999999999999999",
        "limit=0",
        "limit=201",
        "limit=",
        "page=2",
        "cursor=x",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(tmp_path, signed_in, query):
    registered(tmp_path)
    assert fields(problem(signed_in("otto").get(f"{PLACE}?{query}"), 400)) == {query.partition("=")[0]}


def test_restricted_rows_are_for_some(tmp_path, signed_in, with_token):
    registered(tmp_path, restricted=True)
    for name in ("otto", "eno", "root"):
        assert "restricted" in problem(signed_in(name).get(PLACE), 403)["detail"]
    for name in ("ada", "ravi", "axel"):
        assert signed_in(name).get(PLACE).status_code == 200
    assert problem(with_token("otto").get(PLACE), 403)
    assert with_token("ada").get(PLACE).status_code == 200


def test_what_has_no_rows_says_why(tmp_path, signed_in, cache):
    client = signed_in("otto")
    model = actions.register("system-prompt", "brief", {"text": "Be brief."}, actor=ADA)
    assert (
        "only those have rows"
        in problem(client.get(f"{V1}/versions/system-prompt/{model.artifact.slug}/1/rows/"), 404)["detail"]
    )
    actions.register("dataset", "far", {**ABOUT, "held": "elsewhere", "rows": 5, "source": "x"}, actor=ADA)
    assert "held elsewhere" in problem(client.get(f"{V1}/versions/dataset/far/1/rows/"), 404)["detail"]
    problem(client.get(f"{V1}/versions/dataset/none/1/rows/"), 404)
    version = dataset(tmp_path)
    blobs.store().delete(blobs.place(version.content["files"][0]["sha256"]))
    problem(client.get(f"{V1}/versions/dataset/chats/1/rows/"), 503)


def test_rows_of_a_compressed_file_wait_for_a_scan(tmp_path, signed_in, cache):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "unpacked"}\n'))
    read = importers.read("dataset", path, ABOUT)
    version = actions.register("dataset", "rows", read.content, files=read.files, actor=ADA)
    told = problem(signed_in("otto").get(PLACE), 409)
    assert told["type"] == "urn:charter:problem:not-unpacked"
    assert "A scan of dataset:rows@1 makes a copy" in told["detail"]
    copy = copies.make(cache, path, version.content["files"][0]["sha256"])
    assert signed_in("otto").get(PLACE).json()["results"][0]["row"] == {"text": "unpacked"}
    copy.write_bytes(b"damaged\n")
    problem(signed_in("otto").get(PLACE), 503)


def test_long_rows_make_short_pages(tmp_path, signed_in):
    long = [{"text": "a" * 3 * 2**20} for _ in range(3)]
    read = importers.read("dataset", write_lines(tmp_path / "long.jsonl", long), ABOUT)
    version = actions.register("dataset", "rows", read.content, files=read.files, actor=ADA)
    told = signed_in("otto").get(PLACE).json()
    assert [row["number"] for row in told["results"]] == [1]
    assert told["next"].endswith("?start=2")
    assert rows.page(version, 3, 50).next is None
