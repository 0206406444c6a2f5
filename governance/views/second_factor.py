"""One's second factor: set it up, show it for this session, turn it off."""

from collections.abc import Callable
from typing import Any

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from governance.people import second_factor, sessions
from governance.people.actions import actor_for
from governance.people.models import Account
from governance.people.permissions import awaits_factor
from governance.people.throttle import NAME
from governance.views.account import owner_of

LONGEST_CODE = 60


@login_required
@require_safe
@never_cache
def second_factor_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@login_required
@require_POST
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """A new secret, shown on this answer and after a wrong first code, and nowhere else."""
    try:
        secret = second_factor.begin(owner_of(request))
    except ValidationError as error:
        return _page(request, errors=error.messages, status=409)
    return _page(request, secret=secret)


@login_required
@require_POST
@never_cache
def confirm(request: HttpRequest) -> HttpResponse:
    """The first code of a new secret. The recovery codes are on the answer to this request and nowhere else."""
    owner, made = owner_of(request), []

    def turn_on(code: str) -> None:
        made.extend(second_factor.confirm(owner, code, actor=actor_for(request.user)))
        sessions.remember(request, owner)

    refused = _tried(request, owner, turn_on)
    return refused or _page(request, codes=made)


@login_required
@require_POST
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """A code, for this session."""
    owner = owner_of(request)

    def shown(code: str) -> None:
        second_factor.show(owner, code)
        sessions.remember(request, owner)

    refused = _tried(request, owner, shown)
    if refused:
        return refused
    messages.success(request, "Your second factor is shown. You may decide until you sign out.")
    return redirect("second-factor")


@login_required
@require_POST
@never_cache
def turn_off(request: HttpRequest) -> HttpResponse:
    owner = owner_of(request)
    refused = _tried(
        request, owner, lambda code: second_factor.turn_off(owner, code, actor=actor_for(request.user))
    )
    if refused:
        return refused
    messages.success(request, "Your second factor is off.")
    return redirect("second-factor")


def _tried(request: HttpRequest, owner: Account, act: Callable[[str], None]) -> HttpResponse | None:
    """Do `act` with the code that was typed. The page with what is wrong, or None when it is done.

    Wrong codes count against the person, and lock them out of trying for as long as wrong passwords would.
    """
    who = f"second factor\n{owner.pk}"
    if wait := NAME.locked(who):
        told = f"Too many codes were wrong. Try again in {-(-wait // 60)} minutes."
        response = _page(request, errors=[told], status=429)
        response["Retry-After"] = str(wait)
        return response
    try:
        act(request.POST.get("code", "")[:LONGEST_CODE])
    except second_factor.WrongCode as error:
        NAME.failed(who)
        return _page(request, secret=second_factor.pending(owner), errors=error.messages, status=422)
    except ValidationError as error:
        return _page(request, errors=error.messages, status=409)
    NAME.forget(who)
    return None


def _page(
    request: HttpRequest,
    *,
    secret: str | None = None,
    codes: list[str] | None = None,
    errors: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    owner = owner_of(request)
    picture = (
        segno.make(second_factor.address(owner, secret)).svg_data_uri(scale=5, light="#fff") if secret else ""
    )
    context: dict[str, Any] = {
        "owner": owner,
        "shown": owner.second_factor and (bool(codes) or not awaits_factor(request.user)),
        "secret": secret,
        "picture": picture,
        "codes": codes,
        "errors": errors,
    }
    return render(request, "governance/second_factor.html", context, status=status)
