"""Accounts over HTTP: for administrators who signed in, as in the admin; everybody else learns nothing."""

import pytest
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.models import Account, User
from tests.api.conftest import V1, fields, problem

PLACE = f"{V1}/accounts/"
ZOE = {
    "username": "zoe",
    "handle": "zoe-7",
    "display_name": "Zoë",
    "password": "three plain words ",
    "groups": ["reviewer", "engineer"],
}


@pytest.fixture
def root(signed_in):
    return signed_in("root")


def test_an_account_is_made_and_signs_in(root):
    response = root.post(PLACE, ZOE, format="json")
    assert response.status_code == 201, response.content
    assert response["Location"].endswith(f"{PLACE}zoe-7/")
    assert response.json() == {
        "handle": "zoe-7",
        "username": "zoe",
        "display_name": "Zoë",
        "groups": ["engineer", "reviewer"],
        "active": True,
        "second_factor": False,
    }
    assert Entry.objects.get(op="people:account:created", actor="person:root")
    assert APIClient().login(username="zoe", password="three plain words ")
    assert root.get(f"{PLACE}zoe-7/").json() == response.json()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"password": "short"}, 400, "password"),
        ({"password": "111111111111"}, 400, "password"),
        ({"groups": ["king"]}, 400, "groups.0"),
        ({"groups": "reviewer"}, 400, "groups"),
        ({"handle": "no slug"}, 400, "handle"),
        ({"is_superuser": True}, 400, "is_superuser"),
        ({"is_staff": True}, 400, "is_staff"),
        ({"active": False}, 400, "active"),
        ({"username": ""}, 400, "username"),
        ({"username": "a b"}, 422, None),
        ({"username": "ada"}, 422, None),
        ({"handle": "ada"}, 400, "handle"),
    ],
)
def test_a_wrong_account_is_not_made(root, change, status, field):
    before = Account.objects.count()
    told = problem(root.post(PLACE, {**ZOE, **change}, format="json"), status)
    assert field is None or field in fields(told)
    assert Account.objects.count() == User.objects.count() == before


def test_groups_are_replaced_and_logged(root, cast):
    response = root.post(f"{PLACE}otto/groups/", {"groups": ["auditor"]}, format="json")
    assert response.json()["groups"] == ["auditor"]
    assert Entry.objects.filter(op="people:account:groups-changed", actor="person:root").count() == 1
    told = problem(root.post(f"{PLACE}root/groups/", {"groups": []}, format="json"), 422)
    assert "their own groups" in told["detail"]
    problem(root.post(f"{PLACE}nobody/groups/", {"groups": []}, format="json"), 404)


def test_an_account_is_closed_for_good(root, signed_in, with_token):
    token = with_token("eno")
    assert root.post(f"{PLACE}eno/deactivate/").json()["active"] is False
    problem(token.get(f"{V1}/me/"), 401)
    assert not APIClient().login(username="eno", password="correct-horse-battery")
    problem(root.post(f"{PLACE}eno/deactivate/"), 409)
    assert "their own account" in problem(root.post(f"{PLACE}root/deactivate/"), 409)["detail"]
    assert Account.objects.get(handle="root").active


def test_accounts_are_listed_for_administrators_alone(root, signed_in):
    rows = root.get(PLACE).json()["results"]
    assert [row["handle"] for row in rows] == sorted(row["handle"] for row in rows)
    for name in ("ada", "ravi", "axel", "otto"):
        client = signed_in(name)
        for response in (client.get(PLACE), client.get(f"{PLACE}root/"), client.head(PLACE)):
            assert response.status_code == 403
        problem(client.post(PLACE, ZOE, format="json"), 403)
        problem(client.post(f"{PLACE}otto/groups/", {"groups": ["administrator"]}, format="json"), 403)
    assert not User.objects.filter(username="zoe").exists()


def test_a_token_changes_no_account_even_with_the_scope(with_token):
    client = with_token("root", "people:account:manage")
    assert client.get(PLACE).status_code == 200
    assert "sign in" in problem(client.post(PLACE, ZOE, format="json"), 403)["detail"]
    problem(client.post(f"{PLACE}otto/groups/", {"groups": ["administrator"]}, format="json"), 403)
    problem(client.post(f"{PLACE}otto/deactivate/"), 403)
    problem(with_token("root").get(PLACE), 403)
    assert Account.objects.get(handle="otto").groups == []
