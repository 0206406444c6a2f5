"""Cards that anybody reads: published by those who may, as the bytes of one moment, and withdrawn with a reason."""

import hashlib
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from governance.cards import publication
from governance.cards.models import Publication
from governance.ledger import audit
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.verify import verify
from governance.registry import actions, blobs, lookup
from governance.registry.actions import Refused
from governance.registry.models import Version
from governance.releases.actions import run_gate
from tests.builders import ADA, MARA, approved
from tests.cards.publishing import published, ready
from tests.releases.conftest import world
from tests.releases.world import measured, released

__all__ = ["world"]
CARD = "/public/release/assistant/1/"


@pytest.fixture(autouse=True)
def opened(settings):
    settings.CHARTER_PUBLIC_CARDS = True


@pytest.fixture
def client_of(world):
    def client(name: str) -> Client:
        made = Client()
        made.force_login(world.cast.users[name])
        return made

    return client


def text_of(response) -> str:
    return response.content.decode()


def test_a_release_manager_publishes_in_the_browser_and_anybody_reads_the_frozen_bytes(world, client_of):
    release = ready(world)
    client = client_of("mara")
    assert "Publish the system card" in text_of(client.get(f"/versions/{release.subject}/"))
    told = client.post(f"/cards/{release.subject}/publish/", {"kind": "system"}, follow=True)
    assert "is published" in text_of(told)
    row = Publication.objects.get()
    entry = Entry.objects.get(object_id=str(row.pk))
    assert (entry.op, entry.actor) == ("cards:publication:published", "person:mara")
    assert row.evidence_size <= entry.id, "the card never holds the entry of its own publication"
    stranger = Client()
    page = stranger.get(CARD)
    assert page.status_code == 200
    assert blobs.read(row.files["html"]).decode() in text_of(page)
    assert "default-src" in page["Content-Security-Policy"]
    assert page["Cache-Control"] == "public, no-cache"
    assert "Cookie" not in page.get("Vary", "")
    assert not page.cookies
    assert stranger.get(CARD, HTTP_IF_NONE_MATCH=page["ETag"]).status_code == 304
    for form in ("md", "json", "zip"):
        file = stranger.get(f"{CARD}card.{form}")
        assert hashlib.sha256(file.content).hexdigest() == row.files[form]
        assert stranger.get(f"{CARD}card.{form}", HTTP_IF_NONE_MATCH=file["ETag"]).status_code == 304
    assert verify(stranger.get(f"{CARD}card.zip").content).holds
    assert "release:assistant@1" in text_of(stranger.get("/public/"))
    settle()
    assert audit.run().problems == []


def test_what_is_recorded_later_changes_no_byte_and_those_signed_in_are_told(world, client_of, tmp_path):
    release = ready(world)
    row = published(release)
    before = Client().get(CARD).content
    client = client_of("axel")
    old, touched = "says something else since", "More was recorded since"

    def told() -> tuple[bool, bool]:
        page = text_of(client.get(f"/versions/{release.subject}/"))
        return old in page, touched in page

    settle()
    assert told() == (False, False)
    measured(world.tuned, tmp_path, {"arithmetic": {"score": "0.5"}}, "later")
    settle()
    assert told() == (False, True)
    assert old in text_of(client.get(f"/cards/{release.subject}/"))
    assert told() == (True, False)
    assert old in text_of(client.get(f"/releases/{release.subject}/"))
    assert Client().get(CARD).content == before
    run_gate(lookup.find(release.subject), actor=MARA)
    published(release)
    settle()
    assert told() == (False, False)
    assert Publication.objects.exclude(pk=row.pk).get().evidence_size > row.evidence_size


def test_the_same_card_is_not_published_twice(world):
    release = ready(world)
    published(release)
    with pytest.raises(Refused, match="nothing new to publish"):
        published(release)
    assert Publication.objects.count() == 1


def test_a_withdrawn_card_says_when_and_why_and_shows_nothing_else(world, client_of):
    release = ready(world)
    row = published(release)
    door = f"/publications/{row.pk}/withdraw/"
    assert client_of("ada").post(door, {"reason": "No."}).status_code == 403
    assert "Give a reason" in text_of(client_of("mara").post(door, {"reason": " "}, follow=True))
    client_of("mara").post(door, {"reason": "A <script>figure</script> was wrong."})
    page = Client().get(CARD)
    assert page.status_code == 410
    assert "A &lt;script&gt;figure&lt;/script&gt; was wrong." in text_of(page)
    assert row.evidence_digest in text_of(page)
    assert "harmful_refusal" not in text_of(page)
    assert {Client().get(f"{CARD}card.{form}").status_code for form in ("md", "json", "zip")} == {404}
    assert Entry.objects.latest("id").op == "cards:publication:withdrawn"
    again = client_of("mara").post(door, {"reason": "Again."}, follow=True)
    assert "was withdrawn already" in text_of(again)


@pytest.mark.parametrize("public", [True, False])
def test_what_is_not_published_is_one_404_whatever_it_is(world, settings, public):
    settings.CHARTER_PUBLIC_CARDS = public
    ready(world)
    actions.register("dataset", "hidden", lookup.find("dataset:chats").content, restricted=True, actor=ADA)
    places = [
        "/public/release/assistant/1/",
        "/public/dataset/hidden/1/",
        "/public/model/never/1/",
        "/public/model/tuned/999999999/",
    ]
    told = {(page.status_code, text_of(page)) for page in map(Client().get, places)}
    assert len(told) == 1
    assert told.pop()[0] == 404
    assert Client().get("/public/").status_code == (200 if public else 404)


