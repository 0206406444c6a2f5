"""Who watches the log, for programs; and the door through which monitors report."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.ledger import keys, monitors
from governance.ledger.models import Alarm, Ending, Entry, Monitor
from governance.people.actions import create_person
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, constitution

PLACE = f"{V1}/ledger/monitors/outside/"
SCOPE = "ledger:monitor:report"
WHY = {"reason": "It moved."}


@pytest.fixture
def monitoring(cast, with_token):
    """A client with the token of a monitor's account."""
    for name in ("meg", "mel"):
        cast.users[name] = create_person(name, handle=name, groups=["monitor"], actor=ADA)
    return with_token("meg", SCOPE)


def report(**changes: Any) -> dict[str, Any]:
    return {"at": f"{timezone.now():%FT%TZ}", "size": 3, "every": 300, "findings": [], **changes}


def test_a_report_is_kept_and_its_findings_are_alarms_until_they_are_told_no_more(monitoring):
    told = monitoring.post(PLACE, report(findings=["One.", "Two.", "One."]), format="json")
    assert told.status_code == 200, told.content
    assert sorted(told.json()["alarms"]) == ["One.", "Two."]
    assert (told.json()["reporter"], told.json()["size"], told.json()["silent"]) == ("meg", 3, False)
    monitoring.post(PLACE, report(findings=["Two."], size=5), format="json")
    assert dict(Alarm.objects.values_list("sentence", "over")).pop("Two.") is None
    assert Alarm.objects.get(sentence="One.").over is not None
    assert Monitor.objects.get().size == 5
    assert set(Alarm.objects.values_list("source", flat=True)) == {"monitor outside"}


def test_the_watch_tells_what_the_page_tells(monitoring, signed_in, home):
    keys.generate()
    constitution()
    monitoring.post(PLACE, report(findings=["The log forked."]), format="json")
    told = signed_in("otto").get(f"{V1}/ledger/watch/").json()
    assert (told["size"], told["quorum"], told["meets_quorum"]) == (None, 0, False)
    assert [(one["source"], one["what"]) for one in told["troubles"]] == [
        ("monitor outside", "found something wrong")
    ]
    assert [one["sentence"] for one in told["alarms"]] == ["The log forked."]
    assert (told["open_alarms"], told["past_alarms"], told["witnesses"], told["timestamps"]) == (
        1,
        [],
        [],
        [],
    )
    assert [one["name"] for one in told["monitors"]] == ["outside"]
    (key,) = told["keys"]
    assert (key["key"], key["since"], key["until"], key["state"]) == (
        keys.verifiers()[0].text,
        0,
        None,
        "active",
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at": "yesterday"}, "at"),
        ({"size": -1}, "size"),
        ({"size": 2**63}, "size"),
        ({"every": 0}, "every"),
        ({"findings": "one"}, "findings"),
        ({"findings": ["x" * 501]}, "findings.0"),
        ({"findings": ["x"] * 101}, "findings"),
        ({"root": "00"}, "root"),
    ],
)
def test_a_report_of_another_form_changes_nothing(monitoring, changes, field):
    told = problem(monitoring.post(PLACE, report(**changes), format="json"), 400)
    assert any(one == field or one.startswith(field) for one in fields(told)), told
    assert not Monitor.objects.exists()


def test_a_name_belongs_to_the_account_that_reported_first(monitoring, with_token):
    monitoring.post(PLACE, report(findings=["The log forked."]), format="json")
    other = with_token("mel", SCOPE)
    told = problem(other.post(PLACE, report(), format="json"), 409)
    assert "meg reports as outside" in told["detail"]
    assert Alarm.objects.get().over is None


def test_an_older_look_and_one_to_come_are_refused(monitoring):
    monitoring.post(PLACE, report(findings=["The log forked."]), format="json")
    older = f"{timezone.now() - timedelta(minutes=1):%FT%TZ}"
    assert "known already" in problem(monitoring.post(PLACE, report(at=older), format="json"), 409)["detail"]
    later = f"{timezone.now() + timedelta(hours=1):%FT%TZ}"
    assert "clock" in problem(monitoring.post(PLACE, report(at=later), format="json"), 409)["detail"]
    assert Alarm.objects.get().over is None


def test_reporting_needs_the_group_and_the_scope(monitoring, with_token, signed_in):
    for client in (with_token("meg"), with_token("axel", SCOPE), signed_in("root")):
        assert SCOPE in problem(client.post(PLACE, report(), format="json"), 403)["detail"]
    assert not Monitor.objects.exists()


