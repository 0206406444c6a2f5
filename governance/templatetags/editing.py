"""Where a draft is edited: `{% with edit_url=version|edit_url:user %}`."""

from django import template
from django.urls import NoReverseMatch, reverse

from governance.people import permissions
from governance.registry import states
from governance.registry.access import may_read, write_action
from governance.registry.models import Version

register = template.Library()


@register.filter
def edit_url(version: Version, user: object) -> str:
    """The page of a draft in the editor; empty where `user` may not edit it, or its kind has no editor."""
    if version.state != states.DRAFT or not permissions.may(user, write_action(version.kind)):
        return ""
    try:
        model = version.kind.replace("-", "")
        return (
            reverse(f"admin:registry_{model}_change", args=[version.artifact_id])
            if may_read(user, version)
            else ""
        )
    except NoReverseMatch:
        return ""
