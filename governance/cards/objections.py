"""Objections: anybody raises one against what is public here, and somebody who did not write it answers in time."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from governance.cards import publication
from governance.cards.events import CardEvent
from governance.cards.models import Objection, Publication
from governance.evidence.schema import sections
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.keepable import unkeepable
from governance.ledger.models import Entry
from governance.people.throttle import OBJECTIONS, OBJECTIONS_IN_ALL, address_of
from governance.registry import blobs, lookup, search, states
from governance.registry.actions import Refused
from governance.registry.kinds import UnknownKind
from governance.registry.models import Version
from governance.reviews import concentration, decisions, decisions_counted
from governance.reviews.concentration import Contestability, Raised

ACTION = "reviews:objection:answer"
MAX_TEXT, MAX_CONTACT = 10_000, 200
RULES = ("principles", "rules", "sections")
"""Fields of a content whose items have an `id` that an objection may name."""
RULED = frozenset({"constitution", "policy", "guideline", "release-policy"})
"""Kinds of versions whose rules are objected to once a published card names them."""
PUBLIC = Actor.system("public")
"""Whoever objects without an account."""
ENTRY = re.compile(r"entry:([0-9]{1,18})")


class NotPublic(LookupError):
    """Nothing published has that name, or names it; the sentence is the same whatever else there is."""


@dataclass(frozen=True)
class Target:
    """What may be objected to, and the parts of it that an objection may name: (anchor, words)."""

    version: Version
    anchors: tuple[tuple[str, str], ...]


def target(subject: str) -> Target:
    """What `kind:slug@number` names, if its card is published or a published card names it. Raises NotPublic."""
    if publication.is_open() and publication.SUBJECT.fullmatch(subject):
        kind, slug, number = re.split("[:@]", subject)
        version = (
            Version.objects.select_related("artifact")
            .filter(artifact__kind=kind, artifact__slug=slug, number=int(number), restricted=False)
            .exclude(state=states.DRAFT)
            .first()
        )
        shown = Publication.objects.filter(state=Publication.PUBLISHED)
        if version and (own := shown.filter(version=version).first()):
            return Target(version, tuple(_of_card(own)))
        if version and kind in RULED and _named_by(shown, subject).exists():
            return Target(version, tuple(_of_content(version)))
    raise NotPublic(f"No published card is about {subject[:200]}, and none names it.")


def wait(request: object) -> int | None:
    """Count one more objection of this address and of all; seconds to wait when that is too many, else None."""
    return OBJECTIONS.wait(address_of(request)) or OBJECTIONS_IN_ALL.wait("all")


@transaction.atomic
def raise_objection(
    subject: str, *, text: str, anchor: str = "", contact: str = "", actor: Actor = PUBLIC
) -> Objection:
    """Object to what is public under `subject`; the receipt number is the objector's only key. Raises NotPublic, Refused."""
    found = target(subject)
    for name, said, most in (("text", text, MAX_TEXT), ("contact", contact, MAX_CONTACT)):
        if len(said) > most:
            raise Refused(f"The {name} has {len(said):,} characters; at most {most:,} are kept.")
        if why := unkeepable(said):
            raise Refused(f"The {name} holds {why}; leave it out.")
    if not text.strip():
        raise Refused("Say what you object to, and why.")
    if anchor and anchor not in dict(found.anchors):
        raise Refused(f"{subject} has no part {anchor[:120]!r} that an objection could name.")
    now = timezone.now()
    row = Objection(
        receipt=secrets.token_hex(16),
        version=found.version,
        digest=str(found.version.digest),
        anchor=anchor,
        text=text.strip(),
        contact=contact.strip(),
        raised_by=actor.handle or "",
        at=now,
        due_at=now + timedelta(days=settings.CHARTER_OBJECTION_DAYS),
    )
    append(row, op=CardEvent.OBJECTION_RAISED, actor=actor)
    search.index(row)
    return row


@transaction.atomic
def answer(objection: Objection, *, outcome: str, text: str, changed: str = "", actor: Actor) -> Objection:
    """Answer with an outcome: upheld, partly, not_upheld; `changed` names what changed by it. Raises Refused, Stale."""
    if outcome not in Objection.OUTCOMES:
        raise Refused(f"An outcome is one of {', '.join(Objection.OUTCOMES)}.")
    if outcome == Objection.NOT_UPHELD and changed.strip():
        raise Refused("What was not upheld changed nothing; leave out what changed.")
    objection.outcome, objection.changed = outcome, _checked_change(changed.strip())
    return _decide(objection, Objection.ANSWERED, CardEvent.OBJECTION_ANSWERED, text, actor)


