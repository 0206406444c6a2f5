"""A POST that is sent again: done once, answered alike, in one transaction with what it did."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from governance.api import idempotency
from governance.ledger.models import Entry
from governance.people.actions import create_token
from governance.people.models import Account, KeptAnswer, Token, User
from governance.registry import actions
from governance.registry.models import Activity, Version
from governance.releases.models import GateReport
from tests import cast as people
from tests.api.conftest import V1, fields, problem
from tests.builders import CONSTITUTION
from tests.evidence import world

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
DRAFT = {"kind": "constitution", "slug": "house", "content": CONSTITUTION}
VERSIONS = f"{V1}/versions/"


@pytest.fixture
def polly(signed_in):
    return signed_in("polly")


def drafted(client, body=None, key=KEY, path=VERSIONS):
    return client.post(path, body or DRAFT, format="json", headers={"Idempotency-Key": key})


def test_the_same_again_is_answered_alike_and_done_once(polly):
    first, again = drafted(polly), drafted(polly)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    for name in ("Location", "ETag", "Content-Type", "Cache-Control"):
        assert first[name] == again[name]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Version.objects.count() == 1
    assert Entry.objects.filter(op="registry:version:drafted").count() == 1


def test_without_a_key_everything_is_done_as_often_as_it_is_sent(polly):
    for number in (201, 409):
        assert polly.post(VERSIONS, DRAFT, format="json").status_code == number
    assert not KeptAnswer.objects.exists()


def test_how_a_body_is_written_makes_no_difference(polly):
    drafted(polly)
    text = (
        b'{ "slug":"house" ,"content": %b, "kind":"constitution"}'
        % str(CONSTITUTION).replace("'", '"').encode()
    )
    again = polly.generic(
        "POST", VERSIONS, text, content_type="application/json", headers={"Idempotency-Key": f'"{KEY}"'}
    )
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({**DRAFT, "title": "Other"}, VERSIONS),
        ({**DRAFT, "slug": "garden"}, VERSIONS),
        (DRAFT, f"{VERSIONS}?a=1"),
        (DRAFT, f"{VERSIONS}constitution/house/1/submit/"),
    ],
)
def test_a_key_stands_for_one_request(polly, body, path):
    drafted(polly)
    assert problem(drafted(polly, body, path=path), 422)["type"] == "urn:charter:problem:key-reused"
    assert Version.objects.get().state == "draft"


def test_a_key_belongs_to_a_person(polly, signed_in, with_token):
    drafted(polly)
    other = {"kind": "deployment", "slug": "web", "content": {}}
    assert drafted(signed_in("ada"), other).status_code == 201
    assert KeptAnswer.objects.count() == 2
    # Session or token, the person is the same.
    assert drafted(with_token("polly", "registry:version:draft"))["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, '""', "a\x00b", "\x7f"])
def test_a_key_that_is_none_is_refused(polly, key):
    assert fields(problem(drafted(polly, key=key), 400)) == {"Idempotency-Key"}
    assert not Version.objects.exists()


def test_a_refusal_changes_nothing_and_gives_the_key_back(polly):
    wrong = {**DRAFT, "state": "sealed", "content": {"title": ""}}
    problem(drafted(polly, wrong), 422)
    problem(drafted(polly, {**DRAFT, "colour": "red"}), 400)
    assert not KeptAnswer.objects.exists()
    assert drafted(polly).status_code == 201


def test_a_fault_gives_the_key_back_and_leaves_nothing(polly, monkeypatch):
    real = actions.append

    def breaks(*args, **kwargs):
        real(*args, **kwargs)
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(actions, "append", breaks)
        problem(drafted(polly), 503)
    assert not KeptAnswer.objects.exists()
    assert not Version.objects.exists()
    assert drafted(polly).status_code == 201


def test_the_answer_and_the_work_stand_or_fall_together(polly, monkeypatch):
    before = Entry.objects.count()

    def breaks(*args, **kwargs):
        raise OperationalError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency.JSONRenderer, "render", breaks)
        with pytest.raises(OperationalError):
            drafted(polly)
    assert (Version.objects.count(), Entry.objects.count(), KeptAnswer.objects.count()) == (0, before, 0)


def claimed(handle, *, ago):
    """A key whose request began `ago` and has not answered: at work, or dead."""
    account = Account.objects.get(handle=handle)
    return KeptAnswer.objects.create(
        account=account, key=KEY, fingerprint="?", claim=uuid4(), claimed_at=timezone.now() - ago
    )


@pytest.fixture
def known(polly, monkeypatch):
    """Every request looks alike, so that a claim can be made by hand."""
    monkeypatch.setattr(idempotency, "_fingerprint", lambda request: "?")
    return polly


def test_while_the_first_works_the_second_is_told_to_wait(known):
    row = claimed("polly", ago=timedelta(seconds=5))
    response = drafted(known)
    assert problem(response, 409)["type"] == "urn:charter:problem:in-flight"
    assert response["Retry-After"] == "1"
    assert not Version.objects.exists()
    row.refresh_from_db()
    assert row.status is None


def test_the_work_of_a_dead_request_is_taken_over(known):
    claimed("polly", ago=timedelta(minutes=2))
    assert drafted(known).status_code == 201
    assert KeptAnswer.objects.get().status == 201


def test_whoever_was_overtaken_rolls_back(known, monkeypatch):
    save = actions.save_draft

    def slowly(*args, **kwargs):
        made = save(*args, **kwargs)
        KeptAnswer.objects.update(claim=uuid4())
        return made

    monkeypatch.setattr(actions, "save_draft", slowly)
    problem(drafted(known), 409)
    assert not Version.objects.exists()


def test_an_answer_is_kept_for_a_day(polly):
    drafted(polly)
    with time_machine.travel(timezone.now() + timedelta(hours=23)):
        client = APIClient()
        client.force_login(User.objects.get(username="polly"))
        assert drafted(client)["Idempotency-Replayed"] == "true"
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        client.force_login(User.objects.get(username="polly"))
        problem(drafted(client), 409)  # done again, and refused: there is an open draft
        assert not KeptAnswer.objects.exists()


def test_an_upload_is_known_by_its_files_whatever_its_boundary(signed_in):
    def sent(text):
        file = SimpleUploadedFile("chats.jsonl", text)
        meta = "description: Chats.\nlicence: CC0-1.0\nsource_type: human\nsource: tests"
        body = {"kind": "dataset", "slug": "chats", "meta": meta, "file": file}
        return signed_in("ada").post(f"{VERSIONS}upload/", body, headers={"Idempotency-Key": KEY})

    row = b'{"messages": [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]}\n'
    first, again = sent(row), sent(row)
    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert again["Idempotency-Replayed"] == "true"
    assert Activity.objects.count() == 1
    problem(sent(row + row), 422)


def test_the_secret_of_a_token_is_stored_nowhere(signed_in):
    body = {"label": "ci", "scopes": []}
    first = drafted(signed_in("ada"), body, path=f"{V1}/tokens/")
    secret = first.json()["secret"]
    again = drafted(signed_in("ada"), body, path=f"{V1}/tokens/")
    assert again.json() == {**first.json(), "secret": None}
    assert Token.objects.count() == 1
    assert secret not in KeptAnswer.objects.get().body


def test_a_password_leaves_no_hash_that_could_be_guessed_at(signed_in, settings):
    """What is stored of a body is keyed with the installation's secret: another one makes another of it."""
    body = {"username": "zoe", "password": "three-plain-words-together", "groups": []}
    assert drafted(signed_in("root"), body, path=f"{V1}/accounts/").status_code == 201
    assert "three-plain-words" not in KeptAnswer.objects.get().body
    settings.SECRET_KEY = "another"
    problem(drafted(signed_in("root"), body, path=f"{V1}/accounts/"), 422)


