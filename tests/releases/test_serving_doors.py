"""Runtimes by HTTP, page and command: who may, what is refused, and that nobody says when it began or that it is approved."""

import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.evidence.collect import collect
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions, lookup
from governance.releases import emergency, serving
from governance.releases.models import Runtime, ServingPeriod
from tests.builders import ADA, MARA, RAVI
from tests.releases.answering import begin, out
from tests.releases.world import World, released

API = "/api/v1/runtimes/"
PERIODS = f"{API}chat/periods/"


def post(client: Client, path: str, body: dict, **headers: str):
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


@pytest.fixture
def mara(world: World, client: Client) -> Client:
    client.force_login(world.cast.mara)
    return client


def test_over_http(world, mara):
    made = {"slug": "chat", "title": "Chat", "kind": "app", "audience": "everybody"}
    assert post(mara, API, made).status_code == 201
    assert post(mara, API, made).status_code == 409
    for change, status in (
        ({"kind": "moon"}, 400),
        ({"slug": "../x"}, 400),
        ({"report_every": 0}, 400),
        ({"state": "retired"}, 400),
    ):
        assert post(mara, API, {**made, **change}).status_code == status
    version = out(world)
    given = {"release": version.subject, "share": "0.05", "reason": "First users."}
    # Nobody says when it began, who did it, or that it is approved.
    for forged in ("started_at", "started_by", "approved", "state", "identity", "digest", "ended_at"):
        response = post(mara, PERIODS, {**given, forged: "2020-01-01T00:00:00Z"})
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == forged
    for change, status in (
        ({"share": 1.5}, 422), ({"share": "0"}, 422), ({"share": [1]}, 422), ({"reason": ""}, 400), ({"of": "x"}, 400),
        ({"release": "release:nothing"}, 404), ({"release": "model:tuned@1"}, 409),
        ({"release": released(world, "unapproved").subject}, 409),
    ):  # fmt: skip
        assert post(mara, PERIODS, {**given, **change}).status_code == status, change
    assert not ServingPeriod.objects.exists()
    for name in ("ada", "ravi", "axel", "otto"):
        other = Client()
        other.force_login(world.cast.users[name])
        assert post(other, PERIODS, given).status_code == 403
        assert post(other, f"{API}chat/end/", {"reason": "No."}).status_code == 403
    key = {"Idempotency-Key": "one"}
    assert (
        post(mara, PERIODS, given, **key).status_code == post(mara, PERIODS, given, **key).status_code == 201
    )
    assert post(mara, PERIODS, given).status_code == 409
    assert ServingPeriod.objects.count() == 1
    assert post(mara, PERIODS, {**given, "share": 1, "replace": True}).json()["share"] == "1"
    rows = mara.get(PERIODS).json()["results"]
    assert {(one["share"], one["state"]) for one in rows} == {("1", "open"), ("0.05", "ended")}
    assert mara.get(f"{API}chat/").json()["trouble"] == []
    actions.revoke(version, reason="Wrong.", actor=RAVI)
    assert mara.get(f"{API}chat/").json()["trouble"] == [
        "chat still answers with release:assistant@1: release:assistant@1 is revoked."
    ]
    assert "still answers" in mara.get("/").content.decode()
    assert "Revoked, answers" in mara.get(f"/releases/{version.subject}/").content.decode()
    before = Entry.objects.count()
    assert post(mara, PERIODS, {**given, "replace": True}).status_code == 409
    assert Entry.objects.count() == before
    assert post(mara, f"{API}chat/end/", {"reason": "Revoked."}).status_code == 200
    assert post(mara, f"{API}chat/end/", {"reason": "Revoked."}).status_code == 409
    assert post(mara, f"{API}chat/retire/", {"reason": "Gone."}).json()["state"] == "retired"
    assert mara.get(f"{API}nowhere/").status_code == 404


