"""Forms of plain inputs: what was typed, what is wrong with it, and what it means. `schema.py` makes them from models."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from governance.ledger.keepable import unkeepable
from governance.registry import uploads
from governance.registry.importers import BadFile
from governance.registry.kinds.base import plain

TEXT, LONG, CHOICE, YES_NO, NUMBER, LINES, PAIRS, YAML, VERSION, VERSIONS = (
    *("text", "long", "choice", "yes_no", "number", "lines", "pairs", "yaml", "version", "versions"),
)
AREAS = frozenset({LONG, LINES, PAIRS, YAML, VERSIONS})
DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
MAX_NUMBER = 60
MOST_ROWS = 24

Pin = Callable[[str], Any]
"""From the name of a version to what stands for it in the content. Raises BadInput."""


class BadInput(ValueError):
    """Typed text that cannot be read as its field's value."""


@dataclass
class Input:
    """One field of a form, with what was typed into it and what is wrong with that."""

    name: str
    label: str
    widget: str = TEXT
    help: str = ""
    hint: str = ""
    """Default and range, in words."""
    default: str = ""
    """The default as text; what equals it is not sent on."""
    required: bool = False
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()
    """Value and label of a choice; of a version or a name, what is suggested."""
    suggests: str = ""
    """Id of the input whose suggestions it shares."""
    errors: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"id_{self.name.replace('.', '_')}"

    @property
    def list_id(self) -> str:
        """Id of the list of suggestions, empty where there is none."""
        return f"{self.suggests or self.id}_list" if self.suggests or self.choices else ""

    @property
    def is_area(self) -> bool:
        return self.widget in AREAS

    @property
    def rows(self) -> int:
        least = 12 if self.name == "content" else 3 if self.widget == LONG else 2
        return min(MOST_ROWS, max(least, self.value.count("\n") + 2))

    @property
    def offered(self) -> list[tuple[str, str]]:
        """The choices, and what was sent that is none of them."""
        known = self.value in dict(self.choices)
        return [*self.choices, *([] if known else [(self.value, f"{self.value} (not one of the choices)")])]

    @property
    def is_changed(self) -> bool:
        return self.value != self.default

    def fill(self, posted: Mapping[str, Any]) -> None:
        """Take what was typed, with line breaks as `\\n` and without NUL, about which it complains."""
        text = str(posted.get(self.name) or "")
        if fault := unkeepable(text):
            self.errors.append(f"It holds {fault}.")
        text = text.replace("\r\n", "\n").replace("\0", "")
        self.value = text.rstrip() if self.is_area else text.strip()

    def typed(self, pin: Pin) -> Any:
        """What was typed, as the model reads it. Raises BadInput."""
        if self.widget == VERSION:
            return pin(self.value)
        if self.widget == VERSIONS:
            return [pin(line) for line in _lines(self.value)]
        return READ.get(self.widget, str)(self.value)


@dataclass
class Group:
    """Fields that belong together; of a nested model, `name` is its field, and of one in a list its field and place."""

    legend: str
    inputs: list[Input]
    name: str = ""
    help: str = ""
    required: bool = True
    folded: bool = False
    switch: Input | None = None
    """Whether the part is there at all; for a part that may be left out and whose fields all have defaults."""

    @property
    def is_open(self) -> bool:
        """Whether something stands in it that a reader should see."""
        shown = [*self.inputs, *([self.switch] if self.switch else [])]
        return not self.folded or any(one.errors or one.is_changed for one in shown)


def shown(widget: str, value: Any) -> str:
    """A value as the text that a person would have typed for it."""
    value = plain(value)
    if value is None:
        return ""
    if widget == YES_NO:
        return "on" if value else ""
    if widget in (VERSION, VERSIONS):
        named = value if isinstance(value, list) else [value]
        return "\n".join(one["subject"] if isinstance(one, dict) else str(one) for one in named)
    if widget == LINES:
        return "\n".join(map(str, value))
    if widget == PAIRS:
        return "\n".join(f"{key}: {one}" for key, one in value.items())
    if widget == YAML:
        return dumped(value) if value else ""
    return str(value)


