"""Mails leave once the change is committed, to whom it concerns, and no mail server stops anybody."""

import pytest
from django.core import mail

from governance.ledger.models import Entry
from governance.people.actions import deactivate
from governance.registry import actions as registry
from governance.registry import lookup
from governance.reviews import actions, notices
from tests.builders import CONSTITUTION, POLLY, RAVI, constitution
from tests.reviews.conftest import in_review

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def addresses(cast, settings):
    settings.CHARTER_URL = "https://charter.example.org"
    for name in ("ravi", "rosa", "rhea", "polly", "ada"):
        cast.users[name].email = f"{name}@example.org"
        cast.users[name].save(update_fields=["email"])


@pytest.fixture
def sent(django_capture_on_commit_callbacks):
    """Do something and commit it; (to, subject) of the mails that left, and their bodies."""

    def by(act):
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        notices.post.submit(int).result()
        return sorted((letter.to[0].partition("@")[0], letter.subject) for letter in mail.outbox)

    return by


def test_a_submission_reaches_whom_an_open_seat_fits(sent, cast):
    deactivate(cast.rosa.account, actor=cast.actor("root"))
    waits = "[Charter] constitution:house@1 waits for a review"
    assert sent(in_review) == [("ravi", waits)]
    assert "https://charter.example.org/versions/constitution:house@1/" in mail.outbox[0].body
    both = sent(lambda: in_review("garden", impact="high"))
    assert [to for to, _ in both] == ["ravi", "rhea"]


def test_nobody_is_told_of_what_they_wrote(sent):
    assert [to for to, _ in sent(lambda: actions.submit(constitution(actor=RAVI), actor=RAVI))] == ["rosa"]


def test_the_authors_learn_what_became_of_it_and_not_why(sent, cast):
    first = in_review()
    approve = {"digest": first.digest, "reason": "Heliotrope.", "actor": RAVI}
    assert sent(lambda: actions.approve(first, **approve)) == [
        ("polly", "[Charter] constitution:house@1 is approved")
    ]
    assert "eliotrope" not in mail.outbox[0].body + mail.outbox[0].subject
    second = in_review(content={**CONSTITUTION, "preamble": "Newer."})
    changes = {"digest": second.digest, "reason": "Heliotrope.", "actor": RAVI}
    assert sent(lambda: actions.request_changes(second, **changes)) == [
        ("polly", "[Charter] constitution:house@2 needs changes")
    ]
    assert "constitution:house@3" in mail.outbox[0].body
    garden = in_review("garden")
    refusal = {"digest": garden.digest, "reason": "No.", "actor": RAVI}
    assert sent(lambda: actions.refuse(garden, **refusal)) == [
        ("polly", "[Charter] constitution:garden@1 is refused")
    ]


def test_one_of_two_approvals_and_a_dissent_tell_nobody(sent, cast):
    version = in_review(impact="high")
    given = {"digest": version.digest, "reason": "So."}
    assert sent(lambda: actions.dissent(version, **given, actor=cast.actor("rosa"))) == []
    assert sent(lambda: actions.approve(version, **given, actor=RAVI)) == []


def test_what_is_rolled_back_tells_nobody(sent):
    version = in_review()
    with pytest.raises(registry.Refused):
        sent(lambda: actions.approve(version, digest="0" * 64, reason="So.", actor=RAVI))
    assert mail.outbox == []


def test_a_mail_server_that_fails_stops_nobody(sent, settings, caplog):
    settings.EMAIL_BACKEND = "tests.reviews.broken_mail.Broken"
    assert sent(in_review) == []
    assert lookup.find("constitution:house").state == "in_review"
    assert Entry.objects.filter(op="reviews:version:submitted", actor=str(POLLY)).exists()
    assert "no notices about constitution:house@1 could be sent" in caplog.text
