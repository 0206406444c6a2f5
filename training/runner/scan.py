"""The stage `scan`: read each dataset once, as a stream, and count what can be said about its rows without showing any."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from governance.ledger.canonical import canonical
from governance.registry.datasets import BadData, copies, renamed
from governance.registry.datasets.files import blocks
from training.methods import BadParams
from training.methods.scan import SCANNED, Params, validate
from training.runner.failures import BadInput
from training.runner.job import Job, JobInput
from training.runner.likeness import Likeness
from training.runner.measures import Measures
from training.runner.principles import Principles
from training.runner.rows import READ_AS, Row, pair_in
from training.runner.tongues import Languages

BATCH_ROWS = 5_000
BATCH_BYTES = 8 * 2**20
SCAN = "scan.json"


class Batch(NamedTuple):
    first: int
    """Number of its first row, from 1."""
    rows: list[Row]


def run(job: Job) -> dict[str, Any]:
    """Write `<slug>-<number>/scan.json` for each dataset in the role `scanned`.

    What is needed to page through the rows is left in the folder that the variable CHARTER_CACHE names. Raises BadInput
    for a dataset that has no file, and Cancelled after a request to stop.
    """
    params, rows = _params(job), 0
    for item in job.inputs.get(SCANNED, []):
        job.phase("read", dataset=item.subject)
        found = scan(item, params, job)
        folder = job.output_dir / folder_of(item.subject)
        folder.mkdir()
        (folder / SCAN).write_bytes(canonical(found))
        rows += found["rows"]
    return {"rows": rows}


def folder_of(subject: str) -> str:
    """Where a dataset's scan lies among the outputs: `dataset:chats@2` → `chats-2`."""
    return subject.partition(":")[2].replace("@", "-")


def _params(job: Job) -> Params:
    try:
        return validate(job.params)
    except BadParams as error:
        raise BadInput(str(error)) from error


def scan(item: JobInput, params: Params, job: Job) -> dict[str, Any]:
    """What `scan.json` holds: counts, shares as decimal text, and numbers of rows; no value but the names of principles.

    Raises BadInput, Cancelled.
    """
    total, format, read = int(item.content["rows"]), str(item.content["format"]), 0
    measures = Measures(format, params.first_rows)
    languages = Languages(total, params.language_rows, job.seed)
    principles = Principles()
    likeness = Likeness(total, params, job.seed)
    for batch in batches(item, job.folder):
        job.stop_if_cancelled()
        rows = [_with_prompt(row, format) for row in batch.rows]
        texts = measures.add(batch.first, rows)
        languages.add(batch.first, texts)
        likeness.add(batch.first, batch.rows, texts)
        principles.add(batch.rows)
        read += len(rows)
        job.progress(read, total, "row")
    if read != total:
        raise BadInput(f"{item.subject} says that it has {total} rows, and its file holds {read}.")
    return {
        "subject": item.subject,
        "digest": item.digest,
        "rows": total,
        "format": format,
        "licence": item.content.get("licence", ""),
        "source_type": item.content.get("source_type", ""),
        **measures.result(),
        "languages": languages.result(),
        "duplicates": likeness.result(),
        "principles": principles.result(),
    }


def _with_prompt(row: Row, format: str) -> Row:
    return {**row, **pair_in(row, format)._asdict()} if format in READ_AS else row


def batches(item: JobInput, scratch: Path) -> Iterator[Batch]:
    """The rows of a dataset, renamed to its format's columns, some thousand at a time. Raises BadInput."""
    columns = item.content.get("columns", {})
    try:
        first, rows, size = 1, [], 0
        for line in _lines(_plain(item, scratch)):
            rows.append(renamed(orjson.loads(line), columns))
            size += len(line)
            if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield Batch(first, rows)
                first, rows, size = first + len(rows), [], 0
        if rows:
            yield Batch(first, rows)
    except BadData as error:
        raise BadInput(f"{item.subject}: {error}.") from error


def _plain(item: JobInput, scratch: Path) -> Path:
    """The rows as plain JSON Lines, which a page can be cut out of later. Raises BadInput, BadData, OSError."""
    cache = Path(os.environ.get("CHARTER_CACHE", scratch))
    return copies.make(cache, item.files_at(), str(item.content["files"][0]["sha256"]))


def _lines(path: Path) -> Iterator[bytes]:
    for block in blocks(path):
        yield from (line for line in block.lines if line and not line.isspace())
