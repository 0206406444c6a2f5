"""The sign-in of the site and that of the admin: shut after too many failures, without telling who has an account."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tests.cast import PASSWORD, gather

LOGIN, ADMIN = "/accounts/login/", "/admin/login/"


@pytest.fixture(autouse=True)
def world(db, settings):
    settings.CHARTER_LOCKOUT, settings.CHARTER_FAILURE_RATE = "3/15m", "10/15m"
    gather()
    with time_machine.travel("2026-03-01T12:00:05Z", tick=False):
        yield


def tried(name, password="wrong", place=LOGIN, **where):
    return Client(**where).post(place, {"username": name, "password": password})


def said(response):
    return " ".join(response.context["form"].non_field_errors())


def test_a_person_signs_in():
    assert tried("ada", PASSWORD).status_code == 302


def test_after_three_failures_the_door_is_shut_and_says_for_how_long():
    for _ in range(3):
        response = tried("ada")
        assert response.status_code == 200
        assert "Too many" not in said(response)
    response = tried("ada", PASSWORD)
    assert (response.status_code, response["Retry-After"]) == (429, "900")
    assert "Try again in 15 minutes" in said(response)
    assert "_auth_user_id" not in Client().session
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1), tick=False):
        assert tried("ada", PASSWORD).status_code == 302


def test_an_account_that_there_is_not_is_told_the_same():
    real, unreal = [], []
    for name, answers in (("ada", real), ("nobody", unreal)):
        for _ in range(4):
            response = tried(name)
            answers.append((response.status_code, said(response), response.get("Retry-After")))
    assert real == unreal
    assert [status for status, _, _ in real] == [200, 200, 200, 429]


def test_a_closed_account_is_told_the_same_as_a_wrong_password():
    assert said(tried("otto", "x")) == said(tried("nobody", "x"))


def test_letters_and_spaces_make_no_other_name():
    for name in ("ada", "ADA", " ada "):
        tried(name)
    assert tried("ada", PASSWORD).status_code == 429


def test_others_and_other_addresses_still_come_in():
    for _ in range(3):
        tried("ada")
    assert tried("ada", PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302
    assert tried("eno", PASSWORD).status_code == 302


def test_a_good_sign_in_forgets_the_slips_before_it():
    for _ in range(2):
        tried("ada")
    assert tried("ada", PASSWORD).status_code == 302
    for _ in range(2):
        assert tried("ada").status_code == 200
    assert tried("ada", PASSWORD).status_code == 302


def test_one_address_cannot_try_every_name():
    for number in range(10):
        assert tried(f"name-{number}").status_code == 200
    assert tried("eno", PASSWORD).status_code == 429
    assert tried("eno", PASSWORD, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_the_admins_own_door_counts_the_same():
    for _ in range(3):
        assert tried("root", place=ADMIN).status_code == 200
    assert "Too many sign-ins failed" in tried("root", PASSWORD, ADMIN).content.decode()
    assert tried("root", PASSWORD).status_code == 429


@pytest.mark.parametrize("name", ["", "\0", "x" * 10_000, "é" * 200])
def test_absurd_names_are_refused_without_a_fault(name):
    assert tried(name).status_code == 200