def test_with_the_setting_off_nothing_is_public(world, settings):
    published(ready(world))
    settings.CHARTER_PUBLIC_CARDS = False
    assert {
        Client().get(place).status_code for place in (CARD, f"{CARD}card.md", "/public/", f"{CARD}object/")
    } == {404}


def unapproved(world) -> Version:
    return released(world)


def revoked(world) -> Version:
    release = ready(world)
    actions.revoke(lookup.find(release.subject), reason="Wrong.", actor=MARA)
    return release


def part_revoked(world) -> Version:
    release = ready(world)
    actions.revoke(lookup.find("constitution:house"), reason="Wrong.", actor=MARA)
    return release


def no_card(world) -> Version:
    return lookup.find("constitution:house")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (unapproved, "only what is approved"),
        (revoked, "is revoked"),
        (part_revoked, "revoked"),
        (no_card, "is a constitution"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_may_not_go_out_is_not_published(world, client_of, make, why):
    version = make(world)
    before = Entry.objects.count()
    told = client_of("mara").post(f"/cards/{version.subject}/publish/", follow=True)
    assert why in text_of(told)
    assert Entry.objects.count() == before
    assert not Publication.objects.exists()


def test_what_is_revoked_while_its_card_is_written_is_not_published(world, monkeypatch):
    release = ready(world)
    real = publication.bundle_of

    def meanwhile(version, checkpoint):
        data = real(version, checkpoint)
        actions.revoke(lookup.find(release.subject), reason="Just now.", actor=MARA)
        return data

    monkeypatch.setattr(publication, "bundle_of", meanwhile)
    with pytest.raises(Refused, match="is revoked"):
        published(release)
    assert not Publication.objects.exists()


def test_restricted_versions_are_never_published(world, client_of):
    hidden = actions.register(
        "dataset", "hidden", lookup.find("dataset:chats").content, restricted=True, actor=MARA
    )
    approved(hidden, submitter=MARA)
    told = client_of("mara").post(f"/cards/{hidden.subject}/publish/", follow=True)
    assert "what is restricted is never published" in text_of(told)
    assert not Publication.objects.exists()


def test_others_than_release_managers_publish_nothing(world, client_of):
    release = ready(world)
    for name in ("ada", "ravi", "axel", "otto", "root"):
        assert client_of(name).post(f"/cards/{release.subject}/publish/").status_code == 403, name
    assert Client().post(f"/cards/{release.subject}/publish/")["Location"].startswith("/accounts/login/")
    assert not Publication.objects.exists()


def test_a_revoked_version_says_so_on_its_published_card(world):
    release = ready(world)
    published(release)
    actions.revoke(lookup.find(release.subject), reason="Wrong.", actor=MARA)
    assert "release:assistant@1 was revoked on" in text_of(Client().get(CARD))


def test_the_command_publishes_and_the_card_stays_public_only(world):
    ready(world)
    out = StringIO()
    call_command("publish", "release:assistant", "--as", "mara", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["subject"] == "release:assistant@1"
    assert re.match(r"cli:\S+ for person:mara", Entry.objects.latest("id").actor)
    card = json.loads(Client().get(f"{CARD}card.json").content)
    assert card["kind"] == "system"
    with pytest.raises(SystemExit):
        call_command("publish", "release:assistant", "--as", "ada", stderr=StringIO())


def test_over_the_api_it_is_published_read_and_withdrawn(world, client_of):
    release = ready(world)
    client = client_of("mara")
    made = client.post("/api/v1/publications/", {"subject": release.subject}, content_type="application/json")
    assert made.status_code == 201, made.content
    assert client.get(made["Location"]).json()["files"] == made.json()["files"]
    assert client.get("/api/v1/publications/?state=published").json()["results"][0]["id"] == made.json()["id"]
    gone = client.post(f"{made['Location']}withdraw/", {"reason": "Old."}, content_type="application/json")
    assert gone.json()["state"] == "withdrawn"
    refused = client.post("/api/v1/publications/", {"subject": "model:base"}, content_type="application/json")
    assert refused.status_code == 409
    assert "only what is approved" in refused.json()["detail"]


def test_a_second_kind_of_card_has_its_own_address(world):
    release = ready(world)
    published(release)
    publication.publish(lookup.find(release.subject), kind="model", actor=MARA)
    page = Client().get(CARD)
    assert f"{CARD}?card=model" in text_of(page)
    assert "Model card" in text_of(Client().get(f"{CARD}?card=model"))
    assert Client().get(f"{CARD}?card=datasheet").status_code == 404


def test_an_altered_file_is_not_served_and_the_audit_finds_it(world):
    row = published(ready(world))
    path = Path(blobs.store().path(blobs.place(row.files["md"])))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"!")
    assert Client().get(f"{CARD}card.md").status_code == 503
    settle()
    assert any("published md of release:assistant@1" in one.sentence for one in audit.run().problems)


def test_the_list_costs_the_same_however_long_it_is(world, django_assert_num_queries):
    published(ready(world))
    with django_assert_num_queries(2):
        Client().get("/public/")
    for slug in ("second", "third"):
        published(ready(world, slug))
    with django_assert_num_queries(2):
        assert "release:third@1" in text_of(Client().get("/public/"))
