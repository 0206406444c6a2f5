"""A policy editor writes: first draft, rows, check, changes, review, next draft; each step with its entry."""

import pytest

from governance.ledger.models import Entry
from governance.registry import actions, lookup
from governance.registry.models import Version
from tests import builders
from tests.builders import CONSTITUTION, POLLY
from tests.cast import gather
from tests.pages.desk import Desk, change, text
from tests.pages.fields import fields_of

pytestmark = pytest.mark.django_db

NO_HARM = {"id": "no-harm", "text": "Refuse to help with what hurts people.", "kind": "refusal"}


@pytest.fixture
def cast():
    return gather()


@pytest.fixture
def polly(client, cast):
    client.force_login(cast.polly)
    return Desk(client)


def test_a_first_draft_is_begun_written_and_sent_to_review(polly):
    begun = polly.add(title="House rules")
    assert (begun.status_code, begun["Location"]) == (302, polly.address)
    assert polly.version.content == {"title": "House rules"}
    kept = polly.press("_save", polly.form().with_rows("principles", NO_HARM))
    assert kept.status_code == 302
    assert polly.version.content["principles"][0]["text"] == NO_HARM["text"]
    sent = polly.client.post(polly.address, {**polly.form(), "_submit": ""}, follow=True)
    assert "house@1 is sealed and waits for a reviewer" in text(sent)
    version = polly.version
    assert (version.state, version.authors, len(version.digest)) == ("in_review", ["polly"], 64)
    assert polly.entries() == [
        ("registry:version:drafted", "person:polly"),
        ("registry:version:edited", "person:polly"),
        ("reviews:version:submitted", "person:polly"),
    ], "nothing was typed between saving and sending"


def test_what_was_typed_last_goes_with_what_is_sent(polly):
    polly.add(title="House rules")
    form = polly.form().with_rows("principles", NO_HARM)
    assert polly.press("_submit", form).status_code == 302
    assert polly.version.state == "in_review"
    assert polly.version.content["principles"][0]["id"] == "no-harm"
    assert [op for op, _ in polly.entries()][1:] == ["registry:version:edited", "reviews:version:submitted"]


def test_a_draft_that_lacks_something_is_kept_but_not_sent(polly):
    polly.add(title="House rules")
    form = polly.form().with_rows("principles", {"id": "No Harm", "text": ""})
    told = polly.press("_submit", form)
    assert told.status_code == 422
    page = text(told)
    assert 'id="id_content-principles-0-id_error"><p>Use the letters a to z' in page
    assert 'id="id_content-principles-0-text_error"><p>Fill this in.' in page
    assert '<a href="#id_content-principles-0-text">Principle 1, Text</a>: Fill this in.' in page
    assert 'value="No Harm"' in page
    assert (polly.version.state, polly.version.ledger_rev) == ("draft", 1), "neither half was done"
    assert polly.press("_save", form).status_code == 302
    assert polly.version.content["principles"][0]["id"] == "No Harm"


def test_a_check_says_what_lacks_and_saves_nothing(polly):
    polly.add(title="House rules")
    before = Entry.objects.count()
    told = polly.type("_check", title="Others")
    assert told.status_code == 200
    assert "cannot be sent to review yet" in text(told)
    assert "Principles</a>: Add at least one." in text(told)
    assert 'value="Others"' in text(told)
    good = polly.press("_check", polly.form().with_rows("principles", NO_HARM))
    assert "Nothing lacks" in text(good)
    assert Entry.objects.count() == before
    assert polly.version.content == {"title": "House rules"}


def test_rows_are_moved_removed_and_left_empty(polly):
    actions.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)
    form = polly.form().with_rows(
        "principles", {"id": "first", "text": "Be kind.", "ORDER": "1"}, {"ORDER": "2"}
    )
    form |= {"content-principles-0-ORDER": "3", "content-principles-1-ORDER": "2"}
    assert polly.press("_save", form).status_code == 302
    assert [one["id"] for one in polly.version.content["principles"]] == ["first", "help", "no-harm"]
    assert polly.press("_save", {**polly.form(), "content-principles-1-DELETE": "on"}).status_code == 302
    assert [one["id"] for one in polly.version.content["principles"]] == ["first", "no-harm"]


