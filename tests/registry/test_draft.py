"""Drafts may change; what is sealed may not, by any path."""

import pytest
from django.db import DatabaseError, connection, transaction

from governance.ledger.append import Stale
from governance.registry import actions, lookup
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from tests.builders import CONSTITUTION, POLLY, constitution

pytestmark = pytest.mark.django_db


def test_a_draft_can_be_edited_until_it_is_sealed():
    version = actions.save_draft("constitution", "house", {"title": "First"}, actor=POLLY)
    actions.edit_draft(version, CONSTITUTION, actor=POLLY)
    assert version.digest is None
    actions.seal(version, actor=POLLY)
    assert len(version.digest) == 64
    with pytest.raises(Refused, match="is sealed"):
        actions.edit_draft(version, CONSTITUTION, actor=POLLY)


def test_an_unfinished_draft_cannot_be_sealed_and_stays_a_draft():
    version = actions.save_draft("constitution", "house", {"title": "First"}, actor=POLLY)
    with pytest.raises(ContentError, match="principles"):
        actions.seal(version, actor=POLLY)
    assert lookup.find("constitution:house@1").state == "draft"


def test_two_editors_of_one_draft_do_not_overwrite_each_other():
    first = actions.save_draft("constitution", "house", {"title": "First"}, actor=POLLY)
    second = lookup.find("constitution:house@1")
    actions.edit_draft(first, {"title": "Mine"}, actor=POLLY)
    with pytest.raises(Stale):
        actions.edit_draft(second, {"title": "Yours"}, actor=POLLY)


def test_there_is_one_open_draft_at_a_time():
    actions.save_draft("constitution", "house", {"title": "First"}, actor=POLLY)
    with pytest.raises(Refused, match="still a draft"):
        actions.save_draft("constitution", "house", {"title": "Second"}, actor=POLLY)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE registry_version SET content = '{}'",
        "UPDATE registry_version SET state = 'approved'",
        "UPDATE registry_version SET digest = 'x', ledger_rev = ledger_rev + 1",
        "DELETE FROM registry_version",
        "UPDATE registry_artifact SET slug = 'other'",
    ],
)
def test_the_database_refuses_what_no_entry_explains(change):
    constitution()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_orm_shortcuts_are_refused_too():
    version = constitution()
    version.content = {}
    with pytest.raises(DatabaseError), transaction.atomic():
        version.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        Version.objects.filter(pk=version.pk).update(restricted=True)
    with pytest.raises(DatabaseError), transaction.atomic():
        Version.objects.bulk_update([version], ["content"])


def test_a_revoked_version_says_so_and_needs_a_reason():
    version = constitution()
    with pytest.raises(Refused, match="Say why"):
        actions.revoke(version, reason=" ", actor=POLLY)
    actions.revoke(version, reason="Withdrawn by its author.", actor=POLLY)
    assert lookup.find("constitution:house").state == "revoked"
    with pytest.raises(Refused, match="cannot become"):
        actions.revoke(version, reason="Again.", actor=POLLY)
