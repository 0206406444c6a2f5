"""Published cards and objections in the search: what was said, and neither a contact nor a receipt number."""

import pytest

from governance.cards import objections, publication
from governance.cards.models import Objection
from governance.registry import erasure, index, lookup, search
from tests.builders import ADA, MARA, RAVI
from tests.cards.publishing import objected, published
from tests.releases.conftest import world

__all__ = ["world"]
SUBJECT = "model:tuned@1"


def found(query: str, **filters: str) -> list[str]:
    return [result.shown.address for result in search.find(query, **filters)[:50]]


@pytest.fixture
def card(world, settings):
    settings.CHARTER_PUBLIC_CARDS = True
    return published(lookup.find(SUBJECT))


def test_a_published_card_is_found_and_so_is_why_it_was_withdrawn(card):
    address = f"/versions/{SUBJECT}/#publications"
    assert found("published mara", type="publication") == [address]
    publication.withdraw(card, reason="The heliotrope figures were wrong.", actor=MARA)
    assert found("heliotrope") == [address]
    result = search.find("heliotrope", kind="model")[0]
    assert (result.source.title, result.shown.state) == ("Published card", "withdrawn")


def test_an_objection_is_found_by_its_text_and_its_answer(card):
    row = objected(SUBJECT, text="It hurts heliotrope growers.", contact="zinnia@example.org")
    address = f"/objections/{row.pk}/"
    assert found("heliotrope growers") == [address]
    assert found("zinnia") == [] == found(row.receipt)
    objections.answer(row, outcome="upheld", text="The marigold rule was changed.", actor=RAVI)
    for again in (False, True):
        if again:
            index.rebuild()
        assert found("marigold", type="objection") == [address]
        assert search.find("marigold")[0].shown.state == Objection.ANSWERED
        assert found("zinnia") == [] == found(row.receipt)


def test_a_text_that_is_erased_is_found_no_more(world, card):
    row = objected(SUBJECT, text="I am Jane of the heliotrope garden.")
    root = world.cast.actor("root")
    asked = erasure.ask(row, classes=("R",), authority="GDPR Art. 17", reason="Asked for.", actor=root)
    assert found("heliotrope") == [f"/objections/{row.pk}/"]
    erasure.confirm(asked, actor=ADA)
    assert found("heliotrope") == []
    assert found("objection", type="objection") == [f"/objections/{row.pk}/"]
