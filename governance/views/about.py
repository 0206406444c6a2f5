"""Which entries are about a subject: of the version or artifact itself, and of all that was said about it."""

from collections.abc import Iterable

from django.db.models import Q

from governance.cards.models import Objection, Publication
from governance.registry import lookup
from governance.registry.kinds import UnknownKind
from governance.registry.models import Activity, Artifact, Production, Usage, Version
from governance.releases.models import GateReport
from governance.reviews.models import Comment, Impact, Review

MOST = 500
"""Versions of one artifact, and activities, that are looked for."""


class NoSubject(LookupError):
    """Nothing is called so; the message names the nearest."""


def about(subject: str) -> Q:
    """The entries about `kind:slug@number`, or about an artifact and all its versions. Raises NoSubject."""
    try:
        artifact = lookup.find_artifact(subject)
        versions = (
            [lookup.find(subject, drafts=True)]
            if "@" in subject
            else list(artifact.versions.defer("content")[:MOST])
        )
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise NoSubject(str(error)) from error
    keys = [version.pk for version in versions]
    wanted = _objects(Version.ledger_type, keys)
    if "@" not in subject:
        wanted |= _objects(Artifact.ledger_type, [artifact.pk])
        wanted |= _objects(Impact.ledger_type, artifact.impacts.values_list("pk", flat=True)[:MOST])
    for model in (Review, Comment, GateReport, Publication, Objection):
        wanted |= _objects(
            model.ledger_type, model.objects.filter(version__in=keys).values_list("pk", flat=True)[:MOST]
        )
    for index in (Usage, Production):
        found = index.objects.filter(version__in=keys).values_list("activity_id", flat=True)[:MOST]
        wanted |= _objects(Activity.ledger_type, found)
    return wanted


def _objects(kind: str, keys: Iterable[object]) -> Q:
    return Q(object_type=kind, object_id__in=[str(key) for key in keys])
