"""A plain table: one line an item, with columns named in the first line (pure)."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from evals.importing.log import MOST_ITEMS, Chosen, Log, Row, TaskTold, asked, named_once, share, task_name
from governance.ledger.canonical import sha256_hex
from governance.registry.importers import BadFile

NEEDED = ("task", "item", "score")
COLUMNS = (*NEEDED, "filter", "cluster", "prompt", "target", "response")

Cells = Mapping[str, str]


def read(files: Sequence[Path]) -> "CsvLog":
    """The tasks and filters of the table; its rows are counted, and read when they are asked for. Raises BadFile."""
    if len(files) != 1:
        raise BadFile(f"A table is one file; these are {len(files)}.")
    filters: dict[str, dict[str | None, tuple[str, ...]]] = {}
    for number, (_, cells) in enumerate(lines(files[0]), 1):
        if number > MOST_ITEMS:
            raise BadFile(
                f"{files[0].name} has more than {MOST_ITEMS:,} lines, the most that one import takes."
            )
        filters.setdefault(cells["task"], {})[cells.get("filter") or None] = ()
    if not filters:
        raise BadFile(f"{files[0].name} has no lines below its first.")
    named_once({own: task_name(own) for own in filters})
    tasks = {task_name(own): TaskTold(task_name(own), found) for own, found in filters.items()}
    return CsvLog("csv", {"name": "csv"}, tasks, path=files[0])


@dataclass(frozen=True)
class CsvLog(Log):
    """The table behind a path; it states no totals and no settings."""

    path: Path = Path()

    def stated(self, task: str, filter: str | None, metric: str) -> Decimal | None:
        return None

    def rows(self, chosen: Mapping[str, Chosen]) -> Iterator[Row]:
        for place, cells in lines(self.path):
            task = task_name(cells["task"])
            filter = cells.get("filter") or None
            if filter == chosen[task].filter:
                yield _row(
                    task, filter, place, cells, with_choices=chosen[task].task.choices_field is not None
                )


def _row(task: str, filter: str | None, place: str, cells: Cells, *, with_choices: bool) -> Row:
    prompt, target = cells.get("prompt") or None, cells.get("target") or None
    return Row(
        task=task, item=cells["item"], place=place, score=share(_number(cells["score"]), place), filter=filter,
        response=cells.get("response"), target=target,
        prompt_hash=None if prompt is None else sha256_hex(prompt.encode()),
        asked=None if with_choices else asked(prompt, target), cluster=cells.get("cluster") or None,
    )  # fmt: skip


def lines(path: Path) -> Iterator[tuple[str, Cells]]:
    """(place, cells by column) of each line below the first. Raises BadFile naming the line."""
    place = f"{path.name}, line 1"
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            table = csv.reader(text, strict=True)
            columns = _columns(next(table, []), place)
            for cells in table:
                place = f"{path.name}, line {table.line_num}"
                if cells:
                    yield place, _cells(columns, cells, place)
                place = f"{path.name}, line {table.line_num + 1}"
    except UnicodeDecodeError as error:
        raise BadFile(f"{place} or soon after it is not UTF-8; save the table as UTF-8.") from error
    except csv.Error as error:
        raise BadFile(f"{place}: {error}.") from error


def _columns(found: list[str], place: str) -> list[str]:
    if unknown := [name for name in found if name not in COLUMNS]:
        raise BadFile(f"{place}: there is no column {unknown[0]!r}; columns are {', '.join(COLUMNS)}.")
    if missing := [name for name in NEEDED if name not in found]:
        raise BadFile(f"{place}: the column {missing[0]!r} is missing; {', '.join(NEEDED)} are needed.")
    if len(set(found)) < len(found):
        raise BadFile(f"{place}: a column stands there twice.")
    return found


def _cells(columns: list[str], cells: list[str], place: str) -> Cells:
    if len(cells) != len(columns):
        raise BadFile(f"{place}: this line has {len(cells)} cells, and there are {len(columns)} columns.")
    found = dict(zip(columns, cells, strict=True))
    for name in NEEDED:
        if not found[name].strip():
            raise BadFile(f"{place}: the column {name!r} is empty.")
    return found


def _number(text: str) -> object:
    try:
        return Decimal(text.strip()) if len(text) <= 60 else text
    except InvalidOperation:
        return text
