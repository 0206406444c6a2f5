"""Studies over HTTP: the whole way, blind, and what is refused."""

import json

import pytest
from rest_framework.test import APIClient

from evals.models import Judgement, Study
from governance.ledger.models import Entry
from tests.api.conftest import V1, fields, problem, with_token
from tests.evals.human.studies import best

__all__ = ["with_token"]

STUDIES = f"{V1}/studies/"


@pytest.fixture
def cast(world):
    return world.cast


@pytest.fixture
def api(world):
    """A client with a session of that member of the cast."""

    def client(name: str) -> APIClient:
        made = APIClient()
        made.force_login(world.cast.users[name])
        return made

    return client


def sent(client, study, verb, **body):
    return client.post(f"{STUDIES}{study}/{verb}/", body, format="json")


def test_a_study_from_its_opening_to_its_judgements(world, api):
    response = api("ada").post(
        STUDIES, {**world.names, "needed": 2, "seed": 7, "dimension": "country"}, format="json"
    )
    assert response.status_code == 201, response.content
    told = response.json()
    study = told["id"]
    assert response["Location"].endswith(f"{STUDIES}{study}/")
    assert (told["state"], told["items"], told["wanted"], told["results"]) == ("open", 6, 12, None)
    for name, group in (("ravi", "DE"), ("eno", "KE")):
        rate_all(api(name), study, group)
    early = problem(api("otto").get(f"{STUDIES}{study}/judgements/"), 409)
    assert "only a closed study" in early["detail"]
    closed = sent(api("rosa"), study, "close").json()
    assert (closed["state"], closed["models"]) == ("closed", {"a": "model:tuned@1", "b": "model:base@1"})
    assert closed["results"]["wins"]["a"]["win_rate"] == "1"
    rows = api("otto").get(f"{STUDIES}{study}/judgements/?page_size=5").json()
    assert (len(rows["results"]), rows["results"][0]["prefers"]) == (5, "a")
    assert {row["rater"] for row in rows["results"]} <= {"r1", "r2"}
    assert api("otto").get(f"{STUDIES}?state=closed").json()["results"][0]["id"] == study
    assert api("otto").get(f"{STUDIES}?state=open").json()["results"] == []


def rate_all(client, study, group):
    told = sent(client, study, "next", group=group).json()
    while told["pair"]:
        pair = told["pair"]
        choice = "second" if pair["first"].startswith("not ") else "first"
        assert sent(client, study, "judge", token=pair["token"], choice=choice).status_code == 200
        told = sent(client, study, "next").json()
    assert (told["done"], told["left"]) == (6, 0)


def test_what_a_rater_gets_tells_nothing_of_the_models(world, api):
    study = world.open()
    ravi = api("ravi")
    answers = [
        sent(ravi, study.pk, "next"), ravi.get(f"{STUDIES}{study.pk}/"), ravi.get(STUDIES), ravi.get(f"{V1}/ledger/entries/"),
    ]  # fmt: skip
    for answer in answers[:3]:
        text = json.dumps(answer.json())
        for secret in ("tuned", "base", str(world.good.pk), str(world.poor.pk), study.pairs_sha256, "s000"):
            assert secret not in text
    mine = [row for row in answers[3].json()["results"] if row["object_type"] == "evals.study"]
    assert "model:" not in json.dumps(mine)
    assert set(answers[0].json()["pair"]) == {"token", "prompt", "choices", "first", "second", "until"}
    assert api("ada").get(f"{STUDIES}{study.pk}/").json()["models"] == {
        "a": "model:tuned@1",
        "b": "model:base@1",
    }


def test_refusals_say_why_and_keep_nothing(world, api):
    study, ravi = world.open(), api("ravi")
    assert "You opened" in problem(sent(api("ada"), study.pk, "next"), 409)["detail"]
    problem(sent(api("otto"), study.pk, "next"), 403)
    problem(sent(api("polly"), study.pk, "close"), 403)
    assert (
        "join it first" in problem(sent(ravi, study.pk, "judge", token="0" * 32, choice="tie"), 409)["detail"]
    )
    token = sent(ravi, study.pk, "next").json()["pair"]["token"]
    assert "choice" in fields(problem(sent(ravi, study.pk, "judge", token=token, choice="left"), 400))
    assert "Say why" in problem(sent(ravi, study.pk, "judge", token=token, choice="skip"), 409)["detail"]
    problem(sent(ravi, study.pk, "judge", token=f"{token[:-1]}x", choice="tie"), 409)
    problem(sent(ravi, study.pk, "judge", token=token, choice="tie", item=3), 400)
    problem(sent(api("ada"), study.pk, "close"), 409)
    problem(sent(ravi, "00000000-0000-4000-8000-000000000000", "next"), 404)
    before = Entry.objects.count()
    assert (Judgement.objects.count(), Study.objects.get().state) == (0, "open")
    assert sent(ravi, study.pk, "judge", token=token, choice="tie").json() == {
        "done": 1,
        "left": 5,
        "pair": None,
    }
    problem(sent(ravi, study.pk, "judge", token=token, choice="tie"), 409)
    assert (Judgement.objects.count(), Entry.objects.count()) == (1, before)


def test_a_token_needs_the_scope(world, with_token):
    study = world.open()
    problem(sent(with_token("ravi", "evals:study:manage"), study.pk, "next"), 403)
    assert sent(with_token("ravi", "evals:study:rate"), study.pk, "next").status_code == 200


def test_a_study_is_cancelled_with_a_reason(world, api):
    study = world.open()
    world.rate(study, "ravi", best)
    assert "Say why" in problem(sent(api("ada"), study.pk, "cancel"), 409)["detail"]
    told = sent(api("ada"), study.pk, "cancel", reason="Wrong guideline.").json()
    assert (told["state"], told["reason"], told["results"]) == ("cancelled", "Wrong guideline.", None)
    assert api("otto").get(f"{STUDIES}{study.pk}/").json()["models"] is None
    problem(api("ada").get(f"{STUDIES}{study.pk}/judgements/"), 409)
