"""What comparisons by people add to the registers of the rooms below; called when evals starts."""


def connect() -> None:
    from evals.human import actions, checks, facts, found, rating, told, views, waiting
    from evals.human.events import StudyEvent
    from evals.models import Judgement, Rater, Study
    from governance.evidence import providers
    from governance.ledger import audit, auditable, events, triggers
    from governance.people.permissions import (
        ENGINEER,
        POLICY_EDITOR,
        RATER,
        RELEASE_MANAGER,
        REVIEWER,
        allow,
    )
    from governance.registry import search
    from governance.views import entry_readers
    from governance.views.panels import on_home, on_version

    events.register(StudyEvent)
    auditable.register(Study)
    audit.register("judgements", checks.studies)
    triggers.register_rule(
        triggers.Moves(Study, "state", {Study.OPEN: (Study.CLOSED, Study.CANCELLED)}, initial=(Study.OPEN,))
    )
    triggers.register_rule(triggers.Frozen(Study, Study.PLAN, unless={}))
    triggers.register_rule(triggers.Frozen(Study, Study.OUTCOME, unless={"state": (Study.OPEN,)}))
    triggers.register_rule(triggers.Frozen(Rater, ("study", "account", "number", "group"), unless={}))
    given = ("study", "rater", "item", "slot", "first", "choice", "reason", "at")
    triggers.register_rule(triggers.Frozen(Judgement, given, unless={}))
    triggers.register_rule(triggers.Kept(Judgement))
    triggers.register_rule(triggers.Kept(Rater))
    allow(actions.MANAGE, ENGINEER, REVIEWER)
    allow(rating.RATE, RATER, ENGINEER, POLICY_EDITOR, REVIEWER, RELEASE_MANAGER)
    providers.register("human_comparison", facts.facts)
    search.register(found.SOURCE)
    entry_readers.register(Study.ledger_type, told.reads_entries)
    on_version(views.studies_of)
    on_home(waiting.panel)
