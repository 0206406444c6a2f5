"""Which published cards may repeat what an erasure takes away: they are kept as they were published, so it only names them."""

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from governance.cards.models import Publication
from governance.registry.erasure import Copies
from governance.registry.models import Version


def of_version(version: Version) -> Copies:
    """A sentence for each published card about the version, or that names it."""
    named = Q(version=version) | Q(listed__contains=f'"{version.subject}"')
    found = Publication.objects.annotate(listed=Cast("names", TextField())).filter(named)
    return Copies(
        notes=tuple(
            f"The {row} may quote it; its files stay, and are shown until somebody withdraws it."
            if row.state == Publication.PUBLISHED
            else f"The {row} may quote it; it is withdrawn, and its files stay in the store."
            for row in found.select_related("version__artifact").iterator()
        )
    )
