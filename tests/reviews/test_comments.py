"""Comments about a version and its parts: who may, where they stand, who settles them, and who reads them."""

import json

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry.actions import Refused
from governance.reviews import comments
from governance.reviews.models import Comment
from tests.builders import ADA, CONSTITUTION, POLLY, RAVI, constitution

pytestmark = pytest.mark.django_db
HOUSE = "/api/v1/versions/constitution/house/1/comments/"
SCRIPT = "<script>alert(1)</script> & so on"


@pytest.fixture
def api(cast):
    def client(name: str) -> APIClient:
        made = APIClient()
        made.force_login(cast.users[name])
        return made

    return client


@pytest.fixture
def page(client, cast):
    def read(name: str, address: str = "/versions/constitution:house@1/", **sent: str) -> str:
        client.force_login(cast.users[name])
        answer = client.post(address, sent, follow=True) if sent else client.get(address)
        return answer.content.decode()

    return read


@pytest.fixture
def version(cast):
    return constitution()


def say(client, **sent):
    return client.post(HOUSE, sent, format="json")


def test_a_comment_stands_where_it_is_said(api, version):
    made = say(api("ada"), anchor="no-harm", text="And self-defence?")
    assert (made.status_code, made.json()["author"], made.json()["digest"]) == (201, "ada", version.digest)
    say(api("ada"), text="All in all good.")
    say(api("ada"), anchor="/principles/1/text", text="Everything?")
    found = api("otto").get(HOUSE).json()["results"]
    assert [one["anchor"] for one in found] == ["no-harm", "", "/principles/1/text"]
    assert Entry.objects.filter(op="reviews:comment:made", actor="person:ada").count() == 3


def test_what_it_says_is_in_no_public_part_of_the_ledger(version):
    made = comments.comment(version, anchor="no-harm", text="heliotrope", actor=ADA)
    entry = made.ledger_head
    assert "heliotrope" not in entry.parts["P"]["payload"]
    assert "no-harm" not in entry.parts["P"]["payload"]
    assert json.loads(entry.parts["I"]["payload"])["state"] == {"anchor": "no-harm", "text": "heliotrope"}


@pytest.mark.parametrize(
    ("sent", "status", "told"),
    [
        ({"anchor": "no-ham", "text": "So."}, 422, "Did you mean no-harm"),
        ({"anchor": "/titel", "text": "So."}, 422, "/title"),
        ({"text": " "}, 400, "text"),
        ({"text": "x" * 10_001}, 400, "10000"),
        ({"anchor": "x" * 1001, "text": "So."}, 400, "1000"),
        ({"text": "So.", "author": "ravi"}, 400, "There is no such field"),
        ({"text": "So.", "resolved_by": "ravi"}, 400, "There is no such field"),
        ({}, 400, "text"),
    ],
)
def test_what_makes_no_sense_is_refused(api, page, version, sent, status, told):
    answer = say(api("ada"), **sent)
    assert (answer.status_code, told in answer.content.decode()) == (status, True)
    if status == 422 or not sent.get("text", "").strip() or len(sent["text"]) > 10_000:
        assert 'class="notice error"' in page(
            "ada", "/versions/constitution:house@1/comment/", **{"text": "", **sent}
        )
    assert not Comment.objects.exists()


@pytest.mark.parametrize("name", ["axel", "otto"])
def test_who_only_reads_does_not_comment(api, client, cast, version, name):
    assert say(api(name), text="So.").status_code == 403
    client.force_login(cast.users[name])
    assert client.post("/versions/constitution:house@1/comment/", {"text": "So."}).status_code == 403
    assert 'id="comment-form"' not in client.get("/versions/constitution:house@1/").content.decode()
    assert not Comment.objects.exists()


def test_a_draft_is_not_commented(cast):
    draft = registry.save_draft("constitution", "house", CONSTITUTION, actor=POLLY)
    with pytest.raises(Refused, match="draft"):
        comments.comment(draft, text="So.", actor=ADA)


def test_answers_go_one_level_deep(api, version):
    top = say(api("ada"), anchor="no-harm", text="Why?").json()["id"]
    told = api("polly").post(f"/api/v1/comments/{top}/answer/", {"text": "So."}, format="json")
    assert (told.status_code, told.json()["answers"], told.json()["anchor"]) == (201, top, "no-harm")
    again = api("ada").post(f"/api/v1/comments/{told.json()['id']}/answer/", {"text": "No."}, format="json")
    assert again.status_code == 409
    nowhere = api("ada").post(f"/api/v1/comments/{version.pk}/answer/", {"text": "No."}, format="json")
    assert nowhere.status_code == 404


def test_it_is_settled_once_by_whoever_made_it_or_wrote_the_version(api, page, version):
    top, other = (say(api("ada"), text=text).json()["id"] for text in ("Why?", "How?"))
    assert api("ravi").post(f"/api/v1/comments/{top}/resolve/").status_code == 409
    assert api("otto").post(f"/api/v1/comments/{top}/resolve/").status_code == 403
    assert api("polly").post(f"/api/v1/comments/{top}/resolve/").json()["resolved_by"] == "polly"
    assert api("ada").post(f"/api/v1/comments/{top}/resolve/").status_code == 409
    assert "resolved by ada" in page("ada", reverse("comment-resolve", args=[other]), x="")
    assert Entry.objects.filter(op="reviews:comment:resolved").count() == 2


def test_the_page_shows_it_beside_the_part_and_escaped(page, version):
    told = page("ada", "/versions/constitution:house@1/comment/", anchor="no-harm", text=SCRIPT)
    assert "Your comment about no-harm is recorded." in told
    assert "<script>alert(1)" not in told
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; so on" in told
    part = told.split('id="principle-no-harm"')[1].split("</li>")[0]
    assert "&lt;script&gt;" in part
    page("polly", reverse("comment-answer", args=[Comment.objects.get().pk]), text="<b>No</b>")
    assert "&lt;b&gt;No&lt;/b&gt;" in page("otto")
    assert "&lt;script&gt;" in page("otto", "/versions/constitution:house@1/comments/")
    assert 'value="help"' in page("ada", "/versions/constitution:house@1/?on=help")


def test_who_may_not_read_a_restricted_version_reads_and_writes_no_comment(api, client, cast):
    secret = registry.register("system-prompt", "quiet", {"text": "Shh."}, restricted=True, actor=POLLY)
    made = comments.comment(secret, anchor="/text", text="heliotrope", actor=RAVI)
    place = "/api/v1/versions/system-prompt/quiet/1/comments/"
    for verb in ("get", "post"):
        assert (
            getattr(api("ada"), verb)(place, {"text": "So."} if verb == "post" else None).status_code == 403
        )
    assert (
        api("ada").post(f"/api/v1/comments/{made.pk}/answer/", {"text": "So."}, format="json").status_code
        == 403
    )
    assert api("ada").post(f"/api/v1/comments/{made.pk}/resolve/").status_code == 403
    client.force_login(cast.ada)
    assert client.get("/versions/system-prompt:quiet@1/comments/").status_code == 403
    assert client.post(reverse("comment-answer", args=[made.pk]), {"text": "So."}).status_code == 403
    assert api("polly").get(place).json()["results"][0]["text"] == "heliotrope"
