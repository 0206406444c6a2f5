"""The admin's lists: each sees what concerns them, newest first, found by name and state."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.registry import actions
from governance.reviews import actions as reviews
from tests import builders
from tests.builders import POLLY
from tests.cast import gather
from tests.pages.desk import PLACES, Desk, place, text

pytestmark = pytest.mark.django_db
MOST_QUERIES = 50
OTHERS = ("ada", "ravi", "mara", "axel", "otto", "root")


@pytest.fixture
def cast():
    return gather()


def shown(client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return text(response)


def test_a_policy_editor_sees_texts_and_an_administrator_accounts(client, cast):
    client.force_login(cast.polly)
    page = shown(client, "/admin/")
    for part in PLACES.values():
        assert f"/admin/registry/{part}/add/" in page
    assert "/admin/people/" not in page
    assert client.get("/admin/people/account/").status_code == 403
    client.force_login(cast.root)
    page = shown(client, "/admin/")
    assert "/admin/people/account/" in page
    assert "/admin/registry/" not in page


@pytest.mark.parametrize("name", OTHERS)
def test_the_lists_are_closed_to_everybody_else(client, cast, name):
    builders.constitution()
    client.force_login(cast.users[name])
    for kind in PLACES:
        for address in (place(kind), f"{place(kind)}add/"):
            assert client.get(address).status_code in {302, 403}, address


def test_a_list_says_what_is_newest_by_whom_and_in_which_state(client, cast):
    builders.constitution("garden")
    reviews.submit(builders.constitution(), actor=POLLY)
    actions.save_draft("constitution", "house", {"title": "Newer"}, actor=cast.actor("eno"))
    client.force_login(cast.polly)
    page = shown(client, place("constitution"))
    row = page[page.index("Constitution house") :].split("</tr>")[0]
    assert '<td class="field-number">2</td>' in row
    assert 'data-state="draft"' in row
    assert '<td class="field-who">eno</td>' in row
    assert page.index("Constitution house") < page.index("Constitution garden"), "newest first"


def test_a_list_is_searched_and_filtered(client, cast):
    builders.constitution("garden")
    actions.save_draft("constitution", "house", {"title": "Newer"}, actor=POLLY)
    client.force_login(cast.polly)
    assert "Constitution garden" not in shown(client, f"{place('constitution')}?q=hou")
    assert "Constitution house" not in shown(client, f"{place('constitution')}?state=sealed")
    assert "Nothing matches" in shown(client, f"{place('constitution')}?state=revoked")
    assert "There is none yet" in shown(client, place("policy"))
    assert "Constitution house" in shown(client, f"{place('constitution')}?o=1.-2")


def test_no_query_string_is_a_fault_of_ours(client, cast):
    builders.constitution()
    client.force_login(cast.polly)
    for name in ("q", "state", "o", "p", "all", "e", "_to_field", "_popup", "slug", "versions__content"):
        for value in ("a\0b", "9" * 5000, "-1", "é" * 500, "%' OR 1=1 --"):
            response = client.get(place("constitution"), {name: value})
            assert response.status_code in {200, 302, 400}, (name, value)


def test_lists_cost_no_more_with_more_rows(client, cast):
    client.force_login(cast.polly)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            shown(client, place("constitution"))
        return len(found)

    builders.constitution("first")
    few = queries()
    for number in range(20):
        builders.constitution(f"more-{number}")
    assert queries() == few <= MOST_QUERIES


def test_a_long_constitution_is_edited_with_few_queries(client, cast):
    client.force_login(cast.polly)
    desk = Desk(client)
    principles = [{"id": f"p{number}", "text": f"Principle {number}."} for number in range(200)]
    actions.save_draft("constitution", "house", {"title": "House", "principles": principles}, actor=POLLY)
    with CaptureQueriesContext(connection) as found:
        form = desk.form() | {"content-principles-199-text": "The last."}
    assert len(found) <= MOST_QUERIES
    for button in ("_check", "_changes", "_save", "_submit"):
        with CaptureQueriesContext(connection) as found:
            response = desk.press(button, form | {"revision": f"1.{desk.version.ledger_rev}"})
        assert response.status_code in {200, 302}, button
        assert len(found) <= MOST_QUERIES, button
    with CaptureQueriesContext(connection) as found:
        assert "The last." in shown(client, desk.address)
    assert len(found) <= MOST_QUERIES
    assert desk.version.content["principles"][199]["text"] == "The last."


def test_the_ledger_is_the_only_log(client, cast):
    client.force_login(cast.polly)
    desk = Desk(client)
    desk.add(title="House")
    desk.type("_save", preamble="Be kind.")
    assert not LogEntry.objects.exists()
    history = client.get(desk.address.replace("change", "history"))
    assert history["Location"] == "/artifacts/constitution:house/"


@pytest.mark.parametrize("query", ["handle=a%00b", "q=a%00b", "id__exact=%00", "nonsense=1", "p=%00"])
def test_a_list_of_accounts_asked_for_nonsense_does_not_break(client, cast, query):
    client.force_login(cast.root)
    assert client.get(f"/admin/people/account/?{query}").status_code in {200, 302, 400}
