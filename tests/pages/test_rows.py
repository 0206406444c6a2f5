"""Rows of a dataset on a page: readable in every format, by those who may, a page at a time, whatever stands in them."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import rfc8785
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.registry import actions, blobs, importers
from governance.registry.datasets import copies, paging
from governance.registry.models import Version
from tests.builders import ADA, dataset, write_lines
from tests.cast import gather

ABOUT = {"description": "Rows.", "licence": "CC0-1.0", "source_type": "human"}
USER = {"role": "user", "content": "May I ask?"}
ANSWER = {"role": "assistant", "content": "You may."}
WORSE = {"role": "assistant", "content": "No."}

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def cache(settings, tmp_path) -> Path:
    settings.CHARTER_CACHE = tmp_path / "cache"
    return settings.CHARTER_CACHE


@pytest.fixture
def signed_in() -> Callable[[str], Client]:
    cast = gather()

    def client(name: str) -> Client:
        made = Client()
        made.force_login(cast.users[name])
        return made

    return client


def registered(folder: Path, rows: list[dict], slug: str = "rows", **meta) -> Version:
    read = importers.read("dataset", write_lines(folder / f"{slug}.jsonl", rows), {**ABOUT, **meta})
    return actions.register("dataset", slug, read.content, files=read.files, actor=ADA)


def page(client: Client, version: Version, start: object = "") -> str:
    response = client.get(f"/versions/{version.subject}/rows/", {"start": start} if start else {})
    assert response.status_code == 200
    return response.content.decode()


SHOWN = {
    "messages": ({"messages": [USER, ANSWER], "note": {"a": [1]}}, ['data-role="user"', "May I ask?", "You may.", "<code>note</code>"]),
    "tools": (
        {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "add", "arguments": {}}}]}]},
        ["tool_calls", "&quot;name&quot;: &quot;add&quot;"],
    ),
    "prompt and completion": ({"prompt": "One?", "completion": "Two."}, ["<h3>prompt</h3>", "<h3>completion</h3>", "Two."]),
    "preference": ({"prompt": [USER], "chosen": [ANSWER], "rejected": [WORSE]}, ['data-side="chosen"', 'data-side="rejected"', "You may.", "No."]),
    "implicit": ({"chosen": [USER, ANSWER], "rejected": [USER, WORSE], "score": 3}, ["<h3>prompt</h3>", "May I ask?", 'data-side="chosen"', "<code>score</code>"]),
    "transcript": (
        {"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "\n\nHuman: Why?\n\nAssistant: Else."},
        ["<h3>prompt</h3>", "Why?", "So.", "Else."],
    ),
    "unpaired": ({"prompt": "One?", "completion": "Two.", "label": False}, ["<code>label</code>", "false"]),
    "ranking": ({"prompt": "One?", "responses": ["A.", "B."], "ranks": [2, 1]}, ["answer 1", "rank 2", "rank 1", "B."]),
    "items": ({"id": "i-7", "prompt": "1 + 1", "target": "2"}, ["<code>id</code>", "i-7", "<code>target</code>"]),
    "text": ({"text": "Once upon a time."}, ["Once upon a time."]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_a_row_is_readable_in_its_format(tmp_path, signed_in, name):
    row, parts = SHOWN[name]
    text = page(signed_in("otto"), registered(tmp_path, [row]))
    for part in parts:
        assert part in text
    assert hashlib.sha256(rfc8785.dumps(row)).hexdigest() in text
    assert text.count("Why?") <= 1, "what both answers share is shown once"


def test_columns_are_shown_under_the_names_of_the_format_once(tmp_path, signed_in):
    version = registered(tmp_path, [{"q": "One?", "a": "Two."}], columns={"prompt": "q", "completion": "a"})
    text = page(signed_in("otto"), version)
    assert "<h3>prompt</h3>" in text
    assert text.count("Two.") == 1


def test_nothing_that_stands_in_a_row_becomes_part_of_the_page(tmp_path, signed_in):
    nasty = "<script>alert(1)</script> \u202egnp.exe {{ 7 }} \x1b[31m </div>"
    rows = [{"prompt": nasty, "completion": nasty, nasty: nasty, "n": [nasty]}]
    text = page(signed_in("otto"), registered(tmp_path, rows))
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "U+202E" in text
    assert "&lt;script&gt;alert(1)" in text


def test_long_text_is_folded_and_very_long_text_is_not_sent(tmp_path, signed_in):
    text = page(signed_in("otto"), registered(tmp_path, [{"text": "a" * 699 + "b" * 301 + "c" * 100_000}]))
    assert "19300 more characters" in text
    assert "81000 further characters are only in the file." in text
    assert len(text) < 60_000


def test_pages_go_on_and_back(tmp_path, signed_in):
    version = registered(tmp_path, [{"text": f"line {n}."} for n in range(1, 46)])
    client = signed_in("otto")
    first, second, last = page(client, version), page(client, version, 21), page(client, version, 41)
    assert "1 to 20 of 45 rows" in first
    assert 'rel="prev"' not in first
    assert "line 21." in second
    assert "line 20." not in second
    assert '<a class="button small" rel="prev" href="?start=1">' in " ".join(second.split())
    assert "41 to 45 of 45 rows" in last
    assert 'rel="next"' not in last
    assert "There is no row 999; the last one is 45." in page(client, version, 999)


@pytest.mark.parametrize("start", ["0", "-3", "x", "9" * 500, "٣", "1\0", "1e3", ""])
def test_a_place_that_is_none_is_the_first(tmp_path, signed_in, start):
    response = signed_in("otto").get(
        f"/versions/{registered(tmp_path, [{'text': 'line 1.'}]).subject}/rows/", {"start": start}
    )
    assert response.status_code == 200
    assert "line 1." in response.content.decode()


def test_a_large_file_is_read_through_its_index(tmp_path, signed_in, monkeypatch):
    version = registered(tmp_path, [{"text": f"line {n}. {'x' * 80}"} for n in range(1, 30_001)])
    sha256 = version.content["files"][0]["sha256"]
    read = []
    lines = paging._lines
    monkeypatch.setattr(paging, "_lines", lambda stream: (read.append(1) or line for line in lines(stream)))
    assert "line 29999." in page(signed_in("otto"), version, 29_999)
    assert len(read) < 5_000
    copies.index_path(tmp_path / "cache", sha256).unlink()
    text = page(signed_in("otto"), version, 29_999)
    assert "has no index yet" in text
    assert "python manage.py scan dataset:rows@1" in text


def test_rows_of_a_compressed_file_wait_for_a_copy_and_say_so(tmp_path, signed_in, cache):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "unpacked"}\n'))
    read = importers.read("dataset", path, ABOUT)
    version = actions.register("dataset", "packed", read.content, files=read.files, actor=ADA)
    text = page(signed_in("otto"), version)
    assert "rows.jsonl.gz cannot be paged through as it is." in text
    assert "python manage.py scan dataset:packed@1" in text
    copies.make(cache, path, version.content["files"][0]["sha256"])
    assert "unpacked" in page(signed_in("otto"), version)


def test_rows_that_are_not_here_say_why(tmp_path, signed_in):
    client = signed_in("otto")
    far = actions.register(
        "dataset", "far", {**ABOUT, "held": "elsewhere", "rows": 5, "source": "the moon"}, actor=ADA
    )
    assert "are held elsewhere (the moon)" in page(client, far)
    gone = registered(tmp_path, [{"text": "a"}])
    blobs.store().delete(blobs.place(gone.content["files"][0]["sha256"]))
    assert "restore them from a backup" in page(client, gone)
    draft = actions.save_draft("dataset", "draft", {"rows": 3}, actor=ADA)
    assert "is no sealed dataset" in page(client, draft)


def test_only_datasets_have_rows(signed_in):
    prompt = actions.register("system-prompt", "brief", {"text": "Be brief."}, actor=ADA)
    response = signed_in("otto").get(f"/versions/{prompt.subject}/rows/")
    assert response.status_code == 404
    assert "only datasets have rows" in response.content.decode()


def test_restricted_rows_are_for_authors_reviewers_and_auditors(tmp_path, signed_in):
    read = importers.read("dataset", write_lines(tmp_path / "secret.jsonl", [{"text": "heliotrope"}]), ABOUT)
    version = actions.register(
        "dataset", "secret", read.content, files=read.files, restricted=True, actor=ADA
    )
    for name, status in (
        ("otto", 403),
        ("mara", 403),
        ("root", 403),
        ("eno", 403),
        ("ada", 200),
        ("ravi", 200),
        ("axel", 200),
    ):
        response = signed_in(name).get(f"/versions/{version.subject}/rows/")
        assert (response.status_code, b"heliotrope" in response.content) == (status, status == 200), name


def test_strangers_sign_in_first_and_nothing_is_written_here(tmp_path, signed_in):
    version = registered(tmp_path, [{"text": "a"}])
    assert Client().get(f"/versions/{version.subject}/rows/")["Location"].startswith("/accounts/login/")
    assert signed_in("ada").post(f"/versions/{version.subject}/rows/").status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_rows(tmp_path, signed_in):
    counts = []
    client = signed_in("otto")
    for size in (1, 20):
        version = registered(tmp_path, [{"text": f"line {n}."} for n in range(size)], f"rows-{size}")
        page(client, version)
        with CaptureQueriesContext(connection) as queries:
            page(client, version)
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20


def test_the_version_leads_to_its_rows_and_tells_what_is_known_of_them(tmp_path, signed_in):
    about = {
        "mixture": [
            {"name": "a", "rows": 10, "used": 4, "licence": "CC-BY-NC-4.0", "source_type": "public"},
            {"name": "b", "rows": 3, "source_type": "synthetic", "non_commercial": True},
        ],
        "stated_rows": 9, "sum_difference_reason": "Two were counted twice.",
        "processing": [{"method": "deduplication", "purpose": "no repeats", "rows_removed": 2}],
        "synthetic": [{"generator": "rules.py", "generator_version": "2", "purpose": "Teach.", "prompt_template": "Say {x}."}],
        "crawlers": [{"name": "bot/1", "domains": ["example.org"], "opt_out": "robots.txt"}],
        "user_data": {"products": ["chat"], "consent": "asked"}, "licensed": [{"source": "Press", "compensation": "paid"}],
        "datasheet": {"motivation": "To teach.", "unsuitable_uses": "Medicine."},
        "label_source": {"human": "0.25", "ai": "0.75", "rule": "0"}, "sensitive": "None was found.", "domains": ["law"],
        "illegal_content": "Filtered.", "unsuitable_bias": "Looked for.", "access": "On request.", "replicability": "The script.",
    }  # fmt: skip
    version = dataset(tmp_path, **about)
    text = signed_in("otto").get(f"/versions/{version.subject}/").content.decode()
    assert f'href="/versions/{version.subject}/rows/"' in text
    for said in (
        "Two were counted twice.", "9; the components add up to 7", "not allowed by a licence below", "2 rows removed", "rules.py", "Say {x}.",
        "bot/1", "robots.txt", "asked", "Press", "To teach.", "Unsuitable uses", "0.75", "None was found.", "law", "Filtered.", "Looked for.",
        "On request.", "The script.", "non-commercial",
    ):  # fmt: skip
        assert said in text, said
