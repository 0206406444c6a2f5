"""Filters of the coverage matrix."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def cells(line: Any, areas: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    """(area, title, cell) of a line in the order of the columns."""
    return [(area, title, line.cells[area]) for area, title in areas.items()]


@register.filter
def title_of(areas: Mapping[str, str], area: str) -> str:
    return areas[area]
