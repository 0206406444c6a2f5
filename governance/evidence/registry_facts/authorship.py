"""Who wrote each part, who approved it, refused it, wanted changes or dissented, and how many approved it."""

from collections.abc import Iterator, Sequence

from governance.evidence.build import derived, human, recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Recorded, Sealed
from governance.evidence.view import View
from governance.reviews.models import Review

SAID = {
    Review.APPROVE: "approved",
    Review.REFUSE: "refused",
    Review.CHANGES: "changes_requested",
    Review.DISSENT: "dissented",
}


def facts(view: View) -> Iterator[Fact]:
    """For the subject and everything that a release pins; by part, such as `authorship.constitution.created_by`."""
    parts = {view.version.kind: view.subject, **view.parts}
    reviews = view.reviews(list({id(sealed): sealed for sealed in parts.values()}.values()))
    for part, sealed in parts.items():
        yield from _part(part.replace("-", "_"), sealed, reviews.get(sealed.subject, []))
    yield from _sign_offs(view)


def _part(part: str, sealed: Sealed, reviews: Sequence[Recorded]) -> Iterator[Fact]:
    key = f"authorship.{part}"
    yield from recorded(f"{key}.subject", "version", sealed.record, "/state/subject", assurance="observed")
    yield from recorded(
        f"{key}.created_by", "created by", sealed.record, "/state/created_by", assurance="observed"
    )
    yield from recorded(
        f"{key}.authors", "wrote or submitted", sealed.record, "/state/authors", assurance="observed"
    )
    yield from recorded(f"{key}.state", "state", sealed.record, "/state/state", assurance="observed")
    approvals: list[Fact] = []
    for number, review in enumerate(reviews, 1):
        by = list(_reviewed(key, number, review))
        yield from by
        approvals += [fact for fact in by if fact.key == f"{key}.approved_by_{number}"]
    yield derived(
        f"approvals.{part}",
        f"approvals of the {part.replace('_', ' ')}",
        "count",
        approvals,
        len(approvals),
        "approvals",
    )


def _sign_offs(view: View) -> Iterator[Fact]:
    """Who signed off the release itself, refused it or dissented, beside the thresholds; nothing for other kinds."""
    if view.version.kind == "release":
        for number, review in enumerate(view.reviews([view.subject]).get(view.subject.subject, []), 1):
            yield from _reviewed("thresholds_decision", number, review)


def _reviewed(key: str, number: int, review: Recorded) -> Iterator[Fact]:
    said = SAID[review.state["verdict"]]
    words = human(said)
    yield from recorded(
        f"{key}.{said}_by_{number}", f"{words} by", review, "/state/reviewer", assurance="observed"
    )
    yield from recorded(
        f"{key}.{said}_as_{number}", f"{words} as", review, "/state/groups", assurance="observed"
    )
    yield from recorded(
        f"{key}.{said}_because_{number}", "reason", review, "/state/reason", assurance="asserted"
    )
