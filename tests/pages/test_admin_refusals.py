"""What the editor refuses: others' hands, sealed texts, hostile and oversized forms. It changes nothing, and never breaks."""

import pytest
from django.conf import settings
from django.test import Client

from governance.admin import editing
from governance.admin.kinds.constitution import ConstitutionAdmin
from governance.admin.stored import MOST_ROWS
from governance.ledger.models import Entry
from governance.registry import actions
from governance.registry.models import Artifact, Version
from governance.reviews import actions as reviews
from tests import builders
from tests.builders import CONSTITUTION, POLLY
from tests.cast import gather
from tests.pages.desk import Desk, change, place, text
from tests.pages.fields import fields_of

pytestmark = pytest.mark.django_db
OTHERS = ("ada", "ravi", "mara", "axel", "otto", "root")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def cast():
    return gather()


@pytest.fixture
def polly(client, cast):
    client.force_login(cast.polly)
    return Desk(client)


@pytest.fixture
def draft(polly):
    return actions.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)


def stored() -> list[tuple]:
    return [*Version.objects.order_by("id").values_list(), *Artifact.objects.order_by("id").values_list()]


def test_nobody_else_edits(draft, polly, cast):
    form, before = polly.form() | {"content-title": "Mine"}, (stored(), Entry.objects.count())
    for name in OTHERS:
        other = Client()
        other.force_login(cast.users[name])
        assert other.get(change(draft)).status_code in {302, 403}, name
        for button in editing.DOES:
            assert other.post(change(draft), {**form, button: ""}).status_code in {302, 403}, (name, button)
        assert other.post(f"{place('constitution')}add/", {"slug": "mine"}).status_code in {302, 403}, name
    assert (stored(), Entry.objects.count()) == before


def test_a_stranger_is_sent_to_sign_in(draft):
    assert "/login/" in Client().get(change(draft))["Location"]
    assert "/login/" in Client().post(change(draft), {"_save": ""})["Location"]


def test_a_form_without_its_token_is_refused(draft, cast):
    client, before = Client(enforce_csrf_checks=True), stored()
    client.force_login(cast.polly)
    assert client.post(change(draft), {"_save": "", "content-title": "x"}).status_code == 403
    assert stored() == before


@pytest.mark.parametrize("button", ["_save", "_submit", "_submit_stored"])
def test_what_is_sealed_stays_as_it_is(draft, polly, button):
    form = polly.form() | {"content-title": "Other"}
    reviews.submit(draft, actor=POLLY)
    before = (stored(), Entry.objects.count())
    current = {**form, "revision": f"1.{polly.version.ledger_rev}"}
    for posted in (form, current, {"content-title": "Bare"}, {}):
        assert polly.press(button, posted).status_code in {302, 409}
    assert (stored(), Entry.objects.count()) == before


