"""Whether whoever reads a page may do something, for buttons: `{% if user|may:"training:run:launch" %}`."""

from django import template

from governance.people import permissions
from governance.registry.access import may_read, write_action
from governance.registry.models import Version

register = template.Library()


@register.filter
def may(user: object, action: str) -> bool:
    """Whether this signed-in user may do `action`. Raises KeyError for an action that no room registered."""
    return permissions.may(user, action)


@register.filter
def groups_that_may(action: str) -> str:
    """The groups that may do `action`, in words: "engineer or release-manager"."""
    return " or ".join(sorted(permissions.table()[action])) or "nobody"


@register.filter
def may_be_followed_by(version: Version, user: object) -> bool:
    """Whether `user` may register the next version of that artifact through its kind's form."""
    if version.kind == "release" or not permissions.may(user, "registry:version:register"):
        return False
    return permissions.may(user, write_action(version.kind)) and may_read(user, version)
