"""The search page: results by type, filters, empty states, refusals, and nothing that is kept from the reader."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.registry import actions
from tests.builders import POLLY, RAVI
from tests.pages.world import SECRET


@pytest.fixture
def axel(world, signed_in) -> Client:
    return signed_in("axel")


def text(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    return response.content.decode()


def test_results_of_every_type_are_marked_and_lead_to_their_pages(world, axel):
    shown = text(axel, "/search/?q=tuned")
    for told in ("Artifact ·", "Version ·", "Evaluation ·", "Run ·"):
        assert told in shown
    for address in (
        "/artifacts/model:tuned/",
        "/versions/model:tuned@1/",
        f"/evaluations/{world.evaluations[0].pk}/",
    ):
        assert f'href="{address}"' in shown
        assert axel.get(address).status_code == 200
    assert "<mark>hurts</mark>" in text(axel, "/search/?q=hurts")


def test_it_narrows_by_type_and_kind(axel):
    shown = text(axel, "/search/?q=chats&type=version&kind=dataset")
    assert "dataset:chats@1" in shown
    assert 'href="/artifacts/dataset:chats/"' not in shown
    assert "type=artifact" in text(axel, "/search/?q=chats")


def test_what_was_revoked_says_so(world, axel):
    actions.revoke(world.waiting, reason="The tone is wrong.", actor=RAVI)
    assert 'data-state="revoked"' in text(axel, "/search/?q=house&type=version")
    assert "revoked by person:ravi" in text(axel, "/search/?q=tone+wrong")


def test_empty_states_say_how_to_go_on(axel):
    assert "What are you looking for?" in text(axel, "/search/")
    shown = text(axel, "/search/?q=nowhere&type=run")
    assert "Nothing has all these words" in shown
    assert 'href="?q=nowhere"' in shown


@pytest.mark.parametrize(
    ("query", "said"), [("a%00b", "NUL"), ("x" * 10_240, "at most 200"), ("%2B%2B", "letters or digits")]
)
def test_what_nobody_can_look_for_is_refused_with_a_sentence(axel, query, said):
    shown = text(axel, f"/search/?q={query}", 400)
    assert said in shown
    assert 'aria-invalid="true"' in shown


@pytest.mark.parametrize(
    "query", ["C%2B%2B+%22x", "%27+OR+1", "%3Cscript%3Ealert(1)%3C/script%3E", "%F0%9F%A4%96a"]
)
def test_any_query_is_answered_and_escaped(axel, query):
    shown = text(axel, f"/search/?q={query}&page=-3&type=%3Cb%3E")
    assert "<script>alert" not in shown
    assert "<b>" not in shown


def test_markup_in_a_text_is_shown_as_text(axel):
    actions.register("system-prompt", "markup", {"text": "Say <script>alert(1)</script> zebra."}, actor=POLLY)
    shown = text(axel, "/search/?q=zebra")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <mark>zebra</mark>" in shown


def test_nobody_finds_what_is_restricted(world, signed_in):
    for name in ("otto", "ravi", "polly"):
        assert "Nothing has all these words" in text(signed_in(name), f"/search/?q={SECRET}"), name
    shown = text(signed_in("otto"), "/search/?q=secret")
    assert "system-prompt:secret@1" in shown
    assert "restricted" in shown


def test_pages_are_bounded_and_keep_the_query(axel):
    for number in range(25):
        actions.register("system-prompt", f"zebra-{number}", {"text": f"Zebra {number}."}, actor=POLLY)
    first = text(axel, "/search/?q=zebra&type=version")
    assert "1 to 20 of 25 results" in first
    assert "?q=zebra&amp;type=version&amp;page=2" in first
    assert "21 to 25 of 25 results" in text(axel, "/search/?q=zebra&type=version&page=2")
    assert "21 to 25 of 25 results" in text(axel, "/search/?q=zebra&type=version&page=99999999999999999999")


def test_more_results_cost_no_more_queries(axel):
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            text(axel, "/search/?q=zebra")
        return len(found)

    def more(first: int, last: int) -> None:
        for number in range(first, last):
            version = actions.register(
                "system-prompt", f"zebra-{number}", {"text": f"Zebra {number}."}, actor=POLLY
            )
            actions.revoke(version, reason="No zebra.", actor=RAVI)

    more(0, 2)
    assert queries() <= 20
    more(2, 25)
    assert queries() <= 20


def test_every_page_has_the_box(axel):
    shown = text(axel, "/artifacts/")
    assert '<form class="search" method="get" action="/search/" role="search">' in shown


def test_strangers_are_sent_to_the_door(world):
    assert Client().get("/search/?q=house")["Location"].startswith("/accounts/login/")
