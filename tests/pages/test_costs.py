"""The forms that register, launch, evaluate and compose: few queries, however much there is to choose from."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.registry import actions
from tests import builders
from tests.builders import ADA, POLLY
from tests.pages.test_launch import RECIPE, SFT, opened

MOST_QUERIES = 50
FORMS = {
    "ada": ("/new/", "/new/dataset/", "/runs/new/", "/runs/new/?stage=sft", "/evaluations/new/", "/evaluations/human/new/", "/recipes/", "/account/"),
    "polly": ("/new/constitution/", "/new/guideline/"),
    "mara": ("/releases/new/",),
}  # fmt: skip


def more(folder: Path, number: int) -> None:
    builders.dataset(folder, f"rows-{number}", rows=number + 1)
    builders.constitution(f"rules-{number}")
    actions.register("recipe", f"recipe-{number}", {**RECIPE, "title": f"Recipe {number}"}, actor=ADA)
    actions.register("system-prompt", f"prompt-{number}", {"text": f"Number {number}."}, actor=POLLY)


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200, address
    return len(found)


@pytest.fixture
def costs(client_of, tmp_path) -> Callable[[], dict[str, int]]:
    builders.model(tmp_path)
    clients = {name: client_of(name) for name in FORMS}
    return lambda: {page: queries(clients[name], page) for name, pages in FORMS.items() for page in pages}


def test_queries_are_few_and_do_not_grow(costs, tmp_path):
    for number in range(3):
        more(tmp_path, number)
    costs()
    few = costs()
    assert max(few.values()) <= MOST_QUERIES
    for number in range(3, 25):
        more(tmp_path, number)
    assert costs() == few


def test_a_review_costs_little(client_of, tmp_path):
    client = client_of("ada")
    builders.model(tmp_path)
    builders.dataset(tmp_path)
    given = {**opened(client, "/runs/new/?stage=sft"), **SFT, "action": "review"}
    with CaptureQueriesContext(connection) as found:
        assert client.post("/runs/new/", given).status_code == 200
    assert len(found) <= MOST_QUERIES
