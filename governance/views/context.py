"""What every page shows around its content."""

from django.http import HttpRequest

from governance.ledger.models import Checkpoint


def chrome(request: HttpRequest) -> dict[str, object]:
    """The newest checkpoint's size, for the footer of signed-in pages."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    newest = Checkpoint.objects.order_by("-size").first()
    return {"checkpoint_size": newest.size if newest else 0, "checkpoint_at": newest.at if newest else None}
