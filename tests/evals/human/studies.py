"""Two models that answered one suite, people to compare them, and studies opened and rated by the real actions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.human import actions, rating
from evals.human.plan import plan_of
from evals.human.rating import Shown
from evals.models import Study
from governance.ledger import keys
from governance.people.models import User
from governance.registry import actions as registry
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, POLLY
from tests.cast import Cast, gather
from tests.evals.recorded import evaluated, suite

ITEMS = 6
GUIDELINE = {
    "title": "How to compare answers",
    "purpose": "Which of two answers is better.",
    "task": "comparison",
    "sections": [{"id": "honest", "heading": "Honesty", "text": "Prefer the answer that is true."}],
}
POOL = {
    "title": "House raters",
    "workers": 40,
    "demographics": [
        {"dimension": "country", "group": "DE", "people": 20},
        {"dimension": "country", "group": "KE", "people": 20},
    ],
}
TASKS = """
title: Sums
status: dev
tasks:
  - {name: sums, kind: exact_match, metric: exact_match, margin: "0.02", file: sums.jsonl}
"""


@dataclass
class World:
    cast: Cast
    folder: Path
    base: Version
    tuned: Version
    suite: Version
    good: Activity
    """Of tuned: every sum is right."""
    poor: Activity
    """Of base: every sum is wrong, and says so."""
    pool: Version
    guideline: Version

    @property
    def names(self) -> dict[str, str]:
        """What a door is told to open a study."""
        return {
            "a": self.tuned.subject,
            "b": self.base.subject,
            "pool": self.pool.subject,
            "guideline": self.guideline.subject,
        }

    def open(self, **changes: Any) -> Study:
        """A study that ada opened; two raters an item unless it is changed."""
        given = {**self.names, "needed": 2, "seed": 7, **changes}
        return actions.open_study(plan_of(self.cast.ada, **given), actor=ADA)

    def rate(self, study: Study, name: str, *choose: Callable[[Shown], str], group: str = "") -> int:
        """Have somebody rate by these choices in turn, or by the last one until nothing is left; how many pairs it were."""
        user, done = self.cast.users[name], 0
        rating.join(study, user, group)
        while (pair := rating.take(study, user)) and (done < len(choose) or len(choose) == 1):
            choice = choose[min(done, len(choose) - 1)](pair)
            reason = "unclear" if choice == "skip" else ""
            rating.judge(study, user, token=pair.token, choice=choice, reason=reason)
            done += 1
        return done


def build(folder: Path, cast: Cast | None = None, *, items: int = ITEMS) -> World:
    keys.generate()
    cast = cast or gather()
    base = builders.model(folder)
    tuned = builders.trained(folder, base, [builders.dataset(folder)])
    return around(cast, folder, base, tuned, suite(folder, "sums", items=items, tasks=TASKS), items)


def around(
    cast: Cast, folder: Path, base: Version, tuned: Version, sums: Version, items: int = ITEMS
) -> World:
    """The world around two models and a suite that has the task `sums`."""
    good = evaluated(tuned, sums, folder, {"sums": [1] * items})
    poor = evaluated(base, sums, folder, {"sums": [0] * items})
    pool = registry.register("annotator-pool", "house-raters", POOL, actor=ADA)
    guideline = registry.register("guideline", "compare", GUIDELINE, actor=POLLY)
    return World(cast, folder, base, tuned, sums, good, poor, pool, guideline)


def best(pair: Shown) -> str:
    """Whoever knows sums: the answer that does not begin with `not`."""
    return "second" if pair.first.startswith("not ") else "first"


def worst(pair: Shown) -> str:
    return "first" if best(pair) == "second" else "second"


def always(choice: str) -> Callable[[Shown], str]:
    return lambda _: choice


def judged(study: Study, user: User) -> Sequence[str]:
    """What somebody said, by item."""
    found = study.judgements.filter(rater__account=user.account).order_by("item")
    return list(found.values_list("choice", flat=True))
