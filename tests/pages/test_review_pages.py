"""What the pages of versions and releases say of reviews, and how one comes to the queues."""

from django.urls import reverse

from governance.ledger.actors import Actor
from governance.reviews import actions as reviews
from governance.reviews.models import Review
from tests.builders import MARA

ROSA = Actor.person("rosa")


def text_of(client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_queues_are_linked_from_home_and_the_navigation(world, signed_in):
    home = text_of(signed_in("ravi"), "/")
    assert home.count('href="/reviews/"') >= 2
    assert 'aria-current="page">' in text_of(signed_in("ravi"), "/reviews/")
    assert '<span class="count">1<span class="visually-hidden"> waiting for you' in home


def test_a_version_in_review_says_whose_seat_is_open(world, signed_in):
    told = text_of(signed_in("otto"), f"/versions/{world.own.subject}/")
    assert "Impact high: 2 approvals, each by another person." in told
    assert "2 seats of 2 open, for reviewer; red-teamer or reviewer." in told
    assert 'name="verdict"' not in told
    mine = text_of(signed_in("ravi"), f"/versions/{world.own.subject}/")
    assert "ravi wrote or submitted constitution:garden@1" in mine
    assert 'name="verdict"' not in mine
    rosa = text_of(signed_in("rosa"), f"/versions/{world.own.subject}/")
    assert [verdict for verdict in Review.VERDICTS if f'value="{verdict}"' in rosa] == [*Review.VERDICTS]


def test_half_of_the_approvals_are_told_as_such(world, signed_in):
    given = {"verdict": "approve", "digest": world.own.digest, "reason": "Read it."}
    door = f"/versions/{world.own.subject}/decide/"
    told = signed_in("rosa").post(door, given, follow=True).content.decode()
    assert (
        "Your approval of constitution:garden@1 is recorded. 1 seat of 2 open, for red-teamer or reviewer."
        in told
    )
    assert "rosa has already reviewed constitution:garden@1" in told


def test_an_approved_version_takes_only_a_dissent(world, signed_in):
    version = world.waiting
    reviews.approve(version, digest=version.digest, reason="Good.", actor=ROSA)
    told = text_of(signed_in("ravi"), f"/versions/{version.subject}/")
    assert 'value="dissent"' in told
    assert 'value="approve"' not in told
    given = {"verdict": "dissent", "digest": version.digest, "reason": "I would not."}
    after = (
        signed_in("ravi").post(f"/versions/{version.subject}/decide/", given, follow=True).content.decode()
    )
    assert "has your dissent on record" in after
    assert "Dissent" in after
    assert "I would not." in after


def test_a_release_shows_its_seats_its_dissents_and_what_stands_in_the_way(world, signed_in):
    release = reviews.submit(world.release, actor=MARA)
    reviews.dissent(release, digest=release.digest, reason="Not yet.", actor=ROSA)
    told = text_of(signed_in("ravi"), reverse("release", args=[release.subject]))
    assert "Not yet." in told
    assert "Who must approve" in told
    assert "The gate refused release:assistant@1" in told
    assert 'value="changes"' in told
