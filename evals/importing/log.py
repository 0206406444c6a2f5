"""What every format is read as: tasks with their filters and metrics, settings, and rows one after the other (pure)."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NamedTuple

from evals.harness.suite import Item
from governance.ledger.canonical import CanonicalError, loads
from governance.registry.importers import BadFile
from governance.registry.kinds.eval_suite import Task

MOST_ITEMS = 1_000_000
"""Items of one import."""
MOST_LINE = 16 * 2**20
"""Bytes of one line of JSON Lines."""
MOST_WHOLE = 256 * 2**20
"""Bytes of a file that is read as one JSON document."""
MOST_FILES = 500
FINEST = Decimal("1E-18")
"""What a score is rounded to: finer than any floating-point number between 0 and 1 that somebody printed."""
SETTINGS = (
    "libraries", "chat_template_sha256", "system_instruction_sha256", "seed", "limit", "batch_size", "dtype", "device",
)  # fmt: skip
"""Fields of results.json that a file may tell beside its harness; what it does not tell is null and named in `not_recorded`."""
NEEDED = object()


class Row(NamedTuple):
    """One scored item. `asked` is None where the file does not tell all that was asked and expected."""

    task: str
    item: str
    place: str
    """File and line, for complaints."""
    score: Decimal
    filter: str | None
    response: str | None
    target: str | None
    prompt_hash: str | None
    asked: Item | None
    cluster: str | None = None


@dataclass(frozen=True)
class TaskTold:
    """What the file says of a task before its rows are read."""

    name: str
    """As a suite names it."""
    metrics: Mapping[str | None, tuple[str, ...]]
    """Filter → the metrics that were computed behind it; none where the file names no metric."""
    kind: Literal["exact_match", "multiple_choice"] = "exact_match"
    n: int | None = None
    """Items that the file says were asked."""
    few_shot: int | None = None
    generation: Mapping[str, Any] | None = None
    lower_is_better: frozenset[str] = frozenset()
    """Metrics that are better when lower."""


class Chosen(NamedTuple):
    """What of a task is taken: its terms by the suite, and one filter."""

    task: Task
    filter: str | None


@dataclass(frozen=True)
class Log(ABC):
    """The files of one measurement."""

    format: str
    harness: Mapping[str, str]
    tasks: Mapping[str, TaskTold]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Those of SETTINGS that the files tell, null among them where null was told."""

    @abstractmethod
    def stated(self, task: str, filter: str | None, metric: str) -> Decimal | None:
        """The aggregate that the files state, None where they state none."""

    @abstractmethod
    def rows(self, chosen: Mapping[str, Chosen]) -> Iterator[Row]:
        """The rows behind the chosen filters. Raises BadFile naming the line at fault."""


def task_name(own: str) -> str:
    """A harness's name of a task as suites write names: small letters, digits and underscores."""
    name = re.sub(r"[^a-z0-9]+", "_", own.lower()).strip("_")
    return name if name[:1].isalpha() else f"task_{name}"


def named_once(own_names: Mapping[str, str]) -> None:
    """Raise BadFile when two names of the harness ({own: ours}) become one of ours."""
    seen: dict[str, str] = {}
    for own, ours in own_names.items():
        if ours in seen:
            raise BadFile(f"The tasks {seen[ours]} and {own} would both be called {ours}; import them apart.")
        seen[ours] = own


def document(path: Path) -> dict[str, Any]:
    """A whole file as one JSON object. Raises BadFile."""
    if path.stat().st_size > MOST_WHOLE:
        raise BadFile(
            f"{path.name} has more than {MOST_WHOLE >> 20} MiB, the most that is read as one document."
        )
    return parsed(path.read_bytes(), path.name)


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of each line that is not blank, one line in memory. Raises BadFile naming the line."""
    with path.open("rb") as lines:
        number = 0
        while line := lines.readline(MOST_LINE + 1):
            number += 1
            place = f"{path.name}, line {number}"
            if len(line) > MOST_LINE:
                raise BadFile(f"{place}: the line has more than {MOST_LINE >> 20} MiB.")
            if line.strip():
                yield place, parsed(line, place)


def parsed(data: bytes, place: str) -> dict[str, Any]:
    """Bytes as a JSON object. Raises BadFile."""
    try:
        found = loads(data)
    except CanonicalError as error:
        raise BadFile(f"{place}: {error}.") from error
    if not isinstance(found, dict):
        raise BadFile(f"{place}: this must be a JSON object, it is {type(found).__name__}.")
    return found


def taken(
    found: Mapping[str, Any], name: str, kind: type | tuple[type, ...], place: str, default: Any = NEEDED
) -> Any:
    """The field `name` (dots lead inwards) of that type; `default` where it is absent or null. Raises BadFile."""
    value: Any = found
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None and default is not NEEDED:
        return default
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kinds):
        what = "is missing" if value is None else f"is {str(value)[:40]!r}"
        raise BadFile(
            f"{place}: the field {name!r} {what}; {' or '.join(k.__name__ for k in kinds)} stands there."
        )
    return value


def share(value: object, place: str) -> Decimal:
    """A score as a share. Raises BadFile for what is no number, not finite, or outside 0 to 1."""
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | Decimal):
        raise BadFile(f"{place}: the score is {str(value)[:40]!r}; a number from 0 to 1 stands there.")
    score = Decimal(value)
    if not score.is_finite():
        raise BadFile(f"{place}: the score is {score}; a finite number from 0 to 1 stands there.")
    if not 0 <= score <= 1:
        raise BadFile(
            f"{place}: the score is {str(score)[:40]}; scores are shares from 0 to 1, so 75% is 0.75."
        )
    return score.quantize(FINEST)


def chosen_answer(prompt: str | None, choices: tuple[str, ...], answer: object) -> Item | None:
    """What was asked with choices; None unless `answer` is the index of one, or one of them."""
    if isinstance(answer, str) and answer in choices:
        answer = choices.index(answer)
    if isinstance(answer, str) and answer.isdecimal() and len(answer) < 4:
        answer = int(answer)
    if prompt is None or not isinstance(answer, int) or isinstance(answer, bool):
        return None
    if not 0 <= answer < len(choices):
        return None
    return Item(id="", prompt=prompt, target=choices[answer], choices=choices, answer=answer)


def asked(prompt: str | None, target: str | None) -> Item | None:
    """What was asked and expected, None unless both are told."""
    return None if prompt is None or target is None else Item(id="", prompt=prompt, target=target)
