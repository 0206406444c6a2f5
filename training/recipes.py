"""Recipes: each stage is a run, and the success of one puts the next into the queue, in the same transaction."""

from collections.abc import Mapping
from types import MappingProxyType

from django.db import transaction

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import erasure
from governance.registry import states as version_states
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.kinds.recipe import Content, Stage
from governance.registry.models import Version
from training import actions
from training.events import TrainingEvent
from training.methods import BadParams, read
from training.models import Run
from training.resolve import SpecRefused, check_ahead
from training.spec import SpecDraft


def start(recipe: Version, *, actor: Actor) -> Run:
    """Check every stage as far as can be said now, and queue the first. Raises Refused, SpecRefused naming the stage."""
    if recipe.kind != "recipe":
        raise Refused(f"{recipe.subject} is a {recipe.kind}, no recipe.")
    if recipe.state not in version_states.USABLE:
        raise Refused(
            f"{recipe.subject} is {recipe.state}; only a sealed recipe that nobody withdrew is run."
        )
    content = content_of(recipe)
    for stage in content.stages:
        _check(stage)
    first = content.stages[0]
    return actions.queue(_draft(first), actor=actor, recipe=recipe, stage_name=first.name)


def go_on(run: Run, *, actor: Actor) -> Run | None:
    """Queue the stage after that of `run`, which has just succeeded. A refusal is logged on `run`, and the recipe stops."""
    stage = _next(run)
    if stage is None:
        return None
    try:
        with transaction.atomic():
            return actions.queue(
                _draft(stage, _made(run)), actor=actor, recipe=run.recipe, stage_name=stage.name, after=run
            )
    except (SpecRefused, Refused, ContentError) as error:
        run.reason = f"The recipe stops here, since its stage {stage.name} cannot be run: {error}"
        append(run, op=TrainingEvent.RECIPE_STOPPED, actor=actor, fields=["reason"])
        return None


def _next(run: Run) -> Stage | None:
    if run.recipe is None:
        return None
    stages = content_of(run.recipe).stages
    place = [stage.name for stage in stages].index(run.stage_name)
    return stages[place + 1] if place + 1 < len(stages) else None


def content_of(recipe: Version) -> Content:
    """What the recipe says. Raises Refused where it was erased."""
    if recipe.content is None:
        raise Refused(erasure.told(recipe))
    content = recipe.parsed()
    assert isinstance(content, Content)  # noqa: S101 -- for the type checker: the kind was checked
    return content


def _check(stage: Stage) -> None:
    """Refuse a stage for what can be known before the stages before it have run."""
    known = {
        role: [name for name in names if not name.startswith("$")] for role, names in stage.inputs.items()
    }
    later = [role for role, names in stage.inputs.items() if len(known[role]) < len(names)]
    try:
        check_ahead(_draft(stage.model_copy(update={"inputs": known})), later)
    except SpecRefused as error:
        raise SpecRefused(
            f"stages.{stage.name}.{error.field}", str(error).removeprefix(f"{error.field}: ")
        ) from error


def _draft(stage: Stage, made: Mapping[str, str] = MappingProxyType({})) -> SpecDraft:
    """The stage as a spec, with what earlier stages `made` in the place of their `$name`. Raises SpecRefused."""
    spec = {
        "stage": stage.stage,
        "inputs": {
            role: [made.get(name, name) for name in names] for role, names in stage.inputs.items() if names
        },
        "params": stage.params,
        "seed": stage.seed,
        "output": {"slug": stage.output, "title": stage.title} if stage.output else None,
    }
    try:
        return read(SpecDraft, spec)
    except BadParams as error:
        raise SpecRefused.from_complaints(error.complaints) from error


def _made(run: Run) -> dict[str, str]:
    """`$name` → subject, for every stage up to `run` that made a version."""
    made: dict[str, str] = {}
    stage: Run | None = run
    while stage is not None:
        if stage.activity is not None and stage.activity.produced:
            made[f"${stage.stage_name}"] = str(stage.activity.produced[0]["subject"])
        stage = stage.after
    return made
