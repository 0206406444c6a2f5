"""The first fields of every form that makes a version: its name and its title."""

from governance.registry.actions import Refused, check_slug
from governance.views.inputs import Form, Group, Input

LONGEST_TITLE = 200


def naming(kind: str) -> Group:
    """Name and title of an artifact of `kind`."""
    help = "Lower-case letters, digits, '.', '_' and '-'. An existing name gets its next version."
    return Group(
        "",
        [
            Input("slug", "Name", required=True, help=help, hint=f"it becomes {kind}:name@number"),
            Input("title", "Title", help="What people read in lists; of a new name only."),
        ],
    )


def check_naming(form: Form) -> None:
    """Put at its field what is wrong with name or title."""
    if form["slug"].value:
        try:
            check_slug(form["slug"].value)
        except Refused as error:
            form["slug"].errors.append(str(error))
    if len(form["title"].value) > LONGEST_TITLE:
        form["title"].errors.append(f"A title has at most {LONGEST_TITLE} characters.")
