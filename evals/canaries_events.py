from governance.ledger.events import EventKind


class CanaryEvent(EventKind):
    SET = "evals:canary:set"
    TURNED = "evals:canary:turned"
    LOOKED = "evals:canary:looked"
    ENDED = "evals:canary:ended"
    ALARM_RAISED = "evals:canary-alarm:raised"
    ALARM_CLOSED = "evals:canary-alarm:closed"