@transaction.atomic
def reject(objection: Objection, *, reason: str, actor: Actor) -> Objection:
    """Turn away what is no objection, such as advertising; it stays on record. Raises Refused, Stale."""
    return _decide(objection, Objection.REJECTED, CardEvent.OBJECTION_REJECTED, reason, actor)


def obstacle(objection: Objection, actor: Actor) -> str | None:
    """Why `actor` may not answer or reject `objection` now, or None."""
    subject = objection.version.subject
    if actor.handle is None or not actor.is_person:
        return "An objection is answered in the browser or over the API; commands cannot."
    if objection.state != Objection.OPEN:
        return f"This objection to {subject} is {objection.state} already, by {objection.answered_by}."
    if actor.handle in objection.version.authors:
        return f"{actor.handle} wrote or submitted {subject}; somebody else must answer."
    if actor.handle == objection.raised_by:
        return f"{actor.handle} raised this objection; somebody else must answer."
    return None


def waiting() -> QuerySet[Objection]:
    """Open objections, what is overdue longest first."""
    return (
        Objection.objects.filter(state=Objection.OPEN)
        .select_related("version__artifact")
        .order_by("due_at", "id")
    )


def overdue() -> QuerySet[Objection]:
    return waiting().filter(due_at__lt=timezone.now())


def contested() -> Contestability:
    """R7.8 over the newest objections; what was rejected as no objection does not count."""
    rows = Objection.objects.exclude(state=Objection.REJECTED)[: decisions_counted.MOST]
    raised = [
        Raised(at, answered_at, bool(changed))
        for at, answered_at, changed in rows.values_list("at", "answered_at", "changed")
    ]
    return concentration.contestability(raised, decisions_counted.dissent())


def _decide(objection: Objection, state: str, op: CardEvent, text: str, actor: Actor) -> Objection:
    if why := obstacle(objection, actor):
        raise Refused(why)
    if not text.strip():
        raise Refused("Give an answer; whoever objected reads it, and so may everybody.")
    if len(text) > MAX_TEXT:
        raise Refused(
            f"The answer has {len(text):,} characters; at most {MAX_TEXT:,} are kept, so shorten it."
        )
    objection.state, objection.answer = state, text.strip()
    objection.answered_by, objection.answered_at = str(actor.handle), timezone.now()
    append(objection, op=op, actor=actor, fields=["state", *Objection.ANSWER])
    search.index(objection)
    return objection


def _checked_change(changed: str) -> str:
    """The version or decision that changed by an objection. Raises Refused for what there is not, or not for everybody."""
    if not changed:
        return ""
    if found := ENTRY.fullmatch(changed):
        if not Entry.objects.filter(leaf_index=int(found[1]), op__in=decisions.known()).exists():
            raise Refused(f"Entry {found[1]} is no decision of the ledger.")
        return changed
    try:
        version = lookup.find(changed)
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise Refused(f"What changed is kind:slug@number or entry:N. {error}") from error
    if version.restricted:
        raise Refused(f"{version.subject} is restricted; name what the objector may see.")
    return version.subject


def _named_by(shown: QuerySet[Publication], subject: str) -> QuerySet[Publication]:
    # Neither database compares into a JSON list alike; its text has every name in quotes.
    return shown.annotate(listed=Cast("names", TextField())).filter(listed__contains=f'"{subject}"')


def _of_card(published: Publication) -> Iterator[tuple[str, str]]:
    for section in sections():
        for field in section.fields:
            yield field.key, f"{section.number}. {section.title}: {field.title}"
    card = json.loads(blobs.read(published.files["json"]))
    for section in card["sections"]:
        for field in section["fields"]:
            if field["key"] == "policy_public":
                ids = dict.fromkeys(
                    fact["key"].split(".")[1] for fact in field["facts"] if fact["key"].count(".") > 1
                )
                yield from ((one, f"Principle {one}") for one in ids)


def _of_content(version: Version) -> Iterator[tuple[str, str]]:
    content: dict[str, Any] = version.disclosed() or {}
    for name in RULES:
        items = content.get(name)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and isinstance(item.get("id"), str):
                yield item["id"], f"{name.rstrip('s').capitalize()} {item['id']}"
