from django.contrib import admin

from governance.admin.drafts import TextAdmin
from governance.admin.kinds.shared import GAPS, PARTS, VISIBILITY
from governance.admin.look import Look
from governance.registry.proxies import Policy

USES = ("permitted_uses", "restricted_uses", "prohibited_uses", "permitted_users", "prohibited_users")


@admin.register(Policy)
class PolicyAdmin(TextAdmin):
    kind = "policy"
    look = Look(
        order=(
            *("title", "type", "preamble", "rules"),
            *(
                f"rules.{name}"
                for name in ("id", "heading", "text", "applies_to", "action", "authority", "kind")
            ),
            *(f"rules.{name}" for name in ("motive", "rationale", "examples", *VISIBILITY)),
            *("regional_variants", *USES, "enforcement", "appeal_route"),
        ),
        one_line=frozenset({"title"}) | GAPS.one_line,
        tall=frozenset({"preamble"}),
        folded=frozenset(f"rules.{name}" for name in ("motive", "rationale", *PARTS, *VISIBILITY))
        | {"gaps", *USES},
        labels={"rules.section": "Under", "rules.kind": "About"},
        helps={
            "rules.action": "What the model is expected to do; leave it open where the text names no single action.",
            "permitted_uses": "For a usage policy. One a line.",
        },
    )
