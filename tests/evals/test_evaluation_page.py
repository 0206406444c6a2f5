"""docs/evaluation.md: every figure in it comes out of the functions that the pages use."""

import re
from collections.abc import Mapping
from typing import Any

from evals.compare import Measured, compare
from evals.statistics.agreement import krippendorff
from evals.statistics.chains import Look, e_text, log_e, log_e_of_chain
from evals.statistics.decimals import text
from evals.statistics.intervals import mean, wilson, zero_failure_upper
from evals.statistics.multiplicity import holm
from evals.statistics.paired import tango
from evals.statistics.ratios import error_ratio
from evals.statistics.repeats import maj_at_k, pass_at_k
from evals.statistics.sequential import alarm_at, spent_alpha
from evals.statistics.verdicts import n_for_margin, n_to_detect, verdict
from tests.docs.pages import pages
from tests.evals.test_agreement import XSTEST, classic, xstest
from tests.evals.test_compare import item, measured
from tests.evals.test_scores import xstest_refusals
from tests.realdata import requires

PAGE = re.sub(r"\s+", " ", pages()["docs/evaluation.md"])

Counts = tuple[int, int, int, int]
"""Items that both solved, a alone, b alone, neither."""
DEMO: dict[str, tuple[Counts, str]] = {
    "arithmetic": ((166, 15, 4, 15), "0.02"),
    "harmful_refusal": ((0, 398, 0, 2), "0.01"),
    "safe_compliance": ((400, 0, 0, 0), "0.02"),
}
"""Version 1 of the demo's assistant against the base model: task → counts, margin."""
SECOND: dict[str, tuple[Counts, str]] = {
    "arithmetic": ((178, 4, 3, 15), "0.02"),
    "harmful_refusal": ((398, 2, 0, 0), "0.01"),
    "safe_compliance": ((290, 0, 110, 0), "0.02"),
}
"""Version 2 against version 1."""


def recorded(tasks: Mapping[str, tuple[Counts, str]]) -> dict[str, dict[str, Any]]:
    """The record of a comparison with these counts, by task."""
    results = [
        {**measured([1]).results["results"][0], "task": name, "margin": margin}
        for name, (_, margin) in tasks.items()
    ]

    def side(pattern: tuple[int, int, int, int]) -> Measured:
        items = [
            item(number, score, task=name)
            for name, (counts, _) in tasks.items()
            for number, score in enumerate(
                score for score, n in zip(pattern, counts, strict=True) for _ in range(n)
            )
        ]
        return Measured(items, {**measured([1]).results, "results": results})

    record = compare(side((1, 1, 0, 0)), side((1, 0, 1, 0))).record()
    return {task["task"]: task for task in record["tasks"]}


def says(*sentences: str) -> None:
    missing = [sentence for sentence in sentences if sentence not in PAGE]
    assert not missing


def test_one_score() -> None:
    share = wilson(181, 200)
    says(
        f"solves 181 of 200 sums: {text(share.estimate)}, with a 95% interval from {text(share.lower)} to {text(share.upper)}",
        f"at most {text(zero_failure_upper(400))} of such requests",
        f"With 100 items it would be {text(zero_failure_upper(100))}",
    )


def test_the_first_comparison() -> None:
    sums = recorded(DEMO)["arithmetic"]
    unpaired = (mean([1] * 181 + [0] * 19).se ** 2 + mean([1] * 170 + [0] * 30).se ** 2) ** 0.5
    says(
        f"version 1 has {sums['score_a']} and `tiny-base` {sums['score_b']}. The difference is {sums['difference']};",
        f"standard error is {sums['se']} in pairs and would be {text(unpaired)} without them",
        f"| difference | {sums['difference']} |",
        f"| 95% interval | {sums['ci_low']} to {sums['ci_high']} |",
        f"| n10/n01 | {sums['n10']}/{sums['n01']} |",
        f"| p | {sums['p']} |",
        f"| detectable | {sums['detectable']} |",
        f"{sums['p']} for the sums becomes {sums['p_holm']}: it stands",
    )


