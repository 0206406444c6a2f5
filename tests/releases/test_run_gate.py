"""The gate from settling to its entry, what it allows a reviewer, and what the database refuses afterwards."""

import pytest
from django.db import DatabaseError, connection

from governance.evidence.collect import collect
from governance.ledger import audit
from governance.ledger.canonical import canonical, loads, sha256_hex
from governance.ledger.models import Entry
from governance.registry import actions, blobs, lookup
from governance.registry.actions import Refused
from governance.releases.actions import run_gate
from governance.releases.models import GateReport
from governance.reviews import actions as reviews
from tests.builders import MARA, POLLY, RAVI, approved
from tests.releases.facts import rule
from tests.releases.world import house_policy, released

LICENSED = rule('states["licence"] == "recorded"', "licence", id="licensed")
PROPRIETARY = rule('facts["licence"] == "none"', "licence", id="proprietary")
UNKNOWN = rule('facts["cost"] < 1', "cost", id="cost")


def gated(world, *rules, approve: bool = True):
    policy = house_policy(world, *rules)
    if approve:
        approved(lookup.find(policy))
    version = released(world, policy=policy)
    return version, run_gate(version, actor=MARA)


def review(version):
    reviews.submit(version, actor=MARA)
    return reviews.approve(version, digest=version.digest, reason="The gate passed.", actor=RAVI)


def test_a_report_is_stored_with_one_entry_that_counts_its_rules(world):
    _, report = gated(world, LICENSED, PROPRIETARY, UNKNOWN)
    assert report.verdict == "refused"
    assert [one["verdict"] for one in report.report["rules"]] == ["passed", "refused", "undecided"]
    stored = blobs.read(report.report_sha256)
    assert stored == canonical(report.report)
    assert sha256_hex(stored) == report.report_sha256
    entry = Entry.objects.latest("id")
    assert (entry.op, entry.actor, entry.object_id) == ("releases:gate:run", "person:mara", str(report.id))
    told = loads(entry.parts["P"]["payload"])
    assert told["summary"] == {"counts": {"passed": 1, "refused": 1, "undecided": 1}, "waived": []}
    assert told["state"]["verdict"] == "refused"
    assert told["state"]["report"] == report.report_sha256


def test_the_evidence_can_be_collected_again_as_the_gate_saw_it(world):
    version, report = gated(world, LICENSED)
    actions.revoke(lookup.find("deployment:local"), reason="It leaks.", actor=RAVI)
    again = run_gate(version, actor=MARA)
    assert collect(version, report.evidence_size).digest == report.evidence_digest
    assert again.evidence_size > report.evidence_size
    assert version.gate_reports.first() == again


def test_evidence_holds_no_gate_and_the_identity_of_the_release(world):
    version, _ = gated(world, LICENSED)
    other = released(world, system_prompt=None, policy=version.content["policy"])
    first, second = (collect(one, run_gate(one, actor=MARA).evidence_size) for one in (version, other))
    assert not [fact.key for fact in first.facts if fact.key.startswith("gate")]
    assert first.get("artefact_id").value != second.get("artefact_id").value
    for document in (first, second):
        identity = document.get("artefact_id")
        assert [key for key in identity.source.inputs if document.get(key) is None] == []
        assert document.entries_behind(identity)


def test_a_report_cannot_be_changed_and_verifies(world):
    _, report = gated(world, LICENSED)
    assert audit.run().problems == []
    with pytest.raises(DatabaseError, match=r"changes only together|frozen"), connection.cursor() as cursor:
        cursor.execute("UPDATE releases_gatereport SET verdict = 'refused'")
    report.report = {**report.report, "verdict": "refused"}
    assert "its text has the digest" in report.ledger_faults()[0]


def test_a_release_is_approved_after_its_gate_passed(world):
    version, _ = gated(world, LICENSED)
    review(version)
    assert lookup.find(version.subject).state == "approved"


def test_a_release_without_a_gate_report_is_not_approved(world):
    version = released(world)
    with pytest.raises(Refused, match=r"has no gate report; run manage.py gate release:assistant@1"):
        review(version)


