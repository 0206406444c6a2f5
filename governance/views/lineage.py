"""The lineage page: what a version was made from and what was made of it, drawn, and listed for whoever reads or prints."""

from typing import Any, get_args

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.registry import kinds, neighbourhood
from governance.registry.lineage import Ancestry
from governance.registry.models import Version
from governance.registry.neighbourhood import Direction, Neighbourhood
from governance.views import lineage_drawing, lineage_groups, lineage_tree
from governance.views.lineage_scene import scene
from governance.views.reading import version_or_404

DEPTHS = range(1, 9)
DEPTH = 4
"""Links that are followed each way, or fewer where they would be too many to draw, until somebody asks for a number."""
MOST_BOXES = 300
MOST_LINES = 900
"""Versions and activities, and links, of one drawing; of more, groups are drawn."""
DIRECTIONS: dict[Direction, str] = {
    "both": "Both",
    "ancestors": "What it is made from",
    "descendants": "What is made of it",
}


@login_required
@require_safe
def lineage(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    direction: Direction = _chosen(request, "direction", DIRECTIONS, "both")
    ancestry: Ancestry | None = _chosen(request, "ancestry", get_args(Ancestry), None)
    asked = _chosen(request, "depth", {str(depth): depth for depth in DEPTHS}, None)
    depth = int(asked or DEPTH)
    found = neighbourhood.around(version.pk, direction=direction, ancestry=ancestry, depth=depth)
    fits = next((tried for tried in range(depth, 0, -1) if _fits(found.within(tried))), 0)
    collapsed = fits == 0 or (asked is not None and fits < depth)
    shown = found if collapsed else found.within(fits)
    return render(
        request,
        "governance/lineage.html",
        {
            "version": version,
            "kind": kinds.get(version.kind),
            "directions": DIRECTIONS.items(),
            "ancestries": get_args(Ancestry),
            "depths": DEPTHS,
            "direction": direction,
            "ancestry": ancestry or "",
            "depth": depth if collapsed else fits,
            "fits": fits,
            "shortened": not collapsed and fits < depth,
            "collapsed": collapsed,
            "cut": found.cut,
            "count": len(shown.steps) - 1,
            **(_groups(version, shown) if collapsed else _whole(request, version, shown, ancestry)),
        },
    )


def _chosen(request: HttpRequest, name: str, allowed: Any, otherwise: Any) -> Any:
    given = request.GET.get(name, "")
    return given if given in allowed else otherwise


def _fits(part: Neighbourhood) -> bool:
    activities = {link.activity for link in part.links if link.activity}
    return len(part.steps) + len(activities) <= MOST_BOXES and len(part.links) <= MOST_LINES


def _whole(
    request: HttpRequest, version: Version, part: Neighbourhood, ancestry: Ancestry | None
) -> dict[str, Any]:
    seen = scene(request.user, part, between=0 if ancestry else MOST_LINES)
    return {
        "drawing": lineage_drawing.drawing(seen),
        "ancestors": lineage_tree.tree(seen, upwards=True),
        "descendants": lineage_tree.tree(seen, upwards=False),
    }


def _groups(version: Version, part: Neighbourhood) -> dict[str, Any]:
    found = lineage_groups.groups(part)
    return {"drawing": lineage_groups.drawing(found), "groups": found.groups}
