"""What evidence says of comparisons by people: each closed study in which the model was one of the two."""

from collections.abc import Iterator

from evals.human.actions import BASELINE, GUIDELINE, KIND, RATERS
from evals.stage import EVALUATED, EVALUATED_ON
from governance.evidence.build import human, recorded
from governance.evidence.facts import Fact
from governance.evidence.records import Step
from governance.evidence.view import View
from governance.registry.models import Usage

KEY = "human_comparison"
OTHER = {"a": BASELINE, "b": EVALUATED}
"""Side that the model is → role of the model that it was compared with."""
NAMED = {EVALUATED_ON: "suite", GUIDELINE: "guideline", RATERS: "pool"}
WINS = {
    "win_rate": "share of wins, ties as half", "ci_low": "interval from", "ci_high": "interval to",
    "without_ties": "share of wins without ties", "without_ties_low": "interval without ties from",
    "without_ties_high": "interval without ties to",
}  # fmt: skip
WORDS = ("direction", "size")
COUNTS = {"raters": "raters", "items": "items", "judgements": "judgements"}
AGREEMENT = {
    "alpha": "agreement (Krippendorff's alpha)",
    "ci_low": "agreement from",
    "ci_high": "agreement to",
}


def facts(view: View) -> Iterator[Fact]:
    """Per study `human_comparison.<n>.win_rate` and its neighbours, from the side of the model, oldest study first."""
    if view.model is None:
        return
    model = view.model
    rows = Usage.objects.filter(version=model.version, role__in=(EVALUATED, BASELINE), activity__kind=KIND)
    steps = view.steps(rows.values_list("activity_id", flat=True))
    for number, step in enumerate(sorted(steps, key=lambda step: step.record.entry_index), 1):
        own = next(edge.role for edge in step.used_as(*OTHER.values()) if edge.digest == model.digest)
        yield from _study(f"{KEY}.{number}", step, "a" if own == EVALUATED else "b")


def _study(key: str, step: Step, side: str) -> Iterator[Fact]:
    yield from _used(f"{key}.compared_with", "compared with", step, OTHER[side])
    for role, name in NAMED.items():
        yield from _used(f"{key}.{name}", name, step, role)
    for name, label in WINS.items():
        yield from _said(f"{key}.{name}", label, step, f"wins/{side}/{name}", "share")
    for name in WORDS:
        yield from _said(f"{key}.{name}", name, step, f"wins/{side}/{name}")
    yield from _said(f"{key}.n_needed", "items that the margin needs", step, "wins/n_needed", "items")
    yield from _said(f"{key}.margin", "margin", step, "wins/margin", "share")
    for name, unit in COUNTS.items():
        yield from _said(f"{key}.{name}", human(name), step, name, unit)
    for name, label in AGREEMENT.items():
        yield from _said(f"{key}.agreement_{name}", label, step, f"agreement/{name}", "alpha")
    yield from _said(f"{key}.agreement_why_none", "why there is no agreement", step, "agreement/why")
    yield from _said(
        f"{key}.first_preferred", "share that preferred the first", step, "position/share", "share"
    )
    yield from _said(f"{key}.complete", "all judgements given", step, "complete")
    yield from _said(f"{key}.closed_early", "closed before, because", step, "closed_early")
    yield from _said(f"{key}.judgements_sha256", "judgements (SHA-256)", step, "judgements_sha256")


def _said(key: str, label: str, step: Step, at: str, unit: str | None = None) -> Iterator[Fact]:
    """What the closing recorded: Charter took every judgement and counted them itself."""
    yield from recorded(key, label, step.record, f"/state/summary/{at}", assurance="observed", unit=unit)


def _used(key: str, label: str, step: Step, role: str) -> Iterator[Fact]:
    for edge in step.used_as(role):
        at = f"/state/used/{edge.place}/subject"
        yield from recorded(key, label, step.record, at, assurance="observed")
