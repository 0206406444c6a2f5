"""What a run shall do: the file a person writes (`SpecDraft`) and the frozen, pinned order made of it (`RunSpec`).

A spec file::

    stage: sft
    inputs:
      init_from: model:tiny-base@1
      trained_on: [dataset:helpful-and-safe@1]
    params: {learning_rate: 5e-4, max_steps: 80}
    seed: 7
    output: {slug: demo-assistant, title: Demo assistant}
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.decimals import decimal_text
from training.methods import BadParams, read

MAX_SPEC_CHARACTERS = 200_000
SUBJECT = re.compile(r"([a-z][a-z-]*:)?[a-z0-9][a-z0-9._-]*(@[1-9][0-9]*)?")
PINNED_SUBJECT = r"^[a-z][a-z-]*:[a-z0-9][a-z0-9._-]*@[1-9][0-9]*$"
SLUG = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
NAME = r"^[a-z][a-z0-9_]*$"
LARGEST_SEED = 2**32 - 1


class SpecError(ValueError):
    """A spec that cannot be used: `complaints` has one sentence for each thing wrong, naming its field or line."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__(" ".join(complaints))
        self.complaints = complaints


def _exact_json(value: Any) -> Any:
    """JSON without floats: decimals as text, everything else as it is; raises ValueError for what has no canonical form."""
    exact = _exact(value, "")
    canonical(exact)
    return exact


def _exact(value: Any, where: str) -> Any:
    if isinstance(value, Decimal | float):
        return decimal_text(value if isinstance(value, Decimal) else Decimal(repr(value)))
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_exact(item, f"{where}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _exact(item, f"{where}.{key}") for key, item in value.items()}
    raise ValueError(
        f"{where.lstrip('.') or 'it'} must be text, a number, true, false, null, a list or a mapping with text keys"
    )


def _subjects(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _is_subject(text: str) -> str:
    if not SUBJECT.fullmatch(text):
        raise ValueError("must be written kind:slug@number, kind:slug or slug, such as model:tiny-base@1")
    return text


ExactJson = Annotated[dict[str, Any], BeforeValidator(_exact_json)]
StageName = Annotated[str, Field(pattern=NAME)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Subject = Annotated[str, AfterValidator(_is_subject)]
Subjects = Annotated[list[Subject], BeforeValidator(_subjects), Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PinnedInput(_Part):
    """One version, by name and by what it holds."""

    subject: str = Field(pattern=PINNED_SUBJECT)
    """`kind:slug@number`."""
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the version's canonical content."""


class Output(_Part):
    """The artifact that the run's product becomes the next version of."""

    slug: str = Field(pattern=SLUG, max_length=100)
    title: str = Field(default="", max_length=200)


class Limits(_Part):
    """What the supervisor stops a run for."""

    wall_seconds: int = Field(default=86_400, ge=1, le=31_536_000)
    """Seconds from the job's start after which it is stopped."""


class _Order(_Part):
    stage: StageName
    """Name of a registered stage kind, such as `sft` or `evaluate`."""
    params: ExactJson = Field(default_factory=dict)
    """Parameters of the stage; fractions as decimal text."""
    seed: Seed = 0
    """Start of every random choice in the run, data order included."""
    output: Output | None = None
    launcher: str = Field(default="local", pattern=NAME)
    """How the job process is started."""
    limits: Limits = Limits()


class RunSpec(_Order):
    """The frozen order of a run. Its digest is what the ledger carries: same digest, same work."""

    inputs: dict[str, list[PinnedInput]]
    """Role → the versions that stand in it."""

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes of this spec."""
        return sha256_hex(canonical(self.model_dump(mode="json")))


class SpecDraft(_Order):
    """A spec as a person writes it: inputs by name, and parameters not yet checked by the stage."""

    inputs: dict[str, Subjects]
    """Role → `kind:slug@number`, or a list of them."""

    def pinned(self, pin: Callable[[str], PinnedInput], params: Mapping[str, Any]) -> RunSpec:
        """The frozen order: every subject looked up with `pin`, `params` as the stage has resolved them."""
        inputs = {role: [pin(subject) for subject in subjects] for role, subjects in self.inputs.items()}
        rest = self.model_dump(exclude={"inputs", "params"})
        return RunSpec(inputs=inputs, params=dict(params), **rest)


def load_spec(text: str) -> SpecDraft:
    """Parse a spec file's YAML. Fractions stay the decimals that were written.

    Raises SpecError: not YAML (with line and column), anchors, duplicate keys, unknown fields (the nearest is named),
    wrong values.
    """
    if len(text) > MAX_SPEC_CHARACTERS:
        raise SpecError([f"The spec is longer than {MAX_SPEC_CHARACTERS:,} characters."])
    raw = _parse(text)
    if not isinstance(raw, dict):
        raise SpecError(["The spec must be a mapping with the fields stage, inputs, params, seed, output."])
    try:
        return read(SpecDraft, raw)
    except BadParams as error:
        raise SpecError(error.complaints) from error


def _parse(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_SpecLoader)  # noqa: S506 -- a SafeLoader that knows even less
    except yaml.MarkedYAMLError as error:
        place = (
            f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: "
            if error.problem_mark
            else ""
        )
        raise SpecError([f"The spec is not usable YAML: {place}{error.problem}."]) from error
    except yaml.YAMLError as error:
        raise SpecError([f"The spec is not usable YAML: {error}."]) from error
    except RecursionError as error:
        raise SpecError(["The spec is not usable YAML: it is nested too deeply."]) from error


class _SpecLoader(yaml.SafeLoader):
    """YAML with JSON's scalars (so `no` is text and `1e-6` a number), exact decimals, no anchors, no repeated keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases are not allowed", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a plain name", key_node.start_mark
                )
            if key_node.value in seen:
                problem = f"the key {key_node.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)

    def construct_decimal(self, node: Any) -> Decimal:
        return Decimal(self.construct_scalar(node))


def _resolve(kind: str, pattern: str, first: str) -> None:
    _SpecLoader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(pattern), list(first))


_resolve("bool", r"^(true|false)$", "tf")
_resolve("null", r"^(null|~|)$", "n~")
_SpecLoader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"^$"))]
_resolve("int", r"^[-+]?(0|[1-9][0-9]{0,17})$", "-+0123456789")
_resolve("float", r"^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$", "-+.0123456789")
_SpecLoader.add_constructor("tag:yaml.org,2002:float", _SpecLoader.construct_decimal)