def test_nothing_is_deleted(draft, polly):
    builders.constitution("garden")
    for version in Version.objects.all():
        address = change(version).replace("change", "delete")
        assert polly.client.get(address).status_code == 403
        assert polly.client.post(address, {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": str(draft.artifact_id), "post": "yes"}
    polly.client.post(place("constitution"), chosen)
    assert Version.objects.count() == 2
    assert Artifact.objects.count() == 2


def test_only_the_fields_of_the_schema_are_read(draft, polly):
    sent = {
        name: value
        for prefix in ("", "content-", "version-")
        for name, value in {
            f"{prefix}state": "approved",
            f"{prefix}digest": "0" * 64,
            f"{prefix}number": "9",
            f"{prefix}authors": "[]",
            f"{prefix}created_by": "eno",
            f"{prefix}restricted": "on",
            f"{prefix}content": '{"title": "Raw"}',
            f"{prefix}slug": "other",
            f"{prefix}kind": "model",
        }.items()
    }
    assert polly.press("_save", polly.form() | {**sent, "content-title": "Mine"}).status_code == 302
    version = polly.version
    assert (version.state, version.digest, version.number, version.restricted) == ("draft", None, 1, False)
    assert (version.created_by, version.authors) == ("polly", ["polly"])
    assert version.artifact.name == "constitution:house"
    assert set(version.content) <= {
        "title",
        "preamble",
        "principles",
        "source",
        "licence",
        "effective_from",
        "gaps",
    }


def test_an_add_page_sets_nothing_but_name_and_title(polly):
    polly.add(title="House", kind="model", state="approved", created_by="eno", content='{"a": 1}')
    version = polly.version
    assert (version.kind, version.state, version.created_by) == ("constitution", "draft", "polly")
    assert version.content == {"title": "House"}


@pytest.mark.parametrize("position", ["9" * 400, "9" * 5000, "-3", "1e5", "x", "٣"])
def test_an_absurd_position_is_a_place_or_an_error(draft, polly, position):
    assert polly.type("_save", principles__0__ORDER=position).status_code in {302, 422}
    assert len(polly.version.content["principles"]) == 2


def test_script_in_text_is_shown_as_text(polly):
    polly.add(title=SCRIPT)
    form = polly.form() | {"content-preamble": SCRIPT}
    row = dict.fromkeys(("id", "heading", "text", "reason"), SCRIPT)
    pages = [polly.press("_save", form.with_rows("principles", row))]
    pages += [polly.press(name, polly.form()) for name in ("_check", "_changes", "_submit")]
    pages += [polly.client.get(address) for address in (polly.address, place("constitution"))]
    assert polly.version.content["preamble"] == SCRIPT
    for page in pages:
        assert SCRIPT not in text(page)


def test_a_sealed_script_is_shown_as_text(polly):
    sealed = builders.constitution(content={**CONSTITUTION, "title": SCRIPT, "preamble": SCRIPT})
    page = text(polly.client.get(change(sealed)))
    assert "&lt;script&gt;" in page
    assert SCRIPT not in page


def test_nul_bytes_are_refused_at_their_fields(draft, polly):
    before, form = stored(), polly.form()
    names = (
        "title",
        "preamble",
        "principles-0-id",
        "principles-0-text",
        "principles-0-rejected_alternatives",
    )
    for name in (*names, "principles-0-authority", "principles-0-ORDER", "principles-TOTAL_FORMS"):
        for button in ("_save", "_submit", "_check", "_changes"):
            response = polly.press(button, form | {f"content-{name}": "a\0b"})
            assert response.status_code == 422, (name, button)
    assert polly.press("_add", form, "a\0b").status_code == 200
    assert polly.press("_save", form | {"revision": "1.1\0"}).status_code == 409
    assert polly.add(title="a\0b", slug="new").status_code == 422
    assert polly.add(slug="a\0b").status_code == 422
    assert stored() == before


@pytest.mark.parametrize(
    "slug", ["", "House", "hoüse", "hоuse", "a b", "../x", "x" * 81, "-x", "hou\u200bse", "x\n"]
)
def test_a_name_is_plain_letters(polly, slug):
    if slug == "x\n":
        assert polly.add(slug=slug).status_code == 302, "blanks around a name are no part of it"
        return
    assert polly.add(slug=slug).status_code == 422
    assert not Artifact.objects.exists()


def test_letters_that_look_alike_are_named(draft, polly):
    told = text(polly.type("_submit", principles__0__id="nо-harm"))
    assert "It holds CYRILLIC SMALL LETTER O." in told
    assert polly.version.state == "draft"


def test_a_name_that_is_taken_leads_to_its_draft(draft, polly):
    before = stored()
    told = polly.add(title="Again")
    assert told.status_code == 422
    assert f'There is a constitution of that name: <a href="{polly.address}">open it</a>.' in text(told)
    assert stored() == before


def test_a_body_that_is_too_large_is_told_so(draft, polly):
    before = stored()
    pasted = polly.press(
        "_save", polly.form() | {"content-preamble": "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)}
    )
    assert pasted.status_code == 413
    assert "The text in the form is larger than 5 MiB" in text(pasted)
    fields = {f"content-principles-{n}-id": "a" for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    many = polly.press("_save", fields)
    assert many.status_code == 413
    assert "20,000 fields" in text(many)
    assert (
        polly.client.post(
            change(draft), b"x", content_type="text/plain", CONTENT_LENGTH="99999999999"
        ).status_code
        == 413
    )
    assert stored() == before


def test_a_form_of_too_many_rows_says_how_many_it_takes(draft, polly, monkeypatch):
    rows = ConstitutionAdmin.content_form._shape.parts["principles"].rows
    monkeypatch.setattr(rows, "max_num", 3)
    monkeypatch.setattr(rows, "absolute_max", 5)
    before, form = (
        stored(),
        polly.form().with_rows("principles", *({"id": f"p{n}", "text": "Typed."} for n in range(4))),
    )
    told = polly.press("_save", form)
    assert told.status_code == 422
    assert "At most 3 rows can be edited here." in text(told)
    assert text(told).count("Typed.</textarea>") == 3, "what was typed is still there, up to a bound"
    for count in ("999999999", "-1", "1", "many", ""):
        told = polly.press("_save", polly.form() | {"content-principles-TOTAL_FORMS": count})
        assert told.status_code == 422, count
    assert "_add" in text(told)
    assert polly.press("_add", form, "content-principles").status_code == 200
    assert stored() == before


def test_a_draft_of_too_many_rows_is_read_and_sent_but_not_edited(polly):
    principles = [{"id": f"p{number}", "text": "Be kind."} for number in range(MOST_ROWS + 1)]
    actions.save_draft("constitution", "house", {"title": "House", "principles": principles}, actor=POLLY)
    page = text(polly.client.get(polly.address))
    assert "more rows than the form takes" in page
    assert "<textarea" not in page
    assert "read it again" in text(polly.client.post(polly.address, {"_submit_stored": ""}, follow=True))
    assert polly.version.state == "draft"
    assert polly.press("_submit_stored", fields_of(page, "send")).status_code == 302
    assert polly.version.state == "in_review"


@pytest.mark.parametrize(
    "content",
    [
        {"colour": "red", "principles": [{"id": "a", "text": "b", "size": 3}]},
        {"title": {"a": 1}, "principles": "none"},
        {"title": 5, "principles": [1, "two", None, ["three"]], "gaps": {"a": 1}},
        {"principles": {"a": {"id": 3}}, "preamble": ["x"]},
        {},
    ],
)
def test_a_draft_of_another_shape_opens_with_a_warning(polly, content):
    actions.save_draft("constitution", "house", content, actor=POLLY)
    page = text(polly.client.get(polly.address))
    assert ("what the form does not know" in page) == bool(content)
    for button in ("_check", "_changes", "_submit", "_save"):
        assert polly.press(button, polly.form()).status_code in {200, 302, 422}


def test_a_value_outside_its_choices_is_shown_and_refused(polly):
    odd = {**CONSTITUTION, "principles": [{"id": "a", "text": "b", "authority": "emperor"}]}
    actions.save_draft("constitution", "house", odd, actor=POLLY)
    form = polly.form()
    assert form["content-principles-0-authority"] == "emperor"
    told = polly.press("_save", form)
    assert told.status_code == 422
    assert "emperor is not one of the available choices" in text(told)


@pytest.mark.parametrize("key", ["7", "00000000-0000-4000-8000-000000000000", "a%00b", "..", "é"])
def test_what_is_not_there_is_not_found(polly, key):
    for page in ("change", "history", "delete"):
        assert polly.client.get(f"{place('constitution')}{key}/{page}/").status_code in {403, 404}


def test_one_kind_is_not_edited_as_another(draft, polly):
    assert polly.client.get(f"{place('policy')}{draft.artifact_id}/change/").status_code == 404
    assert (
        polly.client.post(f"{place('policy')}{draft.artifact_id}/change/", {"_next": ""}).status_code == 404
    )


def test_the_same_content_is_not_sealed_twice(polly):
    builders.constitution()
    polly.press("_next", {})
    told = polly.type("_submit")
    assert told.status_code == 409
    assert "has the same content; change something" in text(told)
    assert polly.version.state == "draft"
