"""GET /search/ over HTTP."""

import pytest
from rest_framework.test import APIClient

from governance.registry import actions
from tests.api.conftest import V1, fields, problem
from tests.builders import POLLY, constitution, dataset


@pytest.fixture
def otto(signed_in) -> APIClient:
    return signed_in("otto")


def results(client: APIClient, query: str) -> list[dict]:
    response = client.get(f"{V1}/search/?{query}")
    assert response.status_code == 200, response.content
    return response.json()["results"]


def test_a_result_says_what_it_is_where_it_is_and_why(otto):
    version = constitution()
    (found,) = results(otto, "q=what+hurts")
    assert found == {
        "type": "version",
        "id": str(version.pk),
        "name": "constitution:house@1",
        "title": version.artifact.title,
        "kind": "constitution",
        "state": "sealed",
        "restricted": False,
        "page": "/versions/constitution:house@1/",
        "passage": found["passage"],
    }
    assert [piece["text"] for piece in found["passage"] if piece["marked"]] == ["what", "hurts"]
    assert "Refuse to help with " in found["passage"][0]["text"]


def test_it_narrows_by_kind_and_type(otto, tmp_path):
    constitution("chats")
    dataset(tmp_path, "chats")
    assert {row["name"] for row in results(otto, "q=chats&kind=dataset&type=version")} == {"dataset:chats@1"}
    assert results(otto, "q=nowhere") == []


def test_pages_go_on_where_the_last_ended(otto):
    for number in range(5):
        actions.register("system-prompt", f"zebra-{number}", {"text": f"Zebra {number}."}, actor=POLLY)
    answer = otto.get(f"{V1}/search/?q=zebra&type=version&page_size=2").json()
    seen = [row["name"] for row in answer["results"]]
    while answer["next"]:
        answer = otto.get(answer["next"]).json()
        seen += [row["name"] for row in answer["results"]]
    assert sorted(seen) == [f"system-prompt:zebra-{number}@1" for number in range(5)]


@pytest.mark.parametrize("query", ["q=" + "x" * 10_240, "q=a%00", "q=%2B%2B", "q=", "", "q=+"])
def test_what_nobody_can_look_for_is_refused(otto, query):
    assert fields(problem(otto.get(f"{V1}/search/?{query}"), 400)) == {"q"}


def test_filters_that_do_not_exist_are_refused(otto):
    assert fields(problem(otto.get(f"{V1}/search/?q=a&kind=datset"), 400)) == {"kind"}
    assert fields(problem(otto.get(f"{V1}/search/?q=a&type=page"), 400)) == {"type"}
    assert fields(problem(otto.get(f"{V1}/search/?q=a&sort=x"), 400)) == {"sort"}


def test_only_names_of_what_is_restricted(signed_in):
    actions.register("system-prompt", "quiet", {"text": "heliotrope"}, restricted=True, actor=POLLY)
    for name in ("otto", "ravi"):
        assert results(signed_in(name), "q=heliotrope") == []
        (found,) = results(signed_in(name), "q=quiet&type=version")
        assert found["restricted"]
        assert [piece["text"] for piece in found["passage"]] == [""]


def test_only_for_those_who_signed_in(cast):
    problem(APIClient().get(f"{V1}/search/?q=a"), 401)
