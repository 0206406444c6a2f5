"""Where the boxes and lines of a drawing stand: graphviz-pure lays them out, in pixels; what is drawn once is remembered."""

import hashlib
import logging
import shutil
import subprocess
import sysconfig
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.cache import cache

log = logging.getLogger("charter.drawing")

PIXELS = 72
"""Pixels an inch: graphviz measures in inches."""
SECONDS = 20
"""After which a layout is given up."""
REMEMBERED_SECONDS = 7 * 24 * 3600
GRAPH = 'digraph{rankdir=LR nodesep=.2 ranksep=.4 node[shape=box fixedsize=true label=""] edge[arrowhead=none fontname=Arimo fontsize=11]'


@dataclass(frozen=True)
class Box:
    """Something to draw, `width` by `height` pixels."""

    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """From box `tail` to box `head`, by their places in the list. Heavier ones are drawn straighter."""

    tail: int
    head: int
    label: str = ""
    weight: int = 1


@dataclass(frozen=True)
class Layout:
    """Pixels from the top left: centres of the boxes, and for each line its SVG path and the middle of its label."""

    width: float
    height: float
    boxes: list[tuple[float, float]]
    paths: list[str]
    labels: list[tuple[float, float] | None]


def layout(boxes: Sequence[Box], lines: Sequence[Line]) -> Layout | None:
    """Places for `boxes` and `lines`, from left to right; None where graphviz-pure is missing or gives up."""
    source = _source(boxes, lines)
    key = f"drawing:{hashlib.sha256(source.encode()).hexdigest()}"
    plain = cache.get(key)
    if plain is None:
        plain = _plain(source)
        if plain is None:
            return None
        cache.set(key, plain, REMEMBERED_SECONDS)
    return _read(plain, len(boxes), len(lines))


def text_width(text: str, size: float, *, mono: bool = False) -> float:
    """About how wide `text` is at `size` pixels; full-width scripts count double, marks that combine not at all."""
    return size * sum(_ems(letter, mono) for letter in text)


def _ems(letter: str, mono: bool) -> float:
    if unicodedata.combining(letter):
        return 0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.61 if mono else 0.6 if ord(letter) < 0x250 else 0.75


def shortened(text: str, most: int) -> str:
    """`text`, its middle left out when it has more than `most` letters: names differ at both ends."""
    if len(text) <= most:
        return text
    tail = most // 2 - 1
    return f"{text[: most - tail - 1]}…{text[-tail:]}"


def _source(boxes: Sequence[Box], lines: Sequence[Line]) -> str:
    nodes = (
        f"{n}[width={box.width / PIXELS:.4f} height={box.height / PIXELS:.4f}]" for n, box in enumerate(boxes)
    )
    # The colour carries the line's number: plain output tells lines apart by nothing else.
    edges = (
        f'{line.tail}->{line.head}[color="#{n:06x}" weight={line.weight} label="{_quoted(line.label)}"]'
        for n, line in enumerate(lines)
    )
    return "\n".join((GRAPH, *nodes, *edges, "}"))


def _quoted(label: str) -> str:
    return label.replace("\\", "").replace('"', "")


def _plain(source: str) -> str | None:
    program = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts")) or shutil.which(
        "graphviz-pure"
    )
    if program is None:
        log.error("graphviz-pure is not installed, so the lineage is shown as a list alone")
        return None
    try:
        done = subprocess.run(  # noqa: S603  (our own program; names of nodes are numbers, labels are quoted)
            [program, "-Tplain", "-q"],
            input=source,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError):
        log.exception("graphviz-pure laid out nothing")
        return None
    return done.stdout


def _read(plain: str, boxes: int, lines: int) -> Layout:
    width = height = 0.0
    centres, paths = [(0.0, 0.0)] * boxes, [""] * lines
    labels: list[tuple[float, float] | None] = [None] * lines

    def place(x: Any, y: Any) -> tuple[float, float]:
        return float(x) * PIXELS, (height - float(y)) * PIXELS

    for line in plain.splitlines():
        kind, *words = line.split(" ")
        if kind == "graph":
            width, height = float(words[1]), float(words[2])
        elif kind == "node":
            centres[int(words[0])] = place(words[1], words[2])
        elif kind == "edge":
            number, count = int(words[-1][1:], 16), int(words[2])
            points = [place(*pair) for pair in _pairs(words[3 : 3 + 2 * count])]
            paths[number] = _path(points)
            if len(words) > 5 + 2 * count:
                labels[number] = place(words[-4], words[-3])
    return Layout(width * PIXELS, height * PIXELS, centres, paths, labels)


def _pairs(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    numbers = iter(words)
    while pair := tuple(islice(numbers, 2)):
        yield pair  # type: ignore[misc]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """A B-spline of graphviz (1 + 3n points) as an SVG path."""
    (x, y), *others = points
    curve = " ".join(f"{a:.1f},{b:.1f}" for a, b in others)
    return f"M{x:.1f},{y:.1f}C{curve}"
