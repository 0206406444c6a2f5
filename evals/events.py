from governance.ledger.events import EventKind


class EvalEvent(EventKind):
    SUITE_USED = "evals:suite:used"
    ANCHOR_SET = "evals:anchor:set"
    ANCHOR_MOVED = "evals:anchor:moved"
