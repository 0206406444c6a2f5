"""Recording what happened elsewhere: somebody says what a released recipe used and made, without its being run here.

Such an activity carries `recorded_by: api` in its summary from its start on, so that evidence never takes it for one that
Charter saw: what it says is asserted, or imported, by whoever the entry names.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from django.db import transaction
from pydantic import BeforeValidator, Field, StringConstraints, ValidationError, model_validator

from governance.ledger.actors import Actor
from governance.ledger.canonical import CanonicalError, canonical
from governance.registry import kinds, lineage, lookup
from governance.registry.actions import Refused, end_activity, start_activity
from governance.registry.kinds.base import ContentError, Fraction, KindContent, faults, plain
from governance.registry.models import Activity, Version

RECORDED_BY, API, IMPORT = "recorded_by", "api", "import"
"""Where a summary says who recorded it; somebody's word over the API, or the files of another program."""
EVALUATION, SUITE = "evaluation", "evaluated_on"


class Happening(NamedTuple):
    """A kind of activity: what it means, and the kinds of version that it may have made (None: any)."""

    meaning: str
    makes: tuple[str, ...] | None


KINDS: dict[str, Happening] = {
    "training": Happening(
        "weights were trained from others, or a reward model from labels", ("model", "reward-model")
    ),
    "generation": Happening("a model or a program wrote rows", ("dataset",)),
    "labelling": Happening("people, a judge or a verifier labelled rows", ("dataset",)),
    EVALUATION: Happening("a model was measured with a suite", ()),
    "import": Happening("versions were brought in from elsewhere", None),
    "merging": Happening("weights were made by averaging or joining others", ("model", "reward-model")),
}


class Role(NamedTuple):
    """What a version in a role was used for, and the kinds that it may be of."""

    meaning: str
    kinds: tuple[str, ...]


GRADERS = ("model", "reward-model")
ROLES: dict[str, Role] = {
    "init_from": Role("weights that training began from", ("model",)),
    "merged_from": Role("weights that were merged", ("model",)),
    "trained_on": Role("rows that it was trained on", ("dataset",)),
    "derived_from": Role("rows that others were made from", ("dataset",)),
    "component_of": Role("part of a larger set of rows", ("dataset",)),
    "teacher": Role("model whose answers were learned from", ("model",)),
    "reference_model": Role("model that the policy is held near", ("model",)),
    "reward": Role("what rewarded answers", GRADERS),
    "value_model_init": Role("weights that the value model began from", GRADERS),
    "judge": Role("what compared or graded answers", GRADERS),
    "verifier": Role("program that checked answers", GRADERS),
    "constitution": Role("principles that were applied", ("constitution",)),
    "guideline": Role("instructions that raters followed", ("guideline",)),
    "evaluated": Role("model that was measured", ("model",)),
    SUITE: Role("suite that it was measured with", ("eval-suite",)),
    "baseline": Role("model that it was held against", ("model",)),
}
"""Those in `lineage.ANCESTRY` make ancestors."""
PRODUCED = {"output": "made by it", "imported": "brought in by it"}
ENDS = (Activity.ENDED, Activity.FAILED, Activity.CANCELLED)
MOST = 500
"""Versions that one activity names in a direction."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Name = Annotated[str, StringConstraints(max_length=80, pattern=r"^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?$")]
"""A name that evidence can make a key of, and no two the same one."""
Share = Annotated[Fraction, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, lt=2**53)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")]


def _scalar(value: object) -> object:
    if isinstance(value, dict | list):
        raise ValueError("write one number, text, true or false; of lists and objects, one name a value")
    canonical(found := plain(value))
    return found


class Result(KindContent):
    """One measured task, as published; what the task is, the suite says."""

    task: Line
    score: Share
    """As a share: 0.75, not 75."""
    ci_low: Share | None = None
    ci_high: Share | None = None
    stderr: Share | None = None
    n: int | None = Field(default=None, ge=1, lt=2**53)
    """Number of items."""

    @model_validator(mode="after")
    def _interval_is_whole(self) -> "Result":
        if (self.ci_low is None) != (self.ci_high is None):
            raise ValueError("an interval has both ends, or is left out")
        if self.ci_low is not None and self.ci_high is not None and self.ci_low > self.ci_high:
            raise ValueError("ci_low lies above ci_high")
        return self


class Work(KindContent):
    """How much work it was, as published."""

    hardware: Line | None = None
    train_seconds: Count | None = None
    tokens_seen: Count | None = None
    steps: Count | None = None
    rows: Count | None = None


class Summary(KindContent):
    """What may be said of an activity that was not watched. All of it is somebody's word."""

    stage: Line | None = None
    """Method, such as sft, dpo, ppo or grpo."""
    params: dict[Name, Annotated[Any, BeforeValidator(_scalar)]] | None = None
    """Parameters by name, as published."""
    seed: Count | None = None
    job: Work | None = None
    began: Day | None = None
    """When it really began: a year, a month or a day. The ledger's own times say when it was recorded."""
    finished: Day | None = None
    source: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """Where this is published: an address with a commit, a paper."""
    note: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    harness: dict[Name, Line] | None = None
    """Of an evaluation: the program that measured, and its settings."""
    results: list[Result] | None = Field(default=None, max_length=1000)
    """Of an evaluation that ended."""


