"""Rows of every format out of every encoding: recognised, checked, counted, paged through."""

import gzip
import json
from io import BytesIO

import pyarrow
import pytest
from pyarrow import parquet

from governance.registry import datasets
from governance.registry.datasets import copies, paging, transcripts

USER = {"role": "user", "content": "Hi?"}
ANSWER = {"role": "assistant", "content": "Hi."}
WORSE = {"role": "assistant", "content": "What?"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}],
}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
HUMAN = "\n\nHuman: Hi?\n\nAssistant: "

ROWS = {
    "text": ("text", False, {"text": "Once."}),
    "messages": ("messages", True, {"messages": [USER, ANSWER], "id": 7}),
    "messages with tools": (
        "messages",
        True,
        {"messages": [USER, CALL, {"role": "tool", "name": "add", "content": "2"}, ANSWER], "tools": [TOOL]},
    ),
    "messages with tools as text": (
        "messages",
        True,
        {"messages": [USER, {**CALL, "content": "Wait."}], "tools": json.dumps([TOOL])},
    ),
    "messages without tools": (
        "messages",
        True,
        {"messages": [USER, {**ANSWER, "tool_calls": None}], "tools": None},
    ),
    "prompt-completion": ("prompt-completion", False, {"prompt": "a", "completion": "b"}),
    "prompt-completion of turns": (
        "prompt-completion",
        True,
        {"prompt": [USER], "completion": [ANSWER]},
    ),
    "prompt-only": ("prompt-only", False, {"prompt": "a", "answer": "b"}),
    "preference": ("preference", False, {"prompt": "a", "chosen": "b", "rejected": "c"}),
    "preference of turns": (
        "preference",
        True,
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [WORSE]},
    ),
    "implicit": ("implicit-preference", True, {"chosen": [USER, ANSWER], "rejected": [USER, WORSE]}),
    "implicit beside its first turn": (
        "implicit-preference",
        True,
        {"prompt": "Hi?", "chosen": [USER, ANSWER], "rejected": [USER, WORSE]},
    ),
    "transcripts": ("hh-rlhf", True, {"chosen": HUMAN + "Hi.", "rejected": HUMAN + "What?"}),
    "unpaired": ("unpaired-preference", False, {"prompt": "a", "completion": "b", "label": False}),
    "unpaired of turns": (
        "unpaired-preference",
        True,
        {"prompt": [USER], "completion": [ANSWER], "label": True},
    ),
    "ranking": ("ranking", False, {"prompt": "a", "responses": ["b", "c", "d"], "ranks": [1, 2, 2]}),
    "ranking of turns": (
        "ranking",
        True,
        {"prompt": [USER], "responses": [[ANSWER], [WORSE]], "ranks": [2, 1]},
    ),
    "items": ("items", False, {"id": "i-1", "prompt": "1 + 1", "target": "2"}),
}


def lines(*rows: dict) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


@pytest.mark.parametrize("name", ROWS)
def test_a_format_is_recognised_by_its_columns(tmp_path, name):
    format, conversational, row = ROWS[name]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines(row, row, {**row, "note": "further columns may differ"}))
    found = datasets.inspect(path)
    assert (found.format, found.conversational, found.rows) == (format, conversational, 3)
    assert next(one for _, one in datasets.rows_of(path)) == row


@pytest.mark.parametrize("name", ROWS)
def test_the_same_out_of_parquet(tmp_path, name):
    format, conversational, row = ROWS[name]
    parquet.write_table(pyarrow.Table.from_pylist([row, row]), tmp_path / "rows.parquet")
    found = datasets.inspect(tmp_path / "rows.parquet")
    assert (found.format, found.conversational, found.rows) == (format, conversational, 2)


def test_parquet_gives_lists_objects_numbers_and_nothing_else(tmp_path):
    row = {
        "text": "a",
        "n": 3,
        "x": 0.1,
        "on": True,
        "no": None,
        "list": [{"k": "v", "n": [1, 2]}],
        "big": 2**40,
    }
    table = pyarrow.Table.from_pylist([row])
    coded = table.append_column("coded", pyarrow.array(["red"]).dictionary_encode())
    parquet.write_table(
        coded.append_column("half", pyarrow.array([0.5], pyarrow.float32())), tmp_path / "rows.parquet"
    )
    assert [one for _, one in datasets.rows_of(tmp_path / "rows.parquet")] == [
        {**row, "coded": "red", "half": 0.5}
    ]


