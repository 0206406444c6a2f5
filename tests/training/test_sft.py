"""The parameters of supervised fine-tuning: defaults, ranges, and help with mistyped names."""

from decimal import Decimal

import pytest

from governance.ledger.canonical import canonical
from training.methods import BadParams
from training.methods.sft import METRICS, ROLES, Params, validate


def test_defaults_are_whole_and_have_a_canonical_form():
    params = validate({})
    assert params.epochs == 1
    assert params.max_steps is None
    assert canonical(params.model_dump(mode="json"))
    assert params.model_dump(mode="json")["learning_rate"] == "0.00002"


def test_fractions_are_exact_whatever_they_are_written_as():
    for written in ("1e-7", Decimal("0.00000010"), "0.0000001"):
        assert validate({"learning_rate": written}).model_dump(mode="json")["learning_rate"] == "0.0000001"


def test_validating_twice_changes_nothing():
    once = validate({"max_steps": 80, "learning_rate": "0.001"})
    assert validate(once.model_dump(mode="json")) == once


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"learning_rte": 1}, "params.learning_rte: there is no such field. Did you mean 'learning_rate'?"),
        ({"zzz": 1}, "Known here: max_steps, epochs"),
        ({"learning_rate": "fast"}, "params.learning_rate"),
        ({"learning_rate": "NaN"}, "params.learning_rate"),
        ({"learning_rate": 2}, "less than or equal to 1 (not 2)"),
        ({"max_steps": 0}, "params.max_steps"),
        ({"max_steps": 1, "epochs": 1}, "give one of them, not both"),
        ({"max_steps": 5, "warmup_steps": 6}, "must not exceed max_steps, which is 5"),
        ({"packing": True}, "attention: flash_attention_2"),
        ({"dtype": "float16"}, "params.dtype"),
    ],
)
def test_what_is_wrong_is_said_by_name(raw, words):
    with pytest.raises(BadParams) as caught:
        validate(raw)
    assert words in str(caught.value)


def test_every_parameter_has_its_manual():
    assert [name for name, field in Params.model_fields.items() if not field.description] == []


def test_roles_and_metrics_are_told():
    assert ROLES["init_from"].required
    assert not ROLES["init_from"].many
    assert ROLES["trained_on"].many
    assert METRICS["loss"].better == "lower"
