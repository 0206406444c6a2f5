"""The admin of one kind of text: a list of artifacts with their newest versions, and doors to add and edit drafts."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.options import csrf_protect_m
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.admin import adding, editing
from governance.admin.bounds import bounded
from governance.admin.forms import ContentForm
from governance.admin.look import Look
from governance.admin.schema import form_for
from governance.people.permissions import may
from governance.registry import kinds, states
from governance.registry.access import require_write, write_action
from governance.registry.models import Artifact, Version

PAGE = 50
NEWEST_FIRST = ("-newest_entry", "slug")


class StateFilter(admin.SimpleListFilter):
    """By the state of the newest version."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state.replace("_", " ").capitalize()) for state in states.STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(newest_state=self.value()) if self.value() in states.STATES else queryset


class TextAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Drafts of one kind. Whoever may write the kind may use it; no row is written but by the registry's actions."""

    kind: ClassVar[str]
    look: ClassVar[Look] = Look()
    content_form: ClassVar[type[ContentForm]]

    list_display = ("named", "number", "state", "who", "when")
    list_filter = (StateFilter,)
    list_per_page = PAGE
    search_fields = ("slug", "title")
    show_full_result_count = False
    actions = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.content_form = form_for(kinds.get(cls.kind).content, cls.look)

    def get_urls(self) -> list[Any]:
        urls = super().get_urls()
        for url in urls:
            url.callback = bounded(url.callback)
        return urls

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = Version.objects.filter(artifact=OuterRef("pk")).order_by("-number")
        found: QuerySet[Any] = self.model._default_manager.annotate(
            newest_number=Subquery(newest.values("number")[:1]),
            newest_state=Subquery(newest.values("state")[:1]),
            newest_by=Subquery(newest.values("ledger_head__actor")[:1]),
            newest_at=Subquery(newest.values("ledger_head__at")[:1]),
            newest_entry=Subquery(newest.values("ledger_head__id")[:1]),
        )
        return found.order_by(*NEWEST_FIRST)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Only the filters that are offered: the database takes not all text that an address may hold."""
        return lookup == StateFilter.parameter_name

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return NEWEST_FIRST

    @admin.display(description="name", ordering="title")
    def named(self, artifact: Artifact) -> SafeString:
        return format_html("{}<small>{}</small>", artifact.title, artifact.slug)

    @admin.display(description="newest version", ordering="newest_number")
    def number(self, artifact: Any) -> str:
        return str(artifact.newest_number or "none")

    @admin.display(description="state", ordering="newest_state")
    def state(self, artifact: Any) -> SafeString:
        return render_to_string("parts/pill.html", {"state": artifact.newest_state or "none"})

    @admin.display(description="changed by", ordering="newest_by")
    def who(self, artifact: Any) -> str:
        return str(artifact.newest_by or "").removeprefix("person:")

    @admin.display(description="changed", ordering="newest_entry")
    def when(self, artifact: Any) -> SafeString:
        return render_to_string("parts/time.html", {"at": artifact.newest_at})

    @csrf_protect_m  # type: ignore[untyped-decorator]
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        require_write(request.user, self.kind)
        if object_id is None:
            return adding.add(self, request)
        return editing.change(self, request, self.artifact(request, object_id))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The ledger is the history."""
        require_write(request.user, self.kind)
        return redirect("artifact", self.artifact(request, object_id).name)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise PermissionDenied(
            "Nothing is deleted here. A version that must not be used any more is revoked."
        )

    def artifact(self, request: HttpRequest, object_id: str) -> Artifact:
        found: Artifact | None = self.get_object(request, object_id)
        if found is None:
            raise Http404(f"There is no {kinds.get(self.kind).title.lower()} with the id {object_id}.")
        return found

    def context(self, request: HttpRequest, **more: Any) -> dict[str, Any]:
        """What every page of this kind shows."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "kind": kinds.get(self.kind),
            "has_file_field": False,
            **more,
        }

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, write_action(self.kind))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, write_action(self.kind))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, write_action(self.kind))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, write_action(self.kind))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