def test_without_scripts_the_server_adds_the_row(polly):
    polly.add(title="House rules")
    more = polly.press("_add", polly.form(), "content-principles")
    form = fields_of(text(more))
    assert form["content-principles-TOTAL_FORMS"] == "1"
    assert form["content-principles-0-authority"] == "platform", "with the schema's default"
    polly.press("_save", {**form, "content-principles-0-id": "kind", "content-principles-0-text": "Be kind."})
    assert polly.version.content["principles"][0]["id"] == "kind"


def test_rows_within_rows_are_kept(polly):
    desk = Desk(polly.client, "policy", "refusals")
    desk.add(title="What we refuse")
    form = (desk.form() | {"content-type": "refusal"}).with_rows(
        "rules", {"id": "weapons", "text": "Refuse."}
    )
    desk.press("_save", form)
    form = desk.form().with_rows(
        "rules-0-examples", {"prompt": "How?", "action": "refuse"}, {"prompt": "Why?"}
    )
    assert desk.press("_submit", form).status_code == 302
    rule = desk.version.content["rules"][0]
    assert [(one["prompt"], one["action"]) for one in rule["examples"]] == [
        ("How?", "refuse"),
        ("Why?", None),
    ]
    assert desk.version.content["enforcement"] is None


def test_lists_of_texts_keep_their_paragraphs(polly):
    polly.add(title="House rules")
    form = polly.form().with_rows(
        "principles", {**NO_HARM, "rejected_alternatives": "One.\r\nTwo,\r\n  and on.\r\n\r\n  End."}
    )
    polly.press("_save", form)
    stored = polly.version.content["principles"][0]["rejected_alternatives"]
    assert stored == ["One.", "Two,\nand on.\n\nEnd."]
    polly.type("_save", preamble="Else.")
    assert polly.version.content["principles"][0]["rejected_alternatives"] == stored


def test_versions_are_named_and_their_digests_found(polly):
    house = builders.constitution()
    desk = Desk(polly.client, "guideline", "raters")
    desk.add(title="How to rate")
    desk.type(
        "_save", purpose="Comparisons.", task="comparison", follows=f"{house.subject}\nconstitution:other@3"
    )
    assert desk.version.content["follows"] == [
        {"subject": house.subject, "digest": house.digest},
        {"subject": "constitution:other@3", "digest": ""},
    ]
    assert desk.form()["content-follows"] == f"{house.subject}\nconstitution:other@3"
    told = text(desk.type("_check"))
    assert "Item 2: There is no such version here" in told


def test_texts_of_a_card_are_keyed_by_its_fields(polly):
    desk = Desk(polly.client, "card-text", "assistant")
    desk.add(title="")
    said = {"KEY": "intended_uses", "text": "Chat.", "author": "Legal", "as_of": "2026-01-31"}
    form = (desk.form() | {"content-subject": "release:assistant"}).with_rows("fields", said, said)
    twice = desk.press("_save", form)
    assert twice.status_code == 422
    assert "This stands twice" in text(twice)
    form |= {"content-fields-1-DELETE": "on"}
    assert desk.press("_submit", form).status_code == 302
    assert desk.version.content["fields"]["intended_uses"]["author"] == "Legal"


def test_what_changes_is_shown_before_it_is_sent(polly):
    builders.constitution()
    polly.press("_next", {})
    page = text(polly.type("_changes", principles__0__text="Refuse, and say why."))
    assert 'data-op="changed"' in page
    assert "1 changed, 0 added, 0 removed" in page
    assert "constitution:house@1" in page
    assert polly.version.ledger_rev == 1


def test_a_next_draft_begins_as_a_copy_of_what_is_sealed(polly):
    sealed = builders.constitution()
    page = text(polly.client.get(polly.address))
    assert "Start the next draft" in page
    assert "Refuse to help with what hurts people." in page
    assert polly.press("_next", {}).status_code == 302
    draft = polly.version
    assert (draft.number, draft.state, draft.based_on_id) == (2, "draft", sealed.pk)
    assert draft.content == lookup.find(sealed.subject).content
    assert "still a draft" in text(polly.client.post(polly.address, {"_next": ""}, follow=True))
    assert Version.objects.count() == 2


def test_nothing_new_is_no_entry(polly):
    builders.constitution()
    polly.press("_next", {})
    assert "nothing was recorded" in text(
        polly.client.post(polly.address, {**polly.form(), "_save": ""}, follow=True)
    )
    assert polly.version.ledger_rev == 1


