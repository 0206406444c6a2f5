"""Versions over HTTP: drafted, edited with If-Match, reviewed by another pair of eyes, revoked."""

import pytest

from governance.ledger.models import Entry
from governance.people.actions import set_groups
from governance.registry import actions, lookup, states
from governance.registry.models import Version
from governance.reviews.models import Review
from tests.api.conftest import V1, fields, problem
from tests.builders import CONSTITUTION, constitution

HOUSE = f"{V1}/versions/constitution/house/1/"
CHANGED = {**CONSTITUTION, "title": "New house rules"}


@pytest.fixture
def polly(signed_in):
    return signed_in("polly")


def draft(client, content=CONSTITUTION, **more):
    return client.post(
        f"{V1}/versions/",
        {"kind": "constitution", "slug": "house", "content": content, **more},
        format="json",
    )


def test_a_draft_is_made_and_logged(polly):
    response = draft(polly, title="House rules")
    assert response.status_code == 201
    assert response["Location"].endswith(HOUSE)
    assert response["ETag"] == '"1"'
    told = response.json()
    assert (told["subject"], told["state"], told["digest"], told["authors"]) == (
        "constitution:house@1",
        "draft",
        None,
        ["polly"],
    )
    entry = Entry.objects.get(op="registry:version:drafted")
    assert entry.object_id == str(Version.objects.get().id)


def test_a_sealed_version_is_made_once(polly):
    first = draft(polly, state="sealed")
    again = draft(polly, state="sealed")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["digest"] == again.json()["digest"] == Version.objects.get().digest


def test_a_second_draft_waits_for_the_first(polly):
    draft(polly)
    assert "still a draft" in problem(draft(polly), 409)["detail"]


def test_invalid_content_names_each_field(polly):
    told = problem(
        draft(
            polly, {"title": "", "principles": [{"id": "A", "text": "x"}], "colour": "red"}, state="sealed"
        ),
        422,
    )
    assert fields(told) == {"title", "principles.0.id", "colour"}
    assert not Version.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "constituton"}, "kind"),
        ({"kind": "release"}, "kind"),
        ({"kind": ["constitution"]}, "kind"),
        ({"slug": "Not A Slug"}, "slug"),
        ({"slug": None}, "slug"),
        ({"content": [1]}, "content"),
        ({"content": "text"}, "content"),
        ({"state": "approved"}, "state"),
        ({"restricted": True}, "restricted"),
        ({"title": "x" * 201}, "title"),
        ({"titel": "x"}, "titel"),
    ],
)
def test_a_wrong_request_names_its_field(polly, change, field):
    assert fields(problem(draft(polly, **change), 400)) == {field}
    assert not Version.objects.exists()


def test_an_unknown_kind_names_the_nearest(polly):
    assert "Did you mean constitution?" in problem(draft(polly, kind="constituton"), 400)["detail"]


def test_fractions_are_kept_as_they_were_written(signed_in):
    content = '{"engine": "x", "engine_version": "1", "context_length": 9, "decoding": {"do_sample": true, "temperature": 0.70}}'
    body = f'{{"kind": "deployment", "slug": "web", "state": "sealed", "content": {content}}}'
    response = signed_in("ada").post(f"{V1}/versions/", body, content_type="application/json")
    assert response.status_code == 201
    assert Version.objects.get().content["decoding"]["temperature"] == "0.7"


def test_files_come_by_upload_only(signed_in):
    content = {"files": [{"path": "a", "size": 1, "sha256": "0" * 64}]}
    given = {"kind": "dataset", "slug": "chats", "content": content}
    assert fields(problem(signed_in("ada").post(f"{V1}/versions/", given, format="json"), 422)) == {"files"}


@pytest.mark.parametrize("name", ["ravi", "axel", "root", "otto"])
def test_who_may_not_write_writes_nothing(signed_in, name):
    problem(draft(signed_in(name)), 403)
    problem(draft(signed_in(name), state="sealed"), 403)
    assert not Version.objects.exists()


def test_a_version_is_read_with_content_and_reviews(polly, signed_in):
    draft(polly)
    response = signed_in("otto").get(HOUSE)
    assert response["ETag"] == '"1"'
    assert response.json()["content"] == CONSTITUTION
    assert response.json()["reviews"] == []


