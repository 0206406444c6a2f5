from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.facts import Derivation, Fact
from governance.ledger.canonical import canonical, loads
from governance.releases.cel import PASSED, REFUSED, UNDECIDED
from governance.releases.gates import Report, RuleResult, evaluate, policy_digest
from governance.releases.reading import typed
from governance.releases.rules import check_policy
from tests.releases.facts import document, fact, policy, rule

VERDICTS = st.sampled_from([PASSED, REFUSED, UNDECIDED])


def verdict(expression: str, *reads: str, facts=()) -> tuple[str, str]:
    result = evaluate(document(*facts), policy(rule(expression, *reads))).rules[0]
    return result.verdict, result.reason


@given(st.lists(st.tuples(VERDICTS, st.sampled_from(["block", "warn"])), max_size=6))
def test_the_whole_passes_only_if_every_blocking_rule_passed(found):
    house = policy(rule("true", "a"))
    results = tuple(
        RuleResult(policy(rule("true", "a", severity=severity)).rules[0], verdict, "", ())
        for verdict, severity in found
    )
    whole = Report(document(), house, results).verdict
    blocking = [verdict for verdict, severity in found if severity == "block"]
    assert (whole == PASSED) == (bool(blocking) and all(verdict == PASSED for verdict in blocking))
    assert (whole == REFUSED) == (REFUSED in blocking)


def test_a_decimal_with_a_unit_compares_as_a_number_and_not_as_text():
    facts = [fact("score", "100", "points"), fact("other", "20.5", "points")]
    assert verdict('facts["score"] >= facts["other"]', "score", "other", facts=facts)[0] == PASSED
    assert verdict('facts["score"] >= 20', "score", facts=facts)[0] == PASSED


@given(st.decimals(min_value=0, max_value=1, places=6), st.integers(0, 10**6))
def test_what_is_recorded_as_decimal_or_count_is_judged_by_its_size(share, count):
    facts = [fact("share", format(share, "f"), "share"), fact("count", count, "items")]
    report = document(*facts)
    assert report.get("share").number == share
    assert typed(facts[0]) == float(share)
    assert typed(facts[1]) == count


def test_a_number_recorded_as_text_is_never_compared_as_one():
    assert verdict('facts["score"] >= 20', "score", facts=[fact("score", "100")])[0] == UNDECIDED


def test_a_unit_on_what_is_no_number_leaves_the_rule_undecided():
    found = verdict('facts["score"] >= 20', "score", facts=[fact("score", "n/a", "points")])
    assert found == (UNDECIDED, "score has the unit points, but 'n/a' is no number.")


def test_an_empty_or_missing_fact_leaves_the_rule_undecided_with_its_name():
    empty = [fact("licence")]
    assert verdict('facts["licence"] != ""', "licence", facts=empty) == (
        UNDECIDED,
        "No value to judge by: licence is not recorded.",
    )
    assert verdict('facts["licence"] != ""', "licence") == (
        UNDECIDED,
        "No value to judge by: licence is not in the evidence.",
    )


def test_a_rule_may_ask_for_the_state_of_an_empty_fact():
    facts = [fact("licence"), fact("crawlers", state="not_applicable")]
    assert verdict('states["licence"] == "recorded"', "licence", facts=facts)[0] == REFUSED
    assert verdict('states["crawlers"] == "not_applicable"', "crawlers", facts=facts)[0] == PASSED
    either = 'states["crawlers"] == "not_applicable" || facts["crawlers"] == "none"'
    assert verdict(either, "crawlers", facts=facts)[0] == PASSED


def test_nothing_passes_over_all_facts_when_some_are_empty_or_none_are_there():
    over_all = "facts.all(key, facts[key] >= 0.5)"
    full = [fact("results.a", "0.9", "share"), fact("results.b", "0.8", "share")]
    assert verdict(over_all, "results.*", facts=full)[0] == PASSED
    found, reason = verdict(over_all, "results.*", facts=[*full, fact("results.c")])
    assert (found, "results.c is not recorded" in reason) == (UNDECIDED, True)
    assert verdict(over_all, "results.*") == (UNDECIDED, "No fact matches results.*.")
    assert verdict('states.all(key, states[key] == "recorded")', "results.*")[0] == UNDECIDED
    assert verdict('!("licence" in states)', "licence")[0] == UNDECIDED
    assert verdict('!("licence" in facts)', "licence", facts=[fact("licence")])[0] == UNDECIDED


def test_a_rule_sees_only_what_it_reads():
    facts = [fact("licence", "MIT"), fact("secret", "yes")]
    found, reason = verdict('facts["secret"] == "yes"', "licence", facts=facts)
    assert (found, "reads do not declare" in reason) == (UNDECIDED, True)
    assert verdict("facts.size() == 1", "licence", facts=facts)[0] == PASSED


def test_a_broken_rule_is_undecided_and_the_others_are_judged():
    report = evaluate(
        document(fact("licence", "MIT")),
        policy(
            rule("true ||", "licence", id="broken"),
            rule('facts["licence"] == "MIT"', "licence", id="fine"),
        ),
    )
    assert [result.verdict for result in report.rules] == [UNDECIDED, PASSED]
    assert report.verdict == UNDECIDED


def test_a_warning_never_blocks_and_never_passes_a_release_alone():
    facts = document(fact("licence", "MIT"))
    warns = rule('facts["licence"] == "GPL"', "licence", severity="warn", id="warns")
    blocks = rule('facts["licence"] == "MIT"', "licence", id="blocks")
    assert evaluate(facts, policy(warns, blocks)).verdict == PASSED
    assert evaluate(facts, policy(warns)).verdict == UNDECIDED


