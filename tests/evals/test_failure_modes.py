"""Each way in which a comparison of two models misleads is refused by name, or told where the numbers stand."""

from collections.abc import Callable
from typing import Any

import pytest

from evals.compare import Measured, NotLikeForLike, TaskComparison, compare
from tests.evals.test_compare import clustered, item, measured, only

Pair = tuple[Measured, Measured]

HALF = [1, 0] * 100


def rows(numbers: range, **changes: Any) -> Measured:
    return Measured([item(number, number % 2, **changes) for number in numbers], measured([1]).results)


def against_half(other: Measured) -> Callable[[], Pair]:
    return lambda: (measured(HALF), other)


def both(**settings: Any) -> Callable[[], Pair]:
    return lambda: (measured(HALF, **settings), measured(HALF, **settings))


def joined(*sides: Measured) -> Measured:
    return Measured([row for side in sides for row in side.items], sides[0].results)


REFUSED: dict[str, tuple[Callable[[], Pair], str]] = {
    "other items": (against_half(rows(range(500, 700))), "items (fewer than 2 shared)"),
    "another filter": (against_half(rows(range(200), filter="flexible")), "filter"),
    "several filters on both sides": (
        lambda: (joined(rows(range(200)), rows(range(200), filter="flexible")),) * 2,
        "filter (several)",
    ),
    "several filters on one side": (
        against_half(joined(rows(range(200)), rows(range(200), filter="flexible"))),
        "filter (several)",
    ),
    "another prompt": (against_half(rows(range(200), prompt_hash="other")), "prompt_hash"),
    "another chat template": (against_half(measured(HALF, chat_template_sha256="d")), "chat_template_sha256"),
    "another system prompt": (
        against_half(measured(HALF, system_instruction_sha256="s")),
        "system_instruction_sha256",
    ),
    "another judge version": (
        lambda: (measured(HALF, {"judge": "judge:helpful@1"}), measured(HALF, {"judge": "judge:helpful@2"})),
        "judge",
    ),
    "direction flipped": (against_half(measured(HALF, {"direction": "lower"})), "direction"),
    "other sampling": (against_half(measured(HALF, {"generation": {"do_sample": True}})), "generation"),
    "other examples in the prompt": (against_half(measured(HALF, {"few_shot": 5})), "few_shot"),
    "another margin": (against_half(measured(HALF, {"margin": "0.5"})), "margin"),
    "clusters of one side only": (lambda: (clustered(lambda n: n // 10)(HALF), measured(HALF)), "cluster"),
    "other clusters": (lambda: (clustered(lambda n: n // 10)(HALF), clustered(lambda n: n // 20)(HALF)), "cluster"),
}  # fmt: skip

WARNED: dict[str, tuple[Callable[[], Pair], str]] = {
    "some other items": (against_half(rows(range(3, 203))), "Left out because only b was asked: 3"),
    "items dropped from one run only": (
        against_half(rows(range(190))),
        "Left out because only a was asked: 10 (i0190, i0191, i0192, i0193, i0194 and 5 more).",
    ),
    "a limit": (both(limit=200), "A limit on items was set (200 for a, 200 for b)"),
    "temperature above 0 with one sample": (both(task={"generation": {"do_sample": True}}), "sampled once"),
    "a judge": (
        both(task={"judge": "judge:helpful@1"}),
        "judge (judge:helpful@1), which may prefer longer answers",
    ),
    "duplicated items": (
        against_half(joined(rows(range(200)), rows(range(1), item="zcopy"))),
        "Counted once although the suite holds them more than once: 1 (zcopy).",
    ),
    "ceiling of both": (
        lambda: (measured([1] * 196 + [0] * 4), measured([1] * 192 + [0] * 8)),
        "the error rates' ratio is 0.5 (0.25",
    ),
    "ceiling without an error": (
        lambda: (measured([1] * 200), measured([1] * 192 + [0] * 8)),
        "a makes no error, so its error rate is at most 0.014867",
    ),
    "few clusters": (
        lambda: (clustered(lambda n: n // 50)(HALF), clustered(lambda n: n // 50)(HALF[::-1])),
        "Only 4 clusters",
    ),
    "another machine": (against_half(measured(HALF, device="NVIDIA H100")), "The device differs"),
}  # fmt: skip


@pytest.mark.parametrize("mode", REFUSED)
def test_what_is_not_like_for_like_is_refused_by_name(mode: str) -> None:
    build, field = REFUSED[mode]
    with pytest.raises(NotLikeForLike) as refused:
        compare(*build())
    assert refused.value.field == field


@pytest.mark.parametrize("mode", WARNED)
def test_what_misleads_is_warned_of(mode: str) -> None:
    build, text = WARNED[mode]
    found = compare(*build())
    assert any(text in warning for warning in (*found.warnings, *found.tasks[0].warnings))


def test_an_honest_pair_is_neither_refused_nor_warned_of() -> None:
    found = compare(*both()())
    assert (found.warnings, found.tasks[0].warnings) == ((), ())


def test_duplicates_and_dropped_items_do_not_count() -> None:
    assert only(*WARNED["duplicated items"][0]()).n == 200
    assert only(*WARNED["items dropped from one run only"][0]()).n == 190


def test_clustered_items_are_not_treated_as_independent() -> None:
    build = clustered(lambda number: number // 5)
    a, b = [1] * 100 + [0] * 100, [0] * 50 + [1] * 50 + [0] * 100
    together, apart = only(build(a), build(b)), only(measured(a), measured(b))
    assert (together.method, apart.method) == ("clustered", "tango")
    assert width(together) > 1.5 * width(apart)


def width(task: TaskComparison) -> float:
    return task.upper - task.lower


def test_several_samples_of_an_item_are_no_single_ones() -> None:
    sampled = {"generation": {"do_sample": True}}
    often = [Measured([item(n, n % 2, n_samples=8) for n in range(200)], measured([1], sampled).results)] * 2
    assert only(*often).warnings == ()


def test_a_judges_answers_are_measured_by_length() -> None:
    sides = [
        Measured([item(n, 1, response="x" * size) for n in range(9)], measured([1], {"judge": "j@1"}).results)
        for size in (300, 100)
    ]
    (warning,) = [text for text in only(*sides).warnings if "judge" in text]
    assert "a's answers have 300 characters on average, b's 100" in warning
    silent = [Measured([item(n, 1, response=None) for n in range(9)], sides[0].results)] * 2
    assert any("how long the answers are is not recorded" in text for text in only(*silent).warnings)


def family(gains: dict[str, int]) -> Pair:
    """Tasks of 200 items in each of which a alone solves so many."""
    names = list(gains)
    results = [{**measured([1]).results["results"][0], "task": name} for name in names]

    def side(solved: Callable[[str, int], int]) -> Measured:
        items = [item(n, solved(name, n), task=name) for name in names for n in range(200)]
        return Measured(items, {**measured([1]).results, "results": results})

    return side(lambda name, n: int(n < 100 + gains[name])), side(lambda _, n: int(n < 100))


def test_one_gain_among_ten_metrics_is_no_claim() -> None:
    found = compare(*family({"gain": 7, **{f"none{n}": 0 for n in range(9)}}))
    gain = found.tasks[0]
    assert (str(gain.verdict.direction), gain.p, gain.p_holm) == (
        "improved", pytest.approx(2 / 2**7), pytest.approx(20 / 2**7),
    )  # fmt: skip
    assert gain.warnings == (
        "Improved by its own interval, but no claim among 10 metrics: p 0.0156, after Holm's correction 0.156.",
    )
    assert all(task.warnings == () for task in found.tasks[1:])


def test_a_large_gain_stands_and_alone_none_is_corrected() -> None:
    assert compare(*family({"gain": 30, "none": 0})).tasks[0].warnings == ()
    (alone,) = compare(*family({"gain": 7})).tasks
    assert (alone.p_holm, alone.warnings) == (alone.p, ())


def test_a_regression_is_not_corrected_away() -> None:
    a, b = family({"loss": 7, **{f"none{n}": 0 for n in range(9)}})
    (loss, *_) = compare(b, a).tasks
    assert str(loss.verdict.direction) == "regressed"
    assert loss.p_holm > 0.05


def test_what_is_detectable_has_a_width_even_without_a_discordant_item() -> None:
    same, noisy = only(measured(HALF), measured(HALF)), only(measured(HALF), measured(HALF[::-1]))
    assert (same.se, same.detectable) == (0, pytest.approx(2.8016 / 1.95996 * 0.018846, abs=1e-5))
    assert noisy.detectable == pytest.approx(2.8016 * noisy.se, rel=0.02)
