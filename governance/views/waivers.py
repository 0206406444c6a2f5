"""Waivers in the browser: proposed beside the rule that stopped the gate, decided on the release's page."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry.access import may_read, require_read
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.releases import waivers
from governance.releases.models import GateReport, Waiver
from governance.releases.waivers import GRANT, PROPOSE, WITHDRAW
from governance.releases.waivers_held import open_for, waivable
from governance.views.panels import Panel
from governance.views.reading import version_or_404

SHOWN = 20
DECISIONS = {
    "grant": (GRANT, waivers.grant, "granted; run the gate again, which counts it"),
    "decline": (GRANT, waivers.decline, "declined"),
    "withdraw": (WITHDRAW, waivers.withdraw, "withdrawn; run the gate again"),
}
"""Button → the action that it needs, what it does, and what is said afterwards."""


def of_release(request: HttpRequest, version: Version, report: GateReport | None) -> dict[str, Any]:
    """What the page of a release needs: its newest waivers with what this person may do, and the rules they may propose one for."""
    user = request.user
    rows = Waiver.objects.filter(version=version).select_related("version__artifact", "ledger_head")[:SHOWN]
    proposes = report is not None and may(user, PROPOSE)
    rules: list[str] = []
    if report is not None and proposes and report.digest == version.digest:
        taken = open_for(version, report.policy_digest).values_list("rule", flat=True)
        rules = list(waivable(report.report["rules"], taken))
    return {
        "waivers": [_row(user, row) for row in rows],
        "may_waive": rules,
        "waiver_days": settings.CHARTER_WAIVER_DAYS,
    }


def _row(user: Any, waiver: Waiver) -> dict[str, Any]:
    is_open = waiver.state == Waiver.PROPOSED
    grants = is_open and may(user, GRANT)
    holds = waiver.state in (Waiver.PROPOSED, Waiver.GRANTED)
    return {
        "waiver": waiver,
        "entry": waiver.ledger_head.leaf_index,
        "expired": waiver.state == Waiver.GRANTED and waiver.expires_at <= timezone.now(),
        "why_not": waivers.obstacle(waiver, actor_for(user)) if grants else None,
        "may_decide": grants,
        "may_withdraw": holds and may(user, WITHDRAW),
    }


@login_required
@require_POST
def propose(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, PROPOSE)
    version = version_or_404(request, subject)
    given = {name: _text(request, name) for name in ("rule", "reason", "days")}
    try:
        waivers.propose(
            version,
            given["rule"],
            reason=given["reason"],
            expires_at=timezone.now() + timedelta(days=_days(given["days"])),
            actor=actor_for(request.user),
        )
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"A waiver of {given['rule']} is proposed. A reviewer must grant it.")
    return redirect("release", version.subject)


@login_required
@require_POST
def decide(request: HttpRequest, waiver_id: UUID) -> HttpResponse:
    verdict = request.POST.get("verdict", "")
    if verdict not in DECISIONS:
        raise PermissionDenied("Choose grant, decline or withdraw.")
    needed, act, told = DECISIONS[verdict]
    require(request.user, needed)
    waiver = Waiver.objects.select_related("version__artifact").filter(pk=waiver_id).first()
    if waiver is None:
        raise Http404(f"There is no waiver {waiver_id}.")
    require_read(request.user, waiver.version)
    try:
        act(waiver, reason=_text(request, "reason"), actor=actor_for(request.user))
    except (Refused, Stale) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The waiver of {waiver.rule} is {told}.")
    return redirect("release", waiver.version.subject)


def waiting(request: HttpRequest) -> Panel | None:
    """On the first page, for reviewers: proposals that somebody must decide about."""
    if not may(request.user, GRANT):
        return None
    rows = Waiver.objects.filter(state=Waiver.PROPOSED, expires_at__gt=timezone.now())
    found = [
        row for row in rows.select_related("version__artifact")[:SHOWN] if may_read(request.user, row.version)
    ]
    return Panel("governance/panel_waivers.html", {"waivers": found}) if found else None


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").replace("\r\n", "\n")


def _days(text: str) -> int:
    """Raises Refused for what is no number of days that a waiver may hold."""
    most = settings.CHARTER_WAIVER_DAYS
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= most):
        raise Refused(f"A waiver holds for a whole number of days from 1 to {most}.")
    return int(text)
