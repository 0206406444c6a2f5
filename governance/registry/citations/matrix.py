"""The coverage matrix of a document (R3.1): each principle with what cites it, and what is wrong with that (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from governance.registry.citations.sources import AREAS

FLAGS: dict[str, str] = {
    "hidden": "trained or rewarded, and not public",
    "untested": "public, and no evaluation item tests it",
    "unimplemented": "public, and no training row teaches it",
}


class Tally(NamedTuple):
    """How often one id of a document is cited in one area, as of one of its versions."""

    name: str
    area: str
    number: int | None
    """Version of the document that is cited; None for whatever version."""
    times: int


@dataclass
class Cell:
    """What cites a principle in one area."""

    count: int = 0
    older: int = 0
    """Citations of another version of the document in which it is worded otherwise: not counted."""
    state: str = ""
    """Of public text alone: `public`, or `hidden` where the principle is internal or its document restricted."""


@dataclass
class Line:
    """One principle or rule. Of an internal one neither heading nor text is told."""

    id: str
    heading: str
    visibility: str
    reason: str
    owner: str
    authority: str
    cells: dict[str, Cell] = field(default_factory=lambda: {area: Cell() for area in AREAS})

    @property
    def public(self) -> bool:
        return self.cells["text"].state == "public" or self.cells["text"].count > 0

    @property
    def flags(self) -> list[str]:
        """R3.1: trained or rewarded but not public; public but no evaluation; public but no rows."""
        taught = self.cells["rows"].count or self.cells["reward"].count
        holds = {
            "hidden": taught and not self.public,
            "untested": self.public and not self.cells["eval"].count,
            "unimplemented": self.public and not self.cells["rows"].count,
        }
        return [flag for flag in FLAGS if holds[flag]]


def lines(
    parts: Iterable[Mapping[str, Any]],
    tallies: Iterable[Tally],
    wordings: Mapping[int, Mapping[str, Any]],
    *,
    restricted: bool,
) -> list[Line]:
    """A line for each part, in order. `wordings`: version of the document that is cited → id → its wording there.

    A citation of another version counts where the wording is the same in both.
    """
    found = {part["id"]: _line(part, restricted=restricted) for part in parts}
    now = {part["id"]: wording(part) for part in parts}
    for name, area, number, times in tallies:
        if name not in found:
            continue
        same = number is None or wordings.get(number, {}).get(name) == now[name]
        cell = found[name].cells[area]
        if same:
            cell.count += times
        else:
            cell.older += times
    return list(found.values())


def wording(part: Mapping[str, Any]) -> tuple[str, str]:
    return str(part.get("heading", "")), str(part.get("text", ""))


def _line(part: Mapping[str, Any], *, restricted: bool) -> Line:
    internal = part.get("visibility") == "internal"
    line = Line(
        id=part["id"],
        heading="" if internal else str(part.get("heading") or ""),
        visibility="internal" if internal else "public",
        reason=str(part.get("reason") or ""),
        owner=str(part.get("owner") or ""),
        authority=str(part.get("authority") or ""),
    )
    line.cells["text"].state = "hidden" if internal or restricted else "public"
    return line
