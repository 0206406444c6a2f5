"""Reads an evaluation suite: its tasks and their items, each with the hash that says which item it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.harness.asking import Asking
from evals.harness.letters import MOST_CHOICES, lettered
from evals.harness.scoring import ACTIONS
from evals.harness.tools import Play
from governance.ledger.canonical import CanonicalError, canonical, loads, sha256_hex
from governance.registry.kinds.base import faults, plain
from governance.registry.kinds.eval_suite import Content, Task
from training.runner.failures import BadInput

NOT_MEASURING = {"name", "margin", "file", "purpose", "cites"}
LATER = {"max_turns"}
"""Fields that tasks did not always have: one that does without is the same task as ever."""
LETTERS = "letters"
ONCE = Asking()


@dataclass(frozen=True)
class Item:
    """One item as it is asked and scored. `answer` is the target's index among `choices`."""

    id: str
    prompt: str
    target: str
    choices: tuple[str, ...] = ()
    answer: int | None = None
    cluster: str | None = None
    play: Play | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of what is asked and expected; not of the id, so that a renamed copy is found out."""
        asked = {"prompt": self.prompt, "target": self.target, "choices": list(self.choices)}
        return sha256_hex(canonical(asked if self.play is None else {**asked, "play": self.play.hash}))


@dataclass(frozen=True)
class SuiteTask:
    """A task of the suite with its items, in the file's order, and how the run asks them."""

    task: Task
    items: tuple[Item, ...]
    asking: Asking = ONCE

    @property
    def version(self) -> str:
        """SHA-256 of all that decides a score; the margin and the purpose only judge it."""
        measuring = {
            key: value
            for key, value in plain(self.task).items()
            if key not in NOT_MEASURING and not (key in LATER and value is None)
        }
        return sha256_hex(canonical(measuring | {"form": LETTERS} if self.lettered else measuring))

    @property
    def lettered(self) -> bool:
        """Whether choices are asked by letter: another form of the task than comparing their likelihoods."""
        return self.task.kind == "multiple_choice" and self.asking.letters

    @property
    def generates(self) -> bool:
        """Whether the model writes responses."""
        return self.task.kind != "multiple_choice" or self.lettered

    @property
    def new_tokens(self) -> int:
        """Longest response."""
        return (self.asking.budget or self.task.max_new_tokens) if self.generates else 0

    def prompt(self, item: Item) -> str:
        """What is asked of this item, before any template."""
        return lettered(item.prompt, item.choices) if self.lettered else item.prompt

    def asked(self, limit: int | None) -> tuple[Item, ...]:
        """The items that a run with this limit asks."""
        return self.items[:limit]


def read_suite(content: Mapping[str, Any], folder: Path, asking: Asking = ONCE) -> list[SuiteTask]:
    """The suite's tasks with their items; raises BadInput naming the file and line of what cannot be used."""
    suite = Content.model_validate(content)
    read = [SuiteTask(task, tuple(_items(task, folder / task.file)), asking) for task in suite.tasks]
    for task in read:
        if task.lettered and (many := next((i for i in task.items if len(i.choices) > MOST_CHOICES), None)):
            raise BadInput(
                f"Task {task.task.name}: the item {many.id!r} has {len(many.choices)} choices, and there are {MOST_CHOICES} letters."
            )
    return read


def _items(task: Task, path: Path) -> Iterator[Item]:
    if task.kind == "refusal" and task.few_shot:
        raise BadInput(
            f"Task {task.name}: a refusal task has no few-shot examples, its targets are not responses."
        )
    seen: set[str] = set()
    for line, row in _rows(path):
        if not _kept(task, row):
            continue
        item = _item(task, row, line)
        if item.id in seen:
            raise BadInput(
                f"{task.file}, line {line}: the item id {item.id!r} stands twice; ids must be unique."
            )
        seen.add(item.id)
        yield item
    if not seen:
        raise BadInput(
            f"Task {task.name} has no items: {task.file} is empty or none of its rows fits `only`."
        )
    if len(seen) <= task.few_shot:
        raise BadInput(
            f"Task {task.name} needs more than its {task.few_shot} few-shot items; it has {len(seen)}."
        )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise BadInput(
            f"The suite names {path.name}, which is not among its files. Register it again."
        ) from error
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path.name} is not UTF-8 (byte {error.start}). Convert it and register it again."
        ) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, _row(line, f"{path.name}, line {number}")


def _row(line: str, where: str) -> Mapping[str, Any]:
    try:
        row = loads(line)
    except (ValueError, CanonicalError) as error:
        raise BadInput(f"{where} is not JSON: {error}.") from error
    if not isinstance(row, dict):
        raise BadInput(f"{where}: an item is a JSON object, this is {type(row).__name__}.")
    return row


def _kept(task: Task, row: Mapping[str, Any]) -> bool:
    return all(row.get(field) == value for field, value in (task.only or {}).items())


def _item(task: Task, row: Mapping[str, Any], line: int) -> Item:
    where, cluster = f"{task.file}, line {line}", row.get("cluster")
    choices = _choices(row, task.choices_field, where) if task.choices_field else ()
    answer = _answer(row, task.target_field, choices, where) if choices else None
    target = _text(row, task.target_field, where) if answer is None else choices[answer]
    if task.kind == "refusal" and target not in ACTIONS:
        raise BadInput(
            f"{where}: {task.target_field} must be one of {', '.join(ACTIONS)}, this is {target!r}."
        )
    return Item(
        id=_id(row, line, where), prompt=_text(row, task.prompt_field, where), target=target, choices=choices,
        answer=answer, cluster=None if cluster is None else str(cluster),
        play=_play(row, where) if task.kind == "tool_use" else None,
    )  # fmt: skip


def _play(row: Mapping[str, Any], where: str) -> Play:
    try:
        return Play.model_validate({name: row[name] for name in Play.model_fields if name in row})
    except ValidationError as error:
        field, rule = next(iter(faults(error)))
        raise BadInput(f"{where}: {field}: {rule}.") from error
    except RecursionError as error:
        raise BadInput(f"{where}: the tools are nested too deeply.") from error


def _id(row: Mapping[str, Any], line: int, where: str) -> str:
    """The row's id, or its line, padded so that ids sort as the file does: public sets often have none."""
    return _text(row, "id", where) if "id" in row else f"line-{line:06}"


def _text(row: Mapping[str, Any], field: str, where: str) -> str:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or not str(value).strip():
        raise BadInput(f"{where}: the field {field!r} must hold text; it is {_seen(value)}.")
    return str(value)


def _seen(value: object) -> str:
    return "missing or empty" if value in (None, "") else repr(value)


def _choices(row: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    choices = row.get(field)
    if (
        not isinstance(choices, list)
        or len(choices) < 2
        or not all(isinstance(c, str) and c for c in choices)
    ):
        raise BadInput(f"{where}: the field {field!r} must be a list of at least two texts.")
    return tuple(choices)


def _answer(row: Mapping[str, Any], field: str, choices: tuple[str, ...], where: str) -> int:
    value = row.get(field)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return value
    if value in choices:
        return choices.index(value)
    raise BadInput(f"{where}: {field} is {value!r}, neither one of the choices nor the index of one.")