def test_a_draft_is_replaced_when_the_etag_fits(polly):
    draft(polly)
    response = polly.put(HOUSE, {"content": CHANGED}, format="json", HTTP_IF_MATCH='"1"')
    assert response.status_code == 200
    assert response["ETag"] == '"2"'
    assert Version.objects.get().content == CHANGED
    assert Entry.objects.filter(op="registry:version:edited", actor="person:polly").count() == 1


def test_a_change_without_etag_is_refused(polly):
    draft(polly)
    problem(polly.put(HOUSE, {"content": CHANGED}, format="json"), 428)
    assert Version.objects.get().content == CONSTITUTION


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', "1", "nonsense", '"1'])
def test_a_change_with_another_etag_is_refused(polly, tag):
    draft(polly)
    problem(polly.put(HOUSE, {"content": CHANGED}, format="json", HTTP_IF_MATCH=tag), 412)
    assert Version.objects.get().content == CONSTITUTION


def test_a_change_that_is_overtaken_is_refused(polly, monkeypatch):
    draft(polly)
    edit = actions.edit_draft

    def overtaken(version, content, *, actor):
        edit(Version.objects.get(pk=version.pk), {**CONSTITUTION, "title": "Faster"}, actor=actor)
        return edit(version, content, actor=actor)

    monkeypatch.setattr(actions, "edit_draft", overtaken)
    problem(polly.put(HOUSE, {"content": CHANGED}, format="json", HTTP_IF_MATCH='"1"'), 412)
    assert Version.objects.get().content["title"] == "Faster"


def test_sealed_content_does_not_change(polly):
    draft(polly, state="sealed")
    assert (
        "sealed"
        in problem(polly.put(HOUSE, {"content": CHANGED}, format="json", HTTP_IF_MATCH="*"), 409)["detail"]
    )


def decision(client, verb, digest, reason="Read it; it is right.", place=HOUSE):
    return client.post(f"{place}{verb}/", {"digest": digest, "reason": reason}, format="json")


def test_review_takes_two_pairs_of_eyes(polly, signed_in):
    draft(polly)
    submitted = polly.post(f"{HOUSE}submit/")
    assert (submitted.status_code, submitted.json()["state"]) == (200, "in_review")
    approved = decision(signed_in("ravi"), "approve", submitted.json()["digest"])
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    review = Review.objects.get()
    assert (review.reviewer, review.digest, review.version.state) == (
        "ravi",
        submitted.json()["digest"],
        states.APPROVED,
    )
    assert Entry.objects.get(op="reviews:version:approved").actor == "person:ravi"
    assert polly.get(HOUSE).json()["reviews"][0]["verdict"] == "approve"


def test_whoever_reviews_sees_what_waits_for_them(polly, signed_in):
    draft(polly)
    waiting = f"{V1}/versions/?waiting=true"
    assert signed_in("ravi").get(waiting).json()["results"] == []
    polly.post(f"{HOUSE}submit/")
    assert [row["subject"] for row in signed_in("ravi").get(waiting).json()["results"]] == [
        "constitution:house@1"
    ]
    for name in ("polly", "axel"):
        assert signed_in(name).get(waiting).json()["results"] == []
    assert len(signed_in("axel").get(f"{V1}/versions/?waiting=false").json()["results"]) == 1


def test_authors_do_not_approve_their_own(cast, polly, signed_in, with_token):
    """Polly may write and review; what she wrote, she still cannot approve, by session or by token."""
    set_groups(cast.polly.account, ["policy-editor", "reviewer"], actor=cast.actor("root"))
    draft(polly)
    digest = polly.post(f"{HOUSE}submit/").json()["digest"]
    for client in (polly, with_token("polly", "reviews:version:review")):
        for verb in ("approve", "refuse"):
            assert "somebody else must review it" in problem(decision(client, verb, digest), 409)["detail"]
    assert not Review.objects.exists()
    assert Version.objects.get().state == states.IN_REVIEW
    assert decision(signed_in("ravi"), "approve", digest).status_code == 200


