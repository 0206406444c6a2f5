from governance.ledger.events import EventKind


class ReviewEvent(EventKind):
    SUBMITTED = "reviews:version:submitted"
    APPROVAL_GIVEN = "reviews:review:approval-given"
    REFUSAL_GIVEN = "reviews:review:refusal-given"
    APPROVED = "reviews:version:approved"
    REFUSED = "reviews:version:refused"
