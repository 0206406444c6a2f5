"""Who reads more of an entry than its public part: nobody may go through the ledger to what a page keeps from them."""

import pytest
from django.urls import reverse

from governance.ledger import keys
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.reviews import comments
from tests.builders import CONSTITUTION, POLLY, RAVI
from tests.cast import gather


@pytest.fixture
def said(committed_db, client):
    """Reads the entry of a comment, and its history, as somebody: (text of both pages)."""
    keys.generate()
    cast = gather()

    def pages(name: str, *, restricted: bool) -> str:
        version = registry.register("constitution", "house", CONSTITUTION, restricted=restricted, actor=POLLY)
        made = comments.comment(version, anchor="no-harm", text="heliotrope", actor=RAVI)
        comments.resolve(made, actor=RAVI)
        settle()
        made.refresh_from_db()
        client.force_login(cast.users[name])
        places = (
            reverse("entry", args=[made.ledger_head.leaf_index]),
            reverse("ledger-object", args=[made.ledger_type, made.pk]),
        )
        answers = [client.get(place) for place in places]
        assert [one.status_code for one in answers] == [200, 200]
        return "".join(one.content.decode() for one in answers)

    return pages


@pytest.mark.parametrize("name", ["otto", "ada"])
def test_a_comment_on_what_is_restricted_is_not_read_from_its_entry(said, name):
    page = said(name, restricted=True)
    assert "heliotrope" not in page
    assert "no-harm" not in page
    assert "constitution:house@1" in page, "its public part is anybody's"


@pytest.mark.parametrize(("name", "restricted"), [("axel", True), ("polly", True), ("otto", False)])
def test_who_may_read_the_version_reads_what_was_said_of_it(said, name, restricted):
    assert "heliotrope" in said(name, restricted=restricted)