def test_names_are_bounded_and_so_is_their_number(monitoring, monkeypatch):
    assert monitoring.post(f"{V1}/ledger/monitors/Out_side/", report(), format="json").status_code == 404
    monkeypatch.setattr(monitors, "MOST", 1)
    assert monitoring.post(PLACE, report(), format="json").status_code == 200
    assert monitoring.post(PLACE, report(), format="json").status_code == 200
    told = problem(monitoring.post(f"{V1}/ledger/monitors/second/", report(), format="json"), 409)
    assert "1 monitors report already" in told["detail"]


def test_an_administrator_ends_a_monitor_and_its_alarms(monitoring, signed_in):
    monitoring.post(PLACE, report(findings=["The log forked.", "Another."]), format="json")
    assert problem(monitoring.post(f"{PLACE}end/", WHY, format="json"), 403)
    root = signed_in("root")
    told = root.post(f"{PLACE}end/", WHY, format="json").json()
    assert (told["ended_by"], told["reason"], told["alarms"]) == ("root", "It moved.", [])
    assert not Alarm.objects.filter(over=None).exists()
    again = root.post(f"{PLACE}end/", {"reason": "Again."}, format="json").json()
    assert (again["ended"], again["reason"]) == (told["ended"], "It moved.")
    other = root.post(f"{V1}/ledger/monitors/other/end/", WHY, format="json")
    assert "No monitor reports as 'other'" in problem(other, 404)["detail"]
    watch = signed_in("otto").get(f"{V1}/ledger/watch/").json()
    assert (watch["monitors"], [one["name"] for one in watch["ended_monitors"]]) == ([], ["outside"])
    assert {(one["ended_by"], one["reason"]) for one in watch["past_alarms"]} == {("root", "It moved.")}
    told = monitoring.post(PLACE, report(), format="json").json()
    assert (told["ended"], told["ended_by"], told["reason"]) == (None, "", "")


def test_the_end_of_a_monitor_is_one_entry_for_ever(monitoring, signed_in):
    monitoring.post(PLACE, report(findings=["The log forked.", "Another."]), format="json")
    root = signed_in("root")
    for _ in range(2):
        root.post(f"{PLACE}end/", WHY, format="json")
    monitoring.post(PLACE, report(), format="json")
    entry = Entry.objects.get(op="ledger:monitor:ended")
    assert entry.actor == "person:root"
    public, internal = (json.loads(entry.parts[name]["payload"]) for name in "PI")
    ending = Ending.objects.get()
    assert public["state"] == {
        "name": "outside",
        "reason": "It moved.",
        "by": "root",
        "at": f"{ending.at:%FT%TZ}",
    }
    assert internal["summary"]["alarms"] == ["Another.", "The log forked."]
    assert public["summary"]["alarms"] == [
        sha256(one.encode()).hexdigest() for one in internal["summary"]["alarms"]
    ]
    assert set(Alarm.objects.values_list("ending", flat=True)) == {ending.pk}


@pytest.mark.parametrize(
    "body", [{}, {"reason": "  "}, {"reason": "x" * 10_001}], ids=["none", "blank", "long"]
)
def test_without_a_reason_nothing_is_ended(monitoring, signed_in, body):
    monitoring.post(PLACE, report(findings=["The log forked."]), format="json")
    told = problem(signed_in("root").post(f"{PLACE}end/", body, format="json"), 400)
    assert fields(told) == {"reason"}
    assert (Alarm.objects.get().over, Ending.objects.count()) == (None, 0)
    with pytest.raises(monitors.NotAccepted, match="the reason is logged"):
        monitors.end("outside", reason=" ", actor=ADA)


def test_a_silent_monitor_is_told(monitoring, signed_in):
    monitoring.post(PLACE, report(every=60), format="json")
    otto = signed_in("otto")
    assert [one["silent"] for one in otto.get(f"{V1}/ledger/watch/").json()["monitors"]] == [False]
    with time_machine.travel(timezone.now() + timedelta(minutes=4), tick=False):
        told = otto.get(f"{V1}/ledger/watch/").json()
    assert [one["silent"] for one in told["monitors"]] == [True]
    assert "is silent" in {one["what"] for one in told["troubles"]}


def test_the_same_report_sent_twice_is_one(monitoring):
    key = {"HTTP_IDEMPOTENCY_KEY": "look-1"}
    body = report(findings=["One."])
    first, second = (monitoring.post(PLACE, body, format="json", **key) for _ in range(2))
    assert first.json() == second.json()
    assert Alarm.objects.count() == 1


def test_queries_are_few_and_do_not_grow(monitoring, signed_in):
    otto = signed_in("otto")

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert otto.get(f"{V1}/ledger/watch/").status_code == 200
        return len(found)

    monitoring.post(PLACE, report(findings=["One."]), format="json")
    queries()
    few = queries()
    for number in range(20):
        place = f"{V1}/ledger/monitors/m-{number}/"
        monitoring.post(place, report(findings=[f"{number}", "One."]), format="json")
    assert queries() == few <= 15
