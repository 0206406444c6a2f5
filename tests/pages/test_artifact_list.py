"""The list of artifacts: by group, kind, state, name and what waits for whom; sorted, counted, and never empty-handed."""

import re

import pytest

from governance.registry import actions
from governance.registry.kinds import KINDS
from governance.reviews import actions as reviews
from governance.views import artifacts as view
from governance.views.kind_groups import GROUPS, kinds_of
from tests import builders
from tests.builders import POLLY, RAVI
from tests.registry.test_neighbourhood import prompt

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(client_of):
    def get(name: str = "otto", **query: str) -> str:
        response = client_of(name).get("/artifacts/", query)
        assert response.status_code == 200
        return response.content.decode()

    return get


@pytest.fixture
def some(tmp_path) -> None:
    prompt("brief")
    prompt("brief", "Another text.")
    builders.dataset(tmp_path, "chats")
    reviews.submit(builders.constitution("house"), actor=POLLY)
    own = actions.register("constitution", "own", builders.CONSTITUTION, actor=RAVI)
    reviews.submit(own, actor=RAVI)


def names(page: str) -> list[str]:
    return re.findall(r'<small class="subject">([^<]+)</small>', page)


def test_every_kind_belongs_to_one_group():
    grouped = [name for _, kinds in GROUPS.values() for name in kinds]
    assert sorted(grouped) == sorted(KINDS)


def test_groups_kinds_and_states_narrow_the_list_and_count_it_whole(shown, some):
    assert set(names(shown())) == {
        "system-prompt:brief",
        "dataset:chats",
        "constitution:house",
        "constitution:own",
    }
    assert set(names(shown(group="rules"))) == {
        "system-prompt:brief",
        "constitution:house",
        "constitution:own",
    }
    assert names(shown(kind="dataset")) == ["dataset:chats"]
    assert set(names(shown(state="in_review"))) == {"constitution:house", "constitution:own"}
    assert names(shown(group="rules", q="BRIE")) == ["system-prompt:brief"]
    page = shown(group="data")
    assert re.search(r'aria-current="page">Data <span class="muted">1</span>', page)
    assert re.search(r'>All <span class="muted">4</span>', page)
    assert "Dataset (1)" in page
    assert "Constitution (2)" not in page, "the kinds of another group are not offered"


def test_a_group_has_the_kinds_that_it_names():
    assert [kind.name for kind in kinds_of("models")] == ["model", "reward-model"]
    assert kinds_of("nonsense") == []


def test_what_waits_for_me_waits_for_nobody_else(shown, some):
    assert set(names(shown("rosa", waiting="1"))) == {"constitution:house", "constitution:own"}
    assert names(shown("ravi", waiting="1")) == ["constitution:house"]
    page = shown("otto", waiting="1")
    assert names(page) == []
    assert "Nothing waits for you" in page


def test_sorting(shown, some):
    assert names(shown(sort="name")) == [
        "system-prompt:brief",
        "dataset:chats",
        "constitution:house",
        "constitution:own",
    ]
    assert names(shown(sort="versions"))[0] == "system-prompt:brief"
    assert names(shown(sort="kind"))[0] == "constitution:house"
    assert names(shown(sort="nonsense")) == names(shown())


def test_pages_keep_the_question(shown, some, monkeypatch):
    monkeypatch.setattr(view, "PAGE", 1)
    page = shown(group="rules", sort="name")
    assert "1 to 1 of 3 artifacts" in page
    assert "?group=rules&amp;sort=name&amp;page=2" in page
    assert names(shown(group="rules", sort="name", page="2")) == ["constitution:house"]


def test_an_empty_list_says_how_it_is_filled(shown):
    page = shown("ada")
    assert "Nothing is registered yet" in page
    assert "manage.py register dataset my-data rows.jsonl" in page
    assert 'href="/new/"' in page
    page = shown("polly", kind="policy")
    assert "Nothing of this kind is registered yet" in page
    assert "manage.py register policy my-name FILE" in page
    assert 'href="/new/policy/"' in page
    assert "No artifact matches" in shown(kind="policy", q="x")