def dumped(value: Any) -> str:
    """YAML as people write it; fractions are text in canonical content and stay so."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in _lines(text):
        key, colon, value = line.partition(":")
        if not colon or not key.strip() or not value.strip():
            raise BadInput(f"{line!r} is no pair: write one pair a line, as name: value.")
        found[key.strip()] = value.strip()
    return found


def _number(text: str) -> str:
    if len(text) > MAX_NUMBER or not DECIMAL.fullmatch(text):
        raise BadInput(f"{text[:MAX_NUMBER]!r} is no number, such as 8, 0.001 or 5e-4.")
    return text


def _yaml(text: str) -> Any:
    try:
        return uploads.parsed(text)
    except BadFile as error:
        raise BadInput(str(error)) from error


READ: dict[str, Callable[[str], Any]] = {
    YES_NO: lambda text: text == "on",
    NUMBER: _number,
    LINES: _lines,
    PAIRS: _pairs,
    YAML: _yaml,
}


class Form:
    """Groups of inputs, filled from a request and read back as the nested fields of their model."""

    def __init__(self, *groups: Group) -> None:
        self.groups = list(groups)
        self.errors: list[str] = []
        """What is wrong with the whole."""
        self._places: dict[str, list[str]] = {}
        """Field of a list → the places in the form whose groups were filled, in the order of the list."""

    @property
    def inputs(self) -> list[Input]:
        return [one for group in self.groups for one in group.inputs]

    @property
    def rest(self) -> list[Group]:
        """All groups but the first."""
        return self.groups[1:]

    def __getitem__(self, name: str) -> Input:
        found = next((one for one in self.inputs if one.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def fill(self, posted: Mapping[str, Any]) -> None:
        for group in self.groups:
            if group.switch:
                group.switch.fill(posted)
        for one in self.inputs:
            one.fill(posted)
            if one.required and not one.value:
                one.errors.append("This is needed.")

    def show(self, content: Mapping[str, Any]) -> None:
        """Fill from the stored fields of a model instead."""
        for group in self.groups:
            if group.switch and _found(content, group.name) is not None:
                group.switch.value = "on"
        for one in self.inputs:
            if (value := _found(content, one.name)) is not None:
                one.value = shown(one.widget, value)

    def raw(self, pin: Pin = str) -> dict[str, Any]:
        """What was typed where it differs from the default, nested by the dots of the names; complaints go to their inputs."""
        found: dict[str, Any] = {}
        for group in self.groups:
            if group.name and (group.required or (group.switch and group.switch.value)):
                _place(found, group.name, {})
        for one in self.inputs:
            if one.value == one.default or not (one.value or one.widget == YES_NO):
                continue
            try:
                _place(found, one.name, one.typed(pin))
            except BadInput as error:
                one.errors.append(str(error))
        return {name: self._listed(name, value) for name, value in found.items()}

    def _listed(self, name: str, value: Any) -> Any:
        """The list that numbered groups stand for; the places of its items are kept for complaints about them."""
        numbered = any(re.fullmatch(rf"{re.escape(name)}\.[0-9]+", group.name) for group in self.groups)
        if not numbered or not isinstance(value, dict):
            return value
        self._places[name] = sorted(value, key=int)
        return [value[place] for place in self._places[name]]

    def blame(self, faults: Iterable[tuple[str, str]], prefix: str = "") -> None:
        """Put each (field, rule) at the input that it speaks of, or at the whole form when there is none."""
        for name, rule in faults:
            place = self._placed(f"{prefix}{name}")
            found = self._nearest(place)
            if found is None:
                self.errors.append(f"{name}: {rule}" if name else rule)
                continue
            rest = place.removeprefix(found.name).strip(".") if place.startswith(found.name) else ""
            found.errors.append(f"{rest}: {rule}" if rest else rule)

    def _placed(self, name: str) -> str:
        """The name with an item's place in the form for its place in the list."""
        head, _, rest = name.partition(".")
        number, dot, field = rest.partition(".")
        if head in self._places and number.isdecimal() and int(number) < len(self._places[head]):
            return f"{head}.{self._places[head][int(number)]}{dot}{field}"
        return name

    def _nearest(self, name: str) -> Input | None:
        fits = [one for one in self.inputs if name == one.name or name.startswith(f"{one.name}.")]
        if fits:
            return max(fits, key=lambda one: len(one.name))
        return next((one for one in self.inputs if name and one.name.startswith(f"{name}.")), None)

    @property
    def is_good(self) -> bool:
        return not self.errors and not any(one.errors for one in self.inputs)

    @property
    def faulty(self) -> list[Input]:
        return [one for one in self.inputs if one.errors]


def _found(value: Any, name: str) -> Any:
    """What stands in nested content under a name with dots, or None."""
    for part in name.split("."):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _place(found: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        found = found.setdefault(part, {})
    found.setdefault(last, value)
