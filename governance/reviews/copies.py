"""Which comments may quote a version: an erasure of it only names them, and each is erased by itself."""

from governance.registry.erasure import Copies
from governance.registry.models import Version


def of_version(version: Version) -> Copies:
    """A sentence for each comment that still says something."""
    said = version.comments.exclude(text=None).values_list("pk", flat=True)
    return Copies(
        notes=tuple(
            f"The comment {key} may quote it: erase class I of reviews.comment {key}." for key in said
        )
    )
