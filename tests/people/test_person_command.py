"""`manage.py person`: an account from the shell, and refusals in a sentence."""

import io

import pytest
from django.core.management import CommandError, call_command

from governance.people.models import Account


def person(monkeypatch, *arguments, password="correct-horse-battery"):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    out = io.StringIO()
    call_command("person", *arguments, stdout=out)
    return out.getvalue()


def test_an_account_is_made_with_its_groups(db, monkeypatch):
    said = person(monkeypatch, "ada", "--handle", "ada", "--groups", "engineer", "reviewer")
    assert said == "ada can sign in; the ledger knows them as ada.\n"
    assert Account.objects.get(handle="ada").groups == ["engineer", "reviewer"]


@pytest.mark.parametrize(
    ("arguments", "password", "words"),
    [
        (["ada"], "short", "at least 12 characters"),
        (["ada"], "", "at least 12 characters"),
        (["ada"], "qwerty123456", "too common"),
        (["ada", "--handle", "Not a slug"], "correct-horse-battery", "slug"),
        (["not a name!"], "correct-horse-battery", "username"),
    ],
)
def test_what_cannot_be_an_account_is_refused_in_a_sentence(db, monkeypatch, arguments, password, words):
    with pytest.raises(CommandError, match=words):
        person(monkeypatch, *arguments, password=password)
    assert not Account.objects.exists()


def test_a_name_is_taken_once(db, monkeypatch):
    person(monkeypatch, "ada")
    with pytest.raises(CommandError, match="exists already"):
        person(monkeypatch, "ada")
