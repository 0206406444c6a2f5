"""The rules of contamination: what counts as shared, exactly, and the search of one dataset by the job."""

import json
import random
import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evals.harness import overlap
from evals.harness.contamination import measure_of, prompts_of
from evals.harness.contamination_params import Params
from evals.harness.overlap import SPAN, Index, Measure, rolling
from evals.statistics.clean_split import split
from governance.ledger.canonical import canonical
from tests.evals.conftest import write_suite
from tests.realdata import REAL, requires
from tests.training.jobs import events, result, run_here, used, write_job
from training.methods import BadParams, read

TULU3 = Measure("word", 8, Decimal("0.5"))
WORDS = [f"word{n}" for n in range(400)]


def contaminated(items: list[str], rows: list[str], measure: Measure = TULU3) -> list[tuple[int, int]]:
    return [(match.row, match.item) for match in Index(items, measure).search([[row] for row in rows])]


def plainly(items: list[str], rows: list[str], measure: Measure) -> set[tuple[int, int]]:
    """The same, as the rule is written: one row and one item after the other, sets of n-grams, no hash."""
    n, found = measure.n, set()
    for row, text in enumerate(rows):
        units = measure.units(text)
        grams = {units[at : at + n] for at in range(len(units) - n + 1)}
        for item, asked in enumerate(items):
            wanted = measure.units(asked)
            inside = {
                at + step
                for at in range(len(wanted) - n + 1)
                if wanted[at : at + n] in grams
                for step in range(n)
            }
            if measure.exceeds(len(inside), len(wanted)) or (len(wanted) < n and wanted == units):
                found.add((row, item))
    return found


class TestRules:
    def test_more_than_half_of_the_words_in_runs_of_eight(self):
        item = " ".join(WORDS[:16])
        assert contaminated([item], [" ".join(WORDS[:9])]) == [(0, 0)]
        assert contaminated([item], [" ".join(WORDS[:8])]) == []
        assert contaminated([item], [" ".join(WORDS[:7]) + " x " + " ".join(WORDS[7:14])]) == []

    def test_the_share_must_come_from_one_row(self):
        item = " ".join(WORDS[:32])
        halves = [" ".join(WORDS[:16]), " ".join(WORDS[16:32])]
        assert contaminated([item], halves) == []
        assert contaminated([item], [" and ".join(halves)]) == [(0, 0)]

    def test_no_run_goes_from_one_turn_to_the_next(self):
        index = Index([" ".join(WORDS[:8])], TULU3)
        assert index.search([[" ".join(WORDS[:4]), " ".join(WORDS[4:8])]]) == []
        assert [match.item for match in index.search([[" ".join(WORDS[:4] + WORDS[4:8])]])] == [0]

    def test_case_and_punctuation_do_not_count(self):
        item = "What is the sum of seven, eight and nine?"
        assert contaminated([item], ["WHAT IS -- the sum of seven eight AND nine"]) == [(0, 0)]

    def test_the_share_and_the_span_are_those_of_the_item(self):
        (match,) = Index([" ".join(WORDS[:12])], TULU3).search([["so " + " ".join(WORDS[2:11])]])
        assert (match.matched, match.length, match.span) == (9, 12, " ".join(WORDS[2:11]))
        (long,) = Index([" ".join(WORDS)], TULU3).search([[" ".join(WORDS)]])
        assert (long.matched, len(long.span)) == (400, SPAN)

    def test_items_of_fewer_words_match_as_a_whole_alone(self):
        items = ["What is 2 + 2?", "?!", "Name a fruit"]
        rows = ["what is 2 2", "So: what is 2 + 2?", "?!", "!?", "", "name a fruit that grows here"]
        assert contaminated(items, rows) == [(0, 0), (2, 1)]
        assert [Index(items, TULU3).is_short(place) for place in range(3)] == [True] * 3

    def test_gpt3_asks_for_one_run_of_thirteen_words(self):
        gpt3 = measure_of(read(Params, {"rule": "gpt3"}))
        item = " ".join(WORDS[:100])
        assert contaminated([item], [" ".join(WORDS[40:53]), " ".join(WORDS[40:52])], gpt3) == [(0, 0)]

    def test_a_substring_is_of_letters_and_digits_whatever_stands_between(self):
        substring = measure_of(read(Params, {"rule": "substring"}))
        item = "Start: " + "abcde fghij, " * 5 + "end."
        inside = "abcdefghij-" * 5
        assert contaminated([item], [f"xx{inside}yy", inside[:50]], substring) == [(0, 0)]
        assert contaminated([item], [f"xx{inside.upper()}yy"], substring) == []
        assert contaminated(["short one"], ["Short one", "short-one!"], substring) == [(1, 0)]

    def test_composed_and_decomposed_letters_are_the_same(self):
        said = "Où était la vieille église très près du marché"
        decomposed = "Ou\u0300 e\u0301tait la vieille e\u0301glise tre\u0300s pre\u0300s du marche\u0301"
        assert said != decomposed
        for measure in (TULU3, Measure("character", 20, Decimal(0))):
            assert contaminated([said], [decomposed, "Où est la gare s'il vous plaît"], measure) == [(0, 0)]

    def test_scripts_without_spaces_are_one_word_and_compared_as_a_whole(self):
        item = "请用一句话解释什么是机器学习"
        assert contaminated([item], [item, item + "吗"]) == [(0, 0)]
        assert contaminated([item], [f"请问{item}"], Measure("character", 10, Decimal(0))) == [(0, 0)]

    def test_sharing_counts_items_with_any_shared_run(self):
        index = Index([" ".join(WORDS[:30]), " ".join(WORDS[30:60]), "short"], TULU3)
        assert index.search([[" ".join(WORDS[:8])], ["short of money"]]) == []
        assert index.sharing() == {0}
        index.forget()
        assert index.sharing() == set()


