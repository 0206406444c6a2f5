"""What pages show of uses and anchors, and the forms that record them."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evals import lines, regression, uses
from evals.regression_words import headline, sentences, shown
from evals.statistics.chains import Held, together
from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import states
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.views import entries
from governance.views.once import FIELD, NoKey, Repeated, new_key, once
from governance.views.panels import Panel
from governance.views.reading import version_or_404

PAGE = 20
"""Uses that a suite's page shows at once."""


def uses_of(request: HttpRequest, version: Version) -> Panel | None:
    """A suite's status after its uses, the uses, and the form for another."""
    if version.kind != uses.SUITE or not version.is_sealed:
        return None
    found = Paginator(uses.of_suite(version), PAGE).get_page(request.GET.get("uses"))
    context = {
        "version": version,
        "status": uses.status_of(version),
        "uses": found,
        "purposes": uses.BY_HAND,
        "may_record": may(request.user, uses.ACTION),
        "once": new_key(),
    }
    return Panel("evals/panel_suite_uses.html", context)


def regression_of(request: HttpRequest, version: Version) -> Panel | None:
    """Did this version get worse? The newest answers, and what its line is held against."""
    if version.kind != lines.KIND or not version.is_sealed:
        return None
    answers = regression.newest(version)
    anchor = lines.anchor_of(version.artifact)
    is_anchor = anchor is not None and anchor.version_id == version.pk
    context = {
        "version": version,
        "answer": headline(answers),
        "held": together(Held(answer["held"]) for answer in answers) if answers else None,
        "suites": [
            {
                **answer,
                "sentences": sentences(answer),
                "shown": [side for side in shown(answer) if side["tasks"]],
            }
            for answer in answers
        ],
        "anchor": anchor,
        "is_anchor": is_anchor,
        "choices": entries.of_objects(anchor.ledger_type, [anchor.pk]) if anchor else [],
        "may_anchor": not is_anchor and version.state in states.USABLE and may(request.user, lines.ACTION),
        "once": new_key(),
    }
    return Panel("evals/panel_version_regression.html", context)


@login_required
@require_POST
def suite_use(request: HttpRequest, subject: str) -> HttpResponseRedirect:
    require(request.user, uses.ACTION)
    version = version_or_404(request, subject)
    purpose, served, reason = (
        request.POST.get(name, "").replace("\0", "") for name in ("purpose", "served", "reason")
    )
    return _done(
        request,
        version,
        "The use is recorded.",
        lambda: uses.record(
            version, purpose=purpose, served=served, reason=reason, actor=actor_for(request.user)
        ),
    )


@login_required
@require_POST
def anchor(request: HttpRequest, subject: str) -> HttpResponseRedirect:
    require(request.user, lines.ACTION)
    version = version_or_404(request, subject)
    reason = request.POST.get("reason", "").replace("\0", "")
    return _done(
        request,
        version,
        f"{version.subject} is the anchor of {version.artifact.name} now.",
        lambda: lines.set_anchor(version, reason=reason, actor=actor_for(request.user)),
    )


def _done(
    request: HttpRequest, version: Version, said: str, act: Callable[[], object]
) -> HttpResponseRedirect:
    try:
        with once(request.user.account, request.POST.get(FIELD, "")):  # type: ignore[union-attr]
            act()
    except Repeated:
        messages.info(request, "This form was sent before; nothing was done twice.")
    except (Refused, Stale, NoKey) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("version", version.subject)
