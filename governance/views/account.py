"""One's own account: who one is, what one's groups allow, and one's tokens."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.append import Stale
from governance.people import actions
from governance.people.actions import actor_for
from governance.people.models import Account, Token
from governance.people.permissions import GROUPS, awaits_factor, groups_of, table
from governance.people.tokens import checked_artifacts
from governance.registry.access import check_kinds
from governance.registry.kinds import UnknownKind
from governance.views.inputs import CHOICE, LINES, Form, Group, Input
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once

PAGE = 20
LONGEST_LABEL = 80
DAYS = {"1": "1 day", "7": "7 days", "30": "30 days", "90": "90 days", "365": "a year"}


@login_required
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    return _page(request, form_for())


@login_required
@require_POST
@never_cache
def make_token(request: HttpRequest) -> HttpResponse:
    """A new token; its secret is on the answer to this request and nowhere else."""
    owner, form = owner_of(request), form_for()
    form.fill(request.POST)
    scopes = request.POST.getlist("scope")
    _check(form, scopes, allowed(request))
    if not form.is_good:
        return _page(request, form, scopes=scopes, status=422)
    try:
        with once(owner, request.POST.get(FIELD, "")) as sent:
            expires_at = timezone.now() + timedelta(days=int(form["days"].value))
            token, secret = actions.create_token(
                owner,
                label=form["label"].value,
                scopes=scopes,
                artifacts=form["artifacts"].value.split(),
                expires_at=expires_at,
                actor=actor_for(request.user),
            )
            sent.led_to = f"{reverse('account')}#tokens"
    except Repeated as repeated:
        return again(request, repeated, reverse("account"))
    except (ValidationError, NoKey) as error:
        form.errors += error.messages if isinstance(error, ValidationError) else [str(error)]
        return _page(request, form, scopes=scopes, status=422)
    return _page(request, form_for(), made={"label": token.label, "secret": secret})


@login_required
@require_POST
def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    token = Token.objects.select_related("account").filter(pk=token_id, account=owner_of(request)).first()
    if token is None:
        raise Http404(f"You have no token {token_id}.")
    try:
        if not token.revoked:
            actions.revoke_token(token, actor=actor_for(request.user))
    except Stale as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, f"The token {token.label} is revoked. Whatever used it is refused from now on."
        )
    return redirect("account")


def owner_of(request: HttpRequest) -> Account:
    """The account of whoever is signed in. Raises PermissionDenied for a sign-in without an active one."""
    owner = getattr(request.user, "account", None)
    if owner is None or not owner.active:
        raise PermissionDenied("This sign-in has no active account; ask an administrator for one.")
    return owner  # type: ignore[no-any-return]


def form_for() -> Form:
    label = Input(
        "label", "What it is for", required=True, help="Such as the name of the pipeline that will use it."
    )
    days = Input("days", "It ends after", CHOICE, default="", value="90", choices=list(DAYS.items()))
    artifacts = Input(
        "artifacts",
        "Artifacts that it may change",
        LINES,
        help="One on a line, as kind:slug, or kind:* for all of a kind. Empty: all that it may do reaches.",
    )
    return Form(Group("", [label, days, artifacts]))


def _check(form: Form, scopes: list[str], allowed: list[str]) -> None:
    if len(form["label"].value) > LONGEST_LABEL:
        form["label"].errors.append(f"A label has at most {LONGEST_LABEL} characters.")
    if form["days"].value not in DAYS:
        form["days"].errors.append("Choose one of the times in the list.")
    try:
        check_kinds(checked_artifacts(form["artifacts"].value.split()))
    except (ValidationError, UnknownKind) as error:
        form["artifacts"].errors += error.messages if isinstance(error, ValidationError) else [str(error)]
    if unknown := [scope for scope in scopes if scope not in allowed]:
        form.errors.append(f"Your groups do not allow {unknown[0][:80]!r}, so no token of yours can.")


def allowed(request: HttpRequest) -> list[str]:
    mine = groups_of(request.user)
    return [action for action, groups in table().items() if groups & mine]


def _page(
    request: HttpRequest,
    form: Form,
    *,
    scopes: list[str] | None = None,
    made: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    owner, mine = owner_of(request), groups_of(request.user)
    page: Page[Any] = Paginator(owner.tokens.order_by("revoked", "-expires_at", "id"), PAGE).get_page(
        request.GET.get("page")
    )
    now = timezone.now()
    for token in page:
        token.state = "revoked" if token.revoked else "ended" if token.expires_at <= now else "running"
    context = {
        "owner": owner,
        "groups": [(name, GROUPS[name]) for name in sorted(mine)],
        "awaits_factor": awaits_factor(request.user),
        "allowed": [(action, sorted(groups & mine)) for action, groups in table().items() if groups & mine],
        "form": form,
        "scopes": [(action, action in (scopes or [])) for action in allowed(request)],
        "once": request.POST.get(FIELD, "") if status != 200 else new_key(),
        "made": made,
        "page": page,
    }
    return render(request, "governance/account.html", context, status=status)
