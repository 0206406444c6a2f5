"""Tokens that may change some artifacts only, and what the ledger says of tokens that asked for more."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.people.actions import create_person, deactivate, revoke_token
from governance.people.models import Token
from governance.people.permissions import GROUPS, table
from governance.people.tokens import checked_artifacts, reaches
from governance.registry.models import Artifact, Version
from tests.api.conftest import V1, problem
from tests.api.test_permissions import ENDPOINTS, OFFERED, address
from tests.builders import CONSTITUTION, constitution, dataset, model
from tests.releases.world import measured
from tests.training import faking

DRAFT = {"kind": "constitution", "slug": "house", "content": CONSTITUTION}
REFUSED = "people:token:refused"
NO_ARTIFACT = {
    "activities": "the start of an activity names no product",
    "releases-try": "nothing is recorded",
}
"""Addresses whose POST changes no artifact, so that every token may."""
SEARCH = {"datasets": ["dataset:none"], "suites": ["eval-suite:none"]}
BODIES = {
    "contamination-list": SEARCH,
    "runs": {"stage": "sft", "inputs": {}, "output": {"slug": "x"}},
    "upload": {"kind": "model", "slug": "x"},
    "evaluation-import": {"model": "none"},
}
MULTIPART = {"upload", "evaluation-import"}


@pytest.fixture
def limited(with_token):
    def client(name: str, *artifacts: str) -> APIClient:
        return with_token(name, *table(), artifacts=artifacts)

    return client


@pytest.mark.parametrize(("name", "method"), [one for one in OFFERED if one[1] != "GET"])
def test_no_writing_address_is_open_to_a_token_for_something_else(db, limited, cast, name, method):
    """A new endpoint is closed to such tokens until it says what it touches."""
    cast.users["omni"] = create_person("omni", handle="omni", groups=GROUPS, actor=cast.actor("root"))
    constitution()
    given = {"data": BODIES.get(name, {}), "format": "multipart" if name in MULTIPART else "json"}
    client = limited("omni", "card-text:other")
    answer = getattr(client, method.lower())(address(ENDPOINTS[name]), HTTP_IF_MATCH="*", **given)
    if name in NO_ARTIFACT:
        assert answer.status_code == 400
    elif answer.status_code != 404:
        assert "may change only card-text:other" in problem(answer, 403)["detail"]


def test_registering_and_drafting_stay_within_the_names(limited):
    client = limited("polly", "constitution:house", "policy:*")
    assert client.post(f"{V1}/versions/", DRAFT, format="json").status_code == 201
    told = problem(client.post(f"{V1}/versions/", {**DRAFT, "slug": "other"}, format="json"), 403)["detail"]
    assert told == "The token 'ci' may change only constitution:house, policy:*, not constitution:other."
    assert list(Artifact.objects.values_list("slug", flat=True)) == ["house"]


def test_a_version_of_another_artifact_is_read_and_not_changed(db, limited):
    constitution(), constitution("other", content={**CONSTITUTION, "title": "Other"})
    client = limited("polly", "constitution:house")
    assert client.get(f"{V1}/versions/constitution/other/1/").status_code == 200
    problem(client.post(f"{V1}/versions/constitution/other/1/submit/"), 403)
    assert client.post(f"{V1}/versions/constitution/house/1/submit/").status_code == 200
    assert set(Version.objects.values_list("artifact__slug", "state")) == {
        ("other", "sealed"),
        ("house", "in_review"),
    }


def test_releases_are_composed_and_judged_under_listed_names_alone(limited):
    client = limited("mara", "release:assistant")
    body = {"slug": "other", "content": {"model": "model:none"}}
    problem(client.post(f"{V1}/releases/", body, format="json"), 403)
    assert client.post(f"{V1}/releases/", {**body, "slug": "assistant"}, format="json").status_code in (
        404,
        422,
    )


def test_an_activity_ends_with_listed_products_alone(cast, limited, tmp_path):
    mine, other = model(tmp_path, "mine"), model(tmp_path, "other", tensors={"a": [5.0]})
    client = limited("ada", "model:mine")
    start = {"kind": "training", "label": "x", "used": []}
    place = client.post(f"{V1}/activities/", start, format="json").json()["id"]
    for named in ({"subject": other.subject}, {"digest": other.digest}):
        end = {"state": "ended", "produced": [{"role": "output", **named}]}
        problem(client.post(f"{V1}/activities/{place}/end/", end, format="json"), 403)
    end = {"state": "ended", "produced": [{"role": "output", "subject": mine.subject}]}
    assert client.post(f"{V1}/activities/{place}/end/", end, format="json").status_code != 403


def test_an_evaluation_is_recorded_of_listed_models_and_suites_alone(cast, limited, tmp_path):
    """It makes no version, so it is about what it measured; that it failed says nothing of that."""
    tuned = model(tmp_path, "tuned")
    suite = measured(tuned, tmp_path, {})
    used = [
        {"role": "evaluated", "subject": tuned.subject},
        {"role": "evaluated_on", "subject": suite.subject},
    ]
    start = {"kind": "evaluation", "label": "x", "used": used}
    end = {"state": "ended", "summary": {"results": [{"task": "arithmetic", "score": "1"}]}}
    mine = limited("ada", "dataset:mine")
    for client, sent, status in (
        (mine, end, 403),
        (limited("ada", "model:tuned"), end, 403),
        (limited("ada", "model:*", "eval-suite:*"), end, 200),
        (mine, {"state": "failed"}, 200),
    ):
        place = client.post(f"{V1}/activities/", start, format="json").json()["id"]
        answer = client.post(f"{V1}/activities/{place}/end/", sent, format="json")
        assert answer.status_code == status, answer.content


def test_runs_are_launched_retried_and_cancelled_for_listed_products_alone(cast, limited, tmp_path):
    faking.install()
    model(tmp_path, "base"), dataset(tmp_path, "chats")
    spec = {
        "stage": "fake",
        "inputs": {"init_from": ["model:base"], "trained_on": ["dataset:chats"]},
        "output": {"slug": "tuned"},
    }
    problem(limited("ada", "model:base", "dataset:chats").post(f"{V1}/runs/", spec, format="json"), 403)
    client = limited("ada", "model:tuned")
    made = client.post(f"{V1}/runs/", spec, format="json")
    assert made.status_code != 403, made.content


def test_patterns_are_checked_and_kinds_must_be_there(signed_in):
    client = signed_in("ada")
    for wrong in ("house", "model:", "model:A", "dragon:*", "model:a b", "model:*x", "*:*"):
        given = {"label": "x", "artifacts": [wrong]}
        told = problem(client.post(f"{V1}/tokens/", given, format="json"), 400)
        assert "artifacts" in told["errors"][0]["field"], told
    given = {"label": "x", "artifacts": ["model:a", "model:a", "dataset:*"]}
    assert client.post(f"{V1}/tokens/", given, format="json").json()["artifacts"] == ["dataset:*", "model:a"]
    entry = Entry.objects.filter(op="people:token:created").latest("id")
    assert '"artifacts":["dataset:*","model:a"]' in entry.parts["I"]["payload"]


def test_a_kinds_star_is_of_that_kind():
    token = Token(artifacts=checked_artifacts(["model:*"]))
    assert reaches(token, "model:a")
    assert not reaches(token, "reward-model:a")
    assert reaches(Token(artifacts=[]), "anything:at-all")


def test_each_reason_is_recorded_once_a_day_for_each_token(with_token, cast):
    client = with_token("polly", "registry:version:draft", artifacts=["policy:*"])
    for _ in range(3):
        problem(client.post(f"{V1}/versions/", DRAFT, format="json"), 403)
        problem(client.post(f"{V1}/releases/", {}, format="json"), 403)
    entries = Entry.objects.filter(op=REFUSED, object_id=str(client.token.pk))
    assert entries.count() == 2
    assert set(entries.values_list("actor", flat=True)) == {"system:doors"}
    assert set(Token.objects.get(pk=client.token.pk).refused) == {"scope", "artifact"}
    with time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59), tick=False):
        problem(client.post(f"{V1}/releases/", {}, format="json"), 403)
        assert entries.count() <= 3


def test_after_its_end_a_token_is_refused_and_that_is_recorded_once(with_token, cast):
    expired, revoked, closed = with_token("ada"), with_token("eno"), with_token("otto")
    revoke_token(revoked.token, actor=cast.actor("eno"))
    deactivate(cast.otto.account, actor=cast.actor("root"))
    for client, wait, why in ((revoked, 0, "revoked"), (closed, 0, "closed"), (expired, 2, "expired")):
        with time_machine.travel(timezone.now() + timedelta(days=wait), tick=False):
            for _ in range(3):
                problem(client.get(f"{V1}/me/"), 401)
        assert Entry.objects.filter(op=REFUSED, object_id=str(client.token.pk)).count() == 1
        assert list(Token.objects.get(pk=client.token.pk).refused) == [why]


def test_a_token_that_nobody_made_leaves_nothing(cast):
    problem(APIClient(HTTP_AUTHORIZATION="Bearer charter_none").get(f"{V1}/me/"), 401)
    assert not Entry.objects.filter(op=REFUSED).exists()


def test_a_token_widens_nothing_by_what_is_sent_with_it(signed_in, with_token, cast):
    for field, value in (
        ("account", "root"),
        ("refused", {}),
        ("revoked", False),
        ("groups", ["administrator"]),
    ):
        given = {"label": "x", field: value}
        problem(signed_in("otto").post(f"{V1}/tokens/", given, format="json"), 400)
    assert not Token.objects.exists()
    problem(with_token("root", *table()).post(f"{V1}/accounts/otto/groups/", {"groups": ["reviewer"]}), 403)
    cast.otto.account.refresh_from_db()
    assert cast.otto.account.groups == []
