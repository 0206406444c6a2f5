from governance.ledger.events import EventKind


class ReviewEvent(EventKind):
    SUBMITTED = "reviews:version:submitted"
    APPROVAL_GIVEN = "reviews:review:approval-given"
    REFUSAL_GIVEN = "reviews:review:refusal-given"
    CHANGES_ASKED = "reviews:review:changes-asked"
    DISSENT_GIVEN = "reviews:review:dissent-given"
    APPROVED = "reviews:version:approved"
    REFUSED = "reviews:version:refused"
    CHANGES_REQUESTED = "reviews:version:changes-requested"
    REOPENED = "reviews:version:reopened"
    IMPACT_SET = "reviews:artifact:impact-set"
    COMMENT_MADE = "reviews:comment:made"
    COMMENT_RESOLVED = "reviews:comment:resolved"
