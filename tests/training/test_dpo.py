"""The parameters of direct preference optimization."""

import pytest

from governance.ledger.canonical import canonical
from training.methods import BadParams
from training.methods.dpo import METRICS, ROLES, Params, validate


def test_defaults_are_whole_and_have_a_canonical_form():
    told = validate({}).model_dump(mode="json")
    assert canonical(told)
    assert (told["beta"], told["loss_type"], told["nll_weight"], told["epochs"]) == (
        "0.1",
        "sigmoid",
        "0",
        "1",
    )


def test_validating_twice_changes_nothing():
    once = validate({"loss_type": "robust", "label_smoothing": "0.1", "beta": 5})
    assert validate(once.model_dump(mode="json")) == once


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"beta": 0}, "params.beta"),
        ({"loss_type": "dpo"}, "params.loss_type"),
        (
            {"label_smoothing": "0.1"},
            "label_smoothing: the loss sigmoid does not read it; use loss_type: robust",
        ),
        ({"loss_type": "robust", "label_smoothing": "0.5"}, "params.label_smoothing"),
        ({"nll_weight": -1}, "params.nll_weight"),
        ({"answer_tokens": 0}, "params.answer_tokens"),
        ({"packing": True}, "params.packing: there is no such field."),
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
    assert ROLES["reward"].kinds == ("reward-model",)
    assert METRICS["rewards/margins"].better == "higher"
