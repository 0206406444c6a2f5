"""A contamination search in the shape that the stage records it, with one hit of our choice: nothing is searched."""

from typing import Any

from evals.contamination import EVALUATIONS, KIND, SEARCHED, Report
from evals.harness.results import jsonl
from governance.ledger.canonical import canonical
from governance.registry import actions, blobs
from governance.registry.models import Activity, Version
from tests.evals.recorded import WORKER


def searched(dataset: Version, suite: Version, *, task: str, item: str) -> Activity:
    """An ended search that found `item` in the first row of `dataset`."""
    counts = {
        "items": 8,
        "short_items": 0,
        "sharing": 1,
        "contaminated": 1,
        "share": "0.125",
        "flagged": True,
    }
    pair = {
        "dataset": dataset.subject, "dataset_digest": dataset.digest,
        "suite": suite.subject, "suite_digest": suite.digest,
    }  # fmt: skip
    hit = {
        "dataset": dataset.subject, "suite": suite.subject, "task": task, "item": item, "row": 1, "share": "1",
        "span": "Question 0?",
    }  # fmt: skip
    summary: dict[str, Any] = {
        "rule": {"name": "tulu3", "unit": "word", "n": 8, "share": "0.5", "set_threshold": "0.02"},
        "action": "mark",
        "searches": [
            {
                **pair, **counts, "rows": 3, "rows_without_text": 0, "rows_hit": 1,
                "tasks": [{"task": task, **counts}],
            }
        ],
        "removed": [],
        "hits_sha256": blobs.put_bytes(jsonl([hit])).sha256,
    }  # fmt: skip
    report = Report.model_validate({**summary, "removed_sha256": None})
    summary["report_sha256"] = blobs.put_bytes(canonical(report.model_dump())).sha256
    started = actions.start_activity(
        KIND,
        f"Search of {dataset.subject}",
        [(SEARCHED, dataset), (EVALUATIONS, suite)],
        summary={"stage": KIND},
        actor=WORKER,
    )
    return actions.end_activity(started, state=Activity.ENDED, summary=summary, actor=WORKER)
