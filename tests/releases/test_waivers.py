"""A waiver takes two people, holds for one digest, one rule and one policy, ends by itself, and hides nothing."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from governance.cards import markdown
from governance.cards.compose import card_of
from governance.evidence.collect import collect
from governance.ledger import audit
from governance.ledger.actors import Actor
from governance.ledger.append import Stale
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import set_groups
from governance.registry import actions, lookup
from governance.registry.actions import Refused
from governance.releases import gate_texts, serving_found, waivers
from governance.releases.actions import run_gate
from governance.releases.conditions import gate_passed
from governance.releases.models import Waiver
from governance.reviews import actions as reviews
from tests.builders import ADA, MARA, POLLY, RAVI, approved
from tests.invariants.test_races import at_once
from tests.releases.answering import begin, chat
from tests.releases.facts import rule
from tests.releases.world import house_policy, measured, released

LICENSED = rule('states["licence"] == "recorded"', "licence", id="licensed")
PROPRIETARY = rule('facts["licence"] == "none"', "licence", id="proprietary")
UNKNOWN = rule('facts["cost"] < 1', "cost", id="cost")
STRICT = {**rule('facts["licence"] == "none"', "licence", id="strict"), "waivable": False}
WARNS = rule('facts["licence"] == "none"', "licence", id="warns", severity="warn")
ROSA = Actor.person("rosa")
CLI = Actor.command("root", "rosa")


def gated(world, *rules, **changes):
    policy = lookup.find(house_policy(world, LICENSED, *rules))
    if policy.state == "sealed":
        approved(policy)
    version = released(world, policy=policy.subject, **changes)
    run_gate(version, actor=MARA)
    return version


def proposed(version, rule: str = "proprietary", *, days: float = 30, actor=MARA, reason="Known and small."):
    return waivers.propose(
        version, rule, reason=reason, expires_at=timezone.now() + timedelta(days=days), actor=actor
    )


def granted(version, rule: str = "proprietary", **how):
    return waivers.grant(proposed(version, rule, **how), reason="Agreed.", actor=RAVI)


def later(monkeypatch, **by):
    moment = timezone.now() + timedelta(**by)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_a_waived_rule_keeps_its_verdict_and_stops_nothing(world):
    version = gated(world, PROPRIETARY, UNKNOWN)
    first, second = granted(version), granted(version, "cost", actor=ADA)
    report = run_gate(version, actor=MARA)
    told = {one["id"]: one for one in report.report["rules"]}
    assert report.verdict == "passed"
    assert [told[name]["verdict"] for name in ("licensed", "proprietary", "cost")] == [
        "passed", "refused", "undecided",
    ]  # fmt: skip
    grant = Entry.objects.get(op="releases:waiver:granted", object_id=str(first.pk))
    assert told["proprietary"]["waived"] == {
        "id": str(first.pk), "by": "ravi", "proposed_by": "mara", "reason": "Known and small.",
        "expires_at": first.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "entry": grant.leaf_index,
    }  # fmt: skip
    assert [one["rule"] for one in report.report["waivers"]] == ["proprietary", "cost"]
    assert told["licensed"]["waived"] is None
    assert gate_texts.headline(report.report) == "passed with 2 waivers"
    assert 'skipped="2"' in gate_texts.junit(report.report)
    assert 'failures="0"' in gate_texts.junit(report.report)
    assert Waiver.objects.get(pk=second.pk).proposed_by == "ada"
    reviews.submit(version, actor=MARA)
    reviews.approve(version, digest=version.digest, reason="With two waivers.", actor=RAVI)
    assert lookup.find(version.subject).state == "approved"
    assert audit.run().problems == []


def test_a_proposal_alone_changes_nothing(world):
    version = gated(world, PROPRIETARY)
    proposed(version)
    assert run_gate(version, actor=MARA).verdict == "refused"
    assert "Title of proprietary" in gate_passed(version)


def test_nobody_grants_their_own_proposal_whatever_their_groups(world):
    version = gated(world, PROPRIETARY)
    for handle in ("mara", "rosa"):
        set_groups(
            world.cast.users[handle].account, ["release-manager", "reviewer"], actor=Actor.person("root")
        )
    one = proposed(version, actor=ROSA)
    with pytest.raises(Refused, match="rosa proposed this waiver"):
        waivers.grant(one, reason="Mine.", actor=ROSA)
    with pytest.raises(Refused, match="mara wrote or submitted release:assistant@1"):
        waivers.grant(one, reason="My release.", actor=MARA)
    with pytest.raises(Refused, match="signed-in person"):
        waivers.grant(one, reason="From a shell.", actor=Actor.command("root", "ravi"))
    with pytest.raises(Refused, match="Give a reason"):
        waivers.grant(one, reason=" \n", actor=RAVI)
    assert Waiver.objects.get().state == "proposed"
    assert waivers.grant(one, reason="Read it.", actor=RAVI).granted_by == "ravi"


def test_a_grant_counts_once(world):
    version = gated(world, PROPRIETARY)
    one = proposed(version)
    stale = Waiver.objects.get(pk=one.pk)
    waivers.grant(one, reason="Agreed.", actor=RAVI)
    with pytest.raises(Refused, match="is granted already"):
        waivers.grant(one, reason="Again.", actor=ROSA)
    with pytest.raises(Stale):
        waivers.decline(stale, reason="No.", actor=ROSA)
    assert Entry.objects.filter(object_id=str(one.pk)).count() == 2


def test_two_decisions_at_once_leave_one(world):
    version = gated(world, PROPRIETARY)
    one = proposed(version)
    copies = [Waiver.objects.select_related("version__artifact").get(pk=one.pk) for _ in range(4)]
    acts = [
        lambda: waivers.grant(copies[0], reason="Yes.", actor=RAVI),
        lambda: waivers.grant(copies[1], reason="Yes.", actor=ROSA),
        lambda: waivers.decline(copies[2], reason="No.", actor=RAVI),
        lambda: waivers.withdraw(copies[3], reason="Sorry.", actor=MARA),
    ]
    outcomes = at_once(*acts)
    assert sum(isinstance(outcome, Waiver) for outcome in outcomes) == 1, outcomes
    assert Entry.objects.filter(object_id=str(one.pk)).count() == 2
    settle()
    assert audit.run().problems == []


def test_two_proposals_at_once_leave_one(world):
    version = gated(world, PROPRIETARY)
    outcomes = at_once(lambda: proposed(version, actor=MARA), lambda: proposed(version, actor=ADA))
    assert sorted(isinstance(outcome, Waiver) for outcome in outcomes) == [False, True], outcomes
    assert Waiver.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "how", "why"),
    [
        ("licensed", {}, "is not stopped by the rule licensed"),
        ("strict", {}, "says that the rule strict may not be waived"),
        ("warns", {}, "only warns"),
        ("nonsense", {}, "has no rule 'nonsense'"),
        ("proprietary", {"reason": " "}, "Give a reason"),
        ("proprietary", {"reason": "x" * 10_001}, "10,001 characters"),
        ("proprietary", {"days": 91}, "within 90 days"),
        ("proprietary", {"days": -1}, "ends in the future"),
        ("proprietary", {"actor": Actor.system("reaper")}, "named in it"),
    ],
)
def test_what_cannot_be_waived_is_refused_with_the_reason(world, name, how, why):
    version = gated(world, PROPRIETARY, STRICT, WARNS)
    with pytest.raises(Refused, match=why):
        proposed(version, name, **how)
    assert not Waiver.objects.exists()


def test_a_waiver_comes_after_a_gate_and_only_once_a_rule(world):
    policy = lookup.find(house_policy(world, PROPRIETARY))
    approved(policy)
    version = released(world, policy=policy.subject)
    with pytest.raises(Refused, match="run the gate first"):
        proposed(version)
    run_gate(version, actor=MARA)
    proposed(version)
    with pytest.raises(Refused, match="is proposed already"):
        proposed(version, actor=ADA)


def test_a_waiver_is_for_one_digest_and_one_policy(world):
    version = gated(world, PROPRIETARY)
    granted(version)
    other = gated(world, PROPRIETARY, notes="Another one.")
    assert other.digest != version.digest
    assert run_gate(other, actor=MARA).verdict == "refused"
    stricter = house_policy(world, LICENSED, PROPRIETARY, WARNS)
    moved = released(world, policy=stricter)
    assert run_gate(moved, actor=MARA).verdict == "refused"
    assert run_gate(version, actor=MARA).verdict == "passed"


def test_a_waiver_that_expires_counts_no_longer_anywhere(world, monkeypatch):
    version = gated(world, PROPRIETARY)
    granted(version, days=2)
    run_gate(version, actor=MARA)
    assert gate_passed(version) is None
    later(monkeypatch, days=2, seconds=1)
    assert "waiver of rule proprietary expired" in gate_passed(version)
    assert "run the gate again" in gate_passed(version)
    assert run_gate(version, actor=MARA).verdict == "refused"
    late = proposed(version, days=1)
    later(monkeypatch, days=3, seconds=2)
    with pytest.raises(Refused, match="would have expired"):
        waivers.grant(late, reason="Late.", actor=RAVI)


@pytest.mark.parametrize("ends", ["expires", "is withdrawn"])
def test_what_answers_by_a_waiver_that_is_over_is_told_of(world, monkeypatch, ends):
    """It goes on answering; nobody may overlook that two people let it do so until then."""
    version = gated(world, PROPRIETARY)
    one = granted(version)
    run_gate(version, actor=MARA)
    runtime = chat()
    begin(runtime, approved(version, submitter=MARA))
    assert serving_found.trouble(runtime) == []
    if ends == "expires":
        later(monkeypatch, days=31)
    else:
        waivers.withdraw(one, reason="It was wrong.", actor=ADA)
    run_gate(version, actor=MARA)
    (told,) = serving_found.trouble(runtime)
    assert told.startswith(f"chat still answers with {version.subject}: The waiver of rule proprietary")
    assert [watched.runtime.slug for watched in serving_found.everywhere()] == ["chat"]


def test_a_waiver_that_is_withdrawn_asks_for_another_gate(world):
    version = gated(world, PROPRIETARY)
    one = granted(version)
    run_gate(version, actor=MARA)
    waivers.withdraw(one, reason="It was not small.", actor=RAVI)
    assert gate_passed(version) == "The waiver of rule proprietary was withdrawn; run the gate again."
    assert run_gate(version, actor=MARA).verdict == "refused"
    with pytest.raises(Refused, match="is withdrawn already"):
        waivers.withdraw(one, reason="Again.", actor=MARA)


def test_a_declined_proposal_stays_declined(world):
    version = gated(world, PROPRIETARY)
    one = proposed(version)
    with pytest.raises(Refused, match="signed-in person"):
        waivers.decline(one, reason="From a shell.", actor=CLI)
    assert waivers.decline(one, reason="Not small.", actor=ROSA).ended_by == "rosa"
    with pytest.raises(Refused, match="is declined already"):
        waivers.grant(one, reason="Yes.", actor=RAVI)
    assert run_gate(version, actor=MARA).verdict == "refused"
    assert proposed(version, reason="With more facts.").state == "proposed"


def test_the_database_lets_nobody_write_a_waiver_by_hand(world):
    version = gated(world, PROPRIETARY)
    one = granted(version)
    for change in (
        "expires_at = '2099-01-01'",
        "granted_by = 'mara'",
        "state = 'proposed'",
        "rule = 'strict'",
    ):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"UPDATE releases_waiver SET {change}")
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM releases_waiver")
    one.state = Waiver.PROPOSED
    with pytest.raises(DatabaseError):
        one.save(update_fields=["state"])


def test_the_card_prints_waivers_and_no_rule_sees_them(world):
    circular = rule(
        'states.exists(k, k.startsWith("thresholds_decision."))', "thresholds_decision", "thresholds_decision.*",
        id="circular",
    )  # fmt: skip
    version = gated(world, PROPRIETARY)
    granted(version)
    size = settle().size
    document = collect(version, size)
    assert document.get("thresholds_decision.waiver_1.rule").value == "proprietary"
    assert document.get("thresholds_decision.waiver_1.reason").value == "Known and small."
    assert document.get("thresholds_decision.waiver_1.granted_by").value == "ravi"
    assert collect(version, size - 1).get("thresholds_decision.waiver_1.rule") is None
    assert "Known and small." in markdown.render(card_of(version, size))
    report = run_gate(version, actor=MARA)
    assert collect(version, report.evidence_size).digest == report.evidence_digest
    policy = actions.register("release-policy", "odd", {"title": "Odd", "rules": [circular]}, actor=POLLY)
    seen = run_gate(released(world, policy=policy.subject), actor=MARA).report["rules"][0]
    assert (seen["verdict"], seen["reason"]) == ("undecided", "No fact matches thresholds_decision.*.")
    with pytest.raises(Refused, match="only decided after the gate"):
        approved(policy)


def test_an_evaluation_that_ends_after_the_gate_asks_for_another(world, tmp_path):
    version = gated(world)
    assert gate_passed(version) is None
    trial = [("evaluated", world.tuned)]
    started = actions.start_activity("evaluation", "Trial", trial, summary={"limit": 3}, actor=ADA)
    actions.end_activity(started, state="ended", summary={"limit": 3, "results": []}, actor=ADA)
    assert gate_passed(version) is None
    measured(world.base, tmp_path, {})
    assert gate_passed(version) is None
    measured(world.tuned, tmp_path, {"harmful_refusal": {"score": "0.1"}})
    assert "An evaluation of these weights ended after the gate of release:assistant@1" in gate_passed(
        version
    )
    run_gate(version, actor=MARA)
    assert gate_passed(version) is None
