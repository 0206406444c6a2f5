"""The form of one stage: roles, parameters and the rest of a spec as inputs, and back to the spec that they make."""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from governance.ledger.canonical import loads
from governance.registry.access import may_read
from governance.views import suggestions
from governance.views.inputs import CHOICE, NUMBER, VERSION, Form, Group, Input
from governance.views.schema import groups_of
from training import launchers, resolve
from training.actions import CARRIED
from training.methods import BadParams, RoleSpec, read
from training.resolve import SpecRefused
from training.spec import Limits, RunSpec, SpecDraft
from training.stages import StageKind

SPARE = 3
"""Inputs that a role shows which takes several versions."""
MOST = 50
PARAMS, INPUTS = "params", "inputs"


def purpose(stage: StageKind) -> str:
    """What the stage does, as its module begins."""
    return (sys.modules[stage.params.__module__].__doc__ or "").partition("\n\n")[0]


def form_for(stage: StageKind, user: object, *, places: int = SPARE) -> Form:
    """The empty form of `stage`; a role that takes several versions has `places` inputs."""
    roles = [one for role, spec in stage.roles.items() for one in _role(role, spec, user, min(places, MOST))]
    params = groups_of(stage.params, prefix=f"{PARAMS}.")
    params[0].legend, params[0].name = "Parameters", ""
    return Form(Group("", roles), *_output(stage), *params, _around())


def _role(role: str, spec: RoleSpec, user: object, places: int) -> list[Input]:
    kinds = " or ".join(spec.kinds)
    first = Input(
        f"{INPUTS}.{role}.0",
        role.replace("_", " ").capitalize(),
        VERSION,
        f"A {kinds}.",
        required=spec.required,
    )
    first.choices = suggestions.versions(spec.kinds, user)
    if not first.choices:
        first.hint = f"there is no {kinds} yet"
    more = range(1, places) if spec.many else ()
    return [
        first,
        *(Input(f"{INPUTS}.{role}.{n}", f"{first.label}, {n + 1}", VERSION, suggests=first.id) for n in more),
    ]


def _output(stage: StageKind) -> list[Group]:
    if not stage.has_output:
        return []
    slug = Input(
        "output.slug",
        "Name of what it makes",
        required=True,
        help="Lower-case letters, digits and '-'. An existing name gets its next version.",
    )
    return [Group("", [slug, Input("output.title", "Its title", hint="200 characters at most")])]


def _around() -> Group:
    wall = Limits.model_fields["wall_seconds"]
    seconds = str(wall.default)
    return Group(
        "Seed, launcher, limit",
        [
            Input("seed", "Seed", NUMBER, "Start of every random choice, data order included.", "a whole number", "0", value="0"),
            Input("launcher", "Launcher", CHOICE, "How the job process is started.", default="local", value="local",
                  choices=[(name, name) for name in sorted(launchers.LAUNCHERS)]),
            Input("limits.wall_seconds", "Time limit", NUMBER, str(wall.description), "seconds", seconds, value=seconds),
        ],
        folded=True,
    )  # fmt: skip


def places_in(posted: Mapping[str, Any]) -> int:
    """How many inputs the form had for a role that takes several versions."""
    numbers = [
        int(found[1]) for name in posted if (found := re.fullmatch(rf"{INPUTS}\.\w+\.([0-9]{{1,3}})", name))
    ]
    return max([SPARE - 1, *numbers]) + 1


def draft_of(stage: StageKind, form: Form) -> SpecDraft | None:
    """The spec that was typed, or None once its complaints stand in the form. Only changed parameters are in it."""
    raw = form.raw()
    params = raw.pop(PARAMS, {})
    named = {role: _named(form, role) for role in stage.roles}
    order = {
        **raw,
        "stage": stage.name,
        PARAMS: params,
        INPUTS: {role: ones for role, ones in named.items() if ones},
    }
    _try(form, lambda: read(stage.params, params, where=PARAMS))
    return _try(form, lambda: read(SpecDraft, order)) if form.is_good else None


