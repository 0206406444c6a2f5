"""Figures R7.1 and R7.2 over what is recorded: bounded queries in, `concentration` out."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from governance.ledger.models import Entry
from governance.people.models import Account
from governance.people.permissions import table
from governance.registry import states
from governance.registry.models import Version
from governance.reviews import concentration, decisions
from governance.reviews.concentration import Approved, Concentration, Decided, Separation
from governance.reviews.models import Review

MOST = 5_000
"""The newest decisions, and approved versions, that a figure counts."""
JUDGED = frozenset({"constitution", "policy", "guideline", "reward-model", "release-policy", "release"})
"""Kinds of which nobody should approve their own: policies, guidelines, rewards and releases."""


def authority(entries: QuerySet[Entry]) -> Concentration:
    """R7.1 over the newest of these decisions that a person took; eligible is who may take any of them now."""
    newest = islice(entries.iterator(chunk_size=500), MOST)
    rows = (row for row in decisions.bare(newest) if row.acted_as != "system")
    return concentration.concentration((Decided(row.who, row.impact) for row in rows), eligible())


def eligible() -> int:
    """Active accounts in a group that may take some kind of decision."""
    actions = {one.action for one in decisions.known().values() if one.action}
    groups = {group for action in actions for group in table()[action]}
    accounts = Account.objects.filter(active=True).values_list("groups", flat=True)
    return sum(not groups.isdisjoint(held) for held in accounts.iterator())


def duties() -> Separation:
    """R7.2 over the newest approved versions of the kinds that are judged, from who wrote and who approved each."""
    return concentration.separation(list(_approved()))


def dissent() -> int:
    """How many refusals and dissenting opinions are on record."""
    return Review.objects.filter(verdict__in=(Review.REFUSE, Review.DISSENT)).count()


def _approved() -> Iterator[Approved]:
    standing = (states.APPROVED, states.SUPERSEDED)
    versions = (
        Version.objects.filter(artifact__kind__in=JUDGED, state__in=standing)
        .order_by("-sealed_at", "pk")
        .values_list("pk", "authors")[:MOST]
    )
    authors: dict[Any, list[str]] = dict(versions)
    given: dict[Any, set[str]] = {}
    reviews = Review.objects.filter(version__artifact__kind__in=JUDGED, verdict=Review.APPROVE)
    for version, reviewer in (
        reviews.filter(version__state__in=standing).values_list("version_id", "reviewer").iterator()
    ):
        given.setdefault(version, set()).add(reviewer)
    for key, wrote in authors.items():
        yield Approved(frozenset(wrote), frozenset(given.get(key, ())))
