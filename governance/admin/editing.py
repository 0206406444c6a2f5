"""What an editor does with an artifact: each button of its page is one function here, and calls one action."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from governance.admin.desk import (
    PREFIX,
    REVISION,
    SUBMIT,
    Desk,
    asked_for,
    compared,
    draft_page,
    form_page,
    newest,
    sealed_page,
)
from governance.admin.forms import ContentForm
from governance.admin.refs import pinned
from governance.admin.rows import with_another_row
from governance.ledger.append import Stale
from governance.ledger.canonical import CanonicalError
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry import actions, kinds
from governance.registry.access import require_read
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Artifact, Version
from governance.reviews import actions as reviews

if TYPE_CHECKING:
    from governance.admin.drafts import TextAdmin

DRAFT = "registry:version:draft"


def change(admin: "TextAdmin", request: HttpRequest, artifact: Artifact) -> HttpResponse:
    """The page of an artifact: what is posted is done, then the newest version or the one that is asked for is shown."""
    desk = Desk(admin, request, artifact, newest(artifact))
    require_read(request.user, desk.version)
    if request.method == "POST":
        require(request.user, DRAFT)
        return next((do for name, do in DOES.items() if name in request.POST), save)(desk)
    version = asked_for(desk)
    return sealed_page(desk, version) if version.is_sealed else draft_page(desk)


def save(desk: Desk) -> HttpResponse:
    return _kept(desk, then=None)


def submit(desk: Desk) -> HttpResponse:
    """Save what is typed and send it to review, both or neither."""
    require(desk.request.user, SUBMIT)
    return _kept(desk, then=lambda version: reviews.submit(version, actor=actor_for(desk.request.user)))


def _kept(desk: Desk, then: Callable[[Version], Any] | None) -> HttpResponse:
    form = desk.posted
    if not form.is_valid():
        return _unreadable(desk, form)
    content = pinned(form.content())
    if not desk.is_current or desk.version.is_sealed:
        return _outdated(desk, form, content)
    try:
        changed = _store(desk, content, then)
    except ContentError as error:
        return _lacking(desk, form, error)
    except Stale:
        desk.reload()
        return _outdated(desk, form, content)
    except (Refused, CanonicalError) as error:
        desk.reload()
        desk.tell(f"{error} Nothing was saved.", "error")
        return form_page(desk, form, 409)
    messages.success(desk.request, _done(desk, changed, then is not None))
    return desk.back()


@transaction.atomic
def _store(desk: Desk, content: dict[str, Any], then: Callable[[Version], Any] | None) -> bool:
    changed = content != desk.version.content
    if changed:
        actions.edit_draft(desk.version, content, actor=actor_for(desk.request.user))
    if then:
        then(desk.version)
    return changed


def _done(desk: Desk, changed: bool, sent: bool) -> str:
    subject = desk.version.subject
    if sent:
        return f"{subject} is sealed and waits for a reviewer who did not write it."
    return (
        f"{subject} is saved." if changed else f"Nothing has changed in {subject}, so nothing was recorded."
    )


def _unreadable(desk: Desk, form: ContentForm) -> HttpResponse:
    if desk.version.is_sealed and REVISION not in desk.request.POST:
        desk.tell(
            f"{desk.version.subject} is sealed and cannot change. Start the next draft instead.", "error"
        )
        return sealed_page(desk, desk.version, 409)
    desk.tell("Nothing was saved: correct what is marked below.", "error")
    return form_page(desk, form, 422)


def _lacking(desk: Desk, form: ContentForm, error: ContentError) -> HttpResponse:
    desk.reload()
    accuse(form, error)
    desk.tell("Nothing was sent or saved: correct what is marked below, or save it as a draft.", "error")
    return form_page(desk, form, 422)


def accuse(form: ContentForm, error: ContentError) -> None:
    """Put every fault of the content at its field."""
    for place, rule in error.faults:
        form.accuse(place.split("."), rule)


def _outdated(desk: Desk, form: ContentForm, content: dict[str, Any]) -> HttpResponse:
    """Somebody else came first: what is typed stays on the page, beside what differs from it."""
    entry, subject = desk.version.ledger_head, desk.version.subject
    ours = entry.actor == str(actor_for(desk.request.user))
    who = "you, in another window," if ours else entry.actor.removeprefix("person:")
    when = f"{entry.at:%H:%M} UTC on {entry.at.day} {entry.at:%B}"
    if desk.version.is_sealed:
        if content == desk.version.content:
            messages.info(desk.request, f"{subject} is sealed already, with just this content.")
            return desk.back()
        told = f"{subject} was sealed by {who} at {when}. Nothing was saved. Start the next draft with your text."
    else:
        told = (
            f"{subject} was saved by {who} at {when}, after you opened it, so nothing of yours was saved now. Below"
            " stands what differs between that draft and your text. Take over what should stay, then save again: your"
            " text then replaces it."
        )
    desk.tell(told, "error")
    desk.is_told = True
    desk.shown = compared(desk, desk.version, content, f"{subject} as it is stored", "Your text")
    return form_page(desk, form, 409)


def check(desk: Desk) -> HttpResponse:
    """Say what still lacks, and save nothing."""
    form = desk.posted
    if not form.is_valid():
        return _unreadable(desk, form)
    try:
        kinds.get(desk.admin.kind).parse(pinned(form.content()))
    except ContentError as error:
        accuse(form, error)
        desk.tell(
            "This cannot be sent to review yet: what lacks is marked below. Nothing was saved.", "warning"
        )
    else:
        desk.tell("Nothing lacks: this can be sent to review. The check saved nothing.", "success")
    return _same_page(desk, form)


def changes(desk: Desk) -> HttpResponse:
    """Show what is typed beside the version that the draft is based on, and save nothing."""
    form = desk.posted
    if not form.is_valid():
        return _unreadable(desk, form)
    before = desk.version if desk.version.is_sealed else desk.version.based_on
    desk.shown = compared(
        desk, before, pinned(form.content()), str(before or "Nothing before it"), "Your text"
    )
    return _same_page(desk, form)


def another_row(desk: Desk) -> HttpResponse:
    """One more empty row, for browsers without scripts."""
    form = desk.posted
    more = with_another_row(form, desk.request.POST, desk.request.POST.get("_add", ""))
    return _same_page(desk, desk.admin.content_form(more, prefix=PREFIX))


def _same_page(desk: Desk, form: ContentForm) -> HttpResponse:
    """The form again with what was typed, made from the same revision as before."""
    if not desk.is_current or desk.version.is_sealed:
        desk.tell(
            f"{desk.notice} Meanwhile somebody else changed {desk.version.subject}: saving will say how.".strip(),
            "warning",
        )
    return form_page(desk, form)


def next_draft(desk: Desk) -> HttpResponse:
    """A new draft: of the text that was typed when the newest version was sealed meanwhile, else of that version."""
    content = desk.version.content or {}
    if REVISION in desk.request.POST:
        form = desk.posted
        if not form.is_valid():
            return _unreadable(desk, form)
        content = pinned(form.content())
    try:
        version = actions.save_draft(
            desk.admin.kind, desk.artifact.slug, content, actor=actor_for(desk.request.user)
        )
    except (Refused, CanonicalError) as error:
        messages.error(desk.request, str(error))
    else:
        messages.success(
            desk.request, f"{version.subject} is the new draft. {desk.version.subject} stays as it is."
        )
    return desk.back()


def submit_stored(desk: Desk) -> HttpResponse:
    """Send the stored draft to review as it is: it is too long for a form."""
    require(desk.request.user, SUBMIT)
    if not desk.is_current:
        messages.error(
            desk.request, f"{desk.version.subject} was changed after you opened it; read it again."
        )
        return desk.back()
    try:
        reviews.submit(desk.version, actor=actor_for(desk.request.user))
    except (Refused, ContentError, Stale) as error:
        messages.error(desk.request, str(error))
    else:
        messages.success(
            desk.request, f"{desk.version.subject} is sealed and waits for a reviewer who did not write it."
        )
    return desk.back()


DOES: dict[str, Callable[[Desk], HttpResponse]] = {
    "_save": save,
    "_check": check,
    "_changes": changes,
    "_submit": submit,
    "_add": another_row,
    "_next": next_draft,
    "_submit_stored": submit_stored,
}
"""Name of a button → what it does."""
