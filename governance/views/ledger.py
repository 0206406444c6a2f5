"""The ledger explorer: entries, one entry with its proof, the newest checkpoint."""

import json
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.ledger import export, keys
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import NoteError, TreeHead
from governance.people.permissions import ADMINISTRATOR, AUDITOR, groups_of
from governance.views import entries

PAGE = 50
CLASSES = {"P": "public", "D": "downstream", "R": "authority", "I": "internal", "X": "personal"}
SEES_PERSONAL = {AUDITOR, ADMINISTRATOR}


@login_required
@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    kind, op, q = (request.GET.get(name, "").replace("\0", "")[:200] for name in ("type", "op", "q"))
    page = Paginator(_filtered(kind, op, q.strip()), PAGE).get_page(request.GET.get("page"))
    page.object_list = entries.shown(page.object_list)
    return render(
        request,
        "governance/ledger.html",
        {
            "checkpoint": _checkpoint(),
            "pending": Entry.objects.filter(leaf_index__isnull=True).count(),
            "page": page,
            "types": list(
                Entry.objects.order_by("object_type").values_list("object_type", flat=True).distinct()
            ),
            "type": kind,
            "op": op,
            "q": q,
        },
    )


def _filtered(kind: str, op: str, q: str) -> QuerySet[Entry]:
    found = Entry.objects.all()
    if kind:
        found = found.filter(object_type=kind)
    if op:
        found = found.filter(op__icontains=op)
    if q.lstrip("#").isdecimal() and len(q) < 16:
        found = found.filter(leaf_index=int(q.lstrip("#")))
    elif q:
        found = found.filter(
            Q(object_id__startswith=q) | Q(actor__icontains=q) | Q(leaf_hash__startswith=q.lower())
        )
    return found.order_by(F("leaf_index").desc(nulls_first=True), "-id")


def _checkpoint() -> dict[str, Any] | None:
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None:
        return None
    try:
        names = [key.text for key in keys.verifiers()]
    except keys.KeyUnavailable:
        names = []
    head = TreeHead.parse(newest.note.split("\n\n", 1)[0] + "\n")
    return {
        "size": newest.size,
        "at": newest.at,
        "origin": settings.LEDGER_ORIGIN,
        "root": head.root.hex(),
        "note": newest.note,
        "keys": names,
    }


@login_required
@require_safe
def entry(request: HttpRequest, index: int) -> HttpResponse:
    found = Entry.objects.filter(leaf_index=index).first()
    if found is None:
        raise Http404(f"The ledger has no entry {index} yet.")
    same = Entry.objects.filter(
        object_type=found.object_type, object_id=found.object_id, leaf_index__isnull=False
    )
    proof, text = _proof(index)
    return render(
        request,
        "governance/entry.html",
        {
            "entry": entries.shown([found])[0],
            "body": bytes(found.body).decode(),
            "previous": same.filter(rev=found.rev - 1).values_list("leaf_index", flat=True).first(),
            "next": same.filter(rev=found.rev + 1).values_list("leaf_index", flat=True).first(),
            "parts": _parts(request, found),
            "proof": proof,
            "proof_text": text,
        },
    )


def _parts(request: HttpRequest, found: Entry) -> list[dict[str, Any]]:
    commitments = json.loads(bytes(found.body))["payload"]
    return [
        {
            "cls": name,
            "name": CLASSES[name],
            "commitment": commitment,
            "text": _text(request, name, found.parts.get(name)),
            "erased": found.parts.get(name) is None,
        }
        for name, commitment in sorted(commitments.items(), key=lambda item: list(CLASSES).index(item[0]))
    ]


def _text(request: HttpRequest, name: str, part: dict[str, str] | None) -> str | None:
    if part is None or (name == "X" and not groups_of(request.user) & SEES_PERSONAL):
        return None
    return json.dumps(json.loads(part["payload"]), indent=2, ensure_ascii=False)


def _proof(index: int) -> tuple[dict[str, Any] | None, str]:
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None or index >= newest.size:
        return None, ""
    try:
        proof = export.prove(index, newest)
        head = TreeHead.parse(newest.note.split("\n\n", 1)[0] + "\n")
    except (ValueError, NoteError) as error:
        raise Http404(f"Entry {index} cannot be proven: {error}. Run manage.py ledger verify.") from error
    return {
        "size": newest.size,
        "hashes": [one.hex() for one in proof.hashes],
        "root": head.root.hex(),
    }, proof.text
