"""Uses of suites, anchors and regressions, made known to governance."""

from evals import (
    commitment_facts,
    countersigning,
    countersigning_facts,
    lines,
    regression,
    regression_facts,
    uses,
    uses_facts,
    uses_found,
    uses_seen,
    uses_view,
)
from evals.events import EvalEvent
from evals.models import Anchor, SuiteUse
from governance.evidence import providers
from governance.ledger import auditable, events, triggers
from governance.people.permissions import (
    ADMINISTRATOR,
    ENGINEER,
    POLICY_EDITOR,
    RELEASE_MANAGER,
    REVIEWER,
    allow,
)
from governance.registry import hooks, search
from governance.releases.hooks import on_gate_run
from governance.reviews import decisions
from governance.reviews.decisions import Decides
from governance.views.panels import on_version


def connect() -> None:
    """Fill governance's registers. Called in AppConfig.ready()."""
    events.register(EvalEvent)
    for model, frozen in ((SuiteUse, SuiteUse.FROZEN), (Anchor, ("artifact",))):
        auditable.register(model)
        triggers.register_rule(triggers.Frozen(model, frozen, unless={}))
    allow(uses.ACTION, ENGINEER, POLICY_EDITOR, RELEASE_MANAGER, REVIEWER)
    allow(lines.ACTION, RELEASE_MANAGER)
    allow(countersigning.ACTION, ADMINISTRATOR)
    for op in (EvalEvent.ANCHOR_SET, EvalEvent.ANCHOR_MOVED):
        decisions.register(op, Decides("anchor set", Anchor, lines.ACTION))
    providers.register("regression", regression_facts.facts)
    providers.register("suite_uses", uses_facts.facts)
    providers.register("suite_commitment", commitment_facts.facts)
    providers.register("countersignature", countersigning_facts.facts)
    search.register(uses_found.SOURCE)
    on_gate_run(uses_seen.by_gate)
    hooks.on_activity(uses_seen.by_activity)
    hooks.on_activity(regression.after_activity)
    on_version(uses_view.regression_of)
    on_version(uses_view.uses_of)
