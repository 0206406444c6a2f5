"""How often somebody may ask, and how often somebody may come with a token that is none."""

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import caches
from django.utils import timezone
from redis import RedisError
from rest_framework.test import APIClient

from config.settings import cache
from governance.people import throttle
from governance.people.throttle import Rate
from tests.api.conftest import V1, problem

ME = f"{V1}/me/"
MOMENT = "2026-03-01T12:00:05Z"


@pytest.fixture
def thrice(settings):
    """Three requests a minute, at a time that stands still."""
    settings.CHARTER_API_RATE = "3/m"
    with time_machine.travel(MOMENT, tick=False):
        yield


def test_whoever_asks_too_often_is_told_when_to_come_back(thrice, signed_in):
    client = signed_in("ada")
    assert [client.get(ME).status_code for _ in range(3)] == [200] * 3
    response = client.get(ME)
    told = problem(response, 429)
    assert response["Retry-After"] == "56"
    assert told["detail"] == "You ask too often. Wait 56 seconds, then go on."
    with time_machine.travel(timezone.now() + timedelta(seconds=56), tick=False):
        assert client.get(ME).status_code == 200


def test_one_persons_haste_costs_nobody_else(thrice, signed_in, with_token):
    ada, token, other = signed_in("ada"), with_token("ada"), with_token("ada")
    for _ in range(4):
        ada.get(ME)
    problem(ada.get(ME), 429)
    for client in (token, other, signed_in("eno")):
        assert client.get(ME).status_code == 200
    for _ in range(3):
        token.get(ME)
    problem(token.get(ME), 429)
    assert other.get(ME).status_code == 200


def test_refused_requests_count_too(thrice, with_token):
    client = with_token("ada")
    assert [client.post(f"{V1}/versions/", {}, format="json").status_code for _ in range(4)] == [
        400,
        400,
        400,
        429,
    ]


def test_strangers_are_counted_by_address(thrice, db):
    schema = f"{V1}/schema/"
    assert [APIClient().get(schema).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert APIClient(REMOTE_ADDR="192.0.2.7").get(schema).status_code == 200


def test_a_limit_may_be_switched_off(settings, signed_in):
    settings.CHARTER_API_RATE = "off"
    client = signed_in("ada")
    assert {client.get(ME).status_code for _ in range(20)} == {200}


@pytest.fixture
def guesses(settings):
    settings.CHARTER_FAILURE_RATE = "3/15m"
    with time_machine.travel(MOMENT, tick=False):
        yield


def guess(number=0, **where):
    return APIClient(HTTP_AUTHORIZATION=f"Bearer charter_{number}", **where).get(ME)


def test_an_address_that_guesses_tokens_is_shut_out(guesses, with_token):
    good = with_token("ada")
    assert [guess(n).status_code for n in range(3)] == [401, 401, 401]
    response = guess(3)
    assert "from your address" in problem(response, 429)["detail"]
    assert response["Retry-After"] == "900"
    # Even a good guess is not looked at now.
    problem(good.get(ME), 429)
    assert guess(4, REMOTE_ADDR="192.0.2.7").status_code == 401
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1), tick=False):
        assert good.get(ME).status_code == 200


def test_what_a_client_says_of_its_address_does_not_count(guesses, db):
    for number in range(3):
        guess(number, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}", HTTP_FORWARDED=f"for=198.51.100.{number}")
    assert guess(HTTP_X_FORWARDED_FOR="198.51.100.9").status_code == 429


def test_revoked_and_expired_tokens_count_as_guesses(guesses, with_token, signed_in):
    token = with_token("ada", expires_at=timezone.now() + timedelta(minutes=1))
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        assert [token.get(ME).status_code for _ in range(4)] == [401, 401, 401, 429]


def test_no_credentials_are_no_guess(guesses, db):
    assert {APIClient().get(ME).status_code for _ in range(9)} == {401}


def test_without_its_cache_the_house_stays_open(thrice, guesses, signed_in, monkeypatch):
    def gone(*args, **kwargs):
        raise RedisError("connection refused")

    for name in ("add", "incr", "get", "set", "delete_many"):
        monkeypatch.setattr(caches["default"], name, gone)
    client = signed_in("ada")
    assert {client.get(ME).status_code for _ in range(5)} == {200}
    assert {guess(n).status_code for n in range(5)} == {401}


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("600/m", Rate(600, 60)),
        ("5/15m", Rate(5, 900)),
        ("100/h", Rate(100, 3600)),
        ("1/s", Rate(1, 1)),
        ("off", None),
    ],
)
def test_a_rate_is_read(text, rate):
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "0/m", "600", "600/d", "-1/m", "a/m", "600/0m", "600/m ", "OFF"])
def test_a_rate_that_nobody_can_read_stops_the_house(settings, text):
    settings.CHARTER_LOCKOUT = text
    assert [error.id for error in throttle.check_rates()] == ["people.E001"]
    assert "CHARTER_LOCKOUT" in throttle.check_rates()[0].msg


@pytest.mark.service
def test_limits_hold_in_redis_as_in_the_folder(redis_broker, settings, signed_in):
    settings.CHARTER_API_RATE, settings.CHARTER_FAILURE_RATE = "3/h", "3/15m"
    settings.CACHES = {"default": cache(redis_broker, settings.CHARTER_HOME)}
    client = signed_in("ada")
    assert [client.get(ME).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert [guess(n).status_code for n in range(4)] == [401, 401, 401, 429]
    throttle.ADDRESS.forget("127.0.0.1")
    assert guess(5).status_code == 401
