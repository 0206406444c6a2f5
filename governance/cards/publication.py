"""Publish a card, and withdraw it. What anybody reads afterwards are the bytes of that moment."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from governance.cards import as_json, as_page, markdown
from governance.cards.bundle import bundle_of
from governance.cards.compose import KIND_OF, Card, card_of
from governance.cards.escaping import visible
from governance.cards.events import CardEvent
from governance.cards.models import Publication
from governance.evidence.facts import Document
from governance.evidence.schema import ROOTS
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.settle import settle
from governance.registry import blobs, search, states
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version
from governance.reviews import conditions
from governance.reviews.models import Review

ACTION = "cards:card:publish"
MAX_REASON = 10_000
DECISIONS = frozenset({"authorship", "card_snapshot"})
"""Fields of the card schema that change with every decision or with the ledger alone."""
SUBJECT = re.compile(r"[a-z-]+:[a-z0-9][a-z0-9._-]*@[0-9]{1,9}")
RENDERINGS: dict[str, Callable[[Card], bytes]] = {
    "html": lambda card: visible(render_to_string("cards/sheet.html", as_page.context(card))).encode(),
    "md": lambda card: markdown.render(card).encode(),
    "json": as_json.render,
}
KEPT_SECONDS = 24 * 3600
OLD, TOUCHED = "old", "touched"


def publish(version: Version, *, kind: str | None = None, actor: Actor) -> Publication:
    """Settle the ledger, write the public card of `version` at that size, and freeze its renderings and its bundle.

    `kind` as in `card_of`. Raises Refused with what stands in the way, NoCard, NotSettled, KeyUnavailable without the signing
    key, Inconsistent, and RuntimeError inside a transaction (a ledger settles only what is committed).
    """
    if why := obstacles(version):
        raise Refused(" ".join(why))
    checkpoint = settle()
    card = card_of(version, checkpoint.size, kind=kind)
    files = {name: blobs.put_bytes(render(card)).sha256 for name, render in RENDERINGS.items()}
    files["zip"] = blobs.put_bytes(bundle_of(version, checkpoint)).sha256
    return _record(version, card, files, actor=actor)


@transaction.atomic
def withdraw(publication: Publication, *, reason: str, actor: Actor) -> Publication:
    """Show this card no more, nor what was published of it before; its digest, and why it went, stay public.

    Raises Refused, Stale.
    """
    if publication.state != Publication.PUBLISHED:
        raise Refused(f"The {publication} was withdrawn already, by {publication.withdrawn_by}.")
    if not reason.strip():
        raise Refused("Give a reason; whoever looks for the card reads it.")
    if len(reason) > MAX_REASON:
        raise Refused(
            f"The reason has {len(reason):,} characters; at most {MAX_REASON:,} are kept, so shorten it."
        )
    same = Publication.objects.filter(
        version=publication.version, kind=publication.kind, state=Publication.PUBLISHED
    )
    for row in [publication, *same.exclude(pk=publication.pk).select_related("version__artifact")]:
        row.state, row.reason = Publication.WITHDRAWN, reason.strip()
        row.withdrawn_by, row.withdrawn_at = str(actor.handle), timezone.now()
        append(row, op=CardEvent.WITHDRAWN, actor=actor, fields=["state", *Publication.WITHDRAWAL])
        search.index(row)
    return publication


def obstacles(version: Version) -> list[str]:
    """Sentences that say why the card of `version` may not be published now."""
    if version.kind not in KIND_OF:
        return [
            f"{version.subject} is a {version.kind}; cards are written about models, releases and datasets."
        ]
    if version.restricted:
        return [f"{version.subject} is restricted, and what is restricted is never published."]
    if version.state != states.APPROVED:
        return [
            f"{version.subject} is {version.state.replace('_', ' ')}; only what is approved now is published."
        ]
    if not approvers(version):
        return [f"Nobody but its authors approved {version.subject}; no single person publishes."]
    return conditions.obstacles(version) if version.kind == "release" else []


def approvers(version: Version) -> list[str]:
    """Who approved exactly this version and did not write it."""
    given = Review.objects.filter(version=version, digest=version.digest, verdict=Review.APPROVE)
    return sorted(set(given.values_list("reviewer", flat=True)) - set(version.authors))


def standing(version: Version, kind: str | None = None) -> Publication | None:
    """The newest publication of that kind of card, withdrawn or not (default: the kind that fits the subject)."""
    wanted = kind or KIND_OF.get(version.kind, "")
    return (
        Publication.objects.filter(version=version, kind=wanted).select_related("version__artifact").first()
    )


def facts_digest(document: Document) -> str:
    """SHA-256 over what the facts say: key, state, value and unit, without those about who decided and about the ledger."""
    said = [
        {"key": fact.key, "state": fact.state, "value": list(fact.value) if isinstance(fact.value, tuple) else fact.value,
         "unit": fact.unit}
        for fact in document.facts
        if ROOTS[fact.field].key not in DECISIONS
    ]  # fmt: skip
    return sha256_hex(canonical(said))


def is_old(publication: Publication, document: Document) -> bool:
    """Whether the records under a published card say something else in the public evidence `document`; kept for `news`."""
    old = publication.state == Publication.PUBLISHED and facts_digest(document) != publication.facts_digest
    cache.set(_key(publication, document.at.size), old, KEPT_SECONDS)
    return old


def news(publication: Publication) -> str:
    """`old` when the records under a published card are known to say something else at the newest checkpoint, `touched` when
    more was recorded about what it names and nobody has looked at the card since, else empty. At most four queries."""
    size = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    if publication.state != Publication.PUBLISHED or size <= publication.evidence_size:
        return ""
    known = cache.get(_key(publication, size))
    if known is not None:
        return OLD if known else ""
    return TOUCHED if _touched(publication) else ""


def _key(publication: Publication, size: int) -> str:
    return f"published:{publication.pk}:{size}"


def _touched(publication: Publication) -> bool:
    """Whether a version that the card names moved, or an activity that used or made one was recorded, after its evidence."""
    names = set(publication.names) | {publication.version.subject}
    slugs = {re.split("[:@]", name)[1] for name in names}
    rows = Version.objects.filter(artifact__slug__in=slugs).select_related("artifact").defer("content")
    ids = [row.pk for row in rows if row.subject in names]
    later = Q(leaf_index__gte=publication.evidence_size) | Q(leaf_index=None)
    moved = Entry.objects.filter(
        later, object_type=Version.ledger_type, object_id__in=[str(one) for one in ids]
    )
    if moved.exists():
        return True
    head = "ledger_head__leaf_index"
    since = Q(**{f"{head}__gte": publication.evidence_size}) | Q(**{head: None})
    made = Q(usages__version__in=ids) | Q(productions__version__in=ids)
    return Activity.objects.filter(since, made).exists()


def is_open() -> bool:
    """Whether this installation shows its published cards to anybody."""
    return bool(settings.CHARTER_PUBLIC_CARDS)


@transaction.atomic
def _record(version: Version, card: Card, files: dict[str, str], *, actor: Actor) -> Publication:
    # Somebody may have revoked it, or published it, while the card was written.
    version = Version.objects.select_for_update(of=("self",)).select_related("artifact").get(pk=version.pk)
    if why := obstacles(version):
        raise Refused(" ".join(why))
    document = card.document
    facts = facts_digest(document)
    before = standing(version, card.kind)
    if before and before.state == Publication.PUBLISHED and before.facts_digest == facts:
        raise Refused(f"The {before} is published and says the same; there is nothing new to publish.")
    row = Publication(
        version=version,
        digest=str(version.digest),
        kind=card.kind,
        evidence_size=document.at.size,
        evidence_root=document.at.root,
        evidence_digest=document.digest,
        facts_digest=facts,
        files=files,
        names=named_by(document),
        at=timezone.now(),
        by=str(actor.handle),
    )
    append(row, op=CardEvent.PUBLISHED, actor=actor)
    search.index(row)
    return row


def named_by(document: Document) -> list[str]:
    """Versions that values of the document name, sorted."""
    return sorted({text for fact in document.facts for text in _texts(fact.value) if SUBJECT.fullmatch(text)})


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else []
