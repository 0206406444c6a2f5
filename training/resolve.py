"""From a spec that people wrote to one that names every input by digest, or one sentence that says why not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from governance.registry import erasure, lookup
from governance.registry import states as version_states
from governance.registry.kinds import UnknownKind
from governance.registry.models import Version
from training import endpoints, launchers, stages
from training.methods import BadParams, RoleSpec, nearest, read
from training.spec import PinnedInput, RunSpec, SpecDraft
from training.stages import StageKind

UNHELD = {
    "manifest": "is known by the hashes of its files alone, which are never loaded",
    "elsewhere": "names weights that are not held here",
    "endpoint": "is asked at an address, and its weights are not held here",
}


class SpecRefused(ValueError):
    """A spec that cannot be run. `field` is where in the spec; the message is one sentence, or one for each fault."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(f"{field}: {message}")

    @classmethod
    def from_complaints(cls, complaints: list[str]) -> "SpecRefused":
        """From sentences that each begin with their field."""
        field, _, message = " ".join(complaints).partition(": ")
        return cls(field, message)


def resolve(draft: SpecDraft) -> RunSpec:
    """The frozen spec: every input pinned, every parameter present with its value. Raises SpecRefused."""
    stage = _checked(draft)
    found = {
        role: [_usable(role, name, stage.roles[role]) for name in names]
        for role, names in draft.inputs.items()
    }
    pins = {
        name: PinnedInput(subject=version.subject, digest=str(version.digest))
        for role, names in draft.inputs.items()
        for name, version in zip(names, found[role], strict=True)
    }
    params = parameters(stage, draft.params)
    if reason := stage.refuses(params, found):
        raise SpecRefused.from_complaints([reason])
    return draft.pinned(pins.__getitem__, params)


def check_ahead(draft: SpecDraft, later: Iterable[str]) -> None:
    """All of `resolve` that can be said while the versions in the roles `later` do not exist yet. Raises SpecRefused."""
    stage = _checked(draft, later)
    parameters(stage, draft.params)
    for role, names in draft.inputs.items():
        for name in names:
            _usable(role, name, stage.roles[role])


def inputs_of(spec: RunSpec) -> dict[str, list[Version]]:
    """The versions that a frozen spec names, if each may still be used. Raises SpecRefused."""
    stage = _stage(spec.stage)
    return {
        role: [_pinned(role, one, stage.roles[role]) for one in ones] for role, ones in spec.inputs.items()
    }


def parameters(stage: StageKind, given: Mapping[str, Any]) -> dict[str, Any]:
    """The stage's parameters with defaults, in canonical form. Raises SpecRefused naming the nearest for an unknown one."""
    try:
        return read(stage.params, given, where="params").model_dump(mode="json")
    except BadParams as error:
        raise SpecRefused.from_complaints(error.complaints) from error


def _checked(draft: SpecDraft, later: Iterable[str] = ()) -> StageKind:
    """The draft's stage kind, once roles, output and launcher fit it. Roles in `later` are filled when the time comes."""
    stage = _stage(draft.stage)
    if draft.launcher not in launchers.LAUNCHERS:
        hint = nearest(draft.launcher, sorted(launchers.LAUNCHERS))
        raise SpecRefused("launcher", f"there is no launcher {draft.launcher!r}. {hint}")
    if stage.has_output and draft.output is None:
        raise SpecRefused("output", f"{stage.name} makes a version; name it with `output: {{slug: …}}`.")
    if not stage.has_output and draft.output is not None:
        raise SpecRefused("output", f"{stage.name} makes no version; leave `output` out.")
    _check_roles(stage, {**dict.fromkeys(later, ()), **draft.inputs}, frozenset(later))
    return stage


def _stage(name: str) -> StageKind:
    try:
        return stages.get(name)
    except stages.UnknownStage as error:
        raise SpecRefused("stage", str(error)) from error


def _check_roles(stage: StageKind, inputs: Mapping[str, Sequence[str]], later: frozenset[str]) -> None:
    for role, names in inputs.items():
        if role not in stage.roles:
            hint = nearest(role, sorted(stage.roles))
            raise SpecRefused(f"inputs.{role}", f"{stage.name} uses nothing as {role}. {hint}")
        if len(names) > 1 and not stage.roles[role].many:
            raise SpecRefused(
                f"inputs.{role}", f"{stage.name} takes one version as {role}, not {len(names)}."
            )
        if len(set(names)) < len(names):
            raise SpecRefused(f"inputs.{role}", "the same version stands there twice.")
    for role, wanted in stage.roles.items():
        if wanted.required and not inputs.get(role) and role not in later:
            kinds = " or ".join(wanted.kinds)
            raise SpecRefused(
                f"inputs.{role}", f"{stage.name} needs a {kinds} as {role}, and the spec names none."
            )


def _usable(role: str, name: str, wanted: RoleSpec) -> Version:
    try:
        version = lookup.find(
            name if ":" in name or len(wanted.kinds) > 1 else f"{wanted.kinds[0]}:{name}", drafts="@" in name
        )
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise SpecRefused(f"inputs.{role}", str(error)) from error
    _check_version(role, version, wanted)
    return version


def _pinned(role: str, one: PinnedInput, wanted: RoleSpec) -> Version:
    """By name, and then by digest: the name is for people, the digest is what counts."""
    version = _usable(role, one.subject, wanted)
    if version.digest != one.digest:
        raise SpecRefused(
            f"inputs.{role}",
            f"{version.subject} has the digest {version.digest}, but the run was asked for {one.digest}.",
        )
    return version


def _check_version(role: str, version: Version, wanted: RoleSpec) -> None:
    if version.kind not in wanted.kinds:
        raise SpecRefused(
            f"inputs.{role}",
            f"{version.subject} is a {version.kind}; {role} takes a {' or '.join(wanted.kinds)}.",
        )
    if version.state == version_states.DRAFT:
        raise SpecRefused(
            f"inputs.{role}", f"{version.subject} is a draft; seal it or send it to review first."
        )
    if version.state not in version_states.USABLE:
        raise SpecRefused(
            f"inputs.{role}",
            f"{version.subject} was {version.state}; use another version of {version.artifact.name}.",
        )
    if version.content is None:
        raise SpecRefused(f"inputs.{role}", f"{erasure.told(version)} Use another version.")
    if version.kind != "model":
        return
    if version.content.get("endpoint") and wanted.served:
        _check_endpoint(role, version)
    elif version.content.get("held") in UNHELD:
        raise SpecRefused(
            f"inputs.{role}",
            f"{version.subject} {UNHELD[version.content['held']]}; register its weights as safetensors first.",
        )


def _check_endpoint(role: str, version: Version) -> None:
    try:
        endpoints.check(version)
    except endpoints.NotAllowed as error:
        raise SpecRefused(f"inputs.{role}", str(error)) from error