def _named(form: Form, role: str) -> list[str]:
    return [one.value for one in form.inputs if one.name.startswith(f"{INPUTS}.{role}.") and one.value]


def _try(form: Form, check: Any) -> Any:
    try:
        return check()
    except BadParams as error:
        blame(form, (told(sentence) for sentence in error.complaints))
    except SpecRefused as error:
        blame(form, [(error.field, str(error).removeprefix(f"{error.field}: "))])
    return None


def told(sentence: str) -> tuple[str, str]:
    """(field, rule) of a sentence that begins with its field."""
    name, _, rule = sentence.partition(": ")
    return (name, rule) if rule and " " not in name else ("", sentence)


def blame(form: Form, faults: Iterable[tuple[str, str]]) -> None:
    """Put each fault at its input; one about several parameters at those that it names."""
    for name, rule in faults:
        if name == PARAMS:
            _blame_params(form, rule)
        else:
            form.blame([(_input_of(form, name, rule), rule)])


def _blame_params(form: Form, rule: str) -> None:
    named = [one for one in form.inputs if one.name.startswith(f"{PARAMS}.") and _names(rule, one.name)]
    for one in named:
        one.errors.append(rule)
    if not named:
        form.errors.append(rule)


def _input_of(form: Form, name: str, rule: str) -> str:
    """Of a role with several inputs the one whose version the rule speaks of; else the name itself."""
    filled = [one for one in form.inputs if one.name.startswith(f"{name}.") and one.value]
    named = sorted((rule.index(one.value), one.name) for one in filled if one.value in rule)
    return named[0][1] if named and name.startswith(f"{INPUTS}.") else name


def _names(rule: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name.removeprefix(f'{PARAMS}.'))}\b", rule) is not None


def frozen(form: Form, draft: SpecDraft, user: object) -> RunSpec | None:
    """The spec with every input pinned, or None once what stands in its way stands in the form."""
    spec: RunSpec | None = _try(form, lambda: resolve.resolve(draft))
    if spec is None:
        return None
    for role, versions in resolve.inputs_of(spec).items():
        for version in versions if role in CARRIED else ():
            if not may_read(user, version):
                blame(
                    form,
                    [
                        (
                            f"{INPUTS}.{role}",
                            f"{version.subject} is restricted to its authors, reviewers and auditors.",
                        )
                    ],
                )
    return spec if form.is_good else None


def show(form: Form, draft: Mapping[str, Any]) -> None:
    """Fill the form from a spec as plain data: subjects or pins in its roles, parameters as they were given."""
    roles = {
        f"{INPUTS}.{role}.{place}": one if isinstance(one, str) else one["subject"]
        for role, ones in draft.get(INPUTS, {}).items()
        for place, one in enumerate(ones)
    }
    form.show({name: value for name, value in draft.items() if name != INPUTS})
    for one in form.inputs:
        one.value = roles.get(one.name, one.value)


def places_of(draft: Mapping[str, Any]) -> int:
    """How many inputs a role needs so that all versions of the spec fit."""
    return max([SPARE, *(len(ones) + 1 for ones in draft.get(INPUTS, {}).values())])


def carried(draft: SpecDraft, spec: RunSpec) -> str:
    """The spec as it stands between review and queue: what was typed, with the numbers of the versions that were shown."""
    pinned = {role: [pin.subject for pin in pins] for role, pins in spec.inputs.items()}
    return json.dumps({**draft.model_dump(mode="json"), INPUTS: pinned}, ensure_ascii=False)


def carried_back(text: str) -> SpecDraft:
    """What `carried` wrote. Raises CanonicalError, BadParams for what somebody made of it meanwhile."""
    found = loads(text)
    return read(SpecDraft, found if isinstance(found, dict) else {})
