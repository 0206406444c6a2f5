"""What answered on that day: from the ledger's entries alone, with proofs that stand without us."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.ledger import keys, verify
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry.kinds.base import ContentError
from governance.releases import resolve, serving
from governance.releases.components import identity_of
from governance.releases.identity import behavioural_identity
from governance.releases.models import Runtime, ServingPeriod
from tests.builders import MARA
from tests.releases.answering import begin, chat, out
from tests.releases.world import World


@pytest.fixture
def story(world: World, monkeypatch) -> tuple[World, Runtime, list[datetime]]:
    """Nothing, then the first release, then both, then the second alone, an hour apart."""
    runtime = chat()
    first, second = out(world), out(world, "better", notes="Better.")
    start = timezone.now().replace(microsecond=0) - timedelta(hours=10)
    clock = [start]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    moments = [start + timedelta(hours=number, minutes=30) for number in range(4)]
    clock[0] = start + timedelta(hours=1)
    begin(runtime, first, "0.95")
    clock[0] = start + timedelta(hours=2)
    begin(runtime, second, "0.05", audience="testers")
    clock[0] = start + timedelta(hours=3)
    serving.replace(runtime, second, share=Decimal(1), reason="It does well.", actor=MARA)
    monkeypatch.undo()
    settle()
    return world, runtime, moments


def names(runtime: Runtime, moment: datetime, person: object) -> list[tuple[str, str]]:
    return [(one.said["subject"], one.said["share"]) for one in resolve.served_at(runtime, moment, person)]


def test_each_moment_has_its_own_answer(story, monkeypatch):
    world, runtime, moments = story
    axel = world.cast.axel
    assert [names(runtime, moment, axel) for moment in moments] == [
        [],
        [("release:assistant@1", "0.95")],
        [("release:assistant@1", "0.95"), ("release:better@1", "0.05")],
        [("release:better@1", "1")],
    ]
    one = resolve.served_at(runtime, moments[2], axel)[1]
    assert one.said["audience"] == "testers"
    assert one.named()["model"]["subject"] == "model:tuned@1"
    assert one.named()["policy_layer"]["system_prompt"]["subject"] == "system-prompt:plain@1"
    assert one.named()["deployment"]["subject"] == "deployment:local@1"
    assert (
        behavioural_identity(one.parts)
        == one.said["identity"]
        == behavioural_identity(identity_of(one.version))
    )
    assert [review.reviewer for review in one.approvals] == ["ravi"]
    assert [shows for shows, _ in one.entries] == ["start", "approval", "end"]
    # In the second in which one took the other's place, only the new one answers.
    at_change = Entry.objects.get(op="releases:serving:ended", object_id=str(one.period.pk)).at
    assert names(runtime, at_change, axel) == [("release:better@1", "1")]
    assert names(runtime, at_change - timedelta(seconds=1), axel) == names(runtime, moments[2], axel)
    # A row only says where to look: what its entry says is the answer.
    monkeypatch.setattr(ServingPeriod, "ledger_state", lambda _: pytest.fail("the row was asked"))
    assert names(runtime, moments[1], axel) == [("release:assistant@1", "0.95")]


def test_with_proofs_that_an_offline_verifier_accepts(story, client, capsys, tmp_path):
    world, _, moments = story
    client.force_login(world.cast.axel)
    asked = {"deployment": "chat", "at": moments[2].strftime("%Y-%m-%dT%H:%M:%SZ")}
    with CaptureQueriesContext(connection) as queries:
        told = client.get("/api/v1/identity/", asked).json()
    assert len(queries) <= 50
    assert [one["release"] for one in told["served"]] == ["release:assistant@1", "release:better@1"]
    policy = keys.policy()
    for one in told["served"]:
        for cited in one["entries"]:
            entry = client.get(f"/api/v1/ledger/entries/{cited['index']}/").json()
            assert entry["leaf_hash"] == cited["leaf_hash"]
            proof = verify.Proof.parse(cited["proof"])
            assert proof.check(bytes.fromhex(cited["leaf_hash"]), policy) > cited["index"]
    page = client.get("/identity/", asked).content.decode()
    assert "release:better@1" in page
    assert "testers" in page
    path = tmp_path / "answered.zip"
    path.write_bytes(client.get("/identity/bundle/", asked).content)
    policy_file = tmp_path / "policy.txt"
    policy_file.write_text(policy.text)
    report = verify.verify(path.read_bytes(), policy)
    assert report.holds, [line for line in report.lines if line.outcome != "holds"]
    evidence = json.loads(verify.bundle.read(path.read_bytes())["evidence.json"])
    facts = {fact["key"]: fact["value"] for fact in evidence["facts"]}
    assert facts["served_1.model.subject"] == "model:tuned@1"
    assert facts["served_2.start_1.share"] == "0.05"
    call_command("identity", "chat", "--at", asked["at"], "--json", "--as", "axel")
    assert json.loads(capsys.readouterr().out)["served"] == json.loads(json.dumps(told["served"]))
    call_command("identity", "chat", "--at", asked["at"], "--out", str(tmp_path / "same.zip"), "--as", "axel")
    assert "model          model:tuned@1" in capsys.readouterr().out
    assert verify.verify((tmp_path / "same.zip").read_bytes(), policy).holds
    damaged = path.read_bytes().replace(b"testers", b"nobody!")
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    done = subprocess.run(
        [sys.executable, "-m", "governance.ledger.verify", path, "--key", policy_file], cwd=settings.BASE_DIR,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1


def test_what_cannot_be_answered_says_so(world, client):
    chat()
    client.force_login(world.cast.axel)

    def asked(**given: str):
        return client.get("/api/v1/identity/", given)

    nothing = asked(deployment="chat").json()
    assert nothing["served"] == []
    assert nothing["told"].startswith("Nothing is recorded to have answered at chat at ")
    assert asked(deployment="chta").status_code == 404
    assert "Did you mean chat" in asked(deployment="chta").json()["detail"]
    assert asked().status_code == 400
    for wrong in (
        "2026-03-01T12:00:00",
        "2026-03-01",
        "yesterday",
        "2999-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00Z",
        "2026-13-01T00:00:00Z",
    ):
        response = asked(deployment="chat", at=wrong)
        assert response.status_code == 422, wrong
        assert response.json()["errors"][0]["field"] == "at"
        assert client.get("/identity/", {"deployment": "chat", "at": wrong}).status_code == 400
    assert asked(deployment="chat", at="0001-01-01T00:00:00Z").json()["served"] == []
    with pytest.raises(ContentError):
        resolve.moment_of("0001-01-01T00:00:00+14:00")
    for wrong in (("chat", "--at", "2026-01-01"), ("chta",)):
        with pytest.raises(SystemExit) as stopped:
            call_command("identity", *wrong, "--as", "axel")
        assert stopped.value.code == 1


def test_a_zone_counts():
    assert resolve.moment_of("2026-01-01T02:00:00+02:00") == datetime(2026, 1, 1, tzinfo=UTC)
