"""Recipes as pages: the list, one with its stages before it is started, and the start."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from governance.ledger.append import Stale
from governance.people.actions import actor_for
from governance.people.permissions import may, require
from governance.registry import states
from governance.registry.access import may_read
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Artifact, Version
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from governance.views.reading import version_or_404
from training import recipes, stages
from training.resolve import SpecRefused

LAUNCH = "training:run:launch"
PAGE = 20


@login_required
@require_safe
def recipe_list(request: HttpRequest) -> HttpResponse:
    """The newest usable version of each recipe that this person may read."""
    newest = Version.objects.filter(
        artifact=OuterRef("pk"), state__in=states.USABLE, content__isnull=False
    ).order_by("-number")
    named = Artifact.objects.filter(kind="recipe").annotate(newest=Subquery(newest.values("pk")[:1]))
    page: Any = Paginator(named.exclude(newest=None).order_by("slug"), PAGE).get_page(request.GET.get("page"))
    found = {
        one.pk: one
        for one in Version.objects.filter(pk__in=[row.newest for row in page]).select_related("artifact")
    }
    page.object_list = [_shown(found[row.newest], request) for row in page.object_list]
    context = {"page": page, "can_start": may(request.user, LAUNCH)}
    return render(request, "training/recipe_list.html", context)


def _shown(recipe: Version, request: HttpRequest) -> dict[str, Any]:
    content = (recipe.content or {}) if may_read(request.user, recipe) else {}
    return {
        "subject": recipe.subject,
        "state": recipe.state,
        "title": content.get("title") or recipe.artifact.title,
        "description": content.get("description", ""),
        "source": content.get("source", ""),
        "stages": [stage["name"] for stage in content.get("stages", [])],
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def recipe_start(request: HttpRequest, subject: str) -> HttpResponse:
    """What the recipe would run, with the button that starts it."""
    require(request.user, LAUNCH)
    recipe = version_or_404(request, subject)
    if recipe.kind != "recipe" or not recipe.is_sealed or recipe.content is None:
        raise Http404(f"{recipe.subject} is no sealed recipe.")
    if request.method != "POST":
        return _page(request, recipe)
    account = request.user.account  # type: ignore[union-attr]
    try:
        with once(account, request.POST.get(FIELD, "")) as sent:
            run = recipes.start(recipe, actor=actor_for(request.user))
            sent.led_to = reverse("run", args=[run.pk])
    except Repeated as repeated:
        return again(request, repeated, reverse("run-list"))
    except (Refused, SpecRefused, ContentError, NoKey, Stale) as error:
        return _page(request, recipe, str(error), status=422)
    messages.success(request, "The recipe's first stage is queued; each success queues the next.")
    return redirect("run", run.pk)


def _page(request: HttpRequest, recipe: Version, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "recipe": {
            **_shown(recipe, request),
            "stages": [_stage(one) for one in (recipe.content or {})["stages"]],
        },
        "error": error,
        "once": new_key(),
    }
    return render(request, "training/recipe_start.html", context, status=status)


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    try:
        title = stages.get(stage["stage"]).title
    except stages.UnknownStage:
        title = stage["stage"]
    return {
        **stage,
        "title": title,
        "inputs": [(role.replace("_", " "), ", ".join(names)) for role, names in stage["inputs"].items()],
        "params": [(name, str(value)) for name, value in stage["params"].items()],
    }
