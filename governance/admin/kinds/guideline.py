from django.contrib import admin

from governance.admin.drafts import TextAdmin
from governance.admin.kinds.shared import GAPS, PARTS, VISIBILITY
from governance.admin.look import Look
from governance.registry.proxies import Guideline


@admin.register(Guideline)
class GuidelineAdmin(TextAdmin):
    kind = "guideline"
    look = Look(
        order=(
            *("title", "purpose", "task", "languages", "preamble", "sections"),
            *(f"sections.{name}" for name in ("id", "heading", "text", "cites")),
            *("scale", "merge_rule", "examples", "follows"),
        ),
        one_line=frozenset({"title"}) | GAPS.one_line,
        tall=frozenset({"preamble", "sections.text"}),
        folded=frozenset(f"sections.{name}" for name in (*PARTS, *VISIBILITY)) | {"gaps"},
        labels={"sections.section": "Under", "examples.id": "Id", "examples.section": "Explains"},
        nouns={"examples": "worked example"},
    )
