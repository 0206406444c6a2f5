"""From lm-eval's samples to Charter's records: one line an item, one entry a task."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evals.harness import agentic
from evals.harness.scoring import Score, exact_match, likeliest, multiple_choice, refusal
from evals.harness.suite import Item, SuiteTask
from evals.harness.tasks import generation_settings
from evals.statistics.decimals import text
from evals.statistics.intervals import mean, wilson, zero_failure_upper
from governance.ledger.canonical import canonical, sha256_hex

Sample = Mapping[str, Any]
TooLong = Callable[[str, int], bool]


def item_rows(task: SuiteTask, samples: Sequence[Sample], too_long: TooLong) -> list[dict[str, Any]]:
    """One row an item in the order of ids, scored from lm-eval's samples of the task."""
    items = {item.id: item for item in task.items}
    rows = [_item_row(task, items[sample["doc"]["item"]], sample, too_long) for sample in samples]
    return sorted(rows, key=lambda row: str(row["item"]))


def jsonl(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as canonical JSON, one a line."""
    return b"".join(canonical(row) + b"\n" for row in rows)


def task_result(task: SuiteTask, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the task measured, decimals as text.

    `ci_low` and `ci_high` are Wilson's 95% interval. `stderr` is null at scores of 0 and 1, where it would say 0
    and mean nothing. `flags` counts what the scoring saw, `items` what the suite holds, `n` what was asked.
    `failure_rate_upper` bounds the failure rate where no item failed. `calls`, of a task with tools, counts the calls over
    all items: expected, right, unneeded, malformed.
    """
    scores = [int(row["score"]) for row in rows]
    interval, spec = wilson(sum(scores), len(scores)), task.task
    return {
        "task": spec.name, "kind": spec.kind, "metric": spec.metric, "purpose": spec.purpose,
        "direction": "higher" if spec.higher_is_better else "lower", "margin": text(float(spec.margin)),
        "n": len(rows), "items": len(task.items), "score": text(interval.estimate), "ci_low": text(interval.lower),
        "ci_high": text(interval.upper), "stderr": _stderr(scores), "failure_rate_upper": _failure_bound(task, scores),
        "flags": dict(sorted(Counter(flag for row in rows for flag in row["flags"]).items())),
        "version": task.version, "task_hash": task_hash(rows), "few_shot": spec.few_shot,
        "generation": generation_settings(task), "filter": filter_name(task),
        **({"calls": agentic.totals(rows)} if spec.kind == "tool_use" else {}),
    }  # fmt: skip


def task_hash(rows: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 over the sorted item and prompt hashes: the same exactly when the same was asked."""
    return sha256_hex(canonical(sorted([row["item_hash"], row["prompt_hash"]] for row in rows)))


def filter_name(task: SuiteTask) -> str:
    """What turned the response into what was scored."""
    if task.task.kind == "tool_use":
        return agentic.FILTER
    if task.task.kind == "exact_match":
        return "extract" if task.task.extract else "strip"
    return "patterns" if task.task.kind == "refusal" else "likeliest"


def _item_row(task: SuiteTask, item: Item, sample: Sample, too_long: TooLong) -> dict[str, Any]:
    response, score = _scored(task, item, sample)
    flags = list(score.flags)
    if too_long(sample["arguments"][0][0] + max(item.choices, key=len, default=""), _new_tokens(task)):
        flags.append("prompt_cut")
    row = {
        "task": task.task.name, "item": item.id, "item_hash": item.hash, "prompt_hash": sample["prompt_hash"],
        "target": item.target, "filter": filter_name(task), "response": response, "score": str(score.value),
        "flags": flags,
    }  # fmt: skip
    return row if item.cluster is None else row | {"cluster": item.cluster}


def _scored(task: SuiteTask, item: Item, sample: Sample) -> tuple[str, Score]:
    if item.answer is not None:
        likelihoods = [likelihood for likelihood, _ in sample["filtered_resps"]]
        return item.choices[likeliest(likelihoods)], multiple_choice(likelihoods, item.answer)
    response = _writable(sample["resps"][0][0])
    if task.task.patterns is None:
        return response, exact_match(response, item.target, task.task.extract)
    return response, refusal(response, item.target, task.task.patterns.refused, task.task.patterns.complied)


def _new_tokens(task: SuiteTask) -> int:
    return 0 if task.task.kind == "multiple_choice" else task.task.max_new_tokens


def _writable(response: str) -> str:
    """A byte-level model may write NUL, which no record holds; it becomes the replacement character."""
    return response.replace("\0", "\ufffd")


def _stderr(scores: Sequence[int]) -> str | None:
    if len(set(scores)) == 1:
        return None
    return text(mean(scores).se)


def _failure_bound(task: SuiteTask, scores: Sequence[int]) -> str | None:
    failure = 0 if task.task.higher_is_better else 1
    return None if failure in scores else text(zero_failure_upper(len(scores)))
