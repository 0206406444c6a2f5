"""Files that are no datasets, in every encoding: refused with the line and the rule, and nothing is left behind."""

import gzip
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from governance.registry import datasets
from governance.registry.datasets import files

GOOD = b'{"prompt": "a", "completion": "b"}\n'
MIB = 2**20
ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("rows.jsonl", GOOD)
PICKLE = pickle.dumps([{"prompt": "a", "completion": "b"}])


def refused(path: Path, data: bytes | None = None, **told) -> str:
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(datasets.BadData) as found:
        datasets.inspect(path, **told)
    assert path.name in str(found.value)
    return str(found.value)


LINES = {
    "mixed columns": (GOOD + b'{"text": "c"}\n', "line 2", "has no 'prompt'"),
    "another format's columns": (GOOD * 2 + b'{"prompt": "a", "completion": "b", "label": true}\n', "line 3", "unpaired-preference"),
    "text, then conversations": (GOOD + b'{"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]}\n', "line 2", "holds conversations"),
    "text beside conversations": (b'{"prompt": "a", "completion": [{"role": "assistant", "content": "b"}]}\n', "line 1", "'completion' is a list of messages, and 'prompt' is text"),
    "not a number": (GOOD + b'{"prompt": "a", "completion": "b", "x": NaN}\n', "line 2", "NaN is not JSON"),
    "infinity": (b'{"prompt": "a", "completion": "b", "x": -Infinity}\n', "line 1", "-Infinity is not JSON"),
    "beyond a double": (b'{"prompt": "a", "completion": "b", "x": 1e999}\n', "line 1", "no canonical form"),
    "too large an integer": (b'{"prompt": "a", "completion": "b", "x": 9007199254740993}\n', "line 1", "no canonical form"),
    "duplicate key": (GOOD * 400 + b'{"prompt": "a", "completion": "b", "prompt": "c"}\n', "line 401", "stands twice in one object: 'prompt'"),
    "duplicate key inside": (b'{"prompt": "a", "completion": "b", "x": [{"y": 1, "\\u0079": 2}]}\n', "line 1", "'y'"),
    "not UTF-8": (GOOD + b'{"prompt": "\xff", "completion": "b"}\n', "line 2", "is not UTF-8 (byte 12"),
    "a lone surrogate": (GOOD + b'{"prompt": "\\udc00", "completion": "b"}\n', "line 2", "lone surrogate"),
    "an escaped NUL": (GOOD + b'{"prompt": "\\u0000", "completion": "b"}\n', "line 2", "NUL"),
    "a raw NUL": (GOOD + b'{"prompt": "\x00", "completion": "b"}\n', "line 2", "control character"),
    "cut off": (GOOD + GOOD[:-5], "line 2", "is not JSON"),
    "garbage behind a row": (GOOD[:-1] + b" x\n", "line 1", "Extra data"),
    "a list": (b"[1]\n", "line 1", "is no JSON object"),
    "deep": (b'{"prompt": "a", "completion": "b", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}\n", "line 1", "nested"),
    "rather deep": (b'{"prompt": "a", "completion": "b", "x": ' + b"[" * 150 + b"]" * 150 + b"}\n", "line 1", "nested deeper than 100"),
    "empty messages": (b'{"messages": []}\n', "line 1", "empty list"),
    "a turn without content": (b'{"messages": [{"role": "user"}]}\n', "line 1", "neither text nor a list"),
    "calls that are none": (b'{"messages": [{"role": "assistant", "content": "a", "tool_calls": [{"x": 1}]}]}\n', "line 1", "tool_calls"),
    "tools that are none": (b'{"messages": [{"role": "user", "content": "a"}], "tools": ["x"]}\n', "line 1", "'tools'"),
    "a label that is text": (b'{"prompt": "a", "completion": "b", "label": "true"}\n', "line 1", "'label' is neither true nor false"),
    "ranks that are too few": (b'{"prompt": "a", "responses": ["b", "c"], "ranks": [1]}\n', "line 1", "2 responses and 1 ranks"),
    "ranks that are truths": (b'{"prompt": "a", "responses": ["b", "c"], "ranks": [true, false]}\n', "line 1", "whole numbers"),
    "one response": (b'{"prompt": "a", "responses": ["b"], "ranks": [1]}\n', "line 1", "at least two"),
    "text of messages": (b'{"text": [{"role": "user", "content": "a"}]}\n', "line 1", "'text' is no text"),
    "pairs of plain text": (b'{"chosen": "a", "rejected": "b"}\n', "line 1", "without a 'prompt'"),
    "nothing in common": (b'{"chosen": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "rejected": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "b"}]}\n', "line 1", "no first turn in common"),
    "no transcript": (b'{"chosen": "\\n\\nHuman: a\\n\\nAssistant: b", "rejected": "b"}\n', "line 1", "'rejected' is no transcript"),
    "a transcript of the human's": (b'{"chosen": "\\n\\nHuman: a", "rejected": "\\n\\nHuman: a\\n\\nAssistant: b"}\n', "line 1", "last turn"),
    "transcripts that part early": (b'{"chosen": "\\n\\nHuman: a\\n\\nAssistant: b", "rejected": "\\n\\nHuman: x\\n\\nAssistant: b"}\n', "line 1", "differ before the last answer"),
    "unknown columns": (b'{"question": "a"}\n', "line 1", "no known format"),
    "blank": (b"\n \n\n", "", "holds no rows"),
    "empty": (b"", "", "holds no rows"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_named_with_its_rule(tmp_path, name):
    data, line, rule = LINES[name]
    told = refused(tmp_path / "rows.jsonl", data)
    assert rule in told
    assert f"{line} of rows.jsonl" in told or not line


@pytest.mark.parametrize("name", LINES)
def test_inside_gzip_it_is_the_same(tmp_path, name):
    data, line, rule = LINES[name]
    told = refused(tmp_path / "rows.jsonl.gz", gzip.compress(data))
    assert rule in told
    assert f"{line} of rows.jsonl.gz" in told or not line


DISGUISED = {
    "zip": (ZIP.getvalue(), "a zip archive"),
    "pickle": (PICKLE, "a Python pickle"),
    "gzip": (gzip.compress(GOOD), "compressed with gzip"),
    "parquet": (b"PAR1....PAR1", "a Parquet file"),
    "bzip2": (b"BZh91AY", "bzip2"),
    "zstandard": (b"\x28\xb5\x2f\xfd\x00", "zstandard"),
    "xz": (b"\xfd7zXZ\x00", "xz"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "byte order mark"),
    "UTF-16": ('{"text": "a"}\n'.encode("utf-16"), "UTF-16"),
}


@pytest.mark.parametrize("name", DISGUISED)
@pytest.mark.parametrize("ending", ["jsonl", "csv", "txt"])
def test_what_is_something_else_is_called_by_its_name(tmp_path, name, ending):
    data, what = DISGUISED[name]
    assert what in refused(tmp_path / f"rows.{ending}", data)


@pytest.mark.parametrize("name", ["zip", "pickle", "byte order mark", "UTF-16"])
def test_so_it_is_inside_gzip(tmp_path, name):
    data, what = DISGUISED[name]
    assert what in refused(tmp_path / "rows.jsonl.gz", gzip.compress(data))


@pytest.mark.parametrize("name", ["zip", "pickle", "byte order mark"])
def test_and_under_the_name_of_parquet(tmp_path, name):
    data, what = DISGUISED[name]
    assert what in refused(tmp_path / "rows.parquet", data)


class TestLength:
    def test_a_line_of_10_mib_is_read(self, tmp_path):
        path = tmp_path / "rows.jsonl"
        path.write_bytes(
            GOOD + json.dumps({"prompt": "a" * 10 * MIB, "completion": "b"}).encode() + b"\n" + GOOD
        )
        assert datasets.inspect(path).rows == 3
        assert [number for number, _ in datasets.rows_of(path)] == [1, 2, 3]

    @pytest.mark.parametrize("tail", [b"\n", b"", b"\n" + GOOD])
    def test_a_line_of_20_mib_is_not(self, tmp_path, tail):
        data = GOOD + json.dumps({"prompt": "a" * 20 * MIB, "completion": "b"}).encode() + tail
        assert "line 2 of rows.jsonl is longer than 16 MiB" in refused(tmp_path / "rows.jsonl", data)

    def test_nor_inside_gzip_or_csv_or_parquet(self, tmp_path):
        long = "a" * 20 * MIB
        line = json.dumps({"prompt": long, "completion": "b"}).encode()
        assert "longer than 16 MiB" in refused(tmp_path / "rows.jsonl.gz", gzip.compress(line, 1))
        assert "longer than 16 MiB" in refused(
            tmp_path / "rows.csv", f"prompt,completion\n{long},b\n".encode()
        )
        table = pyarrow.table({"prompt": [long], "completion": ["b"]})
        parquet.write_table(table, tmp_path / "rows.parquet")
        assert "longer than 16 MiB" in refused(tmp_path / "rows.parquet")


class TestGzip:
    def test_a_bomb_is_refused_before_it_fills_anything(self, tmp_path):
        path = tmp_path / "rows.jsonl.gz"
        row = json.dumps({"prompt": "a" * 9_900, "completion": "b"}).encode() + b"\n"
        with gzip.open(path, "wb", 9) as out:
            for _ in range(80):
                out.write(row * (MIB // len(row)))
        assert path.stat().st_size * files.MAX_RATIO < 79 * MIB
        assert "unpacks to more than 67,108,864 bytes" in refused(path)

    def test_a_small_file_of_one_repeated_row_is_no_bomb(self, tmp_path):
        path = tmp_path / "rows.jsonl.gz"
        path.write_bytes(gzip.compress(GOOD * 20_000, 9))
        assert datasets.inspect(path).rows == 20_000

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            (lambda data: data[:-12], "ended before the end-of-stream marker"),
            (lambda data: data[:200], "ended before the end-of-stream marker"),
            (lambda data: data + b"and more", "no intact gzip file"),
            (lambda data: data[:40] + bytes(8) + data[48:], "no intact gzip file"),
            (lambda data: data[:-8] + bytes(4) + data[-4:], "CRC check failed"),
            (lambda _: GOOD, "is no gzip file"),
            (lambda _: b"", "holds no rows"),
        ],
        ids=["cut", "cut early", "trailing garbage", "altered", "wrong checksum", "no gzip", "empty"],
    )
    def test_a_damaged_file_is_refused(self, tmp_path, change, rule):
        whole = gzip.compress(
            b"".join(json.dumps({"text": os.urandom(20).hex()}).encode() + b"\n" for _ in range(50))
        )
        assert rule in refused(tmp_path / "rows.jsonl.gz", change(whole))

    def test_several_members_are_one_file(self, tmp_path):
        path = tmp_path / "rows.jsonl.gz"
        path.write_bytes(gzip.compress(GOOD) + gzip.compress(GOOD * 2))
        assert datasets.inspect(path).rows == 3


TABLES = {
    "only a header": (b"prompt,completion\n", "holds no rows"),
    "empty": (b"", "holds no rows"),
    "ragged": (b"prompt,completion\na,b\nc\n", "line 3 of rows.csv has 1 cells, and the header names 2"),
    "ragged behind line breaks": (
        b'prompt,completion\n"a\n\nb",c\nd,e,f\n',
        "line 5 of rows.csv has 3 cells",
    ),
    "a name twice": (b"prompt,prompt\na,b\n", "names 'prompt' twice"),
    "a name left out": (b"prompt,\na,b\n", "without a name"),
    "not UTF-8": (b"prompt,completion\na,\xff\n", "line 2 of rows.csv is not UTF-8"),
    "NUL": (b"prompt,completion\na,\x00\n", "line 2 of rows.csv holds a NUL"),
    "a quotation mark left open": (b'prompt,completion\na,"b\n', "no CSV: unexpected end of data"),
    "a quotation mark inside": (b'prompt,completion\na,"b" c\n', "no CSV"),
    "unknown columns": (b"question,answer\na,b\n", "no known format"),
    "a label": (b"prompt,completion,label\na,b,true\n", "in CSV every cell is text"),
    "too many columns": (b",".join(b"c%d" % n for n in range(1001)) + b"\n", "at most 1000"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_bad_table_is_refused(tmp_path, name):
    data, rule = TABLES[name]
    assert rule in refused(tmp_path / "rows.csv", data)


def test_a_cell_that_never_ends_is_refused_by_its_first_line(tmp_path):
    data = b'prompt,completion\na,"b\n' + (b"c" * 999 + b"\n") * 17_000
    assert "the row that begins on line 2 of rows.csv is longer than 16 MiB" in refused(
        tmp_path / "rows.csv", data
    )


class TestParquet:
    @pytest.fixture
    def whole(self, tmp_path) -> bytes:
        parquet.write_table(pyarrow.table({"text": ["a" * 50, "b"] * 100}), tmp_path / "whole.parquet")
        return (tmp_path / "whole.parquet").read_bytes()

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            (lambda data: b"PAR2" + data[4:], "no Parquet file"),
            (lambda data: data[:-1], "truncated"),
            (lambda data: data[: len(data) // 2], "truncated"),
            (lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1", "no intact Parquet file"),
            (lambda data: data[:4] + bytes(len(data) - 12) + data[-8:], "no intact Parquet file"),
            (lambda data: data[:-60] + os.urandom(52) + data[-8:], "no intact Parquet file"),
            (lambda _: b"PAR1PAR1", "no intact Parquet file"),
            (lambda _: b"PAR1", "no intact Parquet file"),
            (lambda _: b"", "no Parquet file"),
            (lambda _: GOOD, "no Parquet file"),
        ],
        ids=[
            "magic",
            "end",
            "half",
            "footer length",
            "zeroes",
            "noise",
            "nothing inside",
            "too short",
            "empty",
            "lines",
        ],
    )
    def test_a_damaged_file_is_refused(self, tmp_path, whole, change, rule):
        assert rule in refused(tmp_path / "rows.parquet", change(whole))

    @pytest.mark.parametrize(
        ("column", "kind"),
        [
            (pyarrow.array([1], pyarrow.timestamp("us")), "timestamp"),
            (pyarrow.array([b"\x00"]), "binary"),
            (pyarrow.array([1], pyarrow.date32()), "date32"),
            (pyarrow.array([1], pyarrow.duration("s")), "duration"),
            (pyarrow.array([1], pyarrow.decimal128(5, 2)), "decimal128"),
            (pyarrow.array([[("a", 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())), "map"),
        ],
        ids=["timestamp", "binary", "date", "duration", "decimal", "map"],
    )
    def test_a_type_without_a_form_in_json_is_named(self, tmp_path, column, kind):
        nested = pyarrow.array(
            [[{"made": column[0]}]], pyarrow.list_(pyarrow.struct([("made", column.type)]))
        )
        parquet.write_table(pyarrow.table({"text": ["a"], "extra": nested}), tmp_path / "rows.parquet")
        told = refused(tmp_path / "rows.parquet")
        assert "the column extra[].made is of type " + kind in told

    def test_not_a_number_is_named_by_its_row(self, tmp_path):
        table = pyarrow.table({"text": ["a", "b"], "score": [0.5, float("nan")]})
        parquet.write_table(table, tmp_path / "rows.parquet")
        assert "row 2 holds NaN" in refused(tmp_path / "rows.parquet")

    def test_a_bad_row_is_named(self, tmp_path):
        table = pyarrow.table({"prompt": ["a", None], "completion": ["b", "c"]})
        parquet.write_table(table, tmp_path / "rows.parquet")
        assert "row 2 of rows.parquet: 'prompt' is neither text" in refused(tmp_path / "rows.parquet")

    def test_text_that_is_not_utf_8_is_refused(self, tmp_path):
        broken = pyarrow.StringArray.from_buffers(
            1, pyarrow.py_buffer(b"\x00\x00\x00\x00\x01\x00\x00\x00"), pyarrow.py_buffer(b"\xff")
        )
        parquet.write_table(pyarrow.table({"text": broken}), tmp_path / "rows.parquet")
        assert "no intact Parquet file" in refused(tmp_path / "rows.parquet")

    def test_values_that_unpack_without_end_are_refused(self, tmp_path):
        text = pyarrow.array(["a" * MIB]).dictionary_encode()
        column = pyarrow.DictionaryArray.from_arrays(
            pyarrow.array([0] * 2000, pyarrow.int32()), text.dictionary
        )
        parquet.write_table(pyarrow.table({"text": column}), tmp_path / "rows.parquet")
        assert "unpacks to more than 200 times its size" in refused(tmp_path / "rows.parquet")

    def test_inside_gzip_it_is_refused(self, tmp_path, whole):
        assert "Parquet inside gzip" in refused(tmp_path / "rows.parquet.gz", gzip.compress(whole))


def test_what_is_no_regular_file_is_refused(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(GOOD)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "rows.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert "is a symbolic link" in refused(tmp_path / "link.jsonl")
    assert "is no file" in refused(tmp_path / "folder.jsonl")
    assert "is no file" in refused(tmp_path / "pipe.jsonl")
