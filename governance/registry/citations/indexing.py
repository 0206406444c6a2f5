"""From what a version cites to rows of the index, each with the document that its id belongs to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import transaction

from governance.registry.citations.documents import DOCUMENTS, ids_of
from governance.registry.citations.sources import found_in
from governance.registry.kinds import dataset, guideline
from governance.registry.kinds.base import Ref
from governance.registry.models import Citation, Version

LONGEST_PLACE = 200

Key = tuple[str, str, int | None, str, str]
"""Area, document, its version, id, place: what a row of the index is known by."""


class Named(NamedTuple):
    """A document that a version names, so that it may cite by bare ids."""

    document: str
    number: int
    ids: frozenset[str]


@transaction.atomic
def index(version: Version) -> int:
    """Index what `version` cites, in place of what was indexed before; nothing of a draft or an erased one. Returns how much."""
    Citation.objects.filter(version=version).delete()
    if version.digest is None or version.content is None:
        return 0
    found = found_in(version)
    named = _named(version) if any("#" not in one.cite for one in found) else []
    counts: Counter[Key] = Counter()
    for one in found:
        # Two ways to write one citation, bare and with its document, count as one.
        for target in targets(one.cite, named):
            counts[one.area, *target, one.place[:LONGEST_PLACE]] += one.times
    Citation.objects.bulk_create(
        Citation(
            version=version, area=area, document=document, number=number, name=name, place=place, count=count
        )
        for (area, document, number, name, place), count in counts.items()
    )
    return len(counts)


def rebuild() -> int:
    """Index all sealed versions anew; returns how many citations there are."""
    Citation.objects.all().delete()
    sealed = Version.objects.exclude(digest=None).exclude(content__isnull=True).select_related("artifact")
    return sum(index(version) for version in sealed.iterator())


def split(cite: str) -> tuple[str, int | None, str]:
    """(document or "", its version or None, id) of a citation; a document without a kind is a constitution."""
    head, _, name = cite.rpartition("#")
    document, _, number = head.partition("@")
    if document and ":" not in document:
        document = f"constitution:{document}"
    return document, int(number) if number else None, name


def targets(cite: str, named: Sequence[Named]) -> list[tuple[str, int | None, str]]:
    """What a citation means: a bare id that of every named document which has it, else of the first, where it dangles."""
    document, number, name = split(cite)
    if document or not named:
        return [(document, number, name)]
    return [(one.document, one.number, name) for one in named if name in one.ids] or [
        (named[0].document, named[0].number, name)
    ]


def _named(version: Version) -> list[Named]:
    refs = [ref for ref in _refs(version) if ref.subject.partition(":")[0] in DOCUMENTS]
    held = Version.objects.filter(digest__in=[ref.digest for ref in refs]).select_related("artifact")
    ids = {one.digest: frozenset(ids_of(one)) for one in held}
    return [_name(ref, ids.get(ref.digest, frozenset())) for ref in refs]


def _name(ref: Ref, ids: frozenset[str]) -> Named:
    document, _, number = ref.subject.partition("@")
    return Named(document, int(number), ids)


def _refs(version: Version) -> Iterable[Ref]:
    content = version.parsed()
    if isinstance(content, guideline.Content):
        return content.follows
    return content.guidelines if isinstance(content, dataset.Content) else ()
