"""The two addresses of single sign-on, in front of django-allauth's: off to the provider, and back from it.

Loaded only where the settings name a provider. Of allauth nothing else is reachable: no sign-up, no passwords, no linking.
"""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from governance.people import sso
from governance.people.throttle import ADDRESS, address_of

UNREADABLE = (RequestException, KeyError, TypeError, ValueError)
"""What a provider causes that does not answer, or answers something else than OpenID Connect says."""

log = logging.getLogger("charter.people")


@never_cache
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Off to the provider. Nothing that was sent goes on to allauth but the page to come back to."""
    if wait := ADDRESS.locked(address_of(request)):
        return _shut(wait)
    place = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    request.GET = QueryDict()
    request.POST = QueryDict(urlencode({"next": place} if safe else {}))
    return _answer(request, views.login)


@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the provider, with a code for one session's state alone."""
    if wait := ADDRESS.locked(address_of(request)):
        return _shut(wait)
    return _answer(request, views.callback)


def _answer(request: HttpRequest, view: Any) -> HttpResponse:
    try:
        response: HttpResponse = view(request, settings.CHARTER_OIDC_PROVIDER)
    except UNREADABLE:
        log.warning("the provider of single sign-on cannot be used", exc_info=True)
        return turned_away(
            request, f"{settings.CHARTER_OIDC_NAME} does not answer as it should. Try again later."
        )
    return response


def turned_away(request: HttpRequest, sentence: str) -> HttpResponse:
    """Back to the sign-in, with why."""
    messages.error(request, sentence)
    return redirect("login")


def _shut(wait: int) -> HttpResponse:
    told = f"Too many sign-ins failed from your address. Wait {wait} seconds, then go on."
    return HttpResponse(told, status=429, content_type="text/plain", headers={"Retry-After": str(wait)})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth makes no account and says nothing of its own."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *_: Any, **__: Any) -> None:
        """Our pages say what happened."""


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Who the provider sends is found or made through our actions, before allauth would do anything about them."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        try:
            self._admit(request, sociallogin)
        except sso.NotAdmitted as error:
            ADDRESS.failed(address_of(request))
            raise ImmediateHttpResponse(turned_away(request, str(error))) from error

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, **_: Any
    ) -> None:
        name = settings.CHARTER_OIDC_NAME
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(turned_away(request, f"The sign-in at {name} was cancelled."))
        ADDRESS.failed(address_of(request))
        log.warning("a single sign-on failed: %s %s", error, exception)
        raise ImmediateHttpResponse(turned_away(request, f"The sign-in at {name} failed. Begin again."))

    @transaction.atomic
    def _admit(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        claims = sso.claims_of(sociallogin.account.extra_data)
        sso.check_admitted(claims)
        # Claims are personal data that nothing here reads again.
        sociallogin.account.extra_data = {}
        if sociallogin.is_existing:
            sociallogin.account.save(update_fields=["extra_data"])
        else:
            sociallogin.connect(request, sso.newcomer(claims))
        account = getattr(sociallogin.user, "account", None)
        if account is None or not account.active or not sociallogin.user.is_active:
            raise sso.NotAdmitted("Your account here is closed. Ask an administrator of this installation.")
