"""Types of fields that several kinds share: ids, dates, places, long texts, and what authors keep internal."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from governance.registry.kinds.base import FileEntry, Gap, KindContent, Ref

MOST = 2_000
"""Parts that one document may have."""
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=80)]
"""A stable name within a document: ASCII, so that no two ids look alike."""
Path = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]*(/[a-z][a-z0-9_-]*)*)?$", max_length=500)]
"""Ids of the headings above, outermost first, joined by `/`; empty at the top."""
Cite = Annotated[
    str,
    Field(pattern=r"^([a-z-]+:[a-z0-9][a-z0-9._-]*@[0-9]+#)?[a-z][a-z0-9_-]*$", max_length=200),
]
"""A principle or rule: its id within a document that this one follows, or `kind:slug@n#id`."""
NamedCite = Annotated[
    str,
    Field(pattern=r"^(constitution|policy):[a-z0-9][a-z0-9._-]*(@[0-9]+)?#[a-z][a-z0-9_-]*$", max_length=200),
]
"""A principle or rule with its document: `kind:slug#id` in whatever wording, `kind:slug@n#id` in that of version n."""
AnyCite = Annotated[
    str,
    Field(
        pattern=r"^((constitution|policy):[a-z0-9][a-z0-9._-]*(@[0-9]+)?#)?[a-z][a-z0-9_-]*$", max_length=200
    ),
]
"""As NamedCite, or an id alone, within a document that is named elsewhere."""
Prose = Annotated[str, Field(max_length=100_000)]
"""Markdown or plain text of at most 100,000 characters."""
Line = Annotated[str, Field(max_length=1_000)]
Statement = Annotated[str, Field(min_length=1, max_length=100_000)]
"""Text that may not be empty."""
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)]
"""BCP 47 tag, such as `en` or `pt-BR`."""
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""ISO 3166-1 or 3166-2 code, or `EU`."""
Authority = Literal["law", "root", "platform", "system", "developer", "user", "guideline"]
"""Who may override it: nobody (law, root), the platform, the system message, the developer, the user, anyone (guideline)."""
Subject = Literal["refusal", "safety", "honesty", "style", "fairness", "privacy", "other"]
Motive = Literal["law", "safety", "product", "commercial", "rater-preference", "norm"]

PUBLIC_OF_HIDDEN = frozenset(
    {
        "id",
        "section",
        "visibility",
        "reason",
        "owner",
        "authority",
        "kind",
        "tags",
        "motive",
        "jurisdiction",
        "action",
    }
)
"""What stays to be read of an internal part: that it exists and what it is, why it is internal and who answers for it."""


def of_kinds(*kinds: str) -> AfterValidator:
    """A check that a reference names a version of one of these kinds."""

    def check(ref: Ref) -> Ref:
        if ref.subject.partition(":")[0] not in kinds:
            raise ValueError(f"{ref.subject} is no {' or '.join(kinds)}")
        return ref

    return AfterValidator(check)


def _date(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("a date is written YYYY-MM-DD")
    datetime.date.fromisoformat(text)
    return text


Date = Annotated[str, AfterValidator(_date)]
OptionalDate = Annotated[str, AfterValidator(lambda text: text and _date(text))]


class Disclosure(KindContent):
    """A part that its authors may keep internal, with a reason and somebody who answers for it."""

    visibility: Literal["public", "internal"] = "public"
    """Whether anybody may read it; of what is internal, existence, reason and owner stay public."""
    reason: Line = ""
    """Why it is not public; needed when it is internal."""
    owner: Line = ""
    """Who answers for keeping it internal; needed when it is."""

    @model_validator(mode="after")
    def _hidden_has_a_reason(self) -> "Disclosure":
        if self.visibility == "internal" and not (self.reason.strip() and self.owner.strip()):
            raise ValueError("what is internal needs a reason and an owner")
        return self


def shown_part(part: Mapping[str, Any], keep: AbstractSet[str] = PUBLIC_OF_HIDDEN) -> dict[str, Any]:
    """`part` as anybody may read it: whole when it is public, else only the fields in `keep`."""
    if part["visibility"] != "internal":
        return dict(part)
    return {name: value for name, value in part.items() if name in keep}


def used_once(ids: Sequence[str], what: str) -> None:
    """Raise ValueError that names the ids which stand twice."""
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"{what} used twice: {', '.join(twice)}")


def gaps_name_fields(content: KindContent, gaps: Iterable[Gap], *, reasons: bool = False) -> None:
    """Raise ValueError for a gap that names no field of `content`, or a field that is filled (or, with `reasons`, gives none)."""
    for gap in gaps:
        name = gap.field.partition(".")[0]
        if name not in type(content).model_fields or name == "gaps":
            raise ValueError(f"the gap {gap.field!r} names no field of this kind")
        if "." not in gap.field and getattr(content, name) not in (None, "", [], {}):
            raise ValueError(f"the gap {gap.field!r} names a field that is filled")
        if reasons and not gap.reason.strip():
            raise ValueError(f"the gap {gap.field!r} needs a reason")


def _once(files: list[FileEntry]) -> list[FileEntry]:
    used_once([file.path for file in files], "path")
    return files


FileList = Annotated[list[FileEntry], AfterValidator(_once)]
"""Files that may be none."""
