from governance.ledger.events import EventKind


class StudyEvent(EventKind):
    OPENED = "evals:study:opened"
    CLOSED = "evals:study:closed"
    CANCELLED = "evals:study:cancelled"
