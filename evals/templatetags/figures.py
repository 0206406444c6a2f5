"""Recorded figures as a person reads them: the record keeps every place."""

from django import template

from evals.statistics.decimals import text

register = template.Library()

SHOWN = 4


@register.filter
def rounded(value: str | None) -> str:
    """Decimal text with at most four places; empty for none."""
    return text(float(value), SHOWN) if value else ""
