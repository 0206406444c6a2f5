"""How long tokens live, what they may change, and whose one sees."""

import re
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from governance.people.models import Token
from governance.people.permissions import ADMINISTRATOR, groups_of

LIFETIME, LONGEST = timedelta(days=90), timedelta(days=366)
MOST_ARTIFACTS = 100
PATTERN = re.compile(r"(?P<kind>[a-z][a-z-]{0,39}):(\*|[a-z0-9][a-z0-9._-]{0,79})")


def checked_artifacts(patterns: Iterable[str]) -> list[str]:
    """The patterns in order, each once. Raises ValidationError for one that is neither `kind:slug` nor `kind:*`."""
    chosen = sorted(set(patterns))
    if len(chosen) > MOST_ARTIFACTS:
        raise ValidationError(f"A token names {MOST_ARTIFACTS} artifacts at most.")
    if bad := [one for one in chosen if not PATTERN.fullmatch(one)]:
        raise ValidationError(
            f"{bad[0][:80]!r} names no artifact: write kind:slug, or kind:* for all of a kind."
        )
    return chosen


def reaches(token: Token, name: str) -> bool:
    """Whether the token may change the artifact `name` (`kind:slug`)."""
    return not token.artifacts or name in token.artifacts or f"{name.partition(':')[0]}:*" in token.artifacts


def visible_to(user: object) -> QuerySet[Token]:
    """One's own tokens; an administrator sees everybody's."""
    rows = Token.objects.select_related("account__user")
    if ADMINISTRATOR in groups_of(user):
        return rows
    return rows.filter(account__user_id=getattr(user, "pk", None) or 0)