@pytest.mark.parametrize(
    "measure",
    [TULU3, Measure("word", 3, Decimal(0)), Measure("word", 5, Decimal("0.8")), Measure("character", 12, Decimal("0.3"))],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("common", [2, 64])
def test_the_index_finds_what_plain_comparison_finds(measure, common, monkeypatch):
    """Few words, so that runs are shared often; with `common` 2 most of them count as templates."""
    monkeypatch.setattr(overlap, "COMMON", common)
    rng = random.Random(5)
    lines = [" ".join(rng.choices("abcdefg", k=rng.randint(1, 14))) for _ in range(60)]
    items = [" ".join(rng.choices(lines, k=rng.randint(1, 3))) for _ in range(120)]
    rows = [" ".join(rng.choices(lines, k=rng.randint(1, 4))) for _ in range(200)]
    found, expected = set(contaminated(items, rows, measure)), plainly(items, rows, measure)
    assert found == expected
    assert 50 < len(expected) < len(items) * len(rows) / 2


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13, 50])
def test_a_rolling_hash_depends_on_the_window_alone(n):
    import numpy as np

    rng = np.random.default_rng(3)
    values = rng.integers(0, 2**63, 120).astype(np.uint64)
    whole = rolling(values, n)
    assert len(whole) == 121 - n
    assert [int(rolling(values[at : at + n], n)[0]) for at in range(len(whole))] == whole.tolist()
    assert len(set(whole.tolist())) == len(whole)
    assert len(rolling(values[: n - 1], n)) == 0


class TestParams:
    def test_a_rule_brings_its_own_figures(self):
        told = {
            rule: read(Params, {"rule": rule}).model_dump(mode="json")
            for rule in ("tulu3", "gpt3", "substring")
        }
        assert {rule: (one["n"], one["share"]) for rule, one in told.items()} == {
            "tulu3": (8, "0.5"),
            "gpt3": (13, "0"),
            "substring": (50, "0"),
        }
        assert told["tulu3"]["set_threshold"] == "0.02"
        assert read(Params, {"n": 5, "share": "0.7"}).n == 5

    @pytest.mark.parametrize(
        "given", [{"rule": "palm"}, {"n": 1}, {"share": "1"}, {"action": "hide"}, {"m": 3}], ids=str
    )
    def test_what_makes_no_sense_is_refused(self, given):
        with pytest.raises(BadParams, match=next(iter(given))):
            read(Params, given, where="params")


