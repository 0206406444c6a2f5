"""`{{ text|markdown }}`: Markdown from records, made harmless."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from governance import prose

register = template.Library()


@register.filter
def markdown(text: str, anchor: str = "") -> SafeString:
    """HTML of `text`; links to `#id` inside it go to `#<anchor>id`."""
    return mark_safe(prose.render(str(text or ""), anchor))  # noqa: S308 -- cleaned by an allow-list
