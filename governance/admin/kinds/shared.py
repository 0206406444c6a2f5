"""What the forms of several kinds have in common."""

from governance.admin.look import Look

VISIBILITY = ("visibility", "reason", "owner")
"""Fields of a part that its authors may keep internal."""
PARTS = ("section", "tags", "jurisdiction", "rejected_alternatives")
"""Fields of a part that are rarely filled."""
GAPS = Look(one_line=frozenset({"gaps.field", "gaps.reason", "gaps.owner"}))
