"""Single sign-on: from what a provider says of somebody (OpenID Connect claims) to an account here.

The provider's `sub` is who somebody is. An account made for it has the groups that the settings map at that moment; later
administrators give and take groups. An account that was there before is linked only by an address that the provider
verified, and only where the settings allow it.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import transaction

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.people.actions import create_person, fingerprint
from governance.people.events import PeopleEvent
from governance.people.models import User
from governance.people.permissions import GROUPS

ACTOR = Actor.system("sso")
LONGEST_NAME = 120

Claims = Mapping[str, Any]


class NotAdmitted(Exception):
    """The provider knows this person, and they may not come in here; the message says why."""


def claims_of(said: Claims) -> dict[str, Any]:
    """One set of claims from the id token and the userinfo answer. Raises NotAdmitted where they are about two people."""
    token, info = (said.get(part) or {} for part in ("id_token", "userinfo"))
    if token and info and token.get("sub") != info.get("sub"):
        # OpenID Connect Core 1.0, section 5.3.2.
        raise NotAdmitted("The provider's two answers are about different people.")
    return {**token, **info}


def check_admitted(claims: Claims) -> None:
    """Raise NotAdmitted for an address outside of CHARTER_OIDC_DOMAINS, or one that the provider did not verify."""
    domains = [domain.lower() for domain in settings.CHARTER_OIDC_DOMAINS]
    if not domains:
        return
    address = verified_address(claims)
    if address is None or address.rpartition("@")[2].lower() not in domains:
        raise NotAdmitted(f"Only verified addresses of {', '.join(domains)} may sign in here.")


def verified_address(claims: Claims) -> str | None:
    """The e-mail address, where the provider says that it verified it."""
    address, verified = claims.get("email"), claims.get("email_verified")
    return address if isinstance(address, str) and "@" in address and verified in (True, "true") else None


@transaction.atomic
def newcomer(claims: Claims) -> User:
    """The sign-in of somebody whom the provider sends for the first time: linked by address, or made."""
    return _linked(claims) or _made(claims)


def _linked(claims: Claims) -> User | None:
    address = verified_address(claims)
    if not settings.CHARTER_OIDC_LINK_BY_EMAIL or address is None:
        return None
    found = list(
        User.objects.select_related("account").filter(email__iexact=address, account__active=True)[:2]
    )
    if len(found) != 1:
        return None
    append(found[0].account, op=PeopleEvent.LINKED, actor=ACTOR)
    return found[0]


def _made(claims: Claims) -> User:
    """Names that cannot be had here are left out: nobody is turned away for what the provider calls them."""
    wanted, shown = (_text(claims, name) for name in ("preferred_username", "name"))
    # An address that is not theirs would be waiting here for whom it belongs to.
    address = verified_address(claims) or ""
    for username, display_name in (
        (wanted, shown),
        (wanted, ""),
        (_random(claims), shown),
        (_random(claims), ""),
    ):
        try:
            with transaction.atomic():
                return create_person(
                    username, display_name=display_name, email=address, groups=_groups(claims), actor=ACTOR
                )
        except ValidationError as error:
            told = error
    raise NotAdmitted(f"No account can be made of what the provider says: {' '.join(told.messages)}")


def _random(claims: Claims) -> str:
    """A user name that nobody chose. Nobody types it either: whoever comes by single sign-on has no password."""
    return f"sso-{fingerprint(str(claims.get('sub')))[:12]}"


def _text(claims: Claims, name: str) -> str:
    found = claims.get(name)
    return found.strip()[:LONGEST_NAME] if isinstance(found, str) else ""


def _groups(claims: Claims) -> list[str]:
    """The groups here of the groups there, by CHARTER_OIDC_GROUPS."""
    theirs = claims.get(settings.CHARTER_OIDC_GROUPS_CLAIM) if settings.CHARTER_OIDC_GROUPS_CLAIM else []
    names = [theirs] if isinstance(theirs, str) else theirs if isinstance(theirs, list) else []
    mapped = settings.CHARTER_OIDC_GROUPS
    return sorted({mapped[name] for name in names if isinstance(name, str) and name in mapped})


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """A mapping to groups that there are not stops the house before it opens, not at somebody's first sign-in."""
    unknown = sorted(set(settings.CHARTER_OIDC_GROUPS.values()) - set(GROUPS))
    return [
        checks.Error(
            f"CHARTER_OIDC_GROUPS maps to {name!r}; groups are {', '.join(GROUPS)}", id="people.E002"
        )
        for name in unknown
    ]
