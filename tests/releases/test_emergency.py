"""Break glass: it only withdraws or brings back what was out before, and a second person looks at it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.utils import timezone

from governance.ledger import audit
from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import set_groups
from governance.registry import actions as registry
from governance.registry import lookup
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.releases import emergency, serving
from governance.releases.actions import run_gate
from governance.releases.models import Emergency, Runtime, ServingPeriod
from tests.builders import ADA, MARA, RAVI
from tests.releases.answering import begin, chat, out
from tests.releases.world import World, released


@pytest.fixture
def served(world: World, monkeypatch) -> tuple[World, Runtime]:
    """The first version answered alone, then the second took its place; the first was superseded. A third was never out."""
    runtime = chat()
    first = out(world)
    now = timezone.now()
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: now - timedelta(hours=2))
        begin(runtime, first)
    second = out(world, notes="Second.")
    serving.replace(runtime, second, share=Decimal(1), reason="Better.", actor=MARA)
    return world, runtime


def names(runtime: Runtime) -> list[str]:
    return [one.version.subject for one in serving.standing_at(runtime)]


def rolled(runtime: Runtime, subject: str, **changes) -> Emergency:
    return emergency.rollback(
        runtime, lookup.find(subject), **{"reason": "It leaks.", "actor": ADA, **changes}
    )


def test_one_person_brings_back_what_answered_before_and_another_reviews_it(served):
    world, runtime = served
    assert lookup.find("release:assistant@1").state == "superseded"
    one = rolled(runtime, "release:assistant@1")
    ops = ["releases:serving:ended", "releases:serving:started", "releases:emergency:acted"]
    assert list(Entry.objects.order_by("-id").values_list("op", flat=True)[:3])[::-1] == ops
    assert names(runtime) == ["release:assistant@1"]
    assert serving.standing_at(runtime)[0].share == 1
    assert (one.ended[0]["subject"], one.due_at - one.at) == ("release:assistant@2", timedelta(hours=24))
    # Not by whoever did it, in whatever group they are by now, nor by a command.
    set_groups(world.cast.ada.account, ["engineer", "reviewer", "release-manager"], actor=MARA)
    for actor, said in (
        (ADA, "somebody else must"),
        (Actor.token("0" * 8, "ada"), "somebody else must"),
        (Actor.command("root", "ravi"), "commands cannot"),
    ):
        with pytest.raises(Refused, match=said):
            emergency.review(one, outcome="confirmed", note="Fine.", actor=actor)
    for given, error in (
        ({"outcome": "fine", "note": "x"}, Refused),
        ({"outcome": "contested", "note": " "}, ContentError),
    ):
        with pytest.raises(error):
            emergency.review(one, **given, actor=RAVI)
    found = emergency.review(one, outcome="contested", note="It did not leak.", actor=RAVI)
    assert (found.state, found.reviewed_by) == ("contested", "ravi")
    with pytest.raises(Refused, match="ravi has reviewed it"):
        emergency.review(one, outcome="confirmed", note="Again.", actor=MARA)
    # What answered is not changed by it, and the newer one does not come back without the usual way.
    assert names(runtime) == ["release:assistant@1"]
    with pytest.raises(Refused, match="is not older"):
        rolled(runtime, "release:assistant@2")
    settle()
    assert audit.run().problems == []


def test_nothing_comes_out_that_way_that_was_never_out(served):
    world, runtime = served
    newer = out(world, notes="Third.")
    other = out(world, "other", notes="Other.")
    draft = released(world, "draft", notes="Draft.")
    run_gate(draft, actor=MARA)
    before = (Entry.objects.count(), names(runtime))
    for version in (newer, other, draft, world.tuned):
        with pytest.raises(Refused, match="never answered at chat"):
            rolled(runtime, version.subject)
    with pytest.raises(Refused, match="is not older"):
        rolled(runtime, "release:assistant@2")
    with pytest.raises(ContentError):
        rolled(runtime, "release:assistant@1", reason="  ")
    # What was out elsewhere was not out here.
    elsewhere = serving.create_runtime("voice", title="Voice", kind="app", audience="all", actor=MARA)
    begin(elsewhere, other)
    with pytest.raises(Refused, match="never answered at chat"):
        rolled(runtime, "release:other@1")
    assert [one.subject for one in emergency.candidates(runtime)] == ["release:assistant@1"]
    registry.revoke(lookup.find("release:assistant@1"), reason="Wrong.", actor=RAVI)
    with pytest.raises(Refused, match="is revoked"):
        rolled(runtime, "release:assistant@1")
    assert emergency.candidates(runtime) == []
    assert (Entry.objects.count() - 3, names(runtime)) == before
    assert not Emergency.objects.exists()


def test_a_part_that_was_revoked_does_not_come_back_and_withdrawing_always_works(served):
    _, runtime = served
    registry.revoke(lookup.find("model:tuned"), reason="Leaked.", actor=RAVI)
    with pytest.raises(Refused, match="model:tuned@1 is revoked"):
        rolled(runtime, "release:assistant@1")
    emergency.withdraw(runtime, reason="It leaks.", actor=ADA)
    assert names(runtime) == []
    with pytest.raises(Refused, match="Nothing answers"):
        emergency.withdraw(runtime, reason="Again.", actor=ADA)
    assert Emergency.objects.count() == 1


def test_doors(served, client, capsys, settings):
    world, runtime = served
    settings.CHARTER_BREAK_GLASS_HOURS = 0
    given = {"kind": "rollback", "runtime": "chat", "to": "release:assistant@1", "reason": "It leaks."}

    def post(path: str, body: dict, name: str):
        client.force_login(world.cast.users[name])
        return client.post(path, json.dumps(body), content_type="application/json")

    api = "/api/v1/emergencies/"
    assert post(api, given, "otto").status_code == post(api, given, "axel").status_code == 403
    for body in (
        {**given, "kind": "withdraw"},
        {**given, "due_at": "2030-01-01T00:00:00Z"},
        {"kind": "rollback"},
    ):
        assert post(api, body, "ada").status_code == 400
    assert post(api, {**given, "to": "release:nothing@1"}, "ada").status_code == 404
    assert post(api, {**given, "to": "model:tuned@1"}, "ada").status_code == 409
    assert names(runtime) == ["release:assistant@2"]
    made = post(api, given, "ada")
    assert made.status_code == 201, made.content
    where = f"{api}{made.json()['id']}/"
    assert client.get(where).json()["overdue"] is True
    assert "overdue" in client.get("/").content.decode()
    assert "overdue" in client.get("/runtimes/chat/").content.decode()
    assert "overdue" in client.get("/emergencies/").content.decode().lower()
    assert post(f"{where}review/", {"outcome": "confirmed", "note": "Right."}, "ada").status_code == 403
    call_command("emergency", "--as", "ada")
    assert "rollback at chat by ada: OVERDUE" in capsys.readouterr().out
    page = f"/emergencies/{made.json()['id']}/"
    client.force_login(world.cast.mara)
    assert client.post(f"{page}review/", {"outcome": "confirmed", "note": "Right."}).status_code == 302
    assert Emergency.objects.get().state == "confirmed"
    assert "Right." in client.get(page).content.decode()
    call_command("emergency", "withdraw", "chat", "--reason", "Worse.", "--as", "ravi")
    assert names(runtime) == []
    assert ServingPeriod.objects.filter(ended_by="ravi").count() == 1
    client.force_login(world.cast.ravi)
    response = client.post("/runtimes/chat/emergency/", {"kind": "withdraw", "reason": "Again."}, follow=True)
    assert "Nothing answers at chat" in response.content.decode()
    with pytest.raises(SystemExit):
        call_command("emergency", "withdraw", "chat", "--reason", "Again.", "--as", "otto")
