"""Compose a release: its parts by name, what stands in their way said first, its identity after."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry import kinds
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError, digest_of, plain
from governance.registry.models import Artifact, Version
from governance.releases import actions, tiers
from governance.releases.components import KIND_OF_PART, components, faults_of, identity_of, resolve_refs
from governance.releases.identity import behavioural_identity
from governance.views import suggestions
from governance.views.inputs import VERSION, VERSIONS, Form
from governance.views.naming import check_naming, naming
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from governance.views.schema import groups_of

COMPOSE = "releases:release:compose"
KIND = kinds.get("release")
NAMED = 8
"""Versions that are named beside a field for several, which no list of suggestions can hang on."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def compose(request: HttpRequest) -> HttpResponse:
    require(request.user, COMPOSE)
    form = form_for(request)
    if request.method != "POST":
        for one in form.inputs:
            if given := request.GET.get(one.name, "").replace("\0", "")[:200]:
                one.value = given
        return _page(request, form)
    form.fill(request.POST)
    check_naming(form)
    release = _draft(form)
    if release is None:
        return _page(request, form, status=422)
    if request.POST.get("action") != "compose":
        return _page(request, form, release=release)
    return _composed(request, form, release)


def form_for(request: HttpRequest) -> Form:
    """Name, title, and the fields of a release; parts suggest the versions that may stand in them."""
    form = Form(naming("release"), *groups_of(KIND.content))
    for one in form.inputs:
        if one.name == tiers.FIELD:
            one.required = False
            one.hint += "; empty: the approved one that serves the use tier"
        if one.widget in (VERSION, VERSIONS) and one.name in KIND_OF_PART:
            one.choices = suggestions.versions([KIND_OF_PART[one.name]], request.user)
            if one.widget == VERSIONS and one.choices:
                one.hint += f"; there are {', '.join(name for name, _ in one.choices[:NAMED])}"
    return form


def _draft(form: Form) -> Version | None:
    """The release as it would be, unsaved, or None once the complaints stand in the form."""
    content = {name: value for name, value in form.raw().items() if name not in {"slug", "title"}}
    if not form.is_good:
        return None
    try:
        resolved = resolve_refs(tiers.with_policy(content))
        tiers.check(resolved)
        data = plain(KIND.parse(resolved))
    except ContentError as error:
        form.blame(error.faults)
        return None
    artifact = Artifact(kind="release", slug=form["slug"].value, title=form["title"].value)
    digest = digest_of("release", KIND.schema, data)
    return Version(artifact=artifact, number=0, schema=KIND.schema, content=data, digest=digest)


def _composed(request: HttpRequest, form: Form, release: Version) -> HttpResponse:
    account = request.user.account  # type: ignore[union-attr]
    try:
        with once(account, request.POST.get(FIELD, "")) as sent:
            before = _twin(release)
            version = actions.compose(
                form["slug"].value,
                release.content or {},
                title=form["title"].value,
                actor=actor_for(request.user),
            )
            sent.led_to = reverse("release", args=[version.subject])
    except Repeated as repeated:
        return again(request, repeated, f"{reverse('artifact-list')}?kind=release")
    except ContentError as error:
        form.blame(error.faults)
        return _page(request, form, status=422)
    except (Refused, NoKey) as error:
        form.errors.append(str(error))
        return _page(request, form, status=422)
    if before:
        messages.info(request, f"{version.subject} has exactly these parts already; no new version was made.")
    else:
        messages.success(
            request, f"{version.subject} is composed. Next: run its gate, then send it to review."
        )
    return redirect("release", version.subject)


def _twin(release: Version) -> Version | None:
    """The release of that name with exactly this content, if there is one."""
    found = Version.objects.select_related("artifact").filter(artifact__kind="release", digest=release.digest)
    return found.filter(artifact__slug=release.artifact.slug).first()


def _page(
    request: HttpRequest, form: Form, *, release: Version | None = None, status: int = 200
) -> HttpResponse:
    posted: Mapping[str, Any] = request.POST
    slugs = Artifact.objects.filter(kind="release").order_by("slug").values_list("slug", "title")
    form["slug"].choices = list(slugs[: suggestions.MOST])
    context = {
        "form": form,
        "once": posted.get(FIELD, "") or new_key(),
        "checked": _checked(request, release) if release else None,
    }
    return render(request, "governance/compose.html", context, status=status)


def _checked(request: HttpRequest, release: Version) -> dict[str, Any]:
    """What a person should know before composing: the parts and their states, what stands in the way, the identity."""
    twin = _twin(release)
    return {
        "parts": [
            {
                "part": name.replace("_", " "),
                "subject": part.subject,
                "state": part.version.state if part.version else None,
            }
            for name, part in components(release).items()
        ],
        "obstacles": list(faults_of(release)),
        "identity": _identity(request, release),
        "twin": twin.subject if twin else "",
    }


def _identity(request: HttpRequest, release: Version) -> str:
    """The behavioural identity; empty where it cannot be computed, or where a part is not for this person to read."""
    held = [part.version for part in components(release).values() if part.version]
    if not all(may_read(request.user, one) for one in held):
        return ""
    try:
        return behavioural_identity(identity_of(release))
    except Refused:
        return ""