USER = {"role": "user", "content": "asked"}
SAID = {"role": "assistant", "content": "answered"}


class TestPrompts:
    @pytest.mark.parametrize(
        ("format", "row", "said"),
        [
            ("text", {"text": "all"}, ["all"]),
            ("messages", {"messages": [{"role": "system", "content": "s"}, USER, SAID, USER]}, ["asked", "asked"]),
            ("messages", {"messages": [{"role": "human", "content": "h"}]}, ["h"]),
            ("messages", {"messages": [SAID]}, []),
            ("messages", {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [1]}]}, ["asked"]),
            ("prompt-completion", {"prompt": "p", "completion": "c"}, ["p"]),
            ("prompt-completion", {"prompt": [USER], "completion": [SAID]}, ["asked"]),
            ("prompt-only", {"prompt": ""}, [""]),
            ("preference", {"prompt": "p", "chosen": "c", "rejected": "r"}, ["p"]),
            ("preference", {"prompt": [USER], "chosen": [SAID], "rejected": [SAID]}, ["asked"]),
            ("implicit-preference", {"chosen": [USER, SAID], "rejected": [USER, {**SAID, "content": "no"}]}, ["asked"]),
            ("hh-rlhf", {"chosen": "\n\nHuman: q\n\nAssistant: a", "rejected": "\n\nHuman: q\n\nAssistant: b"}, ["q"]),
            ("unpaired-preference", {"prompt": "p", "completion": "c", "label": True}, ["p"]),
            ("ranking", {"prompt": "p", "responses": ["a", "b"], "ranks": [1, 2]}, ["p"]),
            ("items", {"id": "1", "prompt": "p", "target": "t"}, ["p"]),
        ],
    )  # fmt: skip
    def test_what_a_user_says_and_nothing_else(self, format, row, said):
        assert prompts_of(row, format) == said

    @pytest.mark.parametrize(
        ("format", "row"),
        [("text", {"text": 3}), ("messages", {}), ("messages", {"messages": [7]}), ("hh-rlhf", {"chosen": "x", "rejected": "y"})],
    )  # fmt: skip
    def test_a_row_of_another_form_is_an_error(self, format, row):
        with pytest.raises((ValueError, KeyError, TypeError)):
            prompts_of(row, format)


class TestSplit:
    def test_scores_on_clean_items_and_the_difference(self):
        scores = {f"i{n}": int(n < 50 or n % 2) for n in range(150)}
        found = split(scores, {f"i{n}" for n in range(50)})
        assert (found.n_clean, found.n_contaminated) == (100, 50)
        assert (found.score_contaminated, found.score_clean) == (1, 0.5)
        assert found.score_all == pytest.approx(100 / 150)
        assert found.difference == 0.5
        # Wilson of 50/50 begins at 0.928652, of 50/100 it is 0.5 ± 0.096170.
        bounds = (0.5 - (0.071348**2 + 0.096170**2) ** 0.5, 0.5 + 0.096170)
        assert found.bounds == pytest.approx(bounds, abs=1e-5)

    def test_newcombes_own_example(self):
        """Newcombe 1998, table II: 56/70 and 48/80 differ by 0.2, method 10 gives 0.0524 to 0.3339."""
        scores = {f"a{n}": int(n < 56) for n in range(70)} | {f"b{n}": int(n < 48) for n in range(80)}
        found = split(scores, {f"a{n}" for n in range(70)})
        assert [round(value, 4) for value in (found.difference, *found.bounds)] == [0.2, 0.0524, 0.3339]

    def test_fractions_have_welchs_interval(self):
        """Means 0.65 and 0.35, variances 0.05/3 each: SE² = 0.025/3, 6 degrees of freedom, t = 2.446912."""
        scores = {f"a{n}": 0.5 + n / 10 for n in range(4)} | {f"b{n}": 0.2 + n / 10 for n in range(4)}
        found = split(scores, {f"a{n}" for n in range(4)})
        assert (found.score_all, found.score_clean) == (pytest.approx(0.5), pytest.approx(0.35))
        half = 2.446912 * (0.025 / 3) ** 0.5
        assert found.bounds == pytest.approx((0.3 - half, 0.3 + half), abs=1e-6)

    def test_a_single_fraction_has_a_difference_and_no_interval(self):
        found = split({"a": 0.5, "b": 0.25, "c": 0.75}, {"a"})
        assert (found.score_contaminated, found.difference, found.bounds) == (0.5, 0, None)

    @pytest.mark.parametrize("contaminated", [set(), {"a", "b"}], ids=["none", "all"])
    def test_one_side_alone_says_nothing(self, contaminated):
        assert split({"a": 1, "b": 0}, contaminated) is None


