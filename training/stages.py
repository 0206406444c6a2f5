"""The register of stage kinds: what a run may do. Training fills in its methods; rooms above add theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

from training.methods import RoleSpec, nearest

if TYPE_CHECKING:
    from governance.registry.models import Version
    from training.models import Run
    from training.outcome import Result


class Product(NamedTuple):
    """A version that a finished run made, still to be sealed. Its files are stored under the paths the content lists."""

    role: str
    kind: str
    slug: str
    title: str
    content: Mapping[str, Any]
    restricted: bool | None = None
    """None: it follows from what the run used; see training.inheriting."""


class Finished(NamedTuple):
    """What a stage makes of a good result: versions, and what the activity's summary should say beside the usual."""

    products: list[Product]
    summary: Mapping[str, Any]


Finish = Callable[["Run", "Result", Path], Finished]
"""(run, result, folder with the checked outputs) → Finished. Called outside any transaction; writes nothing."""


Refuses = Callable[[Mapping[str, Any], Mapping[str, Sequence["Version"]]], str]
"""(parameters with defaults, role → versions) → why they do not fit each other, "params: …"; empty when they do."""


NeedsDevice = Callable[[Mapping[str, Sequence["Version"]]], bool]
"""Role → versions → whether the job computes on an accelerator where the host has one, and so must hold one."""


@dataclass(frozen=True)
class StageKind:
    """One kind of stage."""

    name: str
    title: str
    params: type[BaseModel]
    roles: Mapping[str, RoleSpec]
    module: str
    """Module that the job imports, with `run(job)`."""
    activity_kind: str
    finish: Finish
    has_output: bool = False
    """Whether the spec must name the artifact that the run makes."""
    makes: str = "model"
    """Kind of that artifact."""
    refuses: Refuses = lambda _params, _versions: ""
    needs_device: NeedsDevice = lambda _versions: True


class UnknownStage(LookupError):
    """A stage kind that nobody registered; the message names the nearest."""


_stages: dict[str, StageKind] = {}


def register(stage: StageKind) -> None:
    """Make a stage kind known. Called in AppConfig.ready(). Raises ValueError for a name that is taken."""
    if _stages.setdefault(stage.name, stage) != stage:
        raise ValueError(f"stage {stage.name!r} is already registered by {_stages[stage.name].module}")


def get(name: str) -> StageKind:
    """The stage kind called `name`. Raises UnknownStage."""
    if name in _stages:
        return _stages[name]
    raise UnknownStage(f"There is no stage {name!r}. {nearest(name, sorted(_stages))}")


def names() -> list[str]:
    return sorted(_stages)


def known() -> list[StageKind]:
    return [_stages[name] for name in sorted(_stages)]
