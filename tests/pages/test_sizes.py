"""Pages of a small installation, and of one with a thousand versions and three hundred links: as many queries, and few."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.ledger.models import Entry
from governance.registry import actions
from governance.registry.models import Usage, Version
from governance.reviews import actions as reviews
from tests import builders
from tests.builders import POLLY
from tests.registry.test_neighbourhood import made, prompt

pytestmark = pytest.mark.django_db

MOST = 50
MORE = 3
"""Queries that a page may add at one size for what a smaller one does not have at all, such as a further level of lineage."""


def addresses(hub: Version) -> dict[str, str]:
    newest = hub.artifact.versions.order_by("-number").first()
    return {
        "home": "/",
        "artifacts": "/artifacts/",
        "artifacts that wait": "/artifacts/?waiting=1&sort=versions",
        "artifact": f"/artifacts/{hub.artifact.name}/",
        "version": f"/versions/{hub.subject}/",
        "newest version": f"/versions/{newest.subject}/",
        "diff": f"/versions/{newest.subject}/diff/",
        "lineage": f"/versions/{hub.subject}/lineage/",
        "lineage, far": f"/versions/{hub.subject}/lineage/?depth=8",
        "lineage of data": f"/versions/{hub.subject}/lineage/?ancestry=data&direction=descendants",
        "ledger": "/ledger/",
        "ledger about it": f"/ledger/?subject={hub.artifact.name}",
        "ledger of an actor": "/ledger/?actor=polly&type=registry.version&since=2020-01-01",
        "object": f"/ledger/objects/registry.version/{hub.pk}/",
    }


def build(versions: int, links: int) -> Version:
    """A hub whose artifact has many versions and which many others are made of; some of all that waits for review."""
    hub = prompt("hub")
    for number in range(versions - links):
        actions.register("system-prompt", "hub", {"text": f"Text {number}."}, actor=POLLY)
    for number in range(links):
        child = prompt(f"child-{number}")
        made([("trained_on", hub)], child, label=f"Work {number}")
        if number % 10 == 0:
            reviews.submit(child, actor=POLLY)
    return hub


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200, address
    return len(found)


def measured(client: Client, hub: Version) -> dict[str, int]:
    return {name: queries(client, address) for name, address in addresses(hub).items()}


@pytest.mark.slow
def test_a_thousand_versions_cost_as_many_queries_as_a_few(client_of):
    client = client_of("ravi")
    hub = build(versions=8, links=4)
    few = measured(client, hub)
    for number in range(300):
        made([("trained_on", hub)], prompt(f"more-{number}"), label=f"More {number}")
    for number in range(700):
        actions.register("system-prompt", "hub", {"text": f"More {number}."}, actor=POLLY)
    assert Version.objects.count() >= 1000
    assert Usage.objects.count() >= 300
    assert Entry.objects.count() >= 3000
    many = measured(client, hub)
    assert {name: number for name, number in many.items() if number > MOST} == {}
    assert {name: (few[name], number) for name, number in many.items() if number > few[name] + MORE} == {}


def test_one_run_of_three_hundred_inputs_is_one_page(client_of, tmp_path):
    client = client_of("ravi")
    parents = [prompt(f"parent-{number}") for number in range(300)]
    model = builders.model(tmp_path, "tuned")
    made([("trained_on", parent) for parent in parents], model)
    for address in (f"/versions/{model.subject}/", f"/versions/{model.subject}/lineage/"):
        assert queries(client, address) <= MOST
    page = client.get(f"/versions/{model.subject}/lineage/").content.decode()
    assert "300 system prompts" in page, "drawn as one group"
