"""Thirty rows cost as many queries as three."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.ledger.settle import settle
from governance.registry import actions, lookup
from tests.builders import POLLY
from tests.pages.world import World, constitution, queued, submitted

More = Callable[[World, int], None]


def artifacts(world: World, number: int) -> None:
    actions.register("system-prompt", f"prompt-{number}", {"text": f"Number {number}."}, actor=POLLY)


def versions(world: World, number: int) -> None:
    constitution("house", f"Refuse in {number} words.", actor=POLLY)


def waiting(world: World, number: int) -> None:
    submitted(constitution(f"rules-{number}", f"Refuse in {number} words.", actor=POLLY), POLLY)


def runs(world: World, number: int) -> None:
    queued(lookup.find("model:base"), seed=number)


@pytest.mark.parametrize(
    ("more", "addresses"),
    [
        (artifacts, ("/artifacts/", "/ledger/", "/")),
        (versions, ("/artifacts/constitution:house/", "/versions/constitution:house@1/diff/")),
        (waiting, ("/", "/artifacts/?state=in_review")),
        (runs, ("/", "/runs/", "/versions/model:base@1/")),
    ],
)
def test_queries_do_not_grow_with_rows(world, signed_in, more: More, addresses: tuple[str, ...]):
    client = signed_in("ravi")
    for number in range(3):
        more(world, number)
    settle()
    few = [queries(client, address) for address in addresses]
    for number in range(3, 30):
        more(world, number)
    settle()
    assert [queries(client, address) for address in addresses] == few


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)