def test_the_second_comparison() -> None:
    found = recorded(SECOND)
    sums, harm, safe = found["arithmetic"], found["harmful_refusal"], found["safe_compliance"]
    says(
        f"The difference is {safe['difference']}, from {safe['ci_low']} to {safe['ci_high']}: "
        f"*{safe['direction']}, {safe['size']}*",
        f"from {sums['ci_low']} to {sums['ci_high']}, *{sums['direction']}, {sums['size']}*",
        f"a margin of two points would need {sums['n_needed']} items at this rate of changed items, and there are {sums['n']}",
        f"has {harm['n10'] + harm['n01']} changed items and p {harm['p']}, and it is *{harm['size']}* "
        f"because the interval from {harm['ci_low']} to {harm['ci_high']}",
    )


def test_words_and_numbers_of_items() -> None:
    assert str(verdict(-0.008, -0.002, 0.01)) == "regressed, equivalent"
    says(
        "a loss of 0.002 to 0.008 is sure and small, *regressed, equivalent* for a margin of one point",
        f"with every tenth item changing takes {n_for_margin(0.1, 0.01)} items",
        f"a margin of one point takes {n_for_margin(0, 0.01)} items, and one of two points takes {n_for_margin(0, 0.02)}",
        f"when a quarter of all items change takes {n_to_detect(0.25, 0.03)} items",
        f"a real loss with p = 0.01 among ten metrics becomes {text(holm([0.01] + [1.0] * 9)[0].adjusted)}",
    )


def test_ratio_of_errors() -> None:
    ratio = error_ratio(1, 2, 1, 200)
    says(
        f"1 in 200 errors against 2 in 200 is a ratio of {text(ratio.estimate)}, "
        f"but from {text(ratio.lower, 3)} to {text(ratio.upper, 3)} where one"
    )


def test_looking_again_and_several_tries() -> None:
    assert alarm_at([True] * 9, stakes=(0.5,)) == 8
    votes = [maj_at_k("aaabbbbbcc", "a", k) for k in (1, 5, 10)]
    says(
        f"1.5 multiplied eight times is {1.5**8:.1f}, seven times only {1.5**7:.1f}",
        "{:.4f} of 0.05 for the first, {:.4f} for the second, {:.4f} for the third".format(
            *map(spent_alpha, (1, 2, 3))
        ),
        f"pass@1 is {pass_at_k(10, 3, 1)} and pass@5 is {pass_at_k(10, 3, 5):.4f}; the short cut 1 - (1 - 0.3)⁵ gives "
        f"{1 - 0.7**5:.4f}",
        f"maj@1 is {votes[0]}, maj@5 is {votes[1]:.4f} and maj@10 is {votes[2]:.0f}",
    )


def test_krippendorffs_example() -> None:
    by = [f"{krippendorff(classic(), metric):.3f}" for metric in ("nominal", "ordinal", "interval", "ratio")]
    says(f"have {by[0]} by names alone, {by[1]} by order, {by[2]} by distance and {by[3]} by ratio")


@requires("xstest")
def test_xstest() -> None:
    units = [unit for name in XSTEST for unit in xstest(name)]
    types, refused = zip(*xstest_refusals("llama2orig"), strict=True)
    partly = [
        refusal for _, refusal in xstest_refusals("llama2orig", {"2_full_refusal", "3_partial_refusal"})
    ]
    says(
        f"reach {krippendorff(units):.4f} over {len(units):,} answers",
        f"fully refuses a share of {text(mean(refused).mean)} ({text(mean(partly).mean)} with partial refusals). Over items the standard error would be "
        f"{mean(refused).se:.6f}, over types it is {mean(refused, types).se:.6f}",
    )


def test_did_it_get_worse() -> None:
    few, many = tango(0, 5, 1000), tango(0, 20, 1000)
    same = [Look(number, 9, 4) for number in range(1, 11)]
    says(
        f"a margin of one point still needs {n_for_margin(0, 0.01)} items",
        f"The first look may spend {spent_alpha(1):.4f}, the second {spent_alpha(2):.4f}",
        f"5 lost at each step are a loss of at most {text(-100 * few.lower, 3)} points",
        f"20 are lost, which may be {text(-100 * many.lower, 3)} points",
        f"10 items lost and none won are an E of {e_text(log_e(10, 0))} by themselves, 9 lost and 4 won of {e_text(log_e(9, 4))}",
        f"the ten would make {e_text(10 * log_e(9, 4))}, a false alarm",
        f"and gets {e_text(log_e_of_chain(same))}",
    )
    assert few.lower > -0.02 > many.lower
