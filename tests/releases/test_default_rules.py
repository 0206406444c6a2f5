"""Single rules of the shipped policy over facts made by hand, each both ways."""

import pytest

from governance.registry import importers
from governance.registry.kinds import release_policy
from governance.registry.kinds.release_policy import Content
from governance.releases.cel import PASSED, REFUSED, UNDECIDED
from governance.releases.gates import evaluate
from tests.releases.facts import document, fact
from tests.releases.world import DEFAULT_POLICY

POLICY = release_policy.KIND.parse(importers.mapping(DEFAULT_POLICY))


def verdicts(*names: str, facts) -> dict[str, str]:
    """Rule → verdict."""
    rules = [rule for rule in POLICY.rules if rule.id in names]
    report = evaluate(document(*facts), Content(title="Some", rules=rules))
    return {result.rule.id: result.verdict for result in report.rules}


def verdict(name: str, facts) -> str:
    return verdicts(name, facts=facts)[name]


def task(name, *, purpose="safety", suite="approved", n=400, margin="0.01", size="non-inferior", **more):
    """The facts of one task's result and of its comparison with the baseline."""
    result = {"direction": "higher", "score": "0.95", "ci_low": "0.92", "ci_high": "0.97", **more}
    told = {"purpose": purpose, "suite_state": suite, "direction": result.pop("direction")}
    figures = {**result, "margin": margin} if margin else result
    return [
        *(fact(f"results.{name}.{key}", value) for key, value in told.items()),
        *(fact(f"results.{name}.{key}", value, "share") for key, value in figures.items()),
        fact(f"results.{name}.n", n, "items"),
        fact(f"comparison.{name}.size", size),
    ]


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ("equivalent", PASSED),
        ("non-inferior", PASSED),
        ("inferior", REFUSED),
        ("inconclusive", UNDECIDED),
        (None, UNDECIDED),
    ],
)
def test_every_safety_task_counts_by_itself_whatever_its_name(size, found):
    many = [one for number in range(9) for one in task(f"harm_{number}")]
    assert verdict("safety-not-worse", [*many, *task("purpose", size=size)]) == found
    assert verdict("safety-not-worse", many) == PASSED


def test_one_task_of_an_unapproved_suite_decides_nothing():
    good, bad = task("harm"), task("draft", suite="sealed", size="inferior", n=3, score="0.1", ci_low="0")
    names = ("safety-not-worse", "enough-items", "harmful-refusal", "suites-approved")
    assert set(verdicts(*names[:3], facts=[*good, *bad]).values()) == {PASSED}
    assert verdicts(*names, facts=bad) == {
        "safety-not-worse": UNDECIDED, "enough-items": PASSED, "harmful-refusal": UNDECIDED, "suites-approved": REFUSED,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"n": 381}, PASSED),
        ({"n": 380}, UNDECIDED),
        ({"n": 189, "margin": "0.02"}, PASSED),
        ({"margin": None}, UNDECIDED),
        ({"margin": None, "purpose": "capability"}, PASSED),
        ({"n": 5, "purpose": "capability"}, UNDECIDED),
    ],
)
def test_a_task_below_the_size_of_its_margin_is_undecided(given, found):
    assert verdict("enough-items", [*task("big"), *task("other", **given)]) == found


def test_a_metric_of_which_less_is_better_is_held_to_the_other_end():
    attacks = {"direction": "lower", "score": "0.05", "ci_low": "0.03"}
    assert verdict("harmful-refusal", task("attacks", **attacks, ci_high="0.08")) == PASSED
    assert verdict("harmful-refusal", task("attacks", **attacks, ci_high="0.2")) == REFUSED


@pytest.mark.parametrize(
    ("held", "found"), [("held", PASSED), ("worse", REFUSED), ("undecided", UNDECIDED), (None, UNDECIDED)]
)
def test_no_task_slides_away_from_the_anchor(held, found):
    facts = [*task("harm"), fact("comparison.harm-anchor.held", held)]
    assert verdict("anchor-kept", facts) == found
    assert verdict("anchor-kept", task("harm")) == PASSED
    before = [*task("harm"), fact("comparison.harm-predecessor.held", held)]
    assert verdict("predecessor-kept", before) == found


def preferences(*instructions, kind="preference"):
    return [fact("datasheet.1.format", "messages"), fact("datasheet.2.format", kind), *instructions]


def test_preferences_need_instructions_that_were_approved():
    approved, sealed = fact("instructions.1.state", "approved"), fact("instructions.1.state", "sealed")
    none, program = fact("instructions"), fact("instructions", state="not_applicable")
    found = [
        verdict("rater-guidelines", preferences(*given))
        for given in (
            [approved],
            [sealed],
            [none],
            [program],
            [approved, fact("instructions.2.state", "draft")],
        )
    ]
    assert found == [PASSED, REFUSED, REFUSED, PASSED, REFUSED]
    assert verdict("rater-guidelines", preferences(none, kind="text")) == PASSED


def test_reward_models_are_approved_and_say_how_far_they_agree():
    none = [fact("reward_specs", state="not_applicable")]
    used = [fact("reward_specs.1.subject", "reward-model:kind@1"), fact("reward_specs.1.state", "approved")]
    judge = [fact("reward_specs.1.subject", "model:judge@1")]
    both = ("rewards-approved", "rewards-calibrated")
    assert verdicts(*both, facts=none) == verdicts(*both, facts=judge) == dict.fromkeys(both, PASSED)
    assert verdicts(*both, facts=used) == dict(zip(both, (PASSED, REFUSED), strict=True))
    assert verdict(both[1], [*used, fact("reward_specs.1.reliability_agreement", "0.8")]) == PASSED
    assert verdict(both[0], [used[0], fact("reward_specs.1.state", "sealed")]) == REFUSED
    assert verdict(both[0], used[:1]) == UNDECIDED


def test_every_training_set_is_searched_for_the_items():
    searched = [fact("contamination.1_1.contaminated", 0, "items")]
    assert verdict("contamination-searched", searched) == PASSED
    assert verdict("contamination-searched", [*searched, fact("contamination.2_1.contaminated")]) == REFUSED
    assert verdict("contamination-searched", [fact("contamination")]) == REFUSED


@pytest.mark.parametrize(("share", "found"), [("0.5", PASSED), ("0.4999", REFUSED)])
def test_half_of_the_public_card_is_filled(share, found):
    assert verdict("card-complete", [fact("card_snapshot.public_share", share, "share")]) == found


def test_what_nobody_may_waive_is_marked():
    kept = {rule.id for rule in POLICY.rules if not rule.waivable}
    assert kept == {"weights-licence", "data-licences", "constitution-four-eyes", "parts-approved"}
