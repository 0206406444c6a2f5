"""Refused tokens leave a trace: an entry for each token, reason and day."""

import logging

from django.db import DatabaseError

from governance.api.authentication import TokenOver
from governance.api.permissions import TokenRefused
from governance.ledger.append import Stale
from governance.people.actions import record_refusal

log = logging.getLogger("charter.people")


def note(error: Exception) -> None:
    """Record the refusal of a token that is known. The answer is the refusal, whether or not it could be recorded."""
    if not isinstance(error, TokenRefused | TokenOver):
        return
    try:
        record_refusal(error.token, error.why)
    except Stale:
        # Another request recorded it in the same moment.
        pass
    except DatabaseError:
        log.warning("the refusal of a token could not be recorded", exc_info=True)
