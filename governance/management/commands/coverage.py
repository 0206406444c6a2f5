"""`manage.py coverage SUBJECT`: what cites each principle of a constitution, or each rule of a policy."""

import json as json_text
import sys
from argparse import ArgumentParser
from typing import IO, Any, cast

from rich.console import Console
from rich.table import Table

from governance.management.reading import ReadingCommand
from governance.registry import lookup
from governance.registry.access import may_read
from governance.registry.citations import AREAS, coverage, matrix
from governance.registry.models import Version

PLAIN_WIDTH = 160
"""Columns where the output is no terminal, so that no cell is folded."""


class Command(ReadingCommand):
    help = (
        "The coverage matrix (R3.1): for each principle of a constitution, or rule of a policy, how many guideline sections,\n"
        "training rows, rewards, evaluation items, gates and public texts cite it, and what stands out. Restricted versions\n"
        "are left out. Exit code 0: printed, whatever stands out; 1: there is no such matrix."
    )
    example = "manage.py coverage constitution:household\nmanage.py coverage constitution:household@1 --flag hidden --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("subject", help="constitution:slug[@number] or policy:slug[@number]")
        parser.add_argument(
            "--flag", choices=tuple(matrix.FLAGS), default="", help="only those with this flag"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def read(self, *, subject: str, flag: str, json: bool, **_: Any) -> None:
        version = _readable(subject)
        found = coverage.of_version(version, None)
        if json:
            self.stdout.write(json_text.dumps(as_json(found, flag), sort_keys=True, ensure_ascii=False))
            return
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        out = Console(file=cast("IO[str]", self.stdout), highlight=False, markup=False, width=width)
        out.print(table(found, flag))
        for name, means in matrix.FLAGS.items():
            out.print(f"{found.flags[name]} {name}: {means}.")
        for one in found.dangling:
            out.print(f"Unknown id {one.name}: cited by {one.version.subject}, {one.place}.")
        if found.left_out:
            out.print(f"{found.left_out} restricted versions cite it too; they are not counted.")


def _readable(subject: str) -> Version:
    """The sealed version of that name. Raises NotFound, also for one that has no matrix or is restricted."""
    version = lookup.find(subject)
    if not may_read(None, version):
        raise lookup.NotFound(
            f"{version.subject} is restricted; whoever may read it finds its coverage in the browser."
        )
    if why := coverage.why_none(version):
        raise lookup.NotFound(why)
    return version


def table(found: coverage.Coverage, flag: str) -> Table:
    shown = Table("id", "visibility", *AREAS.values(), "flags")
    for line in found.chosen(flag):
        cells = [_cell(line.cells[area]) for area in AREAS]
        shown.add_row(line.id, line.visibility, *cells, ", ".join(line.flags))
    return shown


def _cell(cell: matrix.Cell) -> str:
    older = f" ({cell.older} of an earlier wording)" if cell.older else ""
    return f"{cell.state} {cell.count or ''}".strip() + older if cell.state else f"{cell.count}{older}"


def as_json(found: coverage.Coverage, flag: str) -> dict[str, Any]:
    lines = [
        {
            "id": line.id,
            "visibility": line.visibility,
            "reason": line.reason,
            "owner": line.owner,
            "cells": {area: vars(cell) for area, cell in line.cells.items()},
            "flags": line.flags,
        }
        for line in found.chosen(flag)
    ]
    dangling = [
        {"id": one.name, "subject": one.version.subject, "place": one.place, "count": one.count}
        for one in found.dangling
    ]
    return {
        "subject": found.version.subject,
        "lines": lines,
        "flags": found.flags,
        "dangling": dangling,
        "restricted_left_out": found.left_out,
    }
