"""What one version cites, and which of these ids do not exist."""

from typing import NamedTuple

from django.db.models import Max

from governance.registry import states
from governance.registry.citations.documents import DOCUMENTS, ids_of
from governance.registry.models import Artifact, Citation, Version


class Row(NamedTuple):
    citation: Citation
    subject: str
    """The document's version that is meant: the one that is named, else the newest usable; empty where there is none."""
    why_dangling: str
    """Empty where the id exists."""

    @property
    def anchor(self) -> str:
        """Where it stands on the page of its document."""
        kind = self.citation.document.partition(":")[0]
        return f"{DOCUMENTS.get(kind, '').removesuffix('s')}-{self.citation.name}"


def cited(version: Version) -> list[Row]:
    """What `version` cites, with what dangles first. Takes four queries at most."""
    found = list(version.citations.order_by("area", "document", "name", "place"))
    documents = _documents(found)
    return sorted((_row(one, documents) for one in found), key=lambda row: not row.why_dangling)


def _documents(found: list[Citation]) -> dict[tuple[str, int | None], Version]:
    """(kind:slug, number) → version; under the number None the newest usable one."""
    names = {one.document for one in found if one.document}
    if not names:
        return {}
    pairs = [name.split(":", 1) for name in names]
    artifacts = {
        artifact.pk: artifact
        for artifact in Artifact.objects.filter(
            kind__in={kind for kind, _ in pairs}, slug__in={slug for _, slug in pairs}
        )
        if artifact.name in names
    }
    wanted = {one.number for one in found}
    versions = Version.objects.filter(artifact__in=artifacts).exclude(digest=None).order_by("number")
    usable = versions.filter(state__in=states.USABLE)
    newest = dict(usable.values_list("artifact").annotate(Max("number")).order_by())
    numbers = {number for number in wanted if number is not None} | set(newest.values())
    known: dict[tuple[str, int | None], Version] = {}
    for one in versions.filter(number__in=numbers).select_related("artifact"):
        known[one.artifact.name, one.number] = one
        if newest.get(one.artifact.pk) == one.number:
            known[one.artifact.name, None] = one
    return known


def _row(one: Citation, documents: dict[tuple[str, int | None], Version]) -> Row:
    held = documents.get((one.document, one.number))
    if not one.document:
        return Row(one, "", "It names no document, and the version names none that would have it.")
    name = f"{one.document}@{one.number}" if one.number else one.document
    if held is None:
        return Row(one, "", f"{name} does not exist here.")
    if one.name not in ids_of(held):
        return Row(one, held.subject, f"{held.subject} has no such id.")
    return Row(one, held.subject, "")