def test_csv_is_text_with_line_breaks_and_its_rows_have_their_first_line(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes('prompt,completion\r\n"a ""b""\nc",1.50\r\n\r\n"é,",true\r\n'.encode())
    assert list(datasets.rows_of(path)) == [
        (2, {"prompt": 'a "b"\nc', "completion": "1.50"}),
        (5, {"prompt": "é,", "completion": "true"}),
    ]
    assert datasets.inspect(path)[:1] == (2,)


def test_a_format_that_is_said_wins_over_the_one_that_is_seen(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(lines({"prompt": "a", "completion": "b", "label": "poem"}))
    with pytest.raises(datasets.BadData, match="'label'"):
        datasets.inspect(path)
    assert datasets.inspect(path, format="prompt-completion").format == "prompt-completion"
    assert datasets.inspect(path, format="prompt-only").format == "prompt-only"
    with pytest.raises(
        datasets.BadData, match=r"line 1 of rows\.jsonl has no 'text', but the file's format is text"
    ):
        datasets.inspect(path, format="text")


def test_columns_may_have_other_names_and_the_digest_is_that_of_the_file(tmp_path):
    path, plain = tmp_path / "rows.jsonl", tmp_path / "plain.jsonl"
    path.write_bytes(lines({"question": "a", "answer": "b"}))
    found = datasets.inspect(path, columns={"prompt": "question", "completion": "answer"})
    plain.write_bytes(lines({"prompt": "a", "completion": "b"}))
    assert found.format == "prompt-completion"
    assert found.rows_digest != datasets.inspect(plain).rows_digest


def test_blank_lines_and_line_ends_of_windows_are_no_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\r\n{"text": "a"}\r\n\n  \n{"text": "b"}')
    assert datasets.inspect(path).rows == 2
    assert [number for number, _ in datasets.rows_of(path)] == [2, 5]


class TestTranscripts:
    def test_the_prompt_is_shared_and_the_answers_are_the_last(self):
        pair = transcripts.split_transcripts(
            "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: good",
            "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: bad",
        )
        assert [turn["content"] for turn in pair.prompt] == ["a", "b", "c"]
        assert pair.chosen == [{"role": "assistant", "content": "good"}]
        assert pair.rejected == [{"role": "assistant", "content": "bad"}]

    def test_an_assistant_that_speaks_twice_has_said_both(self):
        pair = transcripts.split_transcripts(
            "\n\nHuman: a\n\nAssistant: b\n\nAssistant: c", "\n\nHuman: a\n\nAssistant: d"
        )
        assert [turn["content"] for turn in pair.prompt] == ["a"]
        assert [turn["content"] for turn in pair.chosen] == ["b", "c"]
        assert transcripts.alternating(pair.chosen) == [{"role": "assistant", "content": "b\n\nc"}]

    def test_equal_answers_are_a_pair_all_the_same(self):
        text = "\n\nHuman: a\n\nAssistant: b\n\nAssistant: c"
        pair = transcripts.split_transcripts(text, text)
        assert pair.prompt == [{"role": "user", "content": "a"}]
        assert pair.chosen == pair.rejected

    def test_conversations_share_what_comes_first(self):
        pair = transcripts.split_conversations([USER, ANSWER, USER, ANSWER], [USER, ANSWER, USER, WORSE])
        assert (pair.prompt, pair.chosen, pair.rejected) == ([USER, ANSWER, USER], [ANSWER], [WORSE])


class TestPaging:
    @pytest.fixture
    def many(self, tmp_path):
        path = tmp_path / "many.jsonl"
        path.write_bytes(
            b"".join(b'{"text": "row %d"}\n%s' % (n, b"\n" * (n % 7 == 0)) for n in range(1, 100_001))
        )
        return path

    def page(self, path, index, start, limit=4):
        with path.open("rb") as stream:
            return [
                (line.number, json.loads(line.data)["text"])
                for line in paging.read(stream, index, start, limit)
            ]

    def test_any_page_is_cut_out_with_the_numbers_of_its_rows(self, many, tmp_path):
        index = tmp_path / "index"
        paging.write_index(index, datasets.inspect(many).offsets)
        assert paging.index_of(many) == datasets.inspect(many).offsets
        for start in (1, 2, 999, 1000, 1001, 50_000, 99_998, 100_000, 100_001, 10**12):
            wanted = [(n, f"row {n}") for n in range(start, min(start + 4, 100_001))]
            assert self.page(many, index, start) == wanted
            assert self.page(many, None, start) == wanted

    def test_a_page_reads_a_block_and_not_the_file(self, many, tmp_path):
        index = tmp_path / "index"
        paging.write_index(index, datasets.inspect(many).offsets)
        stream = Counting(many.read_bytes())
        assert paging.read(stream, index, 90_000, 5)[0].number == 90_000
        assert stream.taken < 300_000 < many.stat().st_size

    def test_long_rows_make_short_pages_but_never_empty_ones(self, tmp_path):
        path = tmp_path / "long.jsonl"
        path.write_bytes(lines(*({"text": "a" * 3 * 2**20} for _ in range(3))))
        with path.open("rb") as stream:
            assert [line.number for line in paging.read(stream, None, 2, 10)] == [2]


class Counting(BytesIO):
    """A stream that knows how much was read of it."""

    taken = 0

    def readline(self, size=-1, /):
        line = super().readline(size)
        self.taken += len(line)
        return line


@pytest.mark.parametrize("ending", ["jsonl.gz", "csv", "csv.gz", "parquet"])
def test_what_cannot_be_paged_through_gets_a_copy_that_can(tmp_path, ending):
    path, cache = tmp_path / f"rows.{ending}", tmp_path / "cache"
    table = "text\n" + "".join(f'"row {n}\n"\n' for n in range(1, 40_001))
    rows = [{"text": f"row {n}\n"} for n in range(1, 40_001)]
    if ending == "parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        data = lines(*rows) if ending == "jsonl.gz" else table.encode()
        path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    copy = copies.make(cache, path, "a" * 64)
    assert copy == copies.copy_path(cache, "a" * 64)
    index = copies.index_path(cache, "a" * 64)
    with copy.open("rb") as stream:
        found = paging.read(stream, index if index.exists() else None, 39_999, 5)
    assert [json.loads(line.data) for line in found] == rows[-2:]
    before = copy.stat().st_mtime_ns
    assert copies.make(cache, path, "a" * 64).stat().st_mtime_ns == before
    assert not list(cache.rglob("*.part"))


def test_a_copy_of_a_damaged_file_is_not_left_half(tmp_path):
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(lines({"text": "a"}) * 1000)[:-9])
    with pytest.raises(datasets.BadData):
        copies.make(tmp_path / "cache", path, "a" * 64)
    assert not [one for one in (tmp_path / "cache").rglob("*") if one.is_file()]
