"""Objections as pages: the form and the receipt for anybody, the list and the answer for those who handle them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import BooleanField, Case, Q, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.cards import objections
from governance.cards.models import Objection
from governance.ledger.append import Stale
from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.settle import NotSettled
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry.actions import Refused
from governance.views import entries
from governance.views.panels import Panel
from governance.views.proofs import bundle_of_entry
from governance.views.public_cards import NOTHING

PAGE = 30
NAMED = 10
"""Overdue objections that the first page names."""
OUTCOMES = {
    Objection.UPHELD: "upheld",
    Objection.PARTLY: "upheld in part",
    Objection.NOT_UPHELD: "not upheld",
}
NO_RECEIPT = "There is no objection with this receipt number."


@require_http_methods(["GET", "HEAD", "POST"])
def public_object(request: HttpRequest, kind: str, slug: str, number: str) -> HttpResponse:
    """The form of an objection to `kind:slug@number`; sent, it leads to the receipt."""
    subject = f"{kind}:{slug}@{int(number)}"
    try:
        found = objections.target(subject)
    except objections.NotPublic as error:
        raise Http404(NOTHING) from error
    given = {
        name: request.POST.get(name, "").replace("\0", "").replace("\r\n", "\n")
        for name in ("anchor", "text", "contact")
    }
    status, fault = 200, ""
    if request.method == "POST":
        if seconds := objections.wait(request):
            status, fault = (
                429,
                f"Too many objections came from here. Wait {seconds} seconds, then send it again.",
            )
        else:
            try:
                made = objections.raise_objection(subject, **given, actor=_actor(request))
            except (Refused, objections.NotPublic) as error:
                status, fault = 400, str(error)
            else:
                return redirect("receipt", made.receipt)
    where = (kind, slug, number)
    context = {"subject": subject, "where": where, "anchors": found.anchors, "given": given, "fault": fault}
    return render(request, "cards/public_object.html", context, status=status)


@require_safe
def receipt(request: HttpRequest, receipt: str) -> HttpResponse:
    """What became of an objection, for whoever holds its receipt number."""
    found = _of_receipt(receipt)
    context = {
        "objection": found,
        "outcome": OUTCOMES.get(found.outcome, ""),
        "overdue": _is_overdue(found),
        "entries": _proven(found),
    }
    response = HttpResponse(render_to_string("cards/receipt.html", context))
    response["Cache-Control"], response["X-Robots-Tag"] = "private, no-store", "noindex"
    return response


@require_safe
def receipt_proof(request: HttpRequest, receipt: str, rev: str) -> HttpResponse:
    """One entry of an objection as a signed bundle with its proof, the text that was sent included."""
    found = _of_receipt(receipt)
    entry = _entries(found).filter(rev=int(rev), leaf_index__isnull=False).first()
    newest = Checkpoint.objects.order_by("-size").first()
    if entry is None or newest is None or (entry.leaf_index or 0) >= newest.size:
        raise Http404(
            "No checkpoint covers this entry yet; the signer takes it within seconds while it runs."
        )
    try:
        data = bundle_of_entry(entry, newest, classes=("P", "R"))
    except (KeyUnavailable, NotSettled) as error:
        return HttpResponse(f"{error}\n", status=503, content_type="text/plain; charset=utf-8")
    response = HttpResponse(data, content_type="application/zip")
    name = f"objection-{entry.leaf_index}.zip"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def objection_list(request: HttpRequest) -> HttpResponse:
    """All objections: open ones first, what is overdue longest before them all, then the newest answers."""
    page = Paginator(_ordered(), PAGE).get_page(request.GET.get("page"))
    rows = [
        {"row": row, "overdue": _is_overdue(row), "outcome": OUTCOMES.get(row.outcome, "")} for row in page
    ]
    return render(request, "governance/objection_list.html", {"page": page, "rows": rows})


@login_required
@require_safe
def objection_detail(request: HttpRequest, objection_id: UUID) -> HttpResponse:
    found = _found(objection_id)
    handles = may(request.user, objections.ACTION)
    context = {
        "objection": found,
        "outcome": OUTCOMES.get(found.outcome, ""),
        "outcomes": OUTCOMES.items(),
        "overdue": _is_overdue(found),
        "handles": handles,
        "why_not": objections.obstacle(found, actor_for(request.user)) if handles else None,
        "entries": entries.of_objects(Objection.ledger_type, [found.pk]),
    }
    return render(request, "governance/objection_detail.html", context)


@login_required
@require_POST
def objection_answer(request: HttpRequest, objection_id: UUID) -> HttpResponse:
    """Answer with an outcome, or reject what is no objection."""
    require(request.user, objections.ACTION)
    found = _found(objection_id)
    given = {name: request.POST.get(name, "").replace("\0", "") for name in ("outcome", "answer", "changed")}
    actor = actor_for(request.user)
    try:
        if given["outcome"] == "rejected":
            objections.reject(found, reason=given["answer"], actor=actor)
        else:
            objections.answer(
                found, outcome=given["outcome"], text=given["answer"], changed=given["changed"], actor=actor
            )
    except (Refused, Stale) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The objection to {found.version.subject} is {found.state}.")
    return redirect("objection", found.pk)


def overdue(request: HttpRequest) -> Panel | None:
    """On the first page, for those who answer: objections whose time is over."""
    if not may(request.user, objections.ACTION):
        return None
    rows = list(objections.overdue()[: NAMED + 1])
    return (
        Panel("governance/panel_objections.html", {"rows": rows[:NAMED], "more": len(rows) > NAMED})
        if rows
        else None
    )


def _ordered() -> Any:
    waits = Case(
        When(state=Objection.OPEN, then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    due = Case(When(Q(state=Objection.OPEN), then="due_at"))
    rows = Objection.objects.select_related("version__artifact").annotate(waits=waits, due=due)
    return rows.order_by("-waits", "due", "-at", "pk")


def _actor(request: HttpRequest) -> Any:
    account = getattr(request.user, "account", None) if request.user.is_authenticated else None
    return actor_for(request.user) if account is not None and account.active else objections.PUBLIC


def _is_overdue(found: Objection) -> bool:
    return found.state == Objection.OPEN and found.due_at < timezone.now()


def _found(objection_id: UUID) -> Objection:
    one = Objection.objects.select_related("version__artifact").filter(pk=objection_id).first()
    if one is None:
        raise Http404(f"There is no objection {objection_id}.")
    return one


def _of_receipt(receipt: str) -> Objection:
    one = Objection.objects.select_related("version__artifact").filter(receipt=receipt).first()
    if one is None:
        raise Http404(NO_RECEIPT)
    return one


def _entries(found: Objection) -> Any:
    return Entry.objects.filter(object_type=Objection.ledger_type, object_id=str(found.pk)).order_by("rev")


def _proven(found: Objection) -> list[dict[str, Any]]:
    """Each entry of the objection, and whether a checkpoint covers it."""
    newest = Checkpoint.objects.order_by("-size").values_list("size", flat=True).first() or 0
    return [
        {
            "rev": entry.rev,
            "at": entry.at,
            "op": entry.op,
            "index": entry.leaf_index,
            "leaf_hash": entry.leaf_hash,
            "covered": entry.leaf_index is not None and entry.leaf_index < newest,
        }
        for entry in _entries(found)
    ]
