"""The public log, followed over HTTP by a client that knows the C2SP layout and nothing else."""

import json
import struct

import pytest
from django.db import transaction

from governance.ledger import keys
from governance.ledger.append import commitment
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.tiling import integrate, root, tile_number, tile_path, width_at
from governance.ledger.tree import leaf_hash
from tests.ledger.world import make, make_many


@pytest.fixture
def log(database, settings, client):
    settings.LEDGER_PUBLIC = True
    with transaction.atomic():
        make_many(300)
    settle()
    return client


def leaves(bundle: bytes) -> list[bytes]:
    found = []
    while bundle:
        (length,) = struct.unpack(">H", bundle[:2])
        found.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return found


def test_a_stranger_rebuilds_the_signed_root_from_entry_bundles_and_finds_every_tile(log):
    head = keys.policy().open(log.get("/ledger/checkpoint").content.decode()).head
    assert head.size == 300
    bodies = [
        body
        for index, width in ((0, 256), (1, 44))
        for body in leaves(
            log.get("/ledger/" + tile_path(0, index, width).replace("/0/", "/entries/")).content
        )
    ]
    grown: dict[tuple[int, int], bytes] = {}
    size, changed = integrate(lambda *at: grown[at], 0, [leaf_hash(body) for body in bodies])
    assert (size, root(lambda *at: changed[at], size)) == (head.size, head.root)
    for (level, index), data in changed.items():
        answer = log.get("/ledger/" + tile_path(level, index, width_at(level, index, size)))
        assert answer.content == data
        assert "immutable" in answer["Cache-Control"]


def test_public_parts_open_their_leaves_commitments(log):
    bodies = leaves(log.get("/ledger/tile/entries/001.p/44").content)
    rows = [json.loads(line) for line in log.get("/ledger/parts/001.p/44").content.splitlines()]
    assert [row["index"] for row in rows] == list(range(256, 300))
    for body, row in zip(bodies, rows, strict=True):
        assert json.loads(body)["payload"]["P"] == commitment(row)
        assert "I" not in row["payload"]


def test_internal_parts_are_nowhere(log):
    for place in ("tile/entries/000", "parts/000", "checkpoint"):
        assert b"a test" not in log.get(f"/ledger/{place}").content
    assert "a test" in Entry.objects.first().parts["I"]["payload"]


def test_what_is_not_signed_yet_is_not_shown(log):
    make("late")
    assert log.get("/ledger/tile/entries/001.p/45").status_code == 404
    settle()
    assert log.get("/ledger/tile/entries/001.p/45").status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        "tile/0/002",
        "tile/0/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/x000/000",
        "tile/00/000",
        "tile/63/000",
        "tile/0/0",
        "tile/0/1000",
        "tile/entries/../000",
        "tile/entries/002",
        "parts/x999/x999/x999/x999/x999/999",
    ],
)
def test_what_the_tree_does_not_have_is_missing(log, place):
    assert log.get(f"/ledger/{place}").status_code == 404


def test_it_is_off_until_switched_on(log, settings):
    settings.LEDGER_PUBLIC = False
    for place in ("checkpoint", "tile/0/000", "tile/entries/000", "parts/000"):
        answer = log.get(f"/ledger/{place}")
        assert answer.status_code == 404
        assert b"LEDGER_PUBLIC" in answer.content


def test_nothing_is_signed_yet(database, settings, client):
    settings.LEDGER_PUBLIC = True
    assert client.get("/ledger/checkpoint").status_code == 404
    assert client.post("/ledger/checkpoint").status_code == 405


@pytest.mark.parametrize("number", [0, 5, 999, 1000, 1234067, 10**12])
def test_tile_numbers_read_back(number):
    assert tile_number(tile_path(0, number).removeprefix("tile/0/")) == number
