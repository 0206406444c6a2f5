"""Drift: what a runtime says of itself against what is recorded; alarms once, closed by a person; silence is seen."""

import json
from datetime import timedelta

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger import audit
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import create_token
from governance.releases import drift
from governance.releases.components import identity_of
from governance.releases.models import DriftAlarm, RuntimeReport
from tests.builders import ADA
from tests.releases.answering import begin, chat, out

ADDRESS = "/api/v1/runtimes/chat/reports/"


def test_a_report_that_differs_raises_one_alarm_until_somebody_closes_it(world, client):
    version, runtime = out(world), chat()
    expiry = timezone.now() + timedelta(days=1)
    _, secret = create_token(
        world.cast.ada.account,
        label="runtime",
        scopes=["releases:runtime:report"],
        expires_at=expiry,
        actor=ADA,
    )
    token = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    period = begin(runtime, version)
    before = Entry.objects.count()
    told = token.post(ADDRESS, {"identity": period.identity}, format="json").json()
    assert (told["known"], told["alarm"]) == (True, None)
    assert Entry.objects.count() == before
    parts = {**identity_of(version), "engine_version": "5.18.0"}
    for _ in range(3):
        told = token.post(ADDRESS, {"parts": parts}, format="json").json()
    assert told["alarm"]["differing"] == ["engine_version"]
    assert told["alarm"]["expected"] == [{"subject": version.subject, "identity": period.identity}]
    assert Entry.objects.count() == before + 1
    assert Entry.objects.latest("id").actor.startswith("token:")
    assert RuntimeReport.objects.get().parts["engine_version"] == "5.18.0"
    assert token.post(ADDRESS, {"identity": "0" * 64}, format="json").json()["alarm"]["differing"] is None
    assert DriftAlarm.objects.count() == 2
    for body in (
        {},
        {"identity": "0" * 64, "parts": parts},
        {"identity": "short"},
        {"parts": {"colour": "red"}},
    ):
        assert token.post(ADDRESS, body, format="json").status_code == 422, body
    assert (
        token.post(ADDRESS, {"identity": "0" * 64, "at": "2020-01-01T00:00:00Z"}, format="json").status_code
        == 400
    )
    alarm = DriftAlarm.objects.get(differing=["engine_version"])
    close = f"/api/v1/drift/{alarm.pk}/close/"
    assert token.post(close, {"reason": "Known."}, format="json").status_code == 403
    client.force_login(world.cast.mara)
    assert "reports the identity" in client.get("/").content.decode()
    assert "Differs in engine_version" in client.get("/runtimes/chat/").content.decode()
    assert len(client.get("/api/v1/drift/", {"runtime": "chat", "state": "open"}).json()["results"]) == 2
    assert client.post(f"/drift/{alarm.pk}/close/", {"reason": " "}).status_code == 302
    assert DriftAlarm.objects.filter(state="open").count() == 2
    client.post(f"/drift/{alarm.pk}/close/", {"reason": "An upgrade."})
    body = json.dumps({"reason": "Again."})
    assert client.post(close, body, content_type="application/json").status_code == 409
    alarm.refresh_from_db()
    assert (alarm.state, alarm.closed_by, alarm.reason) == ("closed", "mara", "An upgrade.")
    # Closed, the same difference counts again.
    token.post(ADDRESS, {"parts": parts}, format="json")
    assert DriftAlarm.objects.filter(state="open").count() == 2
    settle()
    assert audit.run().problems == []


def test_a_token_cannot_fill_the_log_and_silence_is_seen(world, client: Client, monkeypatch):
    monkeypatch.setattr(drift, "MOST_OPEN", 3)
    runtime = chat(report_every=60)
    for number in range(6):
        drift.report(runtime, identity=f"{number:064x}", actor=ADA)
    assert DriftAlarm.objects.count() == 3
    client.force_login(world.cast.axel)
    begin(runtime, out(world))
    silent = "has been silent since"
    assert silent not in client.get("/").content.decode()
    RuntimeReport.objects.update(at=timezone.now() - timedelta(hours=1))
    assert silent in client.get("/").content.decode()
    assert any(silent in one for one in client.get("/api/v1/runtimes/chat/").json()["trouble"])