def test_pages(world, mara, tmp_path):
    assert "No runtime yet" in mara.get("/runtimes/").content.decode()
    assert "No runtime yet" in mara.get("/identity/").content.decode()
    made = {"slug": "chat.eu", "title": "Chat", "kind": "app", "audience": "everybody", "report_every": ""}
    assert mara.post("/runtimes/", {**made, "report_every": "soon"}).status_code == 302
    assert not Runtime.objects.exists()
    mara.post("/runtimes/", made)
    runtime = Runtime.objects.get()
    page = f"/runtimes/{runtime.slug}/"
    assert "Nothing has answered here" in mara.get(page).content.decode()
    unapproved, version = released(world, "unapproved"), out(world)
    given = {
        "release": unapproved.subject,
        "share": "1",
        "reason": "Hurry.",
        "started_at": "2020-01-01",
        "approved": "1",
    }
    told = mara.post(f"{page}start/", given, follow=True).content.decode()
    assert "only an approved release may begin" in told
    assert (
        "share: write a decimal"
        in mara.post(f"{page}start/", {**given, "share": "x"}, follow=True).content.decode()
    )
    assert not ServingPeriod.objects.exists()
    mara.post(f"{page}start/", {**given, "release": version.subject, "share": "0.5"})
    period = ServingPeriod.objects.get()
    assert (str(period.share), period.started_at.year > 2020) == ("0.500000", True)
    for name, status in (("ada", 403), ("otto", 403)):
        other = Client()
        other.force_login(world.cast.users[name])
        assert (
            other.post(f"{page}start/", given).status_code
            == other.post(f"{page}end/", given).status_code
            == status
        )
        assert other.get(page).status_code == 200
    assert Client().get(page).status_code == 302
    settle()
    pages = (
        "/",
        page,
        "/runtimes/",
        f"/identity/?deployment={runtime.slug}",
        f"/identity/?hash={period.identity}",
        f"/releases/{version.subject}/",
    )

    def costs() -> list[int]:
        found = []
        for address in pages:
            with CaptureQueriesContext(connection) as queries:
                assert mara.get(address).status_code == 200, address
            found.append(len(queries))
        return found

    costs()
    few = costs()
    assert max(few) <= 50
    for number in range(3):
        begin(runtime, out(world, f"more-{number}", notes=str(number)), "0.1")
        serving.create_runtime(f"place-{number}", title="Place", kind="api", audience="all", actor=MARA)
    settle()
    assert costs() == few
    # What answers is in the evidence of the release, as of a size of the ledger.
    size = collect(version).at.size
    facts = {fact.key: fact.value for fact in collect(version).facts}
    assert facts["changelog.serving_1.share"] == "0.5"
    assert facts["changelog.serving_1.runtime"] == "chat.eu"
    emergency.withdraw(runtime, reason="It leaks.", actor=ADA)
    settle()
    assert collect(version, size).canonical() == collect(version, size).canonical()
    assert collect(version, size).get("incidents.emergency_1.kind") is None
    assert collect(version).get("incidents.emergency_1.kind").value == "withdraw"
    assert collect(version).get("changelog.serving_1.ended_at").value


def test_at_the_command_line(world, capsys):
    version = out(world)
    call_command("deploy", "--create", "chat", "--kind", "app", "--audience", "everybody", "--as", "mara")

    def refused(*arguments: str, name: str = "mara") -> str:
        with pytest.raises(SystemExit) as stopped:
            call_command("deploy", *arguments, "--as", name)
        assert stopped.value.code == 1
        return capsys.readouterr().err

    assert "release-manager" in refused(version.subject, "chat", name="ada")
    assert "share" in refused(version.subject, "chat", "--share", "2")
    assert "only an approved" in refused(released(world, "unapproved").subject, "chat")
    assert "Did you mean chat" in refused(version.subject, "chta")
    call_command("deploy", version.subject, "chat", "--share", "0.05", "--as", "mara")
    call_command("deploy", "assistant", "chat", "--replace", "--json", "--as", "mara")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["share"] == "1"
    assert Entry.objects.latest("id").actor.endswith(" for person:mara")
    assert "release-manager" in refused("--end", "chat", name="ravi")
    call_command("deploy", "--end", "chat", "--reason", "Enough.", "--as", "mara")
    assert "release:assistant@1 answers at chat no longer." in capsys.readouterr().out
    call_command("deploy", "--retire", "chat", "--reason", "Gone.", "--as", "mara")
    assert lookup.find(version.subject).state == "approved"
    assert Runtime.objects.get().state == "retired"
    chat_again = refused("--create", "chat", "--kind", "app", "--audience", "all")
    assert "There is a runtime 'chat' already." in chat_again
