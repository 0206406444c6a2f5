"""One request of one editor about one artifact, and the pages that answer it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from governance.admin import reading
from governance.admin.adding import address
from governance.admin.forms import ContentForm
from governance.admin.refs import named
from governance.admin.stored import MOST_ROWS, MOST_ROWS_IN_ALL, is_too_long, strangers
from governance.people.permissions import may
from governance.registry import kinds
from governance.registry.access import may_read, require_read
from governance.registry.kinds.base import ContentError, plain
from governance.registry.models import Artifact, Version
from governance.views import diff

if TYPE_CHECKING:
    from governance.admin.drafts import TextAdmin

PREFIX = "content"
REVISION = "revision"
SUBMIT = "reviews:version:submit"
OTHERS_SHOWN = 20


@dataclass
class Desk:
    """One request about one artifact, and what its page is to show beside the form."""

    admin: "TextAdmin"
    request: HttpRequest
    artifact: Artifact
    version: Version
    """The newest."""
    notice: str = ""
    level: str = "info"
    shown: dict[str, Any] = field(default_factory=dict)
    is_told: bool = False
    """Whether the page shows what others changed since the form was made."""

    @property
    def posted(self) -> ContentForm:
        return self.admin.content_form(self.request.POST, prefix=PREFIX)

    @property
    def revision(self) -> str:
        """Which draft in which state a form was made from."""
        return f"{self.version.number}.{self.version.ledger_rev}"

    @property
    def is_current(self) -> bool:
        return self.request.POST.get(REVISION) == self.revision

    @property
    def form_revision(self) -> str:
        """What the form on the page was made from: it moves on only when whoever typed has seen what changed."""
        return self.revision if self.is_told else self.request.POST.get(REVISION, self.revision)

    def tell(self, notice: str, level: str) -> None:
        self.notice, self.level = notice, level

    def reload(self) -> None:
        """What is stored now: an action that failed leaves its changes on the object."""
        self.version = newest(self.artifact)

    def back(self) -> HttpResponse:
        return redirect(address(self.artifact))


def newest(artifact: Artifact) -> Version:
    found = (
        Version.objects.filter(artifact_id=artifact.pk)
        .select_related("artifact", "based_on__artifact", "ledger_head")
        .order_by("-number")
        .first()
    )
    if found is None:
        raise Http404(f"{artifact.name} has no version yet.")
    return found


def asked_for(desk: Desk) -> Version:
    """The version that the address names, else the newest. Raises Http404, PermissionDenied."""
    number = desk.request.GET.get("number", "")
    if not number.isdecimal() or len(number) > 9 or int(number) == desk.version.number:
        return desk.version
    found = Version.objects.filter(artifact_id=desk.artifact.pk, number=int(number))
    version = found.select_related("artifact", "based_on__artifact", "ledger_head").first()
    if version is None:
        raise Http404(f"{desk.artifact.name} has no version {int(number)}.")
    require_read(desk.request.user, version)
    return version


def draft_page(desk: Desk) -> HttpResponse:
    """The open draft as a form; only to read where it is too long for one."""
    stored = desk.version.content if isinstance(desk.version.content, dict) else {}
    if is_too_long(stored):
        desk.tell(
            f"This draft has more rows than the form takes ({MOST_ROWS} a list, {MOST_ROWS_IN_ALL} in all). Send it to"
            " review as it is, or register another version from a file.",
            "warning",
        )
        return sealed_page(desk, desk.version)
    form = desk.admin.content_form(prefix=PREFIX, initial=named(stored))
    if lost := list(strangers(desk.admin.content_form, stored)):
        desk.tell(
            f"This draft holds what the form does not know: {', '.join(lost[:5])}. Saving the form leaves it out.",
            "warning",
        )
    return form_page(desk, form)


def form_page(desk: Desk, form: ContentForm, status: int = 200) -> HttpResponse:
    context = desk.admin.context(
        desk.request,
        form=form,
        problems=list(form.problems()) if form.is_bound else [],
        notice=desk.notice,
        level=desk.level,
        version=desk.version,
        artifact=desk.artifact,
        revision=desk.form_revision,
        others=others(desk, desk.version),
        title=desk.artifact.title,
        can_submit=may(desk.request.user, SUBMIT),
        **desk.shown,
    )
    return render(desk.request, "admin/drafts/edit.html", context, status=status)


def sealed_page(desk: Desk, version: Version, status: int = 200) -> HttpResponse:
    """A version to read: every field, and where it stands on the dashboard."""
    form, look = desk.admin.content_form, desk.admin.look
    context = desk.admin.context(
        desk.request,
        entries=reading.entries(form, look, version.content) if isinstance(version.content, dict) else [],
        notice=desk.notice,
        level=desk.level,
        version=version,
        artifact=desk.artifact,
        others=others(desk, version),
        title=desk.artifact.title,
        draft=None if desk.version.is_sealed else desk.version,
        revision=desk.revision,
        can_submit=may(desk.request.user, SUBMIT),
    )
    return render(desk.request, "admin/drafts/sealed.html", context, status=status)


def others(desk: Desk, version: Version) -> list[Version]:
    """The newest other versions, to read."""
    found = Version.objects.filter(artifact_id=desk.artifact.pk).exclude(pk=version.pk)
    return list(found.defer("content").select_related("artifact").order_by("-number")[:OTHERS_SHOWN])


def compared(desk: Desk, before: Version | None, content: Any, old: str, new: str) -> dict[str, Any]:
    """Rows of the comparison of a version with typed content, for the page."""
    if before and not may_read(desk.request.user, before):
        return {"unreadable": f"{before.subject} is restricted; you may not read it."}
    rows = diff.rows(_whole(desk, before.content if before else {}), _whole(desk, content))
    return {
        "rows": rows,
        "counts": diff.counts(rows),
        "old_title": old,
        "new_title": new,
        "is_compared": True,
    }


def _whole(desk: Desk, content: Any) -> Any:
    """The content with its defaults, so that only what says something else differs."""
    try:
        return plain(kinds.get(desk.admin.kind).parse(content))
    except ContentError:
        return content or {}
