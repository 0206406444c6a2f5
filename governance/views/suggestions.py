"""Names that a form suggests while somebody types: versions that may be used, newest first."""

from collections.abc import Collection

from governance.registry import states
from governance.registry.access import may_read
from governance.registry.models import Version

MOST = 100


def versions(kinds: Collection[str], user: object) -> list[tuple[str, str]]:
    """(subject, title and state) of the newest usable versions of these kinds that `user` may read."""
    found = (
        Version.objects.filter(artifact__kind__in=kinds, state__in=states.USABLE)
        .select_related("artifact")
        .defer("content")
        .order_by("-created_at")
    )
    return [
        (version.subject, f"{version.artifact.title}, {version.state.replace('_', ' ')}")
        for version in found[:MOST]
        if may_read(user, version)
    ]
