"""Comments beside the part that they are about: `{% with found=comments_by|about:principle.id %}`."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def about(found: Any, anchor: str) -> list[Any]:
    """The threads at that anchor; none on pages that show no comments."""
    return found.get(anchor, []) if isinstance(found, dict) else []
