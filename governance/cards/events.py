from governance.ledger.events import EventKind


class CardEvent(EventKind):
    PUBLISHED = "cards:publication:published"
    WITHDRAWN = "cards:publication:withdrawn"
    BUNDLE_MADE = "cards:bundle:made"
    CARD_MADE = "cards:card:made"
    FACT_OPENED = "cards:fact:opened"
    OBJECTION_RAISED = "cards:objection:raised"
    OBJECTION_ANSWERED = "cards:objection:answered"
    OBJECTION_REJECTED = "cards:objection:rejected"
