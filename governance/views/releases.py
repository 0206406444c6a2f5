"""A release: its parts and identity, what its gate says, who signed it off."""

import re
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.settle import NotSettled
from governance.ledger.signer import Refused as SignerRefused
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.releases import serving_found
from governance.releases.actions import run_gate
from governance.releases.components import components, identity_of
from governance.releases.identity import behavioural_identity
from governance.releases.models import GateReport
from governance.views import entries, public_cards, waivers
from governance.views.reading import version_or_404
from governance.views.review_parts import WORDS, timeline
from governance.views.versions import rights

OLDER = 10
VERDICTS = (GateReport.REFUSED, GateReport.UNDECIDED, GateReport.PASSED)
DIGEST = re.compile(r"[0-9a-f]{64}")


@login_required
@require_safe
def release(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    if version.kind != "release" or not version.is_sealed:
        raise Http404(f"{version.subject} is no sealed release.")
    reports = list(version.gate_reports.select_related("ledger_head")[: OLDER + 1])
    newest = reports[0] if reports else None
    return render(
        request,
        "governance/release_detail.html",
        {
            "release": version,
            "title": version.artifact.title,
            **_identity(request, version),
            "parts": parts(version),
            "report": {**newest.report, "rules": rules(newest), "headline": headline(newest)}
            if newest
            else None,
            "report_row": _shown(newest) if newest else None,
            "older_reports": [_shown(report) for report in reports[1:]],
            "sign_offs": [step for step in timeline(version) if step["verdict"] in WORDS.values()],
            "can_gate": may(request.user, "releases:gate:run"),
            **waivers.of_release(request, version, newest),
            **_rights(request, version),
            "card_url": reverse("card", args=[version.subject]),
            "bundle_url": _bundle_url(version),
            "served": serving_found.now_serving(version.pk),
            "publications": public_cards.of_version(request, version),
            "entries": _entries(version, reports),
        },
    )


def _identity(request: HttpRequest, version: Version) -> dict[str, Any]:
    try:
        found = identity_of(version)
    except Refused as error:
        return {"identity": None, "identity_rows": [("Identity", str(error))]}
    held = [named.version for named in components(version).values() if named.version]
    if not all(may_read(request.user, one) for one in held):
        return {
            "identity": behavioural_identity(found),
            "identity_rows": [("Parts", "A part is restricted, so only the hash over all of them is shown.")],
        }
    rows = [(name.replace("_", " "), _text(value)) for name, value in found.items() if name != "schema"]
    return {"identity": behavioural_identity(found), "identity_rows": rows}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value).replace("_", " ")


def parts(version: Version) -> list[dict[str, Any]]:
    return [
        {
            "part": named.part.replace("_", " "),
            "subject": named.subject,
            "digest": named.version.digest if named.version else None,
            "state": named.version.state if named.version else None,
            "note": "" if named.version else "not in this registry with the pinned digest",
        }
        for named in components(version).values()
    ]


def headline(report: GateReport) -> str:
    """The verdict in a sentence, with the number of waivers that it rests on."""
    if report.verdict != GateReport.PASSED:
        refused = report.verdict == GateReport.REFUSED
        return "This release may not go out" if refused else "The gate could not decide"
    count = len(report.report["waivers"])
    return f"Passed with {count} waiver{'s' if count > 1 else ''}" if count else "All blocking rules hold"


def rules(report: GateReport) -> list[dict[str, Any]]:
    """The judged rules, what stands in the way first; their facts as a page shows them: `text`, `is_digest`, and a label
    only where it says more than the key."""
    judged = sorted(
        report.report["rules"], key=lambda rule: (VERDICTS.index(rule["verdict"]), rule["severity"])
    )
    return [{**rule, "facts": [_fact(fact) for fact in rule["facts"]]} for rule in judged]


def _fact(fact: dict[str, Any]) -> dict[str, Any]:
    text = _text(fact["value"]) if isinstance(fact["value"], list | bool) else fact["value"]
    said = fact["key"].rpartition(".")[2].replace("_", " ")
    return {
        **fact,
        "text": text,
        "is_digest": isinstance(text, str) and DIGEST.fullmatch(text) is not None,
        "label": "" if fact["label"] in {said, fact["key"]} else fact["label"],
    }


def _shown(report: GateReport) -> dict[str, Any]:
    return {
        "at": report.at,
        "by": report.by,
        "policy": report.policy,
        "verdict": report.verdict,
        "report_sha256": report.report_sha256,
        "entry": report.ledger_head.leaf_index,
    }


def _rights(request: HttpRequest, version: Version) -> dict[str, Any]:
    """As for every version; what still stands in the way of approving is said even to those who may decide."""
    return {name: value for name, value in rights(request, version).items() if name != "can_revoke"}


def _bundle_url(version: Version) -> str:
    return reverse("bundle", args=[version.subject])


def _entries(version: Version, reports: list[GateReport]) -> list[Entry]:
    ids = [str(version.pk), *(str(report.pk) for report in reports)]
    return entries.shown(Entry.objects.filter(object_id__in=ids).order_by("-id")[:50])


@login_required
@require_POST
def run(request: HttpRequest, subject: str) -> HttpResponse:
    require(request.user, "releases:gate:run")
    version = version_or_404(request, subject)
    try:
        report = run_gate(version, actor=actor_for(request.user))
    except (Refused, NotSettled, KeyUnavailable, SignerRefused) as error:
        messages.error(request, str(error))
    else:
        told = messages.success if report.verdict == GateReport.PASSED else messages.warning
        told(request, f"The gate says: {report.verdict}.")
    return redirect("release", version.subject)


def newest_checkpoint() -> Checkpoint:
    found = Checkpoint.objects.order_by("-size").first()
    if found is None:
        raise Http404("No checkpoint is signed yet: is `manage.py ledger run` running?")
    return found
