"""What every artifact kind shares: strict content, decimals as text, references by digest, named gaps."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.decimals import decimal_text

Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SLUG_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
Text = Annotated[str, Field(min_length=1)]
CLASSES = "PDRI"
"""Visibility classes of contents: who reads one reads those before it."""
SUBJECT = r"^[a-z-]+:[a-z0-9][a-z0-9._-]*@[0-9]+$"


def _exact(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(
            "write this fraction as text, or read the file with decimals: a float has no exact value"
        )
    return value


Fraction = Annotated[Decimal, BeforeValidator(_exact), Field(allow_inf_nan=False)]


class KindContent(BaseModel):
    """Content of a version. Unknown fields are refused, so that a misspelt one never goes unnoticed."""

    # Pydantic's own engine takes `$` for the end alone; Python's lets a line break stand behind it.
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that came when there were versions without them. Empty, they are left out of the canonical content, so that
    content which does not use them keeps its digest."""


class Ref(KindContent):
    """Another version, by name and by digest; the digest is what counts."""

    subject: str = Field(pattern=SUBJECT)
    """Name as `kind:slug@number`."""
    digest: Hex
    """SHA-256 of the version; it counts, and not the name."""


def _inside(path: str) -> str:
    if not path or path.startswith("/") or "\\" in path or "\0" in path or ".." in path.split("/"):
        raise ValueError("a file's path is relative, with forward slashes and without '..'")
    return path


class FileEntry(KindContent):
    path: Annotated[str, AfterValidator(_inside)]
    """Relative path with forward slashes."""
    size: int = Field(ge=0)
    """Bytes."""
    sha256: Hex
    """SHA-256 of the bytes."""


def _named_once(files: list[FileEntry]) -> list[FileEntry]:
    paths = [file.path for file in files]
    if twice := sorted({path for path in paths if paths.count(path) > 1}):
        raise ValueError(f"the path {twice[0]} stands there twice")
    return files


Files = Annotated[list[FileEntry], Field(min_length=1), AfterValidator(_named_once)]


class Gap(KindContent):
    """Why a field is empty. A field with neither value nor gap prints as *not recorded*."""

    field: Text
    """Name of the empty field."""
    state: Literal["undisclosed", "not_applicable", "withheld"]
    """Why it is empty: its source does not say, it does not apply, or somebody withholds it."""
    reason: str = ""
    """In one sentence."""
    owner: str = ""
    """Who answers for it."""


class Reference(NamedTuple):
    role: str
    subject: str
    digest: str


@dataclass(frozen=True)
class Kind:
    """One artifact kind: its names, its schema and the few functions that every kind has."""

    name: str
    title: str
    plural: str
    schema: str
    content: type[KindContent]
    summary: Callable[[Any], list[tuple[str, str]]]
    references: Callable[[Any], list[Reference]] = lambda _content: []
    group: str = "engineer"
    """The user group that writes this kind."""
    other_groups: tuple[str, ...] = ()
    """Further groups that may."""
    disclosed: Callable[[dict[str, Any]], dict[str, Any]] = lambda content: content
    """What of a content may be read outside: the content without what its authors keep internal."""
    above: Callable[[dict[str, Any]], Iterable[tuple[str, str]]] = lambda _content: ()
    """(field or `part/field` of a disclosed content, class) of what stands there and is not for everybody: D for downstream
    providers, R for authorities, I for the house."""

    def parse(self, content: object) -> KindContent:
        """Validate `content`. Raises ContentError with one line a fault, each naming its field."""
        try:
            return self.content.model_validate(content)
        except ValidationError as error:
            raise ContentError(self.name, list(faults(error))) from error


class ContentError(ValueError):
    """Content that its kind refuses. `faults` is a list of (field, rule)."""

    def __init__(self, kind: str, found: list[tuple[str, str]]) -> None:
        self.kind, self.faults = kind, found
        lines = "; ".join(f"{field}: {rule}" for field, rule in found)
        super().__init__(f"This {kind} is not valid: {lines}.")


def readable(content: dict[str, Any], above: Iterable[tuple[str, str]], cls: str) -> dict[str, Any]:
    """`content` without what stands `above` the class `cls`."""
    hidden = {path for path, other in above if CLASSES.index(other) > CLASSES.index(cls)}
    return _without(content, hidden, "")


def _without(content: dict[str, Any], hidden: Collection[str], inside: str) -> dict[str, Any]:
    return {
        name: _without(item, hidden, f"{inside}{name}/") if isinstance(item, dict) else item
        for name, item in content.items()
        if f"{inside}{name}" not in hidden
    }


def faults(error: ValidationError) -> Iterable[tuple[str, str]]:
    for item in error.errors():
        yield ".".join(str(part) for part in item["loc"]) or "content", item["msg"]


def plain(value: object) -> Any:
    """`value` in the canonical subset: decimals as text, tuples as lists, models as objects."""
    if isinstance(value, BaseModel):
        later: frozenset[str] = getattr(type(value), "later", frozenset())
        pairs = ((name, getattr(value, name)) for name in type(value).model_fields)
        return {name: plain(item) for name, item in pairs if item or name not in later}
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def digest_of(kind: str, schema: str, content: object) -> str:
    """SHA-256 of the canonical bytes of {kind, schema, content}: the digest of a version."""
    return sha256_hex(canonical({"kind": kind, "schema": schema, "content": content}))


def pinned(role: str, ref: Ref | None) -> list[Reference]:
    return [Reference(role, ref.subject, ref.digest)] if ref else []


def shown(**pairs: object) -> list[tuple[str, str]]:
    """(label, text) rows for a page, without the empty ones."""
    return [
        (name.replace("_", " ").capitalize(), str(value))
        for name, value in pairs.items()
        if value not in (None, "", [], ())
    ]
