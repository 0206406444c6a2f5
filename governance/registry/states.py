"""The life of a version (pure). Moves that are not listed do not exist; the database refuses them too."""

DRAFT = "draft"
SEALED = "sealed"
IN_REVIEW = "in_review"
APPROVED = "approved"
REFUSED = "refused"
SUPERSEDED = "superseded"
REVOKED = "revoked"

STATES = (DRAFT, SEALED, IN_REVIEW, APPROVED, REFUSED, SUPERSEDED, REVOKED)

MOVES: frozenset[tuple[str, str]] = frozenset(
    {
        (DRAFT, SEALED),
        (DRAFT, IN_REVIEW),
        (SEALED, IN_REVIEW),
        (IN_REVIEW, APPROVED),
        (IN_REVIEW, REFUSED),
        (APPROVED, SUPERSEDED),
        *((state, REVOKED) for state in (SEALED, IN_REVIEW, APPROVED, REFUSED, SUPERSEDED)),
    }
)

USABLE = frozenset({SEALED, IN_REVIEW, APPROVED, SUPERSEDED})
"""States in which a run may use a version: sealed, and neither refused nor revoked."""

WITHDRAWN = frozenset({REFUSED, REVOKED})
"""States in which nothing may begin to use a version; what was made of it before should be looked at again."""


def may_move(before: str, after: str) -> bool:
    return (before, after) in MOVES


def table() -> dict[str, tuple[str, ...]]:
    """State → states that may follow it."""
    return {before: tuple(after for after in STATES if (before, after) in MOVES) for before in STATES}
