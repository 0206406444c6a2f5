"""Two evaluations against each other: words, refusals and warnings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.compare import Measured, NotLikeForLike, TaskComparison, compare
from governance.ledger.canonical import canonical

TASK: dict[str, Any] = {
    "task": "sums", "metric": "exact_match", "direction": "higher", "margin": "0.02", "version": "v1", "few_shot": 0,
    "generation": {"do_sample": False, "max_gen_toks": 8, "until": []},
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "harness": {"name": "lm-eval", "version": "0.4.13"}, "chat_template_sha256": "c", "system_instruction_sha256": None,
    "limit": None, "dtype": "float32", "batch_size": 16, "device": "cpu",
}  # fmt: skip


def item(number: int, score: int, **changes: Any) -> dict[str, Any]:
    return {
        "task": "sums", "item": f"i{number:04}", "item_hash": f"h{number}", "prompt_hash": f"p{number}", "filter": "strip",
        "score": str(score), "response": f"answer {score}", "target": "x", "flags": [], **changes,
    }  # fmt: skip


def measured(scores: Sequence[int], task: Mapping[str, Any] | None = None, **settings: Any) -> Measured:
    items = [item(number, score) for number, score in enumerate(scores)]
    return Measured(items, {**SETTINGS, **settings, "results": [{**TASK, **(task or {})}]})


def only(a: Measured, b: Measured) -> TaskComparison:
    (task,) = compare(a, b).tasks
    return task


def test_a_sure_gain_is_improved_and_cites_its_items() -> None:
    task = only(measured([1] * 90 + [0] * 10), measured([1] * 60 + [0] * 40))
    assert (task.n, task.n10, task.n01, task.method) == (100, 30, 0, "tango")
    assert (task.difference, str(task.verdict)) == (pytest.approx(0.3), "improved, non-inferior")
    assert [found.item for found in task.discordant] == [f"i{number:04}" for number in range(60, 90)]
    assert (task.discordant[0].response_a, task.discordant[0].score_b) == ("answer 1", "0")


def test_a_sure_loss_beyond_the_margin_is_inferior() -> None:
    assert (
        str(only(measured([1] * 60 + [0] * 40), measured([1] * 90 + [0] * 10)).verdict)
        == "regressed, inferior"
    )


def test_smallness_never_passes_a_margin() -> None:
    small = only(measured([1] * 20), measured([1] * 20))
    assert (str(small.verdict), small.n_needed) == ("inconclusive, inconclusive", 189)
    assert str(only(measured([1] * 189), measured([1] * 189)).verdict) == "inconclusive, equivalent"


def test_lower_is_better_turns_the_words_not_the_numbers() -> None:
    lower = {"direction": "lower"}
    task = only(measured([1] * 60 + [0] * 40, lower), measured([1] * 90 + [0] * 10, lower))
    assert (task.difference, str(task.verdict)) == (pytest.approx(-0.3), "improved, non-inferior")


def test_record_is_canonical_and_repeatable() -> None:
    a, b = measured([1, 0, 1, 1] * 25), measured([1, 1, 0, 1] * 25)
    record = compare(a, b).record()
    shuffled = Measured(list(reversed(a.items)), a.results)
    assert canonical(record) == canonical(compare(shuffled, b).record())
    task = record["tasks"][0]
    assert (task["difference"], task["score_a"], task["n10"], task["p"]) == ("0", "0.75", 25, "1")
    assert (task["ci_low"], task["ci_high"]) == (f"-{task['ci_high']}", task["ci_high"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chat_template_sha256": "other"}, "chat_template_sha256"),
        ({"system_instruction_sha256": "other"}, "system_instruction_sha256"),
        ({"task": {"version": "v2"}}, "version"),
        ({"task": {"few_shot": 2}}, "few_shot"),
        ({"task": {"direction": "lower"}}, "direction"),
        ({"task": {"margin": "0.5"}}, "margin"),
        ({"task": {"generation": {"do_sample": True}}}, "generation"),
        ({"task": {"task": "other"}}, "tasks"),
    ],
)
def test_what_was_measured_otherwise_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(NotLikeForLike) as refused:
        compare(measured([1, 0]), measured([1, 0], **change))
    assert refused.value.field == field
    assert field in str(refused.value)


@pytest.mark.parametrize("field", ["prompt_hash", "filter"])
def test_an_item_asked_otherwise_is_refused(field: str) -> None:
    other = Measured([item(number, 1, **{field: "other"}) for number in range(3)], measured([1]).results)
    with pytest.raises(NotLikeForLike) as refused:
        compare(measured([1, 1, 1]), other)
    assert (refused.value.field, refused.value.task) == (field, "sums")


def test_without_shared_items_there_is_nothing_to_compare() -> None:
    other = Measured([item(number, 1) for number in range(50, 60)], measured([1]).results)
    with pytest.raises(NotLikeForLike, match="fewer than 2 shared"):
        compare(measured([1] * 10), other)


def test_missing_and_repeated_items_are_named() -> None:
    a = measured([1, 0, 1, 0, 1])
    repeated = Measured([*a.items[:4], {**a.items[0], "item": "again"}], a.results)
    warnings = only(a, repeated).warnings
    assert any(
        "more than once: 1 (i0000)" in text or "more than once: 1 (again)" in text for text in warnings
    )
    assert any("only a was asked: 1 (i0004)" in text for text in warnings)
    assert only(a, repeated).n == 4


def test_ceiling_limit_sampling_and_strange_machines_are_warned_of() -> None:
    sampled = {"generation": {"do_sample": True}}
    comparison = compare(
        measured([1] * 98 + [0] * 2, sampled, limit=100),
        measured([1] * 96 + [0] * 4, sampled, device="NVIDIA H100"),
    )
    (task,) = comparison.tasks
    assert any("Ceiling" in text and "ratio is 0.5" in text for text in task.warnings)
    assert any("sampled once" in text for text in task.warnings)
    assert any("limit on items was set (100 for a, None for b)" in text for text in comparison.warnings)
    assert any("device differs: cpu for a, NVIDIA H100 for b" in text for text in comparison.warnings)
    assert "one run" in comparison.scope


def test_a_task_of_one_side_is_named_and_left_out() -> None:
    a, b = measured([1, 0]), measured([1, 0])
    wider = Measured(a.items, {**a.results, "results": [TASK, {**TASK, "task": "extra"}]})
    comparison = compare(wider, b)
    assert [task.task for task in comparison.tasks] == ["sums"]
    assert "Not compared because only one side ran them: extra." in comparison.warnings


def clustered(cluster_of: Callable[[int], Any]) -> Callable[[Sequence[int]], Measured]:
    def build(scores: Sequence[int]) -> Measured:
        items = [item(number, score, cluster=cluster_of(number)) for number, score in enumerate(scores)]
        return Measured(items, measured([1]).results)

    return build


def test_many_clusters_replace_the_error_over_items() -> None:
    build = clustered(lambda number: number // 10)
    a, b = [1] * 200 + [0] * 200, [0] * 100 + [1] * 100 + [0] * 200
    together, apart = only(build(a), build(b)), only(measured(a), measured(b))
    assert (together.method, apart.method) == ("clustered", "tango")
    assert together.upper - together.lower > 2 * (apart.upper - apart.lower)
    assert together.n_needed > apart.n_needed


def test_few_clusters_are_resampled_whole_and_the_same_each_time() -> None:
    build = clustered(lambda number: number // 10)
    a, b = build([1] * 20 + [0] * 20), build([0] * 10 + [1] * 10 + [0] * 20)
    task = only(a, b)
    assert task.method == "cluster bootstrap, 10000 rounds, seed 20240923"
    assert any("Only 4 clusters" in text for text in task.warnings)
    assert task == only(a, b)


def test_clusters_without_a_discordant_item_pass_nothing_by_smallness() -> None:
    build = clustered(lambda number: number // 100)
    task = only(build([1] * 400), build([1] * 400))
    assert (task.method, str(task.verdict)) == ("tango without discordance", "inconclusive, inconclusive")
    assert task.n_needed == 189 * 100


def test_graded_scores_have_an_interval_of_their_mean_difference() -> None:
    def graded(scores: Sequence[float]) -> Measured:
        items = [item(number, 0) | {"score": str(score)} for number, score in enumerate(scores)]
        return Measured(items, measured([1]).results)

    a, b = [0.2, 0.4, 0.9, 1.0], [0.1, 0.5, 0.5, 1.0]
    many, few = only(graded(a * 50), graded(b * 50)), only(graded(a * 15), graded(b * 15))
    assert (many.method, few.method) == ("normal", "bootstrap, 10000 rounds, seed 20240923")
    assert (many.n10, many.difference, str(many.verdict)) == (
        None,
        pytest.approx(0.1),
        "improved, non-inferior",
    )
    assert (many.lower, many.upper) == pytest.approx((0.1 - 1.96 * many.se, 0.1 + 1.96 * many.se), abs=1e-5)
    assert (few.lower, few.upper) == pytest.approx((0.1 - 1.96 * few.se, 0.1 + 1.96 * few.se), abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=40))
def test_swapping_sides_mirrors_every_number(pairs: list[tuple[int, int]]) -> None:
    a, b = measured([x for x, _ in pairs]), measured([y for _, y in pairs])
    there, back = only(a, b), only(b, a)
    assert there.difference == pytest.approx(-back.difference)
    assert (there.lower, there.n10, there.p) == (pytest.approx(-back.upper), back.n01, back.p)
    assert there.lower <= there.difference <= there.upper
