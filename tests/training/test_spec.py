"""Spec files: what a person writes, what it is refused for, and the digest of what comes of it."""

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.spec import PinnedInput, RunSpec, SpecDraft, SpecError, load_spec

SPEC = """
stage: sft
inputs:
  init_from: model:tiny-base@1
  trained_on: [dataset:helpful@1, dataset:safe]
params: {learning_rate: 5e-4, max_steps: 80, weight_decay: 0.10, dtype: float32}
seed: 7
output: {slug: demo-assistant, title: Demo assistant}
"""
SMALL = "stage: sft\ninputs: {init_from: tiny-base}\n"


def pin(subject: str) -> PinnedInput:
    return PinnedInput(subject=subject if "@" in subject else f"{subject}@1", digest="a" * 64)


def test_a_spec_is_read_with_its_fractions_as_written():
    draft = load_spec(SPEC)
    assert draft.inputs == {
        "init_from": ["model:tiny-base@1"],
        "trained_on": ["dataset:helpful@1", "dataset:safe"],
    }
    assert draft.params == {
        "learning_rate": "0.0005",
        "max_steps": 80,
        "weight_decay": "0.1",
        "dtype": "float32",
    }
    assert (draft.seed, draft.launcher, draft.output.slug) == (7, "local", "demo-assistant")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1e-6", "0.000001"),
        ("5E-4", "0.0005"),
        (".5", "0.5"),
        ("-0.0", "0"),
        ("0.1000000000000000055", "0.1000000000000000055"),
        ("7", 7),
        ("007", "007"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("no", "no"),
        ("true", True),
        ("~", None),
        ("+", "+"),
        ("'0.5'", "0.5"),
    ],
)
def test_scalars_are_read_as_json_would_and_exactly(written, read):
    assert load_spec(f"{SMALL}params: {{x: {written}}}").params == {"x": read}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping"),
        ("- sft", "must be a mapping"),
        ("stage: [", "line 1"),
        ("[" * 30_000, "nested too deeply"),
        ("stage: sft\nstage: dpo", "line 2, column 1: the key 'stage' stands twice"),
        (f"{SMALL}params: {{a: &x 1, b: *x}}", "anchors and aliases are not allowed"),
        (f"{SMALL}params: {{? [1] : 2}}", "a key must be a plain name"),
        ("stage: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("stage: sft", "inputs: must be given"),
        ("stge: sft\ninputs: {}", "Did you mean 'stage'?"),
        (
            f"{SMALL}limits: {{wall_secnds: 3}}",
            "limits.wall_secnds: there is no such field. Did you mean 'wall_seconds'?",
        ),
        (f"{SMALL}output: {{slug: Not a slug}}", "output.slug"),
        (f"{SMALL}seed: -1", "seed"),
        (f"{SMALL}seed: 4294967296", "seed"),
        (f"{SMALL}params: {{x: 1e999}}", "params"),
        (f"{SMALL}params: {{x: 9007199254740993}}", "write it as a string"),
        (f"{SMALL}params: {{x: [1, {{2: 3}}]}}", "x[1] must be text"),
        ("stage: sft\ninputs: {init_from: Model x}", "inputs.init_from.0: must be written kind:slug@number"),
        ("stage: sft\ninputs: {init_from: []}", "inputs.init_from"),
        ("x" * 200_001, "longer than"),
        ("stage: \x00", "not usable YAML"),
    ],
)
def test_a_bad_spec_is_refused_by_field_or_line(text, words):
    with pytest.raises(SpecError) as caught:
        load_spec(text)
    assert words in str(caught.value)


def test_every_fault_is_named_at_once():
    with pytest.raises(SpecError) as caught:
        load_spec("inputs: {}\nseed: x\nlaunchr: local")
    assert len(caught.value.complaints) == 3


def test_a_pinned_spec_carries_digests_and_the_resolved_parameters():
    spec = load_spec(SPEC).pinned(pin, {"learning_rate": Decimal("0.00050"), "max_steps": 80})
    assert spec.inputs["trained_on"][1] == PinnedInput(subject="dataset:safe@1", digest="a" * 64)
    assert spec.params == {"learning_rate": "0.0005", "max_steps": 80}


def test_the_digest_is_of_what_is_said_not_of_how():
    one = load_spec(SPEC).pinned(pin, {"learning_rate": Decimal("5e-4")})
    other = RunSpec.model_validate(
        load_spec(SPEC.replace("seed: 7", "seed: 7 # lucky"))
        .pinned(pin, {"learning_rate": "0.0005"})
        .model_dump()
    )
    assert one.digest == other.digest
    assert len(one.digest) == 64


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"stage": "dpo"}, {"params": {"max_steps": 81}}, {"output": None}]
)
def test_every_part_of_a_spec_is_in_its_digest(change):
    spec = load_spec(SPEC).pinned(pin, {"max_steps": 80})
    assert RunSpec.model_validate({**spec.model_dump(), **change}).digest != spec.digest


def test_a_spec_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_spec(SPEC).seed = 8


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=Decimal("-1e9"), max_value=Decimal("1e9"), places=12
    )
)
def test_any_decimal_survives_being_written_and_read(number):
    read = load_spec(f"{SMALL}params: {{x: {number:f}}}").params["x"]
    assert Decimal(read) == number


@given(st.text(max_size=200))
def test_any_text_is_a_spec_or_a_spec_error(text):
    with contextlib.suppress(SpecError):
        assert isinstance(load_spec(text), SpecDraft)
