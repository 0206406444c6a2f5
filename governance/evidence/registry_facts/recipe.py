"""The recipe as it ran: stages along the weight line, their parameters, compute and code."""

from collections.abc import Iterator
from itertools import chain

from governance.evidence.build import from_body, gap, human, in_content, recorded, scalars, unit_of, word
from governance.evidence.facts import Fact
from governance.evidence.records import Step
from governance.evidence.view import View

REWARDS = ("reward", "verifier", "judge", "value_model_init")
CODES = ("spec_digest", "environment_sha256", "config_sha256", "seed")
RECORDS = ("manifest_sha256", "metrics_sha256", "events_sha256")
UNITS = {
    "train_seconds": "s", "recording_seconds": "s", "seconds": "s", "tokens_seen": "tokens", "steps": "steps",
    "planned_steps": "steps", "rows": "rows", "flops": "FLOP",
}  # fmt: skip
"""Figures of a job's summary that are compute, with their units."""
PLACES = ("device", "dtype", "world_size", "hardware")


def facts(view: View) -> Iterator[Fact]:
    """Facts of every step that made the weights, oldest first; the last one is stage N of N."""
    for number, step in enumerate(view.line.steps, 1):
        last = number == len(view.line.steps)
        yield from _stage(f"stages.{number}", step)
        yield from _parameters("hyperparameters" if last else f"hyperparameters.stage_{number}", step)
        yield from _compute(f"compute.{number}", step)
        for name in CODES:
            yield from recorded(
                f"code.{number}.{name}",
                human(name),
                step.record,
                f"/state/summary/{name}",
                assurance=step.assurance,
            )
        for name in RECORDS:
            yield from _outputs(f"code.{number}.{name}", name, step)
    yield from _rewards(view)
    yield from _constitutions(view)


def _stage(key: str, step: Step) -> Iterator[Fact]:
    yield from recorded(f"{key}.label", "stage", step.record, "/state/label", assurance="asserted")
    yield from recorded(
        f"{key}.method", "method", step.record, "/state/summary/stage", assurance=step.assurance
    )
    for direction, edges in (("used", step.used), ("produced", step.produced)):
        for name, edge in _named(direction, [(edge.role, edge.place) for edge in edges]):
            label = human(name)
            yield from recorded(
                f"{key}.{name}",
                label,
                step.record,
                f"/state/{direction}/{edge}/subject",
                assurance=step.assurance,
            )
    for name in ("started_at", "ended_at"):
        yield from recorded(
            f"{key}.{name}", human(name), step.record, f"/state/{name}", assurance=step.assurance
        )
    yield from_body(f"{key}.recorded_by", "recorded by", step.record, "actor")


def _named(direction: str, roles: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """A name for each edge: its role, numbered where several share it; what was made is told from what was used."""
    prefix = "made_" if direction == "produced" else ""
    for place, (role, index) in enumerate(roles):
        earlier = sum(other == role for other, _ in roles[:place])
        yield f"{prefix}{word(role)}{f'_{earlier + 1}' if earlier else ''}", index


def _parameters(key: str, step: Step) -> Iterator[Fact]:
    for name, pointer, value in scalars(step.summary.get("params") or {}):
        at = f"/state/summary/params{pointer}"
        yield from recorded(
            f"{key}.{name}", human(name), step.record, at, assurance=step.assurance, unit=unit_of(value)
        )


def _compute(key: str, step: Step) -> Iterator[Fact]:
    record = step.record.of("R")
    for name, pointer, value in scalars(record.state["job"] if record else {}):
        if record and (name in UNITS or name in PLACES):
            at, unit = f"/state/job{pointer}", UNITS.get(name, unit_of(value))
            yield from recorded(
                f"{key}.{name}", human(name), record, at, assurance=step.told_by_job, unit=unit
            )


def _outputs(key: str, name: str, step: Step) -> Iterator[Fact]:
    places = (f"/state/summary/outputs/{name}", f"/state/summary/{name}")
    yield from chain.from_iterable(
        recorded(key, human(name), step.record, place, assurance=step.assurance) for place in places
    )


def _rewards(view: View) -> Iterator[Fact]:
    edges = [(step, edge) for step in view.line.steps for edge in step.used_as(*REWARDS)]
    for number, (step, edge) in enumerate(edges, 1):
        for name in ("subject", "role", "digest"):
            pointer = f"/state/used/{edge.place}/{name}"
            yield from recorded(
                f"reward_specs.{number}.{name}", name, step.record, pointer, assurance=step.assurance
            )
    if view.line.steps and not edges:
        yield gap(
            "reward_specs",
            "rewards",
            "not_applicable",
            "No recorded stage used a reward model, a verifier or a judge.",
        )


def _constitutions(view: View) -> Iterator[Fact]:
    edges = [(step, edge) for step in view.line.steps for edge in step.used_as("constitution", "guideline")]
    found = view.versions((edge.subject, edge.digest) for _, edge in edges)
    for number, (step, edge) in enumerate(edges, 1):
        for name in ("subject", "role", "digest"):
            pointer = f"/state/used/{edge.place}/{name}"
            yield from recorded(
                f"constitution.{number}.{name}", name, step.record, pointer, assurance=step.assurance
            )
        if edge.subject in found:
            yield from in_content(f"constitution.{number}.title", "title", found[edge.subject], "/title")
