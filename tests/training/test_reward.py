"""The parameters of a reward model's training."""

import pytest

from governance.ledger.canonical import canonical
from training.methods import BadParams
from training.methods.reward import METRICS, ROLES, Params, validate


def test_defaults_are_whole_and_have_a_canonical_form():
    params = validate({})
    assert params.epochs == 1
    assert canonical(params.model_dump(mode="json"))
    assert params.model_dump(mode="json")["held_out"] == "0.1"
    assert params.lora is None


def test_validating_twice_changes_nothing():
    once = validate({"max_steps": 80, "lora": {"rank": 4}, "center_rewards_coefficient": "0.01"})
    assert validate(once.model_dump(mode="json")) == once


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"beta": "0.1"}, "params.beta: there is no such field."),
        ({"held_out": "0.6"}, "params.held_out"),
        ({"held_out_min": 0}, "params.held_out_min"),
        ({"held_ut": "0.1"}, "Did you mean 'held_out'?"),
        ({"center_rewards_coefficient": -1}, "params.center_rewards_coefficient"),
        ({"lora": {"rank": 0}}, "params.lora.rank"),
        ({"lora": {"rnk": 4}}, "params.lora.rnk: there is no such field. Did you mean 'rank'?"),
        ({"max_steps": 1, "epochs": 1}, "give one of them, not both"),
    ],
)
def test_what_is_wrong_is_said_by_name(raw, words):
    with pytest.raises(BadParams) as caught:
        validate(raw)
    assert words in str(caught.value)


def test_every_parameter_has_its_manual():
    assert [name for name, field in Params.model_fields.items() if not field.description] == []


def test_roles_and_metrics_are_told():
    needed = {role for role, spec in ROLES.items() if spec.required}
    assert needed == {"init_from", "trained_on"}
    assert ROLES["evaluated_on"].many
    assert METRICS["accuracy"].better == "higher"
