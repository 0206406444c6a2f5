"""The stage `contamination`: stream each dataset once past an index of the evaluations' items, and keep what matched."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from evals.harness.contamination_params import Params
from evals.harness.overlap import Index, Match, Measure
from evals.harness.suite import read_suite
from governance.ledger.canonical import canonical
from governance.ledger.decimals import decimal_text
from governance.registry.datasets import BadData, copies, parse, renamed, row_bytes
from governance.registry.datasets.files import blocks
from training.methods import BadParams, read
from training.runner.failures import BadInput
from training.runner.job import Job, JobInput, file_sha256
from training.runner.rows import READ_AS, Row, pair_in

SEARCHED, EVALUATIONS = "searched", "evaluations"
REPORT, HITS, REMOVED = "report.json", "hits.jsonl", "removed.jsonl"
BATCH_ROWS = 5_000
BATCH_BYTES = 4 * 2**20
USER = frozenset(("user", "human"))
"""Roles of turns that are a user's."""
NAMED_ITEMS = 20
"""Most items that are named for a removed row; all are counted."""
SPEAKING = ("prompt", "messages", "chosen", "rejected")


class Probe(NamedTuple):
    """One item of one task of one suite."""

    suite: int
    task: str
    item: str
    prompt: str


@dataclass(frozen=True)
class Wanted:
    """What every dataset is searched for, and where it is written what was found."""

    suites: Sequence[JobInput]
    probes: Sequence[Probe]
    tasks: Sequence[Mapping[str, Sequence[int]]]
    """Of each suite: task → places of its items among the probes."""
    index: Index
    params: Params
    hits: IO[bytes]
    removed: IO[bytes]


class Batch(NamedTuple):
    first: int
    """Number of its first row, from 1."""
    lines: list[bytes]


@dataclass
class Found:
    """What one dataset has shown so far."""

    rows: int = 0
    without_text: int = 0
    hits: Counter[int] = field(default_factory=Counter)
    """Item → rows that contaminate it."""
    rows_hit: Counter[int] = field(default_factory=Counter)
    """Suite → rows that contaminate an item of it."""
    removed: int = 0


def run(job: Job) -> dict[str, Any]:
    """Write `report.json` and `hits.jsonl`, and for the action `remove` `removed.jsonl` and what is left, as it stood, of each
    dataset that loses rows: `<slug>-<number>.jsonl`.

    What it returns stands in the ledger, also where a dataset or a suite is restricted: no figure of theirs. Raises BadInput
    for what cannot be read, or where nothing would be left, and Cancelled after a request to stop.
    """
    params = _params(job)
    suites = job.inputs.get(EVALUATIONS, [])
    job.phase("index", suites=[suite.subject for suite in suites])
    probes = list(probes_of(suites))
    index = Index([probe.prompt for probe in probes], measure_of(params))
    hits_at, removed_at = job.output_dir / HITS, job.output_dir / REMOVED
    with hits_at.open("wb") as hits, removed_at.open("wb") as removed:
        tasks = places_by_task(probes, len(suites))
        searches, removals = _searched(job, Wanted(suites, probes, tasks, index, params, hits, removed))
    if not removed_at.stat().st_size:
        removed_at.unlink()
    report = {
        "rule": rule_of(params),
        "action": params.action,
        "searches": searches,
        "removed": removals,
        "hits_sha256": file_sha256(hits_at),
        "removed_sha256": file_sha256(removed_at) if removed_at.exists() else None,
    }
    (job.output_dir / REPORT).write_bytes(canonical(report))
    return {"searches": len(searches)}


def _params(job: Job) -> Params:
    try:
        return read(Params, job.params, where="params")
    except BadParams as error:
        raise BadInput(str(error)) from error


def measure_of(params: Params) -> Measure:
    return Measure("character" if params.rule == "substring" else "word", params.n, params.share)


def rule_of(params: Params) -> dict[str, Any]:
    """The rule with all that decides what it finds."""
    told = params.model_dump(mode="json", include={"rule", "n", "share", "set_threshold"})
    return {"name": told.pop("rule"), "unit": measure_of(params).unit, **told}


def probes_of(suites: Sequence[JobInput]) -> Iterator[Probe]:
    """Every item of every task. Raises BadInput."""
    for number, suite in enumerate(suites):
        for task in read_suite(suite.content, suite.files_at()):
            yield from (Probe(number, task.task.name, item.id, item.prompt) for item in task.items)


