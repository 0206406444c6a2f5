"""One entry with what proves it, all entries of one object, and the entry as a bundle for checking elsewhere."""

import json
from collections.abc import Collection
from itertools import pairwise
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from governance.ledger import export, keys
from governance.ledger.append import commitment, timestamp
from governance.ledger.canonical import canonical
from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import NoteError, TreeHead
from governance.ledger.proof import Proof, ProofError
from governance.ledger.tree import leaf_hash
from governance.ledger.verify import EVIDENCE
from governance.people.models import User
from governance.people.permissions import ADMINISTRATOR, AUDITOR, groups_of
from governance.views import entries, entry_readers
from governance.views.payloads import Change, changes

PAGE = 25
CLASSES = {"P": "public", "D": "downstream", "R": "authority", "I": "internal", "X": "personal"}
SEES_PERSONAL = {AUDITOR, ADMINISTRATOR}
PREDICATE = "urn:charter:entry:v1"


@login_required
@require_safe
def entry(request: HttpRequest, index: int) -> HttpResponse:
    found = _entry(index)
    revisions = Entry.objects.filter(object_type=found.object_type, object_id=found.object_id)
    before = revisions.filter(rev=found.rev - 1).first()
    after = revisions.filter(rev=found.rev + 1, leaf_index__isnull=False).first()
    proof = _proof(index)
    checks, classes = _checks(found, before, proof), _readable(request, found)
    return render(
        request,
        "governance/entry.html",
        {
            "entry": entries.shown([found])[0],
            "body": bytes(found.body).decode(),
            "previous": before.leaf_index if before else None,
            "next": after.leaf_index if after else None,
            "changes": _changed(classes, before, found) if before else None,
            "parts": _parts(classes, found),
            "checks": checks,
            "failed": not all(holds for _, holds in checks),
            "number": str(index),
            "proof": proof and _shown(proof),
            "proof_text": proof.text if proof else "",
            "key": _key(),
        },
    )


@login_required
@require_safe
def entry_bundle(_: HttpRequest, index: int) -> HttpResponse:
    """The entry's body and public part with its proof, signed: what `python -m governance.ledger.verify` reads."""
    found, newest = _entry(index), Checkpoint.objects.order_by("-size").first()
    if newest is None or index >= newest.size:
        raise Http404(
            f"No checkpoint covers entry {index} yet; the signer takes it within seconds while it runs."
        )
    try:
        data = bundle_of_entry(found, newest)
    except KeyUnavailable as error:
        text = f"{error}\nThe server can write the proof alone: manage.py ledger prove {index} --out {index}.txt\n"
        return HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    response = HttpResponse(data, content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, f"entry-{index}.zip") or "attachment"
    return response


