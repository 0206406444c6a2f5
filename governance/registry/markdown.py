"""Markdown documents as sections with stable ids (pure): `## Heading {#id authority=user}` and the text below it."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from governance.registry import markdown_examples

MAX_BYTES = 4 * 2**20
ID = re.compile(r"[a-z][a-z0-9_-]{0,79}")
ATTRIBUTES = re.compile(r"\s*\{(\s*(?:#|[a-z_]+=)[^{}]*)\}\s*$")
ATTRIBUTE = re.compile(
    r"\s*(?:#(?P<id>[^\s}]+)|(?P<name>[a-z_]+)=(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\s\"}]+)))"
)

# Blocks alone are read; what stands inside a paragraph is the renderer's business.
_blocks = MarkdownIt("commonmark", {"html": False})
_blocks.core.ruler.enableOnly(["normalize", "block"])


class BadMarkdown(ValueError):
    """A document that cannot be cut into sections. The message names the line and the rule."""


class Part(NamedTuple):
    """A heading with the Markdown between it and the next one."""

    id: str
    heading: str
    section: str
    """Ids of the headings above, outermost first, joined by `/`."""
    attributes: dict[str, str]
    text: str
    groups: bool
    """Whether deeper headings follow under it."""
    line: int
    """Line of the heading in the document, from 1."""
    first: int
    """Line in which the text begins; that of the heading where there is none."""


@dataclass
class Document:
    title: str
    preamble: str
    parts: list[Part]
    notes: list[str] = field(default_factory=list)
    """What was decided while reading, such as the id of a heading that had none."""


@dataclass
class _Heading:
    level: int
    text: str
    id: str
    attributes: dict[str, str]
    first: int
    last: int

    @property
    def line(self) -> int:
        return self.first + 1


def document(text: str, allowed: Sequence[str]) -> Document:
    """`text` cut at its headings. `allowed` are the attributes that a heading may carry beside its id.

    A single first-level heading without an id, standing first, is the title. Headings inside lists, quotes and code are
    text. Raises BadMarkdown.
    """
    if len(text.encode()) > MAX_BYTES:
        raise BadMarkdown(f"the document is longer than {MAX_BYTES // 2**20} MiB")
    lines = text.split("\n")
    headings = list(_headings(_blocks.parse(text), allowed))
    title = _take_title(headings)
    notes = _name_all(headings)
    below = headings[0].first if headings else len(lines)
    preamble = _between(lines, title.last if title else 0, below)
    return Document(title.text if title else "", preamble, list(_parts(headings, lines)), notes)


def _headings(tokens: Sequence[Token], allowed: Sequence[str]) -> Iterator[_Heading]:
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            yield _heading(int(token.tag[1:]), inline.content, token.map, allowed)


def _heading(level: int, content: str, place: Sequence[int], allowed: Sequence[str]) -> _Heading:
    found = ATTRIBUTES.search(content)
    text = " ".join((content[: found.start()] if found else content).split())
    given = _attributes(found[1], place[0] + 1) if found else {}
    name = given.pop("id", "")
    if name and not ID.fullmatch(name):
        raise BadMarkdown(
            f"line {place[0] + 1}: the id {name!r} is not made of a-z, 0-9, '_' and '-', beginning with a letter"
        )
    if unknown := sorted(set(given) - set(allowed)):
        raise BadMarkdown(
            f"line {place[0] + 1}: there is no attribute {unknown[0]!r}; there are {', '.join(allowed)}"
        )
    return _Heading(level, text, name, given, place[0], place[1])


def _attributes(text: str, line: int) -> dict[str, str]:
    """`#id name=value other="several words"` as a mapping. Raises BadMarkdown."""
    found: dict[str, str] = {}
    place = 0
    while text[place:].strip():
        match = ATTRIBUTE.match(text, place)
        if not match:
            raise BadMarkdown(
                f"line {line}: {text.strip()!r} cannot be read; write {{#id name=value}}, with quotes round spaces"
            )
        name = "id" if match["id"] else match["name"]
        if name in found:
            raise BadMarkdown(f"line {line}: the heading gives its {name} twice")
        found[name] = match["id"] or match["quoted"] or match["bare"] or ""
        place = match.end()
    return found


def _take_title(headings: list[_Heading]) -> _Heading | None:
    """Remove and return the title: the only heading of the first level, when it stands first and has no id."""
    top = [heading for heading in headings if heading.level == 1]
    if len(top) == 1 and headings[0] is top[0] and not top[0].id and not top[0].attributes:
        return headings.pop(0)
    return None


def _name_all(headings: Sequence[_Heading]) -> list[str]:
    """Give every heading without an id one made from its text; returns a note for each. Raises BadMarkdown for ids used twice."""
    taken: dict[str, int] = {}
    for heading in headings:
        if heading.id and heading.id in taken:
            raise BadMarkdown(
                f"line {heading.line}: the id {heading.id!r} was given in line {taken[heading.id]} already"
            )
        if heading.id:
            taken[heading.id] = heading.line
    notes = []
    for heading in headings:
        if not heading.id:
            heading.id = _free(slug(heading.text), taken)
            taken[heading.id] = heading.line
            notes.append(
                f"Line {heading.line}: the heading {heading.text!r} has no id and is called {heading.id}."
            )
    return notes


def slug(text: str) -> str:
    """An id made from a heading: ASCII letters and digits, words joined by `_`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain.replace("'", "")).strip("_")[:70].rstrip("_")
    return found if found[:1].isalpha() else f"section_{found}".rstrip("_")