def test_a_refused_release_is_not_approved_and_the_rules_are_named(world):
    version, _ = gated(world, LICENSED, PROPRIETARY, UNKNOWN)
    with pytest.raises(Refused, match=r"The gate refused release:assistant@1: Title of proprietary\.$"):
        review(version)


def test_an_undecided_release_is_not_approved_either(world):
    version, _ = gated(world, LICENSED, UNKNOWN)
    with pytest.raises(Refused, match=r"could not decide about release:assistant@1: Title of cost\.$"):
        review(version)


def test_only_the_newest_report_counts(world):
    version, _ = gated(world, rule('states["authorship.deployment.state"] == "recorded"'
        ' && facts["authorship.deployment.state"] == "approved"', "authorship.deployment.state"))  # fmt: skip
    actions.revoke(lookup.find("deployment:local"), reason="It leaks.", actor=RAVI)
    assert run_gate(version, actor=MARA).verdict == "refused"
    with pytest.raises(Refused, match="The gate refused"):
        review(version)


def test_what_is_revoked_after_the_gate_asks_for_another(world):
    version, _ = gated(world, LICENSED)
    actions.revoke(lookup.find("dataset:chats"), reason="Nobody had agreed.", actor=RAVI)
    with pytest.raises(Refused, match=r"dataset:chats@1 was revoked after the gate .*; run manage\.py gate"):
        review(version)
    run_gate(version, actor=MARA)
    reviews.approve(version, digest=version.digest, reason="The gate passed.", actor=RAVI)


def test_parts_must_be_approved_when_the_release_is(world):
    version, report = gated(world, LICENSED, approve=False)
    assert report.verdict == "passed"
    reviews.submit(version, actor=MARA)
    with pytest.raises(Refused, match=r"Its policy release-policy:strict@1 is sealed, not approved\."):
        reviews.approve(version, digest=version.digest, reason="Fine.", actor=RAVI)
    approved(lookup.find("release-policy:strict"))
    actions.revoke(lookup.find("constitution:house"), reason="Rule 2 is wrong.", actor=RAVI)
    with pytest.raises(Refused, match=r"Its constitution constitution:house@1 is revoked, not approved\."):
        reviews.approve(version, digest=version.digest, reason="Fine.", actor=RAVI)


def test_a_part_that_was_superseded_was_approved_once(world):
    version, _ = gated(world, LICENSED)
    newer = actions.register("system-prompt", "plain", {"text": "Be brief."}, actor=POLLY)
    approved(newer)
    assert lookup.find("system-prompt:plain@1").state == "superseded"
    review(version)


def test_a_policy_whose_rules_cannot_work_is_not_approved(world):
    policy = house_policy(world, rule("true ||", "licence", id="broken"))
    with pytest.raises(Refused, match="Rule broken: its expression does not compile: line 1"):
        approved(lookup.find(policy))


def test_a_gate_judges_sealed_releases_by_policies_that_stand(world):
    with pytest.raises(Refused, match="a gate judges releases"):
        run_gate(world.tuned, actor=MARA)
    version, _ = gated(world, LICENSED)
    draft = actions.save_draft("release", "sketch", {}, actor=MARA)
    with pytest.raises(Refused, match="is a draft"):
        run_gate(draft, actor=MARA)
    actions.revoke(lookup.find("release-policy:strict"), reason="Too lax.", actor=RAVI)
    with pytest.raises(Refused, match="release-policy:strict@1 is revoked"):
        run_gate(version, actor=MARA)
    assert GateReport.objects.count() == 1


def test_a_release_that_pins_what_is_not_here_is_not_judged_as_if_it_were(world):
    pins = {**released(world).content, "policy": {"subject": "release-policy:default@1", "digest": "0" * 64}}
    stray = actions.register("release", "stray", pins, actor=MARA, imported=False)
    with pytest.raises(Refused, match="no release policy of this registry"):
        run_gate(stray, actor=MARA)