@login_required
@require_safe
def history(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Every revision of one object, newest first, with what changed in its payload."""
    revisions = Entry.objects.filter(object_type=kind, object_id=key).order_by("-rev")
    page = Paginator(revisions, PAGE).get_page(request.GET.get("page"))
    if not page.object_list:
        raise Http404(f"The ledger has no entry about {kind} {key}.")
    rows = entries.shown(page.object_list)
    older = revisions.filter(rev__lt=rows[-1].rev).first()
    steps = [*rows, older] if older else [*rows, None]
    classes = _readable(request, rows[0])
    return render(
        request,
        "governance/object_history.html",
        {
            "newest": rows[0],
            "kind": kind,
            "key": key,
            "page": page,
            "revisions": [
                {"entry": now, "changes": _changed(classes, before, now) if before else None}
                for now, before in pairwise(steps)
                if now
            ],
        },
    )


def _entry(index: int) -> Entry:
    # More digits than any index has: the database could not even compare them.
    found = Entry.objects.filter(leaf_index=index).first() if index < 2**63 else None
    if found is None:
        raise Http404(f"The ledger has no entry {index} yet.")
    return found


def _readable(request: HttpRequest, found: Entry) -> set[str]:
    """The classes of parts that this person may see of the entries of this object."""
    if not entry_readers.may_see(cast(User, request.user), found):
        return {"P"}
    return set(CLASSES) - (set() if groups_of(request.user) & SEES_PERSONAL else {"X"})


def _changed(classes: set[str], before: Entry, now: Entry) -> list[Change]:
    return changes(*(_payloads(classes, one) for one in (before, now)))


def _payloads(classes: set[str], found: Entry) -> dict[str, Any]:
    parts = {name: part for name, part in found.parts.items() if part and name in classes}
    return {CLASSES[name]: json.loads(part["payload"])["state"] for name, part in parts.items()}


def _parts(classes: set[str], found: Entry) -> list[dict[str, Any]]:
    commitments = json.loads(bytes(found.body))["payload"]
    return [
        {
            "cls": name,
            "name": CLASSES[name],
            "commitment": commitments[name],
            "text": _text(found.parts.get(name)) if name in classes else None,
            "erased": found.parts.get(name) is None,
        }
        for name in CLASSES
        if name in commitments
    ]


def _text(part: dict[str, str] | None) -> str | None:
    return json.dumps(json.loads(part["payload"]), indent=2, ensure_ascii=False) if part else None


def _proof(index: int) -> Proof | None:
    newest = Checkpoint.objects.order_by("-size").first()
    if newest is None or index >= newest.size:
        return None
    try:
        return export.prove(index, newest)
    except ValueError as error:
        raise Http404(f"Entry {index} cannot be proven: {error}. Run manage.py ledger verify.") from error


def _shown(proof: Proof) -> dict[str, Any]:
    head = TreeHead.of_note(proof.checkpoint)
    return {"size": head.size, "hashes": [one.hex() for one in proof.hashes], "root": head.root.hex()}


def _checks(found: Entry, before: Entry | None, proof: Proof | None) -> list[tuple[str, bool]]:
    """What was recomputed just now, and whether it holds."""
    body = bytes(found.body)
    content = json.loads(body)
    kept = {name: part for name, part in found.parts.items() if part}
    previous = before.leaf_hash if before else None
    checks = [
        ("The leaf hash is that of the body", leaf_hash(body).hex() == found.leaf_hash),
        (
            "Each part is what the body commits to",
            all(commitment(part) == content["payload"].get(name) for name, part in kept.items()),
        ),
        ("The body names the previous revision", content["prev"] == previous),
    ]
    return [*checks, *_proven(body, proof)]


def _proven(body: bytes, proof: Proof | None) -> list[tuple[str, bool]]:
    if proof is None:
        return []
    words = "The proof leads to a root that the ledger's key signed"
    try:
        proof.check(leaf_hash(body), keys.policy())
    except (ProofError, NoteError) as error:
        return [(f"{words}: {error}", False)]
    except KeyUnavailable as error:
        return [(f"{words}: not checked, {error}", False)]
    return [(words, True)]


def _key() -> str:
    try:
        return keys.verifiers()[-1].text
    except KeyUnavailable:
        return ""


def bundle_of_entry(found: Entry, checkpoint: Checkpoint, *, classes: Collection[str] = ("P",)) -> bytes:
    """The signed bundle of one entry with the parts of these classes. Raises KeyUnavailable, NotSettled."""
    index = found.leaf_index or 0
    head = TreeHead.of_note(checkpoint.note)
    at = {"size": head.size, "root": head.root.hex()}
    said = {"op": found.op, "actor": found.actor, "at": timestamp(found.at), "rev": found.rev}
    subject = {"type": found.object_type, "id": found.object_id}
    evidence = {
        "schema": "evidence/1",
        "subject": subject,
        "at": at,
        "facts": [_fact(name, value, index) for name, value in said.items()],
    }
    members = export.evidence_members({index: classes}, checkpoint)
    predicate = {"entry": index, "at": at, "subject": subject}
    return export.seal({**members, EVIDENCE: canonical(evidence)}, PREDICATE, predicate)


def _fact(name: str, value: Any, index: int) -> dict[str, Any]:
    return {
        "key": name,
        "label": name,
        "value": value,
        "unit": "",
        "state": "recorded",
        "assurance": "observed",
        "source": {"entry": index, "class": "body", "pointer": f"/{name}"},
    }