class Named(NamedTuple):
    """A version as a request names it: by subject, by digest, or by both, which must then agree."""

    role: str
    subject: str | None
    digest: str | None


Roles = Sequence[tuple[str, Version]]
Fault = tuple[str, str]


def begin(kind: str, label: str, used: Roles, *, summary: Mapping[str, Any], actor: Actor) -> Activity:
    """Record the start of something that happens, or happened, elsewhere. Raises ContentError naming each field at fault."""
    said = _checked(summary)
    _refuse(
        [*_faults_of_kind(kind, used), *_faults_of_used(used), *_faults_of_summary(kind, said, began=True)]
    )
    return start_activity(kind, label, used, summary={**said, RECORDED_BY: API}, actor=actor)


@transaction.atomic
def finish(
    activity: Activity, *, state: str, produced: Roles, summary: Mapping[str, Any], actor: Actor
) -> Activity:
    """Record how it ended. Raises Refused for what Charter itself watches or what has ended, ContentError."""
    row = Activity.objects.select_for_update().get(pk=activity.pk)
    if not was_recorded(row.summary):
        raise Refused(f"{row.label} is watched by Charter, which records its end itself.")
    said = _checked(summary)
    _refuse([*_faults_of_end(row, state, produced), *_faults_of_summary(row.kind, said, began=False)])
    if said.get("results"):
        said["results"] = _results(row, said["results"])
    return end_activity(row, state=state, produced=produced, summary=said, actor=actor)


def was_recorded(summary: Mapping[str, Any]) -> bool:
    """Whether an activity with this summary is somebody's word, or what another program's files say."""
    return summary.get(RECORDED_BY) in (API, IMPORT)


def was_imported(summary: Mapping[str, Any]) -> bool:
    """Whether an activity with this summary was read from the files of another program."""
    return summary.get(RECORDED_BY) == IMPORT


def resolved(named: Sequence[Named], field: str) -> list[tuple[str, Version]]:
    """The sealed versions that a request names, in their roles. Raises ContentError naming each that is not there."""
    found, wrong = [], []
    for place, one in enumerate(named):
        try:
            found.append((one.role, _found(one)))
        except (lookup.NotFound, lookup.Ambiguous, kinds.UnknownKind) as error:
            wrong.append((f"{field}.{place}", str(error)))
    _refuse(wrong)
    return found


def _refuse(wrong: Sequence[Fault]) -> None:
    if wrong:
        raise ContentError("activity", list(wrong))


def _found(named: Named) -> Version:
    if named.subject is None and named.digest is None:
        raise lookup.NotFound("Name the version by subject or by digest.")
    version = lookup.find(named.subject) if named.subject else lookup.by_digest(str(named.digest))
    if not version.is_sealed:
        raise lookup.NotFound(f"{version.subject} is a draft; an activity names sealed versions.")
    if named.digest not in (None, version.digest):
        raise lookup.NotFound(f"{version.subject} has the digest {version.digest}, not {named.digest}.")
    return version


def _faults_of_kind(kind: str, used: Roles) -> Iterator[Fault]:
    if kind not in KINDS:
        yield "kind", f"There is no kind {kind!r}; kinds are {', '.join(KINDS)}."
    if kind == EVALUATION:
        roles = [role for role, _ in used]
        for role in ("evaluated", SUITE):
            if roles.count(role) != 1:
                yield "used", f"An evaluation names exactly one version as {role}."


