"""Who wrote, approved and refused each part, and how many approved it."""

from collections.abc import Iterator, Sequence

from governance.evidence.build import derived, recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Recorded, Sealed
from governance.evidence.view import View


def facts(view: View) -> Iterator[Fact]:
    """For the subject and everything that a release pins; by part, such as `authorship.constitution.created_by`."""
    parts = {view.version.kind: view.subject, **view.parts}
    reviews = view.reviews(list({id(sealed): sealed for sealed in parts.values()}.values()))
    for part, sealed in parts.items():
        yield from _part(part.replace("-", "_"), sealed, reviews.get(sealed.subject, []))


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
        said = "approved" if review.state["verdict"] == "approve" else "refused"
        by = list(
            recorded(
                f"{key}.{said}_by_{number}", f"{said} by", review, "/state/reviewer", assurance="observed"
            )
        )
        yield from by
        yield from recorded(
            f"{key}.{said}_because_{number}", "reason", review, "/state/reason", assurance="asserted"
        )
        approvals += by if said == "approved" else []
    yield derived(
        f"approvals.{part}",
        f"approvals of the {part.replace('_', ' ')}",
        "count",
        approvals,
        len(approvals),
        "approvals",
    )
