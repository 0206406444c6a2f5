"""How long tokens live, and whose one sees."""

from datetime import timedelta

from django.db.models import QuerySet

from governance.people.models import Token
from governance.people.permissions import ADMINISTRATOR, groups_of

LIFETIME, LONGEST = timedelta(days=90), timedelta(days=366)


def visible_to(user: object) -> QuerySet[Token]:
    """One's own tokens; an administrator sees everybody's."""
    rows = Token.objects.select_related("account__user")
    if ADMINISTRATOR in groups_of(user):
        return rows
    return rows.filter(account__user_id=getattr(user, "pk", None) or 0)
