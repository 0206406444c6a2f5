"""Erasures in the browser: asked for on the version's page, seen on the first page, confirmed by a second administrator."""

import pytest
from django.test import Client
from django.urls import reverse

from governance.ledger.actors import Actor
from governance.ledger.settle import settle
from governance.people.actions import create_person
from governance.registry import erasure
from governance.registry.lookup import find
from governance.registry.models import Erasure, Version
from tests.builders import ADA, dataset
from tests.cast import gather
from tests.evidence import world as evidence
from tests.pages.world import World

GROUND = {"authority": "GDPR Art. 17, request 2026/14", "reason": "A person withdrew consent."}


@pytest.fixture
def both(world: World, signed_in):
    """Two administrators' clients."""
    world.cast.users["rita"] = create_person("rita", handle="rita", groups=["administrator"], actor=ADA)
    return signed_in("root"), signed_in("rita")


@pytest.fixture
def subject(world: World, tmp_path) -> str:
    """A dataset that no run uses."""
    return dataset(tmp_path, "diary").subject


def text(response) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_the_way_from_asking_to_the_empty_page(both, subject):
    root, rita = both
    page = text(root.get(reverse("version", args=[subject])))
    assert reverse("version-erase", args=[subject]) in page
    form = text(root.get(reverse("version-erase", args=[subject])))
    assert "Backups of the database" in form
    asked = root.post(reverse("version-erase", args=[subject]), GROUND)
    one = Erasure.objects.get()
    assert asked.url == reverse("erasure", args=[one.pk])
    assert "another administrator must confirm it" in text(root.get(asked.url))
    assert "An erasure of this version is asked for" in text(root.get(reverse("version", args=[subject])))
    assert asked.url in text(rita.get(reverse("home")))
    assert "Erase it" in text(rita.get(asked.url))
    done = text(rita.post(reverse("erasure-confirm", args=[one.pk]), follow=True))
    assert "the erasure is done" in done
    assert "in other people" in done
    gone = text(rita.get(reverse("version", args=[subject])))
    assert "The content was erased." in gone
    assert GROUND["authority"] in gone
    assert reverse("version-erase", args=[subject]) not in gone
    assert GROUND["authority"] in text(rita.get(reverse("erasure-list")))
    assert Version.objects.get(artifact__slug="diary", number=1).content is None


@pytest.mark.parametrize("place", ["version", "dataset-rows", "lineage", "card"])
def test_pages_of_an_erased_version_say_so(both, subject, place):
    root, rita = both
    root.post(reverse("version-erase", args=[subject]), GROUND)
    # The page that follows takes what is said of the erasure itself, such as rows that another transaction still sees.
    rita.post(reverse("erasure-confirm", args=[Erasure.objects.get().pk]), follow=True)
    settle()
    page = text(rita.get(reverse(place, args=[subject])))
    assert ("erased" in page) == (place != "lineage")


def test_asking_for_what_cannot_be_had_leads_back(both, subject):
    root, rita = both
    root.post(reverse("version-erase", args=[subject]), GROUND)
    again = root.post(reverse("version-erase", args=[subject]), GROUND)
    assert "root asked for this already" in text(again)
    rita.post(reverse("erasure-confirm", args=[Erasure.objects.get().pk]))
    assert "was erased on" in text(root.get(reverse("version-erase", args=[subject]), follow=True))


def test_a_run_that_uses_it_stands_in_the_way(both):
    page = text(both[0].get(reverse("version-erase", args=["dataset:chats@1"]), follow=True))
    assert "has not ended; cancel it first" in page


@pytest.mark.parametrize("name", ["ada", "ravi", "mara"])
def test_others_see_it_and_change_nothing(both, signed_in, subject, name):
    root, _ = both
    other = signed_in(name)
    assert other.get(reverse("version-erase", args=[subject])).status_code == 403
    root.post(reverse("version-erase", args=[subject]), GROUND)
    one = Erasure.objects.get()
    page = text(other.get(reverse("erasure", args=[one.pk])))
    assert "Erase it" not in page
    assert other.post(reverse("erasure-confirm", args=[one.pk])).status_code == 403
    assert reverse("erasure", args=[one.pk]) not in text(other.get(reverse("home")))
    one.refresh_from_db()
    assert one.state == Erasure.ASKED


def test_the_list_says_when_there_is_nothing(both):
    assert "Nothing was erased" in text(both[0].get(reverse("erasure-list")))


def test_no_page_breaks_whichever_version_was_erased(committed_db, tmp_path):
    """Each version of a world in turn, until none has its content; releases, cards and lists go on being shown."""
    release = evidence.build(tmp_path).release
    axel = Client()
    axel.force_login(gather().axel)
    subjects = [
        version.subject
        for version in Version.objects.exclude(digest=None)
        .select_related("artifact")
        .order_by("created_at", "pk")
    ]
    always = [
        reverse("home"), reverse("artifact-list"), reverse("release", args=[release.subject]),
        reverse("card", args=[release.subject]), reverse("card", args=["model:tuned@1"]),
    ]  # fmt: skip
    for subject in subjects:
        version = find(subject)
        asked = erasure.ask(version, whole=True, **GROUND, actor=Actor.person("root"))
        erasure.confirm(asked, actor=Actor.person("rita"))
        settle()
        own = [reverse(name, args=[subject]) for name in ("version", "lineage")]
        for address in (*always, *own, reverse("artifact", args=[version.artifact.name])):
            assert axel.get(address).status_code == 200, (subject, address)
    assert GROUND["authority"] in text(axel.get(reverse("card", args=[release.subject])))