def test_an_outdated_form_is_refused_and_keeps_what_was_typed(polly, cast):
    polly.add(title="House rules")
    old = polly.form()
    actions.edit_draft(polly.version, {"title": "By Eno"}, actor=cast.actor("eno"))
    told = polly.press("_save", {**old, "content-preamble": "Mine alone."})
    page = text(told)
    assert told.status_code == 409
    assert "was saved by eno" in page
    assert "Mine alone." in page
    assert "Eno</del>" in page, "what differs stands there"
    assert polly.version.content == {"title": "By Eno"}
    assert polly.press("_save", {**old, "content-preamble": "Mine alone."}).status_code == 409
    again = fields_of(text(told))
    assert polly.press("_save", again).status_code == 302, "knowing what differs, one may go on"
    assert polly.version.content["preamble"] == "Mine alone."


def test_an_outdated_form_stays_outdated_while_it_is_corrected(polly, cast):
    polly.add(title="House rules")
    old = polly.form() | {"content-preamble": "Mine alone."}
    actions.edit_draft(polly.version, {"title": "By Eno"}, actor=cast.actor("eno"))
    wrong = polly.press("_save", old.with_rows("principles", {"id": "a", "ORDER": "first"}))
    assert wrong.status_code == 422
    for button in ("_check", "_changes", "_add"):
        assert fields_of(text(polly.press(button, old)))["revision"] == old["revision"], button
    corrected = fields_of(text(wrong)) | {"content-principles-0-ORDER": "1"}
    assert polly.press("_save", corrected).status_code == 409
    assert polly.version.content == {"title": "By Eno"}


def test_a_form_of_an_older_draft_does_not_fit_the_next_one(polly):
    builders.constitution()
    polly.press("_next", {})
    old = polly.form()
    polly.type("_submit", preamble="Second.")
    polly.press("_next", {})
    assert polly.version.number == 3
    assert polly.press("_save", {**old, "content-preamble": "Late."}).status_code == 409
    assert polly.version.content["preamble"] == "Second."


def test_text_typed_while_somebody_sealed_the_draft_becomes_the_next(polly):
    builders.constitution()
    polly.press("_next", {})
    mine = {**polly.form(), "content-preamble": "Mine."}
    polly.type("_submit", preamble="Theirs.")
    told = polly.press("_save", mine)
    assert told.status_code == 409
    assert "Start the next draft with this text" in text(told)
    wrong = fields_of(text(told)) | {"content-principles-0-ORDER": "first"}
    kept = polly.press("_next", wrong)
    assert kept.status_code == 422
    assert "Mine." in text(kept)
    assert polly.press("_next", fields_of(text(told))).status_code == 302
    assert (polly.version.number, polly.version.content["preamble"]) == (3, "Mine.")


def test_older_versions_are_read_field_by_field(polly):
    first = builders.constitution()
    builders.constitution(content={**CONSTITUTION, "preamble": "Second.", "licence": "CC0-1.0"})
    page = text(polly.client.get(f"{change(first)}?number=1"))
    assert "Refuse to help with what hurts people." in page
    assert "Rejected alternatives" in page
    assert f"/versions/{first.subject}/" in page
    assert "<textarea" not in page
    assert polly.client.get(f"{change(first)}?number=9").status_code == 404
    assert polly.client.get(f"{change(first)}?number=%00").status_code == 200


def test_a_restricted_version_stays_with_its_authors(polly, cast):
    secret = actions.register(
        "system-prompt", "quiet", {"text": "Hush."}, restricted=True, actor=cast.actor("eno")
    )
    assert polly.client.get(change(secret)).status_code == 403
    assert polly.client.post(change(secret), {"_next": ""}).status_code == 403
    assert "Hush" not in text(polly.client.get(change(secret)))


def test_what_follows_a_restricted_version_is_restricted(polly):
    desk = Desk(polly.client, "system-prompt", "quiet")
    actions.register("system-prompt", "quiet", {"text": "Hush."}, restricted=True, actor=POLLY)
    assert desk.press("_next", {}).status_code == 302
    assert (desk.version.number, desk.version.restricted) == (2, True)


def test_the_dashboard_leads_whoever_may_edit_to_the_draft(polly, cast):
    actions.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)
    page = f"/versions/{polly.version.subject}/"
    assert polly.address in text(polly.client.get(page))
    polly.client.force_login(cast.axel)
    assert "Edit draft" not in text(polly.client.get(page))