def _free(name: str, taken: dict[str, int]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _parts(headings: Sequence[_Heading], lines: Sequence[str]) -> Iterator[Part]:
    above: list[_Heading] = []
    for number, heading in enumerate(headings):
        following = headings[number + 1] if number + 1 < len(headings) else None
        while above and above[-1].level >= heading.level:
            above.pop()
        end = following.first if following else len(lines)
        yield Part(
            id=heading.id,
            heading=heading.text,
            section="/".join(one.id for one in above),
            attributes=heading.attributes,
            text=_between(lines, heading.last, end),
            groups=following is not None and following.level > heading.level,
            line=heading.line,
            first=1 + next((n for n in range(heading.last, end) if lines[n]), heading.first),
        )
        above.append(heading)


def _between(lines: Sequence[str], begin: int, end: int) -> str:
    """Lines `begin` to `end` as they stand, without blank lines around them and spaces at the end."""
    return "\n".join(lines[begin:end]).strip("\n").rstrip()


DISCLOSURE = ("visibility", "reason", "owner")
LISTS = ("cites", "tags")
"""Attributes that hold several values, separated by commas."""
ALLOWED: dict[str, tuple[str, ...]] = {
    "constitution": ("authority", "kind", "motive", "jurisdiction", "tags", *DISCLOSURE),
    "guideline": ("cites", "tags", *DISCLOSURE),
    "policy": ("action", "applies_to", "authority", "kind", "motive", "jurisdiction", "tags", *DISCLOSURE),
}
"""Kind → what a heading may say of its part."""
PARTS = {"constitution": "principles", "guideline": "sections", "policy": "rules"}
"""Kind → the field that holds its parts."""


def content(kind: str, text: str) -> tuple[dict[str, Any], list[str]]:
    """Title, preamble and parts of a constitution, guideline or policy, and notes on the reading. Raises BadMarkdown.

    In a constitution a heading that only groups others is no principle; one without text is its own text. In a guideline
    a heading `Example` may be a worked example of the section that it stands in (markdown_examples).
    """
    found = document(text.replace("\r\n", "\n"), ALLOWED[kind])
    if not found.parts:
        raise BadMarkdown(
            "the document has no heading below its title; each principle, rule or section needs one"
        )
    examples = _examples(found.parts) if kind == "guideline" else {}
    kept = [part for part in found.parts if part.id not in examples and not _only_groups(kind, part)]
    told: dict[str, Any] = {
        "title": found.title,
        "preamble": found.preamble,
        PARTS[kind]: [_part(kind, part) for part in kept],
        "examples": list(examples.values()),
    }
    return {name: value for name, value in told.items() if value}, found.notes


def _examples(parts: Sequence[Part]) -> dict[str, dict[str, Any]]:
    """Worked examples by the ids of their headings. Raises BadMarkdown, also for a heading within an example."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        *_, above = part.section.split("/")
        if above in found:
            raise BadMarkdown(
                f"line {part.line}: the heading {part.heading!r} stands within the example {above!r}"
            )
        if markdown_examples.is_example(part.heading, part.text):
            if part.attributes:
                name = next(iter(part.attributes))
                raise BadMarkdown(f"line {part.line}: the example {part.id!r} has an id and no {name!r}")
            try:
                found[part.id] = markdown_examples.example(part.id, above, part.text, part.first)
            except markdown_examples.BadExample as error:
                raise BadMarkdown(str(error)) from error
    return found


def _only_groups(kind: str, part: Part) -> bool:
    return kind == "constitution" and part.groups and not part.text


def _part(kind: str, part: Part) -> dict[str, Any]:
    attributes: dict[str, Any] = dict(part.attributes)
    for name in LISTS:
        if name in attributes:
            attributes[name] = [value.strip() for value in attributes[name].split(",") if value.strip()]
    text = part.text or (part.heading if kind == "constitution" else "")
    return {"id": part.id, "heading": part.heading, "section": part.section, "text": text, **attributes}