@pytest.fixture
def committed(committed_db):
    people.gather()
    return people


def token_client(name, *scopes):
    account = Account.objects.get(handle=name)
    given = {"label": "ci", "scopes": scopes, "expires_at": timezone.now() + timedelta(days=1)}
    _, secret = create_token(account, **given, actor=people.Actor.person(name))
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


@pytest.mark.parametrize("together", [2, 5])
def test_two_at_once_do_it_once(committed, together):
    headers = token_client("polly", "registry:version:draft")
    for number in range(4):
        body, key = {**DRAFT, "slug": f"rules-{number}"}, f"key-{number}"
        outcomes = at_once(together, lambda: drafted(APIClient(**headers), body, key))  # noqa: B023
        statuses = sorted(response.status_code for response in outcomes)
        assert set(statuses) <= {201, 409}, [response.content for response in outcomes]
        made = [response for response in outcomes if response.status_code == 201]
        assert len({response.content for response in made}) == 1
        assert sum("Idempotency-Replayed" not in response for response in made) == 1
        assert Version.objects.filter(artifact__slug=f"rules-{number}").count() == 1
    assert Entry.objects.filter(op="registry:version:drafted").count() == 4


def at_once(times, act):
    start, outcomes = threading.Barrier(times), []

    def run():
        start.wait()
        try:
            outcomes.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == times
    return outcomes


def test_a_gate_is_run_once_for_a_key(committed, tmp_path):
    world.build(tmp_path)
    client = APIClient(**token_client("mara", "releases:gate:run"))
    place = f"{V1}/releases/assistant/1/gate/"
    first, again = (client.post(place, headers={"Idempotency-Key": KEY}) for _ in range(2))
    assert first.status_code == again.status_code == 200, first.content
    assert first.json() == again.json()
    assert GateReport.objects.count() == 1
