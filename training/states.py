"""The life of a run (pure). Moves that are not listed do not exist; the database refuses them too."""

QUEUED = "queued"
CLAIMED = "claimed"
STARTING = "starting"
RUNNING = "running"
CANCELLING = "cancelling"
CANCELLED = "cancelled"
FAILED = "failed"
SUCCEEDED = "succeeded"

STATES = (QUEUED, CLAIMED, STARTING, RUNNING, CANCELLING, CANCELLED, FAILED, SUCCEEDED)

ACTIVE = frozenset({CLAIMED, STARTING, RUNNING, CANCELLING})
"""A worker has it, or had it and died."""
ENDED = frozenset({CANCELLED, FAILED, SUCCEEDED})

MOVES: frozenset[tuple[str, str]] = frozenset(
    {
        (QUEUED, CLAIMED),
        (QUEUED, CANCELLED),
        (CLAIMED, STARTING),
        (STARTING, RUNNING),
        # The job was lost together with its worker: it starts once more.
        (RUNNING, STARTING),
        (RUNNING, SUCCEEDED),
        # The job may have finished, or broken, before the request to stop reached it.
        *((CANCELLING, state) for state in (CANCELLED, FAILED, SUCCEEDED)),
        *((state, CANCELLING) for state in (CLAIMED, STARTING, RUNNING)),
        *((state, FAILED) for state in (CLAIMED, STARTING, RUNNING)),
    }
)


def may_move(before: str, after: str) -> bool:
    return (before, after) in MOVES


def allowed() -> dict[str, tuple[str, ...]]:
    """State → states that may follow it."""
    return {before: tuple(after for after in STATES if may_move(before, after)) for before in STATES}