def _faults_of_used(used: Roles) -> Iterator[Fault]:
    for place, (role, version) in enumerate(used):
        if role not in ROLES:
            yield f"used.{place}.role", f"There is no role {role!r}; roles are {', '.join(ROLES)}."
        elif version.kind not in ROLES[role].kinds:
            yield (
                f"used.{place}",
                f"{version.subject} cannot be {role}: {' or '.join(ROLES[role].kinds)} can.",
            )
    yield from _faults_of_number("used", used)


def _faults_of_end(activity: Activity, state: str, produced: Roles) -> Iterator[Fault]:
    if state not in ENDS:
        yield "state", f"An activity ends as {', '.join(ENDS)}."
    if produced and state != Activity.ENDED:
        yield "produced", f"What has {state} made nothing."
    makes, above = KINDS[activity.kind].makes, _above(activity) if produced else set()
    for place, (role, version) in enumerate(produced):
        if role not in PRODUCED:
            yield f"produced.{place}.role", f"There is no role {role!r}; roles are {', '.join(PRODUCED)}."
        if makes is not None and version.kind not in makes:
            yield f"produced.{place}", f"A {activity.kind} makes {' or '.join(makes) or 'no version'}."
        if version.pk in above:
            yield f"produced.{place}", f"{version.subject} would become its own ancestor."
    yield from _faults_of_number("produced", produced)


def _faults_of_number(field: str, named: Roles) -> Iterator[Fault]:
    if len(named) > MOST:
        yield field, f"An activity names at most {MOST} versions."
    seen = set()
    for place, (role, version) in enumerate(named):
        if (role, version.pk) in seen:
            yield f"{field}.{place}", f"{version.subject} stands there twice as {role}."
        seen.add((role, version.pk))


def _faults_of_summary(kind: str, said: Mapping[str, Any], *, began: bool) -> Iterator[Fault]:
    for name in ("harness", "results"):
        if name in said and kind != EVALUATION:
            yield f"summary.{name}", f"Only an evaluation has {name}."
    if began and "results" in said:
        yield "summary.results", "Results are recorded with the end, never with the start."
    tasks = [result["task"] for result in said.get("results", [])]
    if twice := sorted({task for task in tasks if tasks.count(task) > 1}):
        yield "summary.results", f"The task {twice[0]} stands there twice."


def _above(activity: Activity) -> set[Any]:
    """Ids of what the activity used and of all that this came from; queries grow with the depth alone."""
    wave = [usage.version for usage in activity.usages.select_related("version__artifact")]
    seen = {version.pk for version in wave}
    while wave:
        fresh = {edge.parent.pk: edge.parent for edge in lineage.parents(wave) if edge.parent.pk not in seen}
        seen |= set(fresh)
        wave = list(fresh.values())
    return seen


def _results(activity: Activity, results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The results with what the suite says of their tasks. Raises ContentError for a task that it does not have."""
    suite = activity.usages.select_related("version__artifact").get(role=SUITE).version
    tasks = {task["name"]: task for task in (suite.content or {}).get("tasks", [])}
    _refuse(
        [
            (f"summary.results.{place}.task", f"{suite.subject} has no task {result['task']}.")
            for place, result in enumerate(results)
            if result["task"] not in tasks
        ]
    )
    return [{**_without_gaps(result), **_terms(tasks[result["task"]])} for result in results]


def _terms(task: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "metric": task["metric"],
        "direction": "higher" if task["higher_is_better"] else "lower",
        "purpose": task["purpose"],
    }


def _checked(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The summary in the canonical subset, without what was not said. Raises ContentError."""
    try:
        said = plain(Summary.model_validate(dict(summary)))
        canonical(said)
    except ValidationError as error:
        raise ContentError(
            "activity", [(f"summary.{field}", rule) for field, rule in faults(error)]
        ) from error
    except CanonicalError as error:
        raise ContentError("activity", [("summary", str(error))]) from error
    whole = {name: _without_gaps(value) for name, value in said.items()}
    return {name: value for name, value in whole.items() if value is not None}


def _without_gaps(value: Any) -> Any:
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
