"""A form's one-time key: claimed before the work, given back when the work is refused, gone after two days."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from governance.people.models import Account, SentForm
from governance.views.once import NoKey, Repeated, new_key, once
from tests import builders
from tests.cast import gather
from tests.pages.test_launch import review, sendable
from training.models import Run


@pytest.fixture
def ada(db) -> Account:
    return gather().ada.account


def test_the_second_time_leads_where_the_first_did(ada):
    key = new_key()
    with once(ada, key) as sent:
        sent.led_to = "/runs/7/"
    with pytest.raises(Repeated) as again, once(ada, key):
        pytest.fail("the work is done twice")
    assert again.value.led_to == "/runs/7/"


def test_work_that_is_refused_gives_the_key_back(ada):
    key = new_key()
    with pytest.raises(ValueError, match="no"), once(ada, key):
        raise ValueError("no")
    with once(ada, key) as sent:
        sent.led_to = "/"


def test_whoever_died_at_work_keeps_it_claimed(ada):
    key = new_key()
    SentForm.objects.create(key=key, account=ada, at=timezone.now())
    with pytest.raises(Repeated) as again, once(ada, key):
        pytest.fail("the work is done twice")
    assert again.value.led_to == ""


def test_old_keys_go(ada):
    old = SentForm.objects.create(key=new_key(), account=ada, at=timezone.now() - timedelta(days=3))
    with once(ada, new_key()):
        pass
    assert not SentForm.objects.filter(pk=old.pk).exists()


@pytest.mark.parametrize("key", ["", "0" * 31, "0" * 33, "G" * 32, "0" * 31 + "\n", "٣" * 32])
def test_what_is_no_key_claims_nothing(ada, key):
    with pytest.raises(NoKey), once(ada, key):
        pytest.fail("work without a key")
    assert not SentForm.objects.exists()


def test_pressed_five_times_at_once_it_is_one_run(committed_db, tmp_path):
    user = gather().ada
    builders.model(tmp_path)
    builders.dataset(tmp_path)
    shown = sendable(review(signed_in(user)))

    def press(_: int) -> Any:
        try:
            return signed_in(user).post("/runs/new/", {**shown, "action": "queue"})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(press, range(5)))
    run = Run.objects.get()
    places = {answer["Location"] for answer in answers}
    assert f"/runs/{run.pk}/" in places
    assert places <= {f"/runs/{run.pk}/", "/runs/"}


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client