def places_by_task(probes: Sequence[Probe], suites: int) -> list[dict[str, list[int]]]:
    """Of each suite: task → places of its items among the probes."""
    found: list[dict[str, list[int]]] = [defaultdict(list) for _ in range(suites)]
    for place, probe in enumerate(probes):
        found[probe.suite][probe.task].append(place)
    return found


def _searched(job: Job, wanted: Wanted) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was found for each dataset and suite, and what was taken out of each dataset."""
    searches: list[dict[str, Any]] = []
    removals: list[dict[str, Any]] = []
    datasets = job.inputs.get(SEARCHED, [])
    done, total = 0, sum(int(item.content["rows"]) for item in datasets)
    for dataset in datasets:
        job.phase("search", dataset=dataset.subject)
        search = _Search(job, dataset, wanted)
        search.go_through(done, total)
        searches += search.told()
        removals += search.removal()
        done += search.found.rows
    return searches, removals


class _Search:
    """One dataset, read once."""

    def __init__(self, job: Job, dataset: JobInput, wanted: Wanted) -> None:
        self.job, self.dataset, self.wanted, self.found = job, dataset, wanted, Found()
        self.left = job.output_dir / file_of(dataset.subject)

    def go_through(self, done: int, total: int) -> None:
        self.wanted.index.forget()
        if self.wanted.params.action == "mark":
            self._go_through(done, total)
        else:
            with self.left.open("wb") as kept:
                self._go_through(done, total, kept)
        self._check_count()

    def _go_through(self, done: int, total: int, kept: IO[bytes] | None = None) -> None:
        for batch in batches(self.dataset, self.job.folder):
            matches = self._search(batch)
            if kept is not None:
                self._part(batch, matches, kept)
            self.job.progress(done + self.found.rows, total, "row")

    def _search(self, batch: Batch) -> dict[int, list[Match]]:
        """Place in the batch → what the row contaminates."""
        self.job.stop_if_cancelled()
        texts = list(self._texts(batch))
        self.found.rows += len(texts)
        self.found.without_text += sum(not any(map(str.strip, said)) for said in texts)
        by_row: dict[int, list[Match]] = defaultdict(list)
        for match in self.wanted.index.search(texts):
            by_row[match.row].append(match)
            self._keep(match, batch.first + match.row)
        for matches in by_row.values():
            self.found.rows_hit.update({self.wanted.probes[match.item].suite for match in matches})
        return by_row

    def _texts(self, batch: Batch) -> Iterator[list[str]]:
        columns, format = self.dataset.content.get("columns", {}), str(self.dataset.content["format"])
        for number, line in enumerate(batch.lines, batch.first):
            try:
                yield prompts_of(renamed(orjson.loads(line), columns), format)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadInput(
                    f"{self.dataset.subject}: row {number} is no row of format {format}: {error}. Register the dataset again."
                ) from error

    def _keep(self, match: Match, row: int) -> None:
        self.found.hits[match.item] += 1
        if self.found.hits[match.item] > self.wanted.params.listed_rows:
            return
        told = {
            "dataset": self.dataset.subject, **self._named(match), "row": row,
            "share": share_text(match.matched, match.length), "span": match.span.replace("\0", "\ufffd"),
        }  # fmt: skip
        self.wanted.hits.write(canonical(told) + b"\n")

    def _named(self, match: Match) -> dict[str, str]:
        probe = self.wanted.probes[match.item]
        return {
            "suite": self.wanted.suites[probe.suite].subject,
            "task": probe.task,
            "item": probe.item,
        }

    def _part(self, batch: Batch, matches: Mapping[int, Sequence[Match]], kept: IO[bytes]) -> None:
        for place, line in enumerate(batch.lines):
            if place not in matches:
                kept.write(line + b"\n")
                continue
            self.found.removed += 1
            told = {
                "dataset": self.dataset.subject,
                "row": batch.first + place,
                "sha256": hashlib.sha256(
                    row_bytes(parse(line, batch.first + place, self.dataset.subject))
                ).hexdigest(),
                "matches": len(matches[place]),
                "items": [self._named(match) for match in matches[place][:NAMED_ITEMS]],
            }
            self.wanted.removed.write(canonical(told) + b"\n")

    def _check_count(self) -> None:
        stated, found = int(self.dataset.content["rows"]), self.found
        if found.rows != stated:
            raise BadInput(
                f"{self.dataset.subject} says that it has {stated} rows, and its file holds {found.rows}."
            )
        if found.removed == found.rows:
            raise BadInput(
                f"Every row of {self.dataset.subject} contaminates an item, so nothing would be left. Use the action mark."
            )

    def told(self) -> Iterator[dict[str, Any]]:
        """What was found for each suite."""
        sharing = self.wanted.index.sharing()
        for number, (suite, by_task) in enumerate(zip(self.wanted.suites, self.wanted.tasks, strict=True)):
            tasks = [{"task": name, **self._counted(items, sharing)} for name, items in by_task.items()]
            whole = self._counted([place for items in by_task.values() for place in items], sharing)
            yield {
                "dataset": self.dataset.subject, "dataset_digest": self.dataset.digest, "rows": self.found.rows,
                "rows_without_text": self.found.without_text, "suite": suite.subject, "suite_digest": suite.digest, **whole,
                "flagged": any(task["flagged"] for task in tasks), "rows_hit": self.found.rows_hit[number], "tasks": tasks,
            }  # fmt: skip

    def _counted(self, items: Sequence[int], sharing: set[int]) -> dict[str, Any]:
        contaminated = sum(item in self.found.hits for item in items)
        return {
            "items": len(items),
            "short_items": sum(map(self.wanted.index.is_short, items)),
            "sharing": len(sharing.intersection(items)),
            "contaminated": contaminated,
            "share": share_text(contaminated, len(items)),
            "flagged": contaminated > self.wanted.params.set_threshold * len(items),
        }

    def removal(self) -> Iterator[dict[str, Any]]:
        """What was taken out; the file of what is left goes where nothing was."""
        if self.wanted.params.action == "mark":
            return
        if not self.found.removed:
            self.left.unlink()
        by_suite = [
            {"suite": suite.subject, "suite_digest": suite.digest, "rows": self.found.rows_hit[number]}
            for number, suite in enumerate(self.wanted.suites)
        ]
        yield {
            "dataset": self.dataset.subject, "dataset_digest": self.dataset.digest, "rows_removed": self.found.removed,
            "rows_left": self.found.rows - self.found.removed, "by_suite": by_suite,
            "file": self.left.name if self.found.removed else None,
        }  # fmt: skip


def file_of(subject: str) -> str:
    """What holds the rows that are left of a dataset: `dataset:chats@2` → `chats-2.jsonl`."""
    return f"{subject.partition(':')[2].replace('@', '-')}.jsonl"


def share_text(part: int, whole: int) -> str:
    """`part` of `whole` as decimal text with six places, cut and not rounded: what exceeds no threshold looks so."""
    return decimal_text(Decimal(part * 10**6 // max(1, whole)).scaleb(-6))


def prompts_of(row: Row, format: str) -> list[str]:
    """What a user says in a row, turn by turn; of plain text all of it. Raises ValueError, KeyError or TypeError for other rows."""
    if format == "text":
        return [_text(row["text"])]
    if format in READ_AS:
        row = {**row, **pair_in(row, format)._asdict()}
    said = [_turns(row[column]) for column in SPEAKING if isinstance(row.get(column), list)]
    if isinstance(row.get("prompt"), str):
        said.insert(0, [row["prompt"]])
    if not said:
        raise ValueError("nobody says anything in it")
    return [text for turns in said for text in turns]


def _turns(turns: list[Row]) -> list[str]:
    return [_text(turn["content"]) for turn in turns if turn["role"] in USER and turn["content"] is not None]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text was expected, and it holds {type(value).__name__}")
    return value


def batches(item: JobInput, scratch: Path) -> Iterator[Batch]:
    """The lines of a dataset as plain JSON Lines, some thousand at a time. Raises BadInput."""
    cache = Path(os.environ.get("CHARTER_CACHE", scratch))
    try:
        plain = copies.make(cache, item.files_at(), str(item.content["files"][0]["sha256"]))
        first, lines, size = 1, [], 0
        for block in blocks(plain):
            for line in block.lines:
                if not line or line.isspace():
                    continue
                lines.append(line)
                size += len(line)
                if len(lines) >= BATCH_ROWS or size >= BATCH_BYTES:
                    yield Batch(first, lines)
                    first, lines, size = first + len(lines), [], 0
        if lines:
            yield Batch(first, lines)
    except BadData as error:
        raise BadInput(f"{item.subject}: {error}.") from error
