"""Lists: every row once, however much comes in meanwhile, and no page that nobody gave out."""

import uuid
from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from governance.api.pagination import LARGEST, SALT
from governance.ledger.models import Entry
from governance.people.actions import create_token
from governance.registry import actions
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, CONSTITUTION, constitution, model


@pytest.fixture
def otto(signed_in):
    return signed_in("otto")


def walked(client, path, size=2):
    """All rows of a list, page by page; no page is larger than asked for."""
    address, rows = f"{V1}/{path}{'&' if '?' in path else '?'}page_size={size}", []
    while address:
        page = client.get(address).json()
        assert set(page) == {"next", "results"}
        assert len(page["results"]) <= size
        rows += page["results"]
        address = page["next"]
    return rows


@pytest.fixture
def many(cast):
    for number in range(5):
        constitution(f"house-{number}")
        constitution(f"house-{number}", content={**CONSTITUTION, "title": "Newer"})


def test_pages_hold_every_row_once_in_order(otto, many):
    assert [row["slug"] for row in walked(otto, "artifacts/")] == [f"house-{n}" for n in range(5)]
    assert [row["subject"] for row in walked(otto, "versions/?kind=constitution", 3)] == [
        f"constitution:house-{n}@{number}" for n in range(5) for number in (2, 1)
    ]
    entries = [row["id"] for row in walked(otto, "ledger/entries/", 7)]
    assert entries == sorted(entries, reverse=True)
    assert len(entries) == Entry.objects.count()
    kinds = walked(otto, "kinds/", 4)
    assert len({row["name"] for row in kinds}) == len(kinds)


def test_equal_times_lose_no_row(otto, many, monkeypatch):
    moment = timezone.now()
    monkeypatch.setattr(actions.timezone, "now", lambda: moment)
    for number in range(7):
        actions.start_activity("training", f"A {number}", [], summary={}, actor=ADA)
    found = [row["id"] for row in walked(otto, "activities/?kind=training", 3)]
    assert len(set(found)) == len(found) == 7


def test_equal_expiries_lose_no_token(signed_in, cast):
    expiry = timezone.now() + timedelta(days=3)
    for _ in range(5):
        create_token(cast.ada.account, label="x", scopes=[], expires_at=expiry, actor=ADA)
    assert len({row["id"] for row in walked(signed_in("ada"), "tokens/")}) == 5


def test_what_comes_in_meanwhile_moves_no_row(otto, many):
    first = otto.get(f"{V1}/ledger/entries/?page_size=3").json()
    seen = [row["id"] for row in first["results"]]
    constitution("later")
    following = [row["id"] for row in otto.get(first["next"]).json()["results"]]
    assert max(following) < min(seen)


def test_filters_go_on_with_the_pages(otto, many):
    constitution("other")
    rows = walked(otto, "artifacts/?q=house")
    assert [row["slug"] for row in rows] == [f"house-{n}" for n in range(5)]


def test_a_cursor_belongs_to_its_list_and_its_filters(otto, many):
    following = otto.get(f"{V1}/artifacts/?page_size=2").json()["next"]
    cursor = following.split("cursor=")[1].split("&")[0]
    for path in (f"versions/?cursor={cursor}", f"artifacts/?q=house&cursor={cursor}"):
        told = problem(otto.get(f"{V1}/{path}"), 400)
        assert fields(told) == {"cursor"}
        assert "another list" in told["detail"]
    # How many rows a page has is no filter.
    assert otto.get(f"{V1}/artifacts/?page_size=4&cursor={cursor}").status_code == 200


def altered(cursor: str) -> dict[str, str]:
    return {
        "another place": signing.dumps(["0" * 16, ["constitution", "house-3"]], salt="another"),
        "no list at all": signing.dumps({"a": 1}, salt=SALT),
        "a letter changed": ("B" if cursor[0] != "B" else "C") + cursor[1:],
        "half of it": cursor[: len(cursor) // 2],
        "nonsense": "%00%ff",
        "empty": "",
        "very long": "9" * 50_000,
        "a number": "7",
    }


@pytest.mark.parametrize("name", sorted(altered("x" * 40)))
def test_a_cursor_that_nobody_gave_out_is_refused(otto, many, name):
    cursor = otto.get(f"{V1}/artifacts/?page_size=2").json()["next"].split("cursor=")[1].split("&")[0]
    assert fields(problem(otto.get(f"{V1}/artifacts/?cursor={altered(cursor)[name]}"), 400)) == {"cursor"}


def test_a_page_may_be_read_again(otto, many):
    following = otto.get(f"{V1}/artifacts/?page_size=2").json()["next"]
    assert otto.get(following).json() == otto.get(following).json()


@pytest.mark.parametrize(
    "value", ["0", "-1", "x", "1.5", str(LARGEST + 1), "", "1e3", "9" * 5000, "%00", "%FF", "٣"]
)
def test_a_page_size_that_is_none_is_refused(otto, value):
    for path in ("artifacts/", "ledger/entries/", "kinds/", f"runs/{uuid.UUID(int=1)}/metrics/"):
        response = otto.get(f"{V1}/{path}?page_size={value}")
        assert response.status_code in (400, 404)
        if response.status_code == 400:
            assert fields(problem(response, 400)) == {"page_size"}


def test_only_lists_have_pages(otto, many):
    place = f"{V1}/versions/constitution/house-1/1/"
    assert fields(problem(otto.get(f"{place}?page_size=2"), 400)) == {"page_size"}
    assert fields(problem(otto.get(f"{V1}/artifacts/?page=2"), 400)) == {"page"}


def test_files_are_paged_too(signed_in, cast, tmp_path):
    model(tmp_path)
    rows = walked(signed_in("otto"), "versions/model/base/1/files/", 3)
    assert sorted(row["path"] for row in rows) == [row["path"] for row in rows]
    assert len(rows) == 4
