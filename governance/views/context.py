"""What every page shows around its content."""

from typing import Any

from django.http import HttpRequest

from governance.ledger.models import Checkpoint, Entry
from governance.reviews import queues


def chrome(request: HttpRequest) -> dict[str, Any]:
    """The state of the ledger, for the footer, and how many versions wait for this person."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not hasattr(user, "account"):
        return {}
    newest = Checkpoint.objects.order_by("-size").first()
    pending = Entry.objects.filter(leaf_index__isnull=True).count()
    return {
        "waiting_count": queues.waiting(user).count(),
        "ledger_status": {
            "size": (newest.size if newest else 0) + pending,
            "pending": pending,
            "checkpoint": newest,
        },
    }
