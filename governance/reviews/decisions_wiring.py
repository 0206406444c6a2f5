"""Which entries of the rooms up to here are decisions, and who is heard about a version."""

from collections.abc import Collection, Iterator
from typing import Any

from governance.ledger.events import LedgerEvent
from governance.ledger.models import Ending, Entry, SigningKey
from governance.people.events import PeopleEvent
from governance.people.models import Account
from governance.registry import erasure
from governance.registry.events import RegistryEvent
from governance.registry.models import Erasure, Version
from governance.reviews import decisions, impact
from governance.reviews.decisions import HIGH, LOW, Decides, Voice
from governance.reviews.events import ReviewEvent
from governance.reviews.models import Comment, Impact, Review

REVIEW = "reviews:version:review"
DISSENT = (Review.REFUSE, Review.DISSENT)


def connect() -> None:
    """Fill the register. Called in AppConfig.ready()."""
    found = {
        ReviewEvent.APPROVAL_GIVEN: Decides("approval", Review, REVIEW),
        ReviewEvent.REFUSAL_GIVEN: Decides("refusal", Review, REVIEW),
        ReviewEvent.CHANGES_ASKED: Decides("changes asked", Review, REVIEW),
        ReviewEvent.DISSENT_GIVEN: Decides("dissent", Review, REVIEW),
        ReviewEvent.IMPACT_SET: Decides("impact class set", Impact, impact.ACTION, HIGH),
        RegistryEvent.REVOKED: Decides("revocation", Version, "registry:version:revoke"),
        RegistryEvent.ERASURE_DONE: Decides("erasure", Erasure, erasure.ACTION, HIGH),
        PeopleEvent.GROUPS_CHANGED: Decides("groups changed", Account, "people:account:manage", HIGH),
        PeopleEvent.DEACTIVATED: Decides("account closed", Account, "people:account:manage"),
        PeopleEvent.FACTOR_RESET: Decides("second factor reset", Account, "people:account:manage"),
        LedgerEvent.KEY_COMPROMISED: Decides("key given up", SigningKey, "", HIGH),
        LedgerEvent.MONITOR_ENDED: Decides("monitor ended", Ending, "ledger:monitor:end", LOW),
    }
    for op, decides in found.items():
        decisions.register(op, decides)
    decisions.register_voices(_reviewers)
    decisions.register_voices(_commenters)


def _reviewers(ids: Collection[Any]) -> Iterator[Voice]:
    """Everybody who gave a verdict, with the entry of it."""
    for review in Review.objects.filter(version__in=ids).select_related("version__artifact", "ledger_head"):
        yield Voice(review.version.subject, review.reviewer, review.ledger_head.pk, review.verdict in DISSENT)


def _commenters(ids: Collection[Any]) -> Iterator[Voice]:
    """Everybody who commented, with the first entry of each comment: it gets another once it is resolved."""
    said = list(Comment.objects.filter(version__in=ids).select_related("version__artifact").defer("text"))
    first = Entry.objects.filter(
        object_type=Comment.ledger_type, object_id__in=[str(one.pk) for one in said], rev=1
    )
    places = dict(first.values_list("object_id", "pk"))
    for one in said:
        yield Voice(one.version.subject, one.author, places[str(one.pk)], False)
