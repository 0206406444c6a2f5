"""Settle: everything written so far gets its place in the tree and stands under a signed checkpoint."""

import time

from django.db.models import Max

from governance.ledger import keys, sequencer, signer
from governance.ledger.models import Checkpoint, Head

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.1


class NotSettled(Exception):
    """The signer did not come in time."""


def settle() -> Checkpoint:
    """Sequence what is pending and sign it here, or wait for the signer where the key is not readable.

    Returns the checkpoint that covers every entry committed before the call; calling again changes nothing.
    Raises NotSettled when no signer came within 30 seconds, signer.Refused, and RuntimeError inside a transaction.
    """
    # Only what waits now: where others write without a pause, something always waits, and nothing would ever be signed.
    newest = sequencer.newest_pending()
    sequencer.sequence()
    while newest and sequencer.pending(up_to=newest):
        sequencer.sequence()
    try:
        return signer.sign()
    except keys.KeyUnavailable as reason:
        return _wait(Head.objects.get().size, str(reason))


def _wait(size: int, reason: str) -> Checkpoint:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        covered = Checkpoint.objects.aggregate(size=Max("size"))["size"]
        if covered is not None and covered >= size:
            return Checkpoint.objects.get(size=covered)
        time.sleep(POLL_SECONDS)
    raise NotSettled(
        f"no checkpoint covers the {size} entries after {WAIT_SECONDS:.0f} seconds. This process cannot sign ({reason})"
        " and no signer did: is `manage.py ledger run` running where the key is?"
    )
