"""A neighbourhood as shapes for an inline SVG: versions and activities as boxes, links as labelled lines."""

from typing import Any

from django.urls import reverse

from governance.registry import kinds
from governance.registry.models import Activity, Version
from governance.views.drawing import Box, Line, layout, shortened, text_width
from governance.views.lineage_scene import Scene, ancestry_of, words

NAME_LETTERS, LABEL_LETTERS = 30, 26
SMALL, NORMAL = 11, 12.5
"""Font sizes in pixels, as rooms.css has them."""
MOST_LABELS = 150
"""Lines that carry their role as text; more would cover each other, and the legend and the list say it too."""
MARGIN = 8
STRAIGHT = {"weight": 6}

Shapes = dict[str, Any]


def drawing(seen: Scene) -> Shapes | None:
    """Size, nodes and lines of the SVG; None where nothing can lay them out."""
    nodes = [_version(seen, version) for version in seen.versions.values()]
    nodes += [
        _activity(key, label)
        for key, label in sorted(seen.labels.items(), key=lambda pair: (pair[1], pair[0]))
    ]
    place = {node["key"]: number for number, node in enumerate(nodes)}
    lines = _links(seen, place)
    for child, references in seen.outside.items():
        for reference in references:
            lines.append(_line(len(nodes), place[child], reference.role))
            nodes.append(_missing(reference.subject))
    return placed(nodes, lines)


def placed(nodes: list[Shapes], lines: list[Shapes]) -> Shapes | None:
    """`nodes` (with width and height) and `lines` (with tail, head, label, ancestry) with the places that they get."""
    labelled = len(lines) <= MOST_LABELS
    drawn = [
        Line(line["tail"], line["head"], line["label"] if labelled else "", STRAIGHT.get(line["ancestry"], 1))
        for line in lines
    ]
    laid = layout([Box(node["width"], node["height"]) for node in nodes], drawn)
    if laid is None:
        return None
    for node, (x, y) in zip(nodes, laid.boxes, strict=True):
        left, top = x - node["width"] / 2, y - node["height"] / 2
        node |= _pixels(
            x=left, y=top, middle=y + 4, right=x + node["width"] / 2, first=top + 17, second=top + 35
        )
        node |= _pixels(centre=x, inside=left + 12, level=y)
    for line, path, label in zip(lines, laid.paths, laid.labels, strict=True):
        line |= {"path": path, "at": _pixels(x=label[0], y=label[1] + 4) if label else None}
    size = _pixels(width=laid.width + 2 * MARGIN, height=laid.height + 2 * MARGIN, left=-MARGIN, top=-MARGIN)
    return {"nodes": nodes, "lines": lines, "labelled": labelled, **size}


def _pixels(**lengths: float) -> dict[str, str]:
    """As text, so that no template formats them by the reader's language."""
    return {name: f"{length:.1f}" for name, length in lengths.items()}


def _version(seen: Scene, version: Version) -> Shapes:
    name = shortened(f"{version.artifact.slug}@{version.number}", NAME_LETTERS)
    above = f"{kinds.get(version.kind).title} · {version.state.replace('_', ' ')}"
    wide = max(text_width(name, NORMAL, mono=True), text_width(above, SMALL))
    step = seen.part.steps[version.pk]
    return {
        "key": version.pk,
        "form": "version",
        "width": wide + 24,
        "height": 46,
        "above": above,
        "name": name,
        "state": version.state,
        "here": version.pk == seen.start,
        "side": "left" if step < 0 else "right",
        "more": version.pk in seen.part.beyond and version.pk != seen.start,
        "title": f"{version.subject}, {version.state.replace('_', ' ')}: {version.artifact.title} ({distance(step)})",
        "href": reverse("version", args=[version.subject]),
        "lineage": reverse("lineage", args=[version.subject]),
        "subject": version.subject,
    }


def _activity(key: Any, label: str) -> Shapes:
    text = shortened(label, LABEL_LETTERS)
    return {
        "key": key,
        "form": "activity",
        "width": text_width(text, SMALL) + 22,
        "height": 24,
        "name": text,
        "title": f"Activity: {label}",
        "href": reverse("ledger-object", args=[Activity.ledger_type, key]),
    }


def _missing(subject: str) -> Shapes:
    name = shortened(subject.partition(":")[2], NAME_LETTERS)
    return {
        "key": None,
        "form": "missing",
        "width": max(text_width(name, NORMAL, mono=True), text_width("not in this registry", SMALL)) + 24,
        "height": 46,
        "above": "not in this registry",
        "name": name,
        "title": f"{subject}: named with a digest that no version here has",
    }


def _links(seen: Scene, place: dict[Any, int]) -> list[Shapes]:
    """Into an activity one line a role, out of it one line a version; what content names goes straight."""
    lines = {
        (place[link.parent], place[link.activity or link.child], link.role): None
        for link in sorted(seen.links, key=lambda link: (place[link.parent], place[link.child], link.role))
    }
    made = {(place[link.activity], place[link.child]) for link in seen.links if link.activity}
    weights = {
        (place[link.activity], place[link.child])
        for link in seen.links
        if link.activity and ancestry_of(link.role) == "weight"
    }
    found = [_line(*line) for line in lines]
    return found + [_line(*pair, "", "weight" if pair in weights else "made") for pair in sorted(made)]


def _line(tail: int, head: int, role: str, ancestry: str | None = None) -> Shapes:
    return {
        "tail": tail,
        "head": head,
        "label": words(role),
        "ancestry": ancestry or ancestry_of(role),
    }


def distance(step: int) -> str:
    """How far a version lies from the one in the middle, in words."""
    if step == 0:
        return "this version"
    return f"{abs(step)} step{'s' if abs(step) > 1 else ''} {'before' if step < 0 else 'after'}"
