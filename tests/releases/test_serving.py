"""What answers where: begun and ended by release managers, never with more than the whole, never what may not go out."""

import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from governance.ledger import audit
from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions, lookup
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.releases import serving, serving_rules
from governance.releases.actions import run_gate
from governance.releases.models import ServingPeriod
from tests.builders import MARA, RAVI, approved
from tests.releases.answering import begin, chat, out, policy
from tests.releases.world import released


def shares(runtime) -> list[tuple[str, str]]:
    return [(one.version.subject, str(one.share.normalize())) for one in serving.standing_at(runtime)]


def test_the_life_of_periods(world):
    runtime, old, new = chat(), out(world), out(world, "better", notes="Better.")
    period = begin(runtime, old, "0.95")
    entry = Entry.objects.latest("id")
    assert (entry.op, entry.actor) == ("releases:serving:started", "person:mara")
    assert period.started_at <= entry.at
    assert '"share":"0.95"' in entry.parts["P"]["payload"]
    begin(runtime, new, "0.05", audience="testers")
    with pytest.raises(Refused, match="above 1"):
        begin(runtime, out(world, "more", notes="More."), "0.000001")
    # The canary takes the whole in one step.
    serving.replace(runtime, new, share=Decimal(1), reason="It does well.", actor=MARA)
    assert shares(runtime) == [("release:better@1", "1")]
    # What may not start ends nothing either.
    before = Entry.objects.count()
    with pytest.raises(Refused, match="only an approved release"):
        serving.replace(runtime, released(world, "draft"), share=Decimal(1), reason="Hurry.", actor=MARA)
    assert shares(runtime) == [("release:better@1", "1")]
    with pytest.raises(Refused, match="end it first"):
        serving.retire_runtime(runtime, reason="Moved.", actor=MARA)
    serving.end(runtime, reason="Enough.", actor=MARA)
    period.refresh_from_db()
    assert (period.state, period.ended_by, period.end_reason) == ("ended", "mara", "It does well.")
    for act in (serving.end, serving.retire_runtime, serving.retire_runtime):
        try:
            act(runtime, reason="Again.", actor=MARA)
        except Refused:
            continue
    with pytest.raises(Refused, match="is retired"):
        begin(runtime, new)
    told = ["releases:serving:ended", "releases:runtime:retired"]
    assert list(Entry.objects.filter(id__gt=before).order_by("id").values_list("op", flat=True))[-2:] == told
    for change in (
        {"started_at": world.tuned.created_at},
        {"share": "0.5"},
        {"state": "open"},
        {"ended_by": "ada"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            ServingPeriod.objects.filter(pk=period.pk).update(**change)
    settle()
    assert audit.run().problems == []


def test_only_what_may_go_out_begins(world):
    runtime = chat()
    world.parts["policy"] = policy(world)
    sealed = released(world)
    for version, said in ((sealed, "is sealed"), (world.tuned, "what answers somewhere is a release")):
        with pytest.raises(Refused, match=said):
            begin(runtime, version)
    run_gate(sealed, actor=MARA)
    version = approved(sealed, submitter=MARA)
    for actor, reason, error in (
        (Actor.command("root", None), "Why not.", Refused),
        (MARA, " ", ContentError),
    ):
        with pytest.raises(error):
            begin(runtime, version, actor=actor, reason=reason)
    actions.revoke(lookup.find("dataset:chats"), reason="Leaked.", actor=RAVI)
    with pytest.raises(Refused, match="was revoked after the gate"):
        begin(runtime, version)
    run_gate(version, actor=MARA)
    begin(runtime, version, "0.4")
    with pytest.raises(Refused, match="already"):
        begin(runtime, version, "0.4")
    assert serving_rules.fallen([version]) == {}
    serving.end(runtime, reason="Enough.", actor=MARA)
    actions.revoke(lookup.find("model:tuned"), reason="Leaked.", actor=RAVI)
    with pytest.raises(Refused, match="Its model model:tuned@1 is revoked"):
        begin(runtime, version)
    actions.revoke(version, reason="Wrong.", actor=RAVI)
    with pytest.raises(Refused, match="is revoked"):
        begin(runtime, lookup.find(version.subject))
    fallen = serving_rules.fallen([lookup.find(version.subject)])[version.pk]
    assert fallen == ["release:assistant@1 is revoked.", "model:tuned@1 is revoked."]
    assert ServingPeriod.objects.count() == 1


@pytest.mark.parametrize(
    "share", ["0", "-0.1", "1.000001", "0.0000001", "NaN", "1e-1", "", "half", "٠.٥", "9" * 400]
)
def test_a_share_is_an_exact_part_of_the_whole(share):
    with pytest.raises(ContentError) as refused:
        serving_rules.share_of(share)
    assert [field for field, _ in refused.value.faults] == ["share"]


def test_two_at_once_never_give_away_more_than_the_whole(world):
    runtime, versions = chat(), [out(world, slug, notes=slug) for slug in ("left", "right")]
    together, outcomes = threading.Barrier(2), []

    def act(version: Version) -> None:
        together.wait()
        try:
            outcomes.append(begin(runtime, version, "0.6"))
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in outcomes) == ["Refused", "ServingPeriod"], outcomes
    assert sum(one.share for one in serving.standing_at(runtime)) == Decimal("0.6")
