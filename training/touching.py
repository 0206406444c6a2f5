"""Which artifacts a run would change, for tokens that are limited to some."""

from collections.abc import Iterable
from typing import Any

from governance.registry.kinds.recipe import Content
from governance.registry.lookup import find_artifact
from training import stages
from training.models import Run


def touched(stage: str, output: str | None, inputs: Iterable[str]) -> list[str]:
    """`kind:slug` of what the stage makes or, where it makes no version, of all that it is about.

    Nothing for a stage that there is not, which whoever queues it refuses. Raises NotFound, Ambiguous and UnknownKind.
    """
    if stage not in stages.names():
        return []
    kind = stages.get(stage)
    if kind.has_output:
        return [f"{kind.makes}:{output or ''}"]
    return [find_artifact(name).name for name in inputs]


def of_order(order: Any) -> list[str]:
    """Of an unchecked spec; what has no such form is refused by whoever checks it."""
    if not isinstance(order, dict) or not isinstance(order.get("inputs"), dict):
        return []
    output = order.get("output")
    slug = output.get("slug") if isinstance(output, dict) else None
    lists = ([value] if isinstance(value, str) else value for value in order["inputs"].values())
    subjects = [name for names in lists if isinstance(names, list) for name in names if isinstance(name, str)]
    return touched(str(order.get("stage")), str(slug or ""), subjects)


def of_run(run: Run) -> list[str]:
    spec = run.parsed
    subjects = [one.subject for pinned in spec.inputs.values() for one in pinned]
    return touched(spec.stage, spec.output.slug if spec.output else None, subjects)


def of_recipe(content: Content) -> list[str]:
    """Of all its stages; what an earlier stage makes (`$name`) is there already."""
    return [
        name
        for stage in content.stages
        for name in touched(
            stage.stage,
            stage.output,
            (one for names in stage.inputs.values() for one in names if not one.startswith("$")),
        )
    ]
