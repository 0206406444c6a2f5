"""What somebody asks for when they open a study, checked whole: every door comes through here."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from evals import records
from evals.records import KIND, named
from evals.stage import EVALUATED, EVALUATED_ON
from governance.registry import states
from governance.registry.access import require_read
from governance.registry.actions import Refused
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import ContentError
from governance.registry.lookup import Ambiguous, NotFound
from governance.registry.models import Activity, Version
from training.spec import LARGEST_SEED

QUESTION = "Which answer is better, by the guideline?"
NEEDED, MOST_NEEDED = 3, 20
MARGIN = "0.1"
LONGEST_QUESTION = 300

Found = TypeVar("Found")


@dataclass(frozen=True)
class Plan:
    """A study to open. `items` is how many the seed draws; None takes all."""

    a: Activity
    b: Activity
    pool: Version
    guideline: Version
    question: str
    needed: int
    margin: str
    dimension: str
    task: str
    items: int | None
    seed: int

    @cached_property
    def model_a(self) -> Version:
        return _used(self.a, EVALUATED)

    @cached_property
    def model_b(self) -> Version:
        return _used(self.b, EVALUATED)

    @cached_property
    def suite(self) -> Version:
        return _used(self.a, EVALUATED_ON)

    @property
    def versions(self) -> tuple[Version, ...]:
        return (self.model_a, self.model_b, self.suite, self.pool, self.guideline)


def plan_of(
    person: object,
    *,
    a: str,
    b: str,
    pool: str,
    guideline: str,
    suite: str = "",
    question: str = "",
    needed: int = NEEDED,
    margin: str = "",
    dimension: str = "",
    task: str = "",
    items: int | None = None,
    seed: int | None = None,
) -> Plan:
    """The plan that these names make. `a` and `b` are evaluations by id, or models: then their newest ones on one suite.

    Raises ContentError naming each field at fault, PermissionDenied for what the person may not read.
    """
    checks = _Checks()
    one, other = checks.at("a", lambda: _side(person, a)), checks.at("b", lambda: _side(person, b))
    pair = checks.at("a", lambda: _pair(person, one, other, suite)) if one and other else None
    raters = checks.at("pool", lambda: usable(named(person, "annotator-pool", pool)))
    rules = checks.at("guideline", lambda: _comparing(usable(named(person, "guideline", guideline))))
    share = checks.at("margin", lambda: _margin(margin or MARGIN))
    checks.at("question", lambda: _question(question or QUESTION))
    if raters is not None:
        checks.at("pool", lambda: _enough(raters, needed))
        checks.at("dimension", lambda: _dimension(raters, dimension))
    checks.at("items", lambda: _between("number of items", items, 2, 10**6))
    checks.at("seed", lambda: _between("seed", seed, 0, LARGEST_SEED))
    checks.raise_faults()
    if pair is None or raters is None or rules is None or share is None:
        raise AssertionError("what is missing was a fault, which was raised")
    drawn = secrets.randbelow(LARGEST_SEED) if seed is None else seed
    return Plan(
        *pair, pool=raters, guideline=rules, question=question or QUESTION, needed=needed, margin=share,
        dimension=dimension, task=task, items=items, seed=drawn,
    )  # fmt: skip


class _Checks:
    """Faults by field, in the order of the fields."""

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []

    def at(self, field: str, check: Callable[[], Found]) -> Found | None:
        try:
            return check()
        except (Refused, NotFound, Ambiguous, UnknownKind) as error:
            self.faults.append((field, str(error)))
            return None

    def raise_faults(self) -> None:
        if self.faults:
            raise ContentError("study", self.faults)


def usable(version: Version) -> Version:
    """The version. Raises Refused for one that was withdrawn or erased."""
    if version.state not in states.USABLE or version.content is None:
        told = "erased" if version.content is None else version.state.replace("_", " ")
        raise Refused(f"{version.subject} is {told}; a study names sealed versions that are not withdrawn.")
    return version


def _side(person: object, text: str) -> Activity | Version:
    """The evaluation with that id, or the model of that name."""
    try:
        return records.one(KIND, UUID(text))
    except ValueError:
        return named(person, "model", text)


def _pair(
    person: object, a: Activity | Version, b: Activity | Version, suite: str
) -> tuple[Activity, Activity]:
    """The two evaluations; of two models the newest ones."""
    if isinstance(a, Activity) and isinstance(b, Activity):
        pair = a, b
    elif isinstance(a, Version) and isinstance(b, Version):
        measured = named(person, "eval-suite", suite) if suite else None
        pair = records.newest_pair(a, b, measured)
    else:
        raise Refused("Name two evaluations by their ids, or two models; not one of each.")
    _check_pair(person, *pair)
    return pair


def _check_pair(person: object, a: Activity, b: Activity) -> None:
    if records.suite_of(a) != records.suite_of(b):
        raise Refused(f"One was evaluated on {records.suite_of(a)}, the other on {records.suite_of(b)}.")
    if records.model_of(a) == records.model_of(b):
        raise Refused(f"Both are evaluations of {records.model_of(a)}; a study compares two models.")
    for activity in (a, b):
        for usage in activity.usages.select_related("version__artifact"):
            require_read(person, usage.version)
            usable(usage.version)


def _used(activity: Activity, role: str) -> Version:
    return activity.usages.select_related("version__artifact").get(role=role).version


def _comparing(guideline: Version) -> Version:
    task = (guideline.content or {})["task"]
    if task != "comparison":
        raise Refused(f"{guideline.subject} is for {task}; a study needs a guideline for comparison.")
    return guideline


def _enough(pool: Version, needed: int) -> None:
    _between("number of raters an item needs", needed, 1, MOST_NEEDED)
    workers = workers_of(pool)
    if workers is None:
        raise Refused(
            f"{pool.subject} does not say how many people it has; register a version with `workers`."
        )
    if workers < needed:
        raise Refused(f"{pool.subject} has {workers} people, and each item needs {needed}.")


def workers_of(pool: Version) -> int | None:
    """How many people the pool says that it has."""
    number: int | None = (pool.content or {}).get("workers")
    return number


def groups_of(pool: Version, dimension: str) -> list[str]:
    """The pool's groups by that dimension."""
    groups: list[dict[str, Any]] = (pool.content or {}).get("demographics", [])
    return [one["group"] for one in groups if one["dimension"] == dimension]


def _dimension(pool: Version, dimension: str) -> None:
    known = sorted({one["dimension"] for one in (pool.content or {}).get("demographics", [])})
    if dimension and dimension not in known:
        told = ", ".join(known) or "no groups at all"
        raise Refused(f"{pool.subject} does not count its people by {dimension!r}; it has {told}.")


def _margin(text: str) -> str:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(0)
    if len(text) > 20 or not (share.is_finite() and Decimal("0.01") <= share < Decimal("0.5")):
        raise Refused("The margin is a share of wins away from a half, from 0.01 to below 0.5, such as 0.1.")
    return format(share.normalize(), "f")


def _question(text: str) -> None:
    if len(text) > LONGEST_QUESTION:
        raise Refused(f"The question has {len(text)} characters; at most {LONGEST_QUESTION} are shown.")


def _between(what: str, number: int | None, least: int, most: int) -> None:
    if number is not None and not least <= number <= most:
        raise Refused(f"The {what} lies from {least} to {most}.")
