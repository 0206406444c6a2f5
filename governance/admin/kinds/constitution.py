from django.contrib import admin

from governance.admin.drafts import TextAdmin
from governance.admin.kinds.shared import GAPS, PARTS, VISIBILITY
from governance.admin.look import Look
from governance.registry.proxies import Constitution


@admin.register(Constitution)
class ConstitutionAdmin(TextAdmin):
    kind = "constitution"
    look = Look(
        order=(
            *("title", "preamble", "principles"),
            *(f"principles.{name}" for name in ("id", "heading", "text", "authority", "kind", "motive")),
            *(f"principles.{name}" for name in VISIBILITY),
        ),
        one_line=frozenset({"title"}) | GAPS.one_line,
        tall=frozenset({"preamble"}),
        folded=frozenset(f"principles.{name}" for name in (*PARTS, *VISIBILITY)) | {"gaps"},
        labels={"principles.section": "Under", "principles.kind": "About"},
        helps={
            "preamble": "What stands before the first principle, in Markdown.",
            "principles.visibility": "Internal principles are not shown to readers outside; say why, and who answers for it.",
        },
    )