TASK = {
    "name": "sums",
    "kind": "exact_match",
    "metric": "exact_match",
    "margin": "0.02",
    "file": "items.jsonl",
}


def suite_input(folder: Path, items: list[dict[str, Any]], **task: Any) -> dict[str, Any]:
    content = write_suite(folder / "suite", [{**TASK, **task}], {"items.jsonl": items})
    return used("eval-suite:sums@1", folder / "suite", **content)


def dataset_input(folder: Path, lines: bytes, format: str, rows: int, **content: Any) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.jsonl"
    path.write_bytes(lines)
    file = {"path": path.name, "sha256": "a" * 64, "size": len(lines)}
    return used("dataset:rows@3", path, format=format, rows=rows, files=[file], **content)


def written(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def search(folder: Path, dataset: dict[str, Any], suite: dict[str, Any], **params: Any) -> int:
    inputs = {"searched": [dataset], "evaluations": [suite]}
    return run_here(write_job(folder / "job", "evals.harness.contamination", params=params, inputs=inputs))


def report_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "job/outputs/report.json").read_bytes())


def hits_of(folder: Path) -> list[dict[str, Any]]:
    data = (folder / "job/outputs/hits.jsonl").read_bytes()
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
def keep_signals():
    """A job in this process takes the signals over; give them back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTER_CACHE", str(tmp_path / "cache"))


def generated(seed: int, number: int, words: int = 30) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(f"w{rng.randrange(3000)}" for _ in range(words)) for _ in range(number)]


@pytest.mark.usefixtures("keep_signals")
class TestJob:
    def test_planted_copies_are_found_and_nothing_else(self, tmp_path):
        prompts, asked = generated(1, 2000), generated(2, 50)
        planted = {17: asked[3], 400: f"Please tell me: {asked[7].upper()}", 1999: asked[3]}
        rows = [{"prompt": planted.get(n, text), "completion": asked[0]} for n, text in enumerate(prompts, 1)]
        items = [{"id": f"i{n}", "prompt": text, "target": "1"} for n, text in enumerate(asked)]
        data = dataset_input(tmp_path, written(rows), "prompt-completion", 2000)
        assert search(tmp_path, data, suite_input(tmp_path, items)) == 0, result(tmp_path / "job")["reason"]
        (found,) = report_of(tmp_path)["searches"]
        assert {name: found[name] for name in ("rows", "items", "contaminated", "share", "flagged", "rows_hit")} == {
            "rows": 2000, "items": 50, "contaminated": 2, "share": "0.04", "flagged": True, "rows_hit": 3,
        }  # fmt: skip
        assert [(hit["row"], hit["item"], hit["share"]) for hit in hits_of(tmp_path)] == [
            (17, "i3", "1"),
            (400, "i7", "1"),
            (1999, "i3", "1"),
        ]
        assert hits_of(tmp_path)[0]["span"].startswith(asked[3][:100])
        assert result(tmp_path / "job")["summary"] == {"searches": 1}
        assert [event["name"] for event in events(tmp_path / "job", "phase")] == ["index", "search"]
        assert events(tmp_path / "job", "progress")[-1]["done"] == 2000

    def test_the_negative_control_stays_silent(self, tmp_path):
        """The same rows without the copies; the answers still hold an item, and answers are not compared."""
        asked = generated(2, 50)
        rows = [{"prompt": text, "completion": asked[0]} for text in generated(1, 2000)]
        items = [{"id": f"i{n}", "prompt": text, "target": "1"} for n, text in enumerate(asked)]
        data = dataset_input(tmp_path, written(rows), "prompt-completion", 2000)
        assert search(tmp_path, data, suite_input(tmp_path, items)) == 0
        (found,) = report_of(tmp_path)["searches"]
        assert [found[name] for name in ("contaminated", "sharing", "rows_hit", "flagged")] == [
            0,
            0,
            0,
            False,
        ]
        assert hits_of(tmp_path) == []

    def test_flagging_looks_at_each_task(self, tmp_path):
        asked = generated(4, 100)
        items = [
            {"id": f"i{n}", "prompt": text, "target": "1", "set": "a" if n < 90 else "b"}
            for n, text in enumerate(asked)
        ]
        content = write_suite(
            tmp_path / "suite",
            [{**TASK, "name": name, "only": {"set": name}} for name in "ab"],
            {"items.jsonl": items},
        )
        data = dataset_input(tmp_path, written([{"text": asked[95]}]), "text", 1)
        assert search(tmp_path, data, used("eval-suite:sums@1", tmp_path / "suite", **content)) == 0
        (found,) = report_of(tmp_path)["searches"]
        assert (found["contaminated"], found["share"], found["flagged"]) == (1, "0.01", True)
        assert [(task["task"], task["share"], task["flagged"]) for task in found["tasks"]] == [
            ("a", "0", False),
            ("b", "0.1", True),
        ]

    def test_many_rows_of_one_item_are_counted_and_a_few_listed(self, tmp_path):
        item = {"id": "i", "prompt": generated(3, 1)[0], "target": "1"}
        data = dataset_input(tmp_path, written([{"text": item["prompt"]}] * 30), "text", 30)
        assert search(tmp_path, data, suite_input(tmp_path, [item]), listed_rows=4) == 0
        assert report_of(tmp_path)["searches"][0]["rows_hit"] == 30
        assert [hit["row"] for hit in hits_of(tmp_path)] == [1, 2, 3, 4]

    def test_conversations_empty_rows_and_renamed_columns(self, tmp_path):
        text = "Wie viele Äpfel hat Frau Müller am Ende des Tages übrig behalten"
        said = [
            {"role": "user", "content": "Hallo"},
            {"role": "assistant", "content": "Ja?"},
            {"role": "user", "content": text},
        ]
        rows = [
            {"chat": [{"role": "assistant", "content": text}]},
            {"chat": said},
            {"chat": [{"role": "user", "content": " "}]},
        ]
        data = dataset_input(tmp_path, written(rows), "messages", 3, columns={"messages": "chat"})
        suite = suite_input(
            tmp_path, [{"id": "äpfel", "question": text, "target": "1"}], prompt_field="question"
        )
        assert search(tmp_path, data, suite) == 0, result(tmp_path / "job")["reason"]
        (found,) = report_of(tmp_path)["searches"]
        assert (found["rows_without_text"], found["contaminated"]) == (2, 1)
        assert [(hit["item"], hit["row"]) for hit in hits_of(tmp_path)] == [("äpfel", 2)]

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            (b'{"text": "a"}\n{"text": \n', "dataset:rows@3: row 2 is no row of format text"),
            (b'{"text": "a"}\n{"prompt": "b"}\n', "row 2 is no row of format text"),
            (b'{"text": "a"}\n[1]\n', "row 2 is no row of format text"),
            (b'{"text": "a"}\n{"text": 5}\n', "row 2 is no row of format text: a text was expected"),
            (b'{"text": "a"}\n', "says that it has 2 rows, and its file holds 1"),
        ],
        ids=["cut", "columns", "list", "number", "lost"],
    )  # fmt: skip
    def test_a_malformed_row_is_named_and_ends_the_search(self, tmp_path, lines, said):
        suite = suite_input(tmp_path, [{"id": "i", "prompt": "What is it?", "target": "1"}])
        assert search(tmp_path, dataset_input(tmp_path, lines, "text", 2), suite) == 1
        assert result(tmp_path / "job")["failure_class"] == "bad_input"
        assert said in result(tmp_path / "job")["reason"]

    def test_removal_keeps_the_other_rows_as_they_stood(self, tmp_path):
        asked = generated(2, 3)
        lines = b'{"text": "kept",  "n": 1.50}\n' + written([{"text": asked[1]}, {"text": "last"}])
        items = [{"id": f"i{n}", "prompt": text, "target": "1"} for n, text in enumerate(asked)]
        data = dataset_input(tmp_path, lines, "text", 3)
        assert search(tmp_path, data, suite_input(tmp_path, items), action="remove") == 0
        outputs = tmp_path / "job/outputs"
        assert (outputs / "rows-3.jsonl").read_bytes() == b'{"text": "kept",  "n": 1.50}\n{"text": "last"}\n'
        (removed,) = map(json.loads, (outputs / "removed.jsonl").read_text().splitlines())
        assert (removed["dataset"], removed["row"], removed["items"]) == (
            "dataset:rows@3",
            2,
            [{"suite": "eval-suite:sums@1", "task": "sums", "item": "i1"}],
        )
        assert report_of(tmp_path)["removed"][0]["by_suite"][0]["rows"] == 1

    def test_nothing_to_remove_leaves_no_file_and_everything_is_refused(self, tmp_path):
        item = {"id": "i", "prompt": generated(3, 1)[0], "target": "1"}
        suite = suite_input(tmp_path, [item])
        assert (
            search(
                tmp_path, dataset_input(tmp_path, written([{"text": "a"}]), "text", 1), suite, action="remove"
            )
            == 0
        )
        assert sorted(path.name for path in (tmp_path / "job/outputs").iterdir()) == [
            "hits.jsonl",
            "report.json",
        ]
        assert report_of(tmp_path)["removed"][0]["file"] is None
        whole = dataset_input(tmp_path, written([{"text": item["prompt"]}]), "text", 1)
        assert search(tmp_path, whole, suite, action="remove") == 1
        assert "nothing would be left" in result(tmp_path / "job")["reason"]

    def test_the_same_search_gives_the_same_bytes(self, tmp_path):
        items = [{"id": f"i{n}", "prompt": text, "target": "1"} for n, text in enumerate(generated(2, 20))]
        data = written([{"text": item["prompt"]} for item in items] + [{"text": "x"}])
        found = []
        for place in (tmp_path / "a", tmp_path / "b"):
            assert search(place, dataset_input(place, data, "text", 21), suite_input(place, items)) == 0
            found.append(
                [(place / "job/outputs" / name).read_bytes() for name in ("report.json", "hits.jsonl")]
            )
        assert found[0] == found[1]
        assert canonical(json.loads(found[0][0])) == found[0][0]

    @requires("gsm8k")
    def test_gsm8k_train_holds_two_items_of_its_test_set(self, tmp_path):
        gsm8k = REAL / "gsm8k"
        data = dataset_input(
            tmp_path, (gsm8k / "train.jsonl").read_bytes(), "prompt-completion", 7473,
            columns={"prompt": "question", "completion": "answer"},
        )  # fmt: skip
        content = write_suite(
            tmp_path / "suite",
            [{**TASK, "prompt_field": "question", "target_field": "answer"}],
            {"items.jsonl": (gsm8k / "test.jsonl").read_bytes()},
        )
        assert search(tmp_path, data, used("eval-suite:gsm8k@1", tmp_path / "suite", **content)) == 0
        (found,) = report_of(tmp_path)["searches"]
        assert (found["items"], found["contaminated"], found["sharing"]) == (1319, 2, 80)
        assert (found["share"], found["flagged"]) == ("0.001516", False)
        assert {hit["item"] for hit in hits_of(tmp_path)} == {"line-000603", "line-000633"}
