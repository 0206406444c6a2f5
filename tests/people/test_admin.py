"""The admin changes accounts through actions, and only for administrators."""

import pytest
from django.contrib import admin
from django.urls import reverse

from governance.ledger.models import Entry
from governance.people.models import Account
from governance.registry.proxies import CardText, Constitution, Guideline, Policy, SystemPrompt
from tests.cast import gather

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast():
    return gather()


def test_an_administrator_makes_an_account_and_the_ledger_says_so(client, cast):
    client.force_login(cast.root)
    data = {"username": "zoe", "handle": "zoe", "password": "a-long-enough-secret", "groups": ["reviewer"]}
    assert client.post(reverse("admin:people_account_add"), data).status_code == 302
    account = Account.objects.get(handle="zoe")
    entry = Entry.objects.get(object_id=str(account.pk))
    assert (entry.op, entry.actor) == ("people:account:created", "person:root")
    assert account.user.check_password("a-long-enough-secret")


def test_groups_are_changed_and_accounts_closed(client, cast):
    client.force_login(cast.root)
    url = reverse("admin:people_account_change", args=[cast.otto.account.pk])
    assert client.post(url, {"groups": ["auditor"]}).status_code == 302
    account = Account.objects.get(handle="otto")
    assert (account.groups, account.active) == (["auditor"], False)
    ops = list(Entry.objects.filter(object_id=str(account.pk)).order_by("rev").values_list("op", flat=True))
    assert ops == ["people:account:created", "people:account:groups-changed", "people:account:deactivated"]


def test_a_bad_user_name_is_told_at_its_field(client, cast):
    client.force_login(cast.root)
    data = {"username": "a b!", "handle": "zoe", "password": "a-long-enough-secret"}
    page = client.post(reverse("admin:people_account_add"), data)
    assert "Enter a valid username" in page.content.decode()
    assert not Account.objects.filter(handle="zoe").exists()


def test_a_closed_account_is_not_opened_again(client, cast):
    client.force_login(cast.root)
    url = reverse("admin:people_account_change", args=[cast.otto.account.pk])
    client.post(url, {"groups": []})
    assert 'name="active"' not in client.get(url).content.decode()
    client.post(url, {"groups": ["auditor"], "active": "on"})
    account = Account.objects.get(handle="otto")
    assert (account.groups, account.active) == (["auditor"], False)


def test_only_accounts_and_texts_are_administered():
    texts = {Constitution, Guideline, Policy, SystemPrompt, CardText}
    assert set(admin.site._registry) == {Account, *texts}


def test_nobody_deletes_and_nobody_changes_themselves(client, cast):
    client.force_login(cast.root)
    assert (
        client.post(
            reverse("admin:people_account_delete", args=[cast.otto.account.pk]), {"post": "yes"}
        ).status_code
        == 403
    )
    assert (
        client.post(
            reverse("admin:people_account_change", args=[cast.root.account.pk]), {"groups": ["reviewer"]}
        ).status_code
        == 403
    )


@pytest.mark.parametrize("name", ["ada", "polly", "ravi", "mara", "axel", "otto"])
def test_the_admin_is_closed_to_everybody_else(client, cast, name):
    client.force_login(cast.users[name])
    assert client.get(reverse("admin:people_account_changelist")).status_code in {302, 403}
