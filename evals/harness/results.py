"""From lm-eval's samples to Charter's records: one line an item, one entry a task.

An item that was sampled several times is one line still: its score is the mean over its samples, and they stand in it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evals.harness import agentic
from evals.harness.letters import letter_of
from evals.harness.sampling import item_score, sampled_result
from evals.harness.scoring import Score, answer_of, exact_match, letter, likeliest, multiple_choice, refusal
from evals.harness.suite import LETTERS, Item, SuiteTask
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
    `failure_rate_upper` bounds the failure rate where no item failed. Of several samples an item, the interval is that of a
    mean over items, `flags` counts responses, and sampled_result() adds how often each was asked and what k give. `calls`, of a task with tools, counts the calls over
    all items: expected, right, unneeded, malformed.
    """
    spec = task.task
    if task.asking.samples > 1:
        sampled, interval, scores = sampled_result(task, rows)
    else:
        scores, sampled = [float(row["score"]) for row in rows], {}
        interval = wilson(sum(scores), len(scores))
    if task.asking.budget is not None and task.generates:
        sampled = {**sampled, "budget": task.asking.budget}
    return {
        "task": spec.name, "kind": spec.kind, "metric": spec.metric, "purpose": spec.purpose,
        "direction": "higher" if spec.higher_is_better else "lower", "margin": text(float(spec.margin)),
        "n": len(rows), "items": len(task.items), "score": text(interval.estimate), "ci_low": text(interval.lower),
        "ci_high": text(interval.upper), "stderr": _stderr(scores), "failure_rate_upper": _failure_bound(task, scores),
        "flags": dict(sorted(Counter(flag for row in rows for said in row.get("samples", [row]) for flag in said["flags"]).items())),
        "version": task.version, "task_hash": task_hash(rows), "few_shot": spec.few_shot,
        "generation": generation_settings(task), "filter": filter_name(task),
        **({"calls": agentic.totals(rows)} if spec.kind == "tool_use" else {}),
        **({"form": LETTERS} if task.lettered else {}), **sampled,
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
    if task.lettered:
        return "letter"
    return "patterns" if task.task.kind == "refusal" else "likeliest"


def _item_row(task: SuiteTask, item: Item, sample: Sample, too_long: TooLong) -> dict[str, Any]:
    said = _scored(task, item, sample)
    flags = list(dict.fromkeys(flag for one in said for flag in one["flags"]))
    longest = "" if task.generates else max(item.choices, key=len)
    if too_long(sample["arguments"][0][0] + longest, task.new_tokens):
        flags.append("prompt_cut")
        said = [{**one, "flags": [*one["flags"], "prompt_cut"]} for one in said]
    row = {
        "task": task.task.name, "item": item.id, "item_hash": item.hash, "prompt_hash": sample["prompt_hash"],
        "target": item.target, "filter": filter_name(task), "response": said[0]["response"], "score": item_score(said),
        "flags": flags,
    }  # fmt: skip
    if task.asking.samples > 1:
        row |= {"samples": said, "n_samples": len(said)}
    return row if item.cluster is None else row | {"cluster": item.cluster}


def _scored(task: SuiteTask, item: Item, sample: Sample) -> list[dict[str, Any]]:
    """Each of the item's responses with its score; with what it answered, where several such answers can vote."""
    if item.answer is not None and not task.lettered:
        likelihoods = [likelihood for likelihood, _ in sample["filtered_resps"]]
        return [_told(item.choices[likeliest(likelihoods)], multiple_choice(likelihoods, item.answer))]
    responses = [_writable(response) for response in sample["resps"][0]]
    if item.answer is not None:
        many = len(item.choices)
        return [
            _told(one, letter(one, many, item.answer)) | {"answer": letter_of(one, many)} for one in responses
        ]
    if (patterns := task.task.patterns) is not None:
        return [
            _told(one, refusal(one, item.target, patterns.refused, patterns.complied)) for one in responses
        ]
    extract = task.task.extract
    return [
        _told(one, exact_match(one, item.target, extract)) | {"answer": answer_of(one, extract)}
        for one in responses
    ]


def _told(response: str, score: Score) -> dict[str, Any]:
    return {"response": response, "score": str(score.value), "flags": list(score.flags)}


def _writable(response: str) -> str:
    """A byte-level model may write NUL, which no record holds; it becomes the replacement character."""
    return response.replace("\0", "\ufffd")


def _stderr(scores: Sequence[float]) -> str | None:
    if len(set(scores)) == 1:
        return None
    return text(mean(scores).se)


def _failure_bound(task: SuiteTask, scores: Sequence[float]) -> str | None:
    best = 1 if task.task.higher_is_better else 0
    return None if set(scores) - {best} else text(zero_failure_upper(len(scores)))