def test_the_report_says_what_was_read_and_where_it_stands():
    share = Fact(
        key="share",
        label="Share",
        value="0.5",
        unit="share",
        state="derived",
        assurance="observed",
        source=Derivation(function="ratio", inputs=("part",)),
    )
    facts = document(fact("part", 1, "rows"), share, fact("gap"))
    house = policy(rule('facts["share"] < 0.4', "share", "gap", "absent"))
    record = evaluate(facts, house).record()
    assert record["verdict"] == REFUSED
    assert record["counts"] == {"passed": 0, "refused": 1, "undecided": 0}
    assert record["policy"]["digest"] == policy_digest(house)
    assert record["evidence"] == {"size": 9, "root": "b" * 64, "digest": facts.digest}
    read = {one["key"]: one for one in record["rules"][0]["facts"]}
    assert read["share"] == {
        "key": "share", "label": "Share", "value": "0.5", "unit": "share", "state": "derived", "assurance": "observed",
        "entries": [7],
    }  # fmt: skip
    assert [read["gap"]["state"], read["absent"]["state"]] == ["not_recorded", "missing"]


def test_the_same_evidence_and_policy_give_the_same_bytes():
    facts = [fact("results.a", "0.9", "share"), fact("results.b", "0.8", "share"), fact("licence", "MIT")]
    house = policy(rule('facts["licence"] == "MIT"', "results.*", "licence"))
    first, second = evaluate(document(*facts), house), evaluate(document(*reversed(facts)), house)
    assert first.canonical() == second.canonical()
    assert canonical(loads(first.canonical())) == first.canonical()


def test_faults_of_a_policy_are_found_before_anything_is_judged():
    faults = check_policy(
        {
            "title": "Bad",
            "rules": [
                rule("true ||", "licence", id="syntax", severity="warn"),
                rule("1 + 1", "licence", id="number", severity="warn"),
                rule('facts["license"] == "MIT"', "licence", id="misspelt", severity="warn"),
                rule("1 < 2", "licence", id="constant", severity="warn"),
                rule("facts.size() > 1", "*.licence", id="wildcard", severity="warn"),
                rule('states["licence"] == 1', "licence", id="types", severity="warn"),
            ],
        }
    )
    assert [fault.split(":")[0] for fault in faults[:-1]] == [
        f"Rule {name}" for name in ("syntax", "number", "misspelt", "constant", "wildcard", "types")
    ]
    assert "license, which its reads do not declare" in faults[2]
    assert faults[-1].startswith("No rule blocks")


def test_a_wildcard_stands_for_one_part_and_at_the_end_for_more():
    facts = [
        fact("results.a.n", 1, "items"),
        fact("results.a.n.m", 1, "items"),
        fact("results.b.score", 2, "items"),
    ]
    assert verdict("facts.size() == 1", "results.*.n", facts=facts)[0] == PASSED
    assert verdict("facts.size() == 3", "results.*", facts=facts)[0] == PASSED
    assert verdict("facts.size() == 2", "results.a.*", facts=facts)[0] == PASSED
    assert verdict("facts.size() == 1", "results.*.x", facts=facts) == (
        UNDECIDED,
        "No fact matches results.*.x.",
    )


def test_what_is_looked_up_under_a_computed_key_fails_without_a_value():
    over = 'states.all(k, !k.endsWith(".purpose") || facts[k.replace(".purpose", ".score")] > 0.5)'
    purpose, score = fact("results.a.purpose", "safety"), fact("results.a.score", "0.9", "share")
    assert verdict(over, "results.*", facts=[purpose, score])[0] == PASSED
    assert verdict(over, "results.*", facts=[purpose, fact("results.a.score")]) == (
        UNDECIDED,
        "No value to judge by: results.a.score is not recorded.",
    )
    assert verdict(over, "results.*.purpose", facts=[purpose, score])[0] == UNDECIDED


def test_a_field_and_what_stands_below_it_are_read_together():
    gap, told = fact("instructions"), fact("instructions.1.state", "approved")
    either = '"instructions" in states ? states["instructions"] == "not_recorded" : states.size() == 1'
    assert verdict(either, "instructions", "instructions.*", facts=[gap])[0] == PASSED
    assert verdict(either, "instructions", "instructions.*", facts=[told])[0] == PASSED
    assert verdict(either, "instructions", "instructions.*")[0] == UNDECIDED
    assert verdict(either, "instructions.*", facts=[gap])[0] == UNDECIDED


def test_a_waiver_counts_only_for_a_rule_that_stops_and_may_be_waived():
    held = {
        "id": "1",
        "by": "ravi",
        "proposed_by": "mara",
        "reason": "Known.",
        "expires_at": "2027",
        "entry": 4,
    }
    refuses = 'facts["licence"] == "none"'
    house = policy(
        rule(refuses, "licence", id="a"),
        {**rule(refuses, "licence", id="b"), "waivable": False},
        rule(refuses, "licence", id="c", severity="warn"),
        rule('facts["licence"] == "MIT"', "licence", id="d"),
    )
    report = evaluate(document(fact("licence", "MIT")), house, dict.fromkeys("abcd", held))
    assert report.waived == ["a"]
    assert (report.verdict, report.counts[REFUSED]) == (REFUSED, 3)


def test_a_sound_policy_has_no_faults():
    assert check_policy({"title": "Good", "rules": [rule('facts["licence"] == "MIT"', "licence")]}) == []
