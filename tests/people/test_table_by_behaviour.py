"""The table of groups and actions in docs/security.md, against what each group gets at each door."""

import pytest
from django.test import Client
from django.urls import resolve

from governance.ledger.models import Entry
from governance.people.actions import create_person
from governance.people.permissions import GROUPS, table
from tests.builders import ADA, constitution
from tests.docs.generated import permissions, stored
from tests.people.probes import API_ALONE, COMMAND_ALONE, PAGES, Probe, api, probes


def test_the_page_shows_the_table_that_is_tried():
    assert stored("permissions") == permissions()


def test_every_action_has_a_probe_and_every_probe_an_action():
    tried = probes()
    assert [action for action in set(table()) - COMMAND_ALONE if not tried[action]] == [], (
        "give these a probe in tests/people/probes.py"
    )
    kinds = {action for action in table() if action.startswith("registry:") and action.endswith(":write")}
    assert set(table()) - set(PAGES) - kinds - COMMAND_ALONE == API_ALONE, (
        "name a page in PAGES, or say that there is none"
    )
    assert {action for action, _ in api()} <= set(table())


def test_every_probe_is_of_an_address_that_there_is():
    for tried in probes().values():
        for probe in tried:
            found = resolve(probe.place)
            assert found.url_name != "missing", probe.place
            assert getattr(found.func, "__name__", "") != "catch_all_view", probe.place


@pytest.mark.parametrize("group", [*GROUPS, None])
def test_a_group_passes_the_gates_that_the_table_opens_and_no_other(db, group):
    constitution()
    user = create_person("one", handle="one", groups=[group] if group else [], actor=ADA)
    client = Client()
    client.force_login(user)
    wrong = []
    for action, tried in probes().items():
        for probe in tried:
            status = answered(client, probe)
            if passes(status) != allowed(group, action, probe):
                wrong.append((action, probe.method, probe.place, status))
    assert wrong == []


@pytest.mark.parametrize("group", ["auditor", None])
def test_who_may_do_nothing_leaves_nothing(db, group):
    constitution()
    client = Client()
    client.force_login(create_person("one", handle="one", groups=[group] if group else [], actor=ADA))
    before = Entry.objects.count()
    for tried in probes().values():
        for probe in tried:
            answered(client, probe)
    assert Entry.objects.count() == before


def answered(client: Client, probe: Probe) -> int:
    kind = {"content_type": "application/json"} if probe.json and probe.method != "get" else {}
    return getattr(client, probe.method)(probe.place, probe.data, HTTP_IF_MATCH='"1"', **kind)


def passes(response) -> bool:
    """Past the gate: neither refused nor sent to a sign-in. What is there, and whether it may be done now, comes after."""
    assert response.status_code < 500, response
    return response.status_code != 403 and "/login/" not in response.headers.get("Location", "")


def allowed(group: str | None, action: str, probe: Probe) -> bool:
    return all(group in table()[one] for one in (action, *probe.needs)) and (
        not probe.staff or group in probe.staff
    )
