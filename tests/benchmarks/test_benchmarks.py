"""The frame around benchmarks: rounds, intervals, the table, the JSON file, and one quick run of all of them."""

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as bench
from benchmarks import scratch
from benchmarks.figures import Aim, Figure, number, table
from benchmarks.paired import alternating, interval, ratios

LEDGER = ["ledger_million", "ledger_write", "ledger_writers"]
"""Those that tests/benchmarks/test_ledger.py tries at a size of its own."""


class TestRounds:
    def test_each_round_goes_the_other_way_and_is_renewed_first(self):
        said = []
        sides = {name: lambda name=name: said.append(name) for name in "ab"}
        found = alternating(sides, 3, lambda round: said.append(round))
        assert said == [0, "a", "b", 1, "b", "a", 2, "a", "b"]
        assert {name: len(values) for name, values in found.items()} == {"a": 3, "b": 3}
        assert all(0 <= second < 1 for values in found.values() for second in values)

    def test_a_side_may_measure_itself(self):
        assert alternating({"a": lambda: 7.5}, 2) == {"a": [7.5, 7.5]}

    @pytest.mark.parametrize(
        ("n", "low", "high", "level"),
        [(2, 1, 2, 0.5), (5, 1, 5, 1 - 2 / 32), (6, 1, 6, 1 - 2 / 64), (9, 2, 8, 1 - 2 * 10 / 512), (11, 2, 10, 1 - 2 * 12 / 2048)],
    )  # fmt: skip
    def test_the_interval_of_a_median_lies_between_order_statistics(self, n, low, high, level):
        found = interval(list(range(n, 0, -1)))
        assert (found.median, found.low, found.high, found.n) == ((n + 1) / 2, low, high, n)
        assert found.level == pytest.approx(level)

    def test_ratios_are_taken_round_by_round(self):
        assert ratios([2, 9], [1, 3]) == [2, 3]
        with pytest.raises(ValueError, match="shorter"):
            ratios([1, 2], [1])


class TestFigures:
    def test_an_aim_is_met_or_missed_or_absent(self):
        assert Figure("a", "ms", [3.0], aim=Aim("value", 3)).meets is True
        assert Figure("a", "ms", [3.1], aim=Aim("value", 3)).meets is False
        assert Figure("a", "MB/s", [10.0], [100.0], "b", Aim("ratio", 0.2, is_least=True)).meets is False
        assert Figure("a", "ms", [3.0]).meets is None

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0.0, "0"),
            (16.0, "16"),
            (100_000.0, "100,000"),
            (1234.5, "1,234"),
            (0.01234, "0.0123"),
            (1e-9, "0.000000"),
        ],
    )
    def test_numbers_have_three_digits_and_no_exponent(self, value, text):
        assert number(value) == text


def printed(figures: list[Figure]) -> str:
    console = Console(file=io.StringIO(), width=150)
    console.print(table(figures))
    return console.file.getvalue()


def test_a_benchmark_runs_in_an_installation_of_its_own(monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://nowhere")
    quick, whole = (bench.measured("tests.benchmarks.trivial", quick=quick) for quick in (True, False))
    assert [figure.name for figure in quick] == ["Count to ten", "Queries"]
    assert quick[0].ratio.median == 3
    assert (quick[1].values, whole[1].values) == ([4.0], [40.0])
    text = printed(quick)
    assert [head in text for head in ("what", "value", "unit", "baseline", "ratio", "aim")] == [True] * 6
    assert "to five: 1" in text
    assert "3× (2 to 4)" in text
    assert "≤ 2.5×" in text
    assert "missed" in text
    assert "met" in text


def test_the_file_says_what_was_measured_on_what(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        bench, "measured", lambda module, quick: [Figure(module, "ms", [1.0, 2.0], [1.0, 1.0], "b")]
    )
    out = tmp_path / "deep" / "bench.json"
    assert bench.main(["--only", "search", "--quick", "--out", str(out)]) == 0
    told = json.loads(out.read_text())
    assert set(told) == {"at", "machine", "quick", "figures"}
    assert set(told["machine"]) == {"cores", "python", "system", "load"}
    assert socket.gethostname() not in out.read_text()
    (figure,) = told["figures"]
    assert set(figure) == {
        "name",
        "unit",
        "values",
        "baseline",
        "against",
        "aim",
        "skipped",
        "value",
        "ratio",
        "meets",
    }
    assert figure["name"] == "benchmarks.bench_search"
    assert figure["ratio"] == {"median": 1.5, "low": 1.0, "high": 2.0, "level": 0.5, "n": 2}
    assert "Written" in capsys.readouterr().out


def test_a_benchmark_that_fails_is_named_and_the_others_go_on(tmp_path, capfd):
    out = tmp_path / "bench.json"
    with pytest.raises(bench.Failed, match="nowhere ended with exit code 1"):
        bench.measured("nowhere", quick=True)
    assert "No module named 'nowhere'" in capfd.readouterr().err
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "measured", fail_at_search)
        assert bench.main(["--only", "search", "pages", "--out", str(out)]) == 1
    assert "search broke" in capfd.readouterr().out
    assert [figure["name"] for figure in json.loads(out.read_text())["figures"]] == ["benchmarks.bench_pages"]


def fail_at_search(module: str, quick: bool) -> list[Figure]:
    if module.endswith("search"):
        raise bench.Failed("search broke")
    return [Figure(module, "ms", [1.0])]


def test_a_name_that_is_no_benchmark_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as ended:
        bench.main(["--only", "nothing"])
    assert ended.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_every_benchmark_is_found():
    assert bench.names() == ["contamination", "gate", *LEDGER, "pages", "registration", "search", "training"]


@pytest.mark.slow
def test_all_of_them_run_quickly(tmp_path, tiny_base):
    out = tmp_path / "bench.json"
    names = [name for name in bench.names() if name not in LEDGER]
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out), "--only", *names]
    done = subprocess.run(command, cwd=scratch.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(Path(out).read_text())
    names = " ".join(figure["name"] for figure in told["figures"])
    for part in ("Register", "/artifacts/", "SQLite: find", "sft: training loop"):
        assert part in names
    assert all(figure["values"] for figure in told["figures"])
