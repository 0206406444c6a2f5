"""What evals keeps beside activities: decisions about suites and models, each with its entry."""

from evals.models.anchors import Anchor
from evals.models.canaries import Canary, CanaryAlarm
from evals.models.judgements import Assignment, Judgement, Rater, Study
from evals.models.uses import SuiteUse

__all__ = ["Anchor", "Assignment", "Canary", "CanaryAlarm", "Judgement", "Rater", "Study", "SuiteUse"]