def test_whoever_edits_becomes_an_author(cast, polly, signed_in):
    set_groups(cast.mara.account, ["policy-editor", "reviewer"], actor=cast.actor("root"))
    draft(polly)
    assert (
        signed_in("mara").put(HOUSE, {"content": CHANGED}, format="json", HTTP_IF_MATCH='"1"').status_code
        == 200
    )
    digest = polly.post(f"{HOUSE}submit/").json()["digest"]
    problem(decision(signed_in("mara"), "approve", digest), 409)


def test_an_engineer_writes_no_constitution(polly, signed_in):
    draft(polly)
    detail = problem(
        signed_in("eno").put(HOUSE, {"content": CHANGED}, format="json", HTTP_IF_MATCH='"1"'), 403
    )["detail"]
    assert "policy-editor" in detail
    body = {"kind": "constitution", "slug": "other", "content": CHANGED, "state": "draft"}
    assert signed_in("ada").post(f"{V1}/versions/", body, format="json").status_code == 403


def test_nobody_seals_the_draft_of_a_kind_that_they_do_not_write(polly, signed_in):
    draft(polly)
    assert "policy-editor" in problem(signed_in("eno").post(f"{HOUSE}submit/"), 403)["detail"]
    assert signed_in("mara").post(f"{HOUSE}submit/").status_code == 403
    assert lookup.find("constitution:house", drafts=True).state == "draft"


def test_a_token_may_review_when_its_scope_says_so(polly, with_token):
    draft(polly)
    digest = polly.post(f"{HOUSE}submit/").json()["digest"]
    problem(decision(with_token("ravi"), "approve", digest), 403)
    assert decision(with_token("ravi", "reviews:version:review"), "approve", digest).status_code == 200
    assert Review.objects.get().reviewer == "ravi"


def test_a_decision_is_about_the_digest_that_was_read(polly, signed_in):
    draft(polly)
    polly.post(f"{HOUSE}submit/")
    assert "read it again" in problem(decision(signed_in("ravi"), "approve", "0" * 64), 409)["detail"]
    assert fields(problem(decision(signed_in("ravi"), "approve", "no digest", ""), 400)) == {
        "digest",
        "reason",
    }


def test_a_refused_version_stays_refused(polly, signed_in):
    draft(polly)
    digest = polly.post(f"{HOUSE}submit/").json()["digest"]
    assert decision(signed_in("ravi"), "refuse", digest, "Too vague.").json()["state"] == "refused"
    problem(decision(signed_in("rosa"), "approve", digest), 409)
    problem(polly.post(f"{HOUSE}submit/"), 409)


def test_revoking_needs_a_reason_and_a_right(polly, signed_in):
    draft(polly, state="sealed")
    problem(polly.post(f"{HOUSE}revoke/", {"reason": "x"}, format="json"), 403)
    assert fields(problem(signed_in("ravi").post(f"{HOUSE}revoke/", {}, format="json"), 400)) == {"reason"}
    assert (
        signed_in("ravi").post(f"{HOUSE}revoke/", {"reason": "Leaked."}, format="json").json()["state"]
        == "revoked"
    )
    problem(signed_in("ravi").post(f"{HOUSE}revoke/", {"reason": "Again."}, format="json"), 409)


def test_the_diff_names_what_changed(cast, signed_in):
    constitution()
    more = {"id": "honest", "text": "Do not lie.", "kind": "honesty", "authority": "platform"}
    principles = [more, CONSTITUTION["principles"][0]]
    constitution(content={**CONSTITUTION, "title": "Rules", "principles": principles})
    told = signed_in("otto").get(f"{V1}/versions/constitution/house/2/diff/").json()
    assert (told["before"], told["after"]) == ("constitution:house@1", "constitution:house@2")
    assert [(change["op"], change["path"]) for change in told["changes"]] == [
        ("replace", "title"),
        ("remove", "principles.help"),
        ("add", "principles.honest"),
    ]
    assert (
        signed_in("otto").get(f"{V1}/versions/constitution/house/1/diff/?from=2").json()["before"]
        == "constitution:house@2"
    )


def test_a_diff_needs_something_to_compare_with(cast, signed_in):
    constitution()
    assert "?from=NUMBER" in problem(signed_in("otto").get(f"{HOUSE}diff/"), 404)["detail"]
    problem(signed_in("otto").get(f"{HOUSE}diff/?from=7"), 404)
    assert fields(problem(signed_in("otto").get(f"{HOUSE}diff/?from=x"), 400)) == {"from"}
