"""Accounts, groups and tokens: each change has its entry, and rights come from groups alone."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.people import actions, permissions
from governance.people.models import Account, Token
from tests.cast import gather

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return gather()


def test_rights_come_from_groups_and_end_with_the_account(cast):
    assert permissions.may(cast.ravi, "reviews:version:review")
    assert not permissions.may(cast.root, "reviews:version:review")
    cast.otto.is_superuser = True
    cast.otto.save()
    assert not permissions.may(cast.otto, "reviews:version:review")
    actions.deactivate(cast.ravi.account, actor=cast.actor("root"))
    cast.ravi.refresh_from_db()
    assert not permissions.may(cast.ravi, "reviews:version:review")
    with pytest.raises(PermissionDenied, match=r"needs the group .*reviewer"):
        permissions.require(cast.ravi, "reviews:version:review")


def test_groups_change_by_an_administrator_with_an_entry_and_never_by_oneself(cast):
    with pytest.raises(ValidationError, match="own groups"):
        actions.set_groups(cast.root.account, ["reviewer"], actor=cast.actor("root"))
    actions.set_groups(cast.otto.account, ["auditor"], actor=cast.actor("root"))
    entry = Entry.objects.get(object_id=str(cast.otto.account.pk), rev=2)
    assert (entry.op, entry.actor) == ("people:account:groups-changed", "person:root")
    with pytest.raises(ValidationError, match="Unknown group"):
        actions.set_groups(cast.otto.account, ["king"], actor=cast.actor("root"))
    with pytest.raises(DatabaseError), transaction.atomic():
        Account.objects.filter(handle="otto").update(groups=["administrator"])


def test_a_token_is_shown_once_and_stored_hashed(cast):
    later = timezone.now() + timedelta(days=1)
    token, secret = actions.create_token(
        cast.ada.account,
        label="ci",
        scopes=["registry:version:register"],
        expires_at=later,
        actor=cast.actor("ada"),
    )
    assert secret not in str(Token.objects.values_list())
    assert token.digest == actions.fingerprint(secret)
    with pytest.raises(ValidationError, match="past"):
        actions.create_token(
            cast.ada.account, label="x", scopes=[], expires_at=timezone.now(), actor=cast.actor("ada")
        )
    with pytest.raises(ValidationError, match="Unknown scope"):
        actions.create_token(
            cast.ada.account, label="x", scopes=["all"], expires_at=later, actor=cast.actor("ada")
        )


def test_an_actor_never_carries_a_name_but_a_handle(cast):
    user = actions.create_person("jane.doe", actor=Actor.system("test"))
    assert user.account.handle.startswith("p-")
    assert actions.actor_for(user).name == f"person:{user.account.handle}"
