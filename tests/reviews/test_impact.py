"""How much hangs on an artifact: raised by whoever writes or reviews it, lowered by a reviewer who did not."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from rest_framework.test import APIClient

from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry import lookup
from governance.registry.actions import Refused
from governance.reviews import actions, seats
from governance.reviews.impact import set_impact
from governance.reviews.models import Impact
from tests.builders import ADA, CONSTITUTION, POLLY, RAVI, constitution
from tests.reviews.conftest import in_review

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]
ROSA = Actor.person("rosa")
ADDRESS = "/api/v1/artifacts/constitution/house/impact/"


def raised(version):
    set_impact(version.artifact, "high", reason="Everybody uses it.", actor=POLLY)
    return version


def test_raising_is_one_entry_with_its_reason_and_counts_at_once():
    version = in_review()
    before = Entry.objects.count()
    raised(version)
    assert Entry.objects.count() == before + 1
    told = json.loads(Entry.objects.latest("id").parts["P"]["payload"])["state"]
    assert (told["before"], told["impact"], told["reason"]) == ("medium", "high", "Everybody uses it.")
    actions.approve(version, digest=version.digest, reason="Good.", actor=RAVI)
    assert lookup.find(version.subject).state == "in_review"


@pytest.mark.parametrize("actor", [ADA, Actor.person("mara"), Actor.person("rhea"), Actor.person("nobody")])
def test_who_neither_writes_nor_reviews_raises_nothing(actor):
    version = constitution()
    with pytest.raises(PermissionDenied, match="policy-editor or reviewer"):
        set_impact(version.artifact, "high", reason="So.", actor=actor)
    assert not Impact.objects.exists()


def test_only_a_reviewer_who_did_not_write_the_newest_version_lowers():
    version = raised(constitution(actor=RAVI))
    for actor in (POLLY, Actor.command("root", "rosa"), Actor.person("rhea")):
        with pytest.raises(PermissionDenied, match="signed-in reviewer"):
            set_impact(version.artifact, "low", reason="Less.", actor=actor)
    with pytest.raises(Refused, match="another reviewer"):
        set_impact(version.artifact, "low", reason="Less.", actor=RAVI)
    registry.save_draft("constitution", "house", {"title": "Next"}, actor=ROSA)
    with pytest.raises(Refused, match="constitution:house@2"):
        set_impact(version.artifact, "low", reason="Less.", actor=ROSA)
    assert seats.impact_of(version.artifact) == "high"


def test_who_lowered_it_does_not_approve_what_follows():
    version = raised(in_review())
    set_impact(version.artifact, "low", reason="Nobody uses it.", actor=RAVI)
    with pytest.raises(Refused, match="somebody else must approve"):
        actions.approve(version, digest=version.digest, reason="Good.", actor=RAVI)
    actions.approve(version, digest=version.digest, reason="Good.", actor=ROSA)
    newer = actions.submit(constitution(content={**CONSTITUTION, "preamble": "Newer."}), actor=POLLY)
    with pytest.raises(Refused, match="lowered the impact class"):
        actions.approve(newer, digest=newer.digest, reason="Good.", actor=RAVI)


def test_raising_it_again_in_part_does_not_make_up_for_having_lowered_it():
    version = raised(in_review())
    set_impact(version.artifact, "low", reason="Nobody uses it.", actor=RAVI)
    set_impact(version.artifact, "medium", reason="Some do.", actor=RAVI)
    with pytest.raises(Refused, match="lowered the impact class"):
        actions.approve(version, digest=version.digest, reason="Good.", actor=RAVI)
    set_impact(version.artifact, "high", reason="Everybody does.", actor=POLLY)
    actions.approve(version, digest=version.digest, reason="Good.", actor=RAVI)
    assert lookup.find(version.subject).state == "in_review", "as much hangs on it as before"


def test_who_wrote_what_is_in_review_does_not_lower_it_once_somebody_else_drafts_the_next():
    version = actions.submit(raised(constitution(actor=RAVI)), actor=RAVI)
    registry.save_draft("constitution", "house", {"title": "Next"}, actor=POLLY)
    with pytest.raises(Refused, match="constitution:house@1"):
        set_impact(version.artifact, "low", reason="Less.", actor=RAVI)
    assert seats.impact_of(version.artifact) == "high"


@pytest.mark.parametrize(
    ("impact", "reason", "told"),
    [
        ("vast", "So.", "no impact class"),
        ("medium", "So.", "medium already"),
        ("high", " ", "Give a reason"),
        ("high", "x" * 10_001, "shorten"),
    ],
)
def test_what_makes_no_sense_is_refused(impact, reason, told):
    version = constitution()
    with pytest.raises(Refused, match=told):
        set_impact(version.artifact, impact, reason=reason, actor=POLLY)
    assert not Impact.objects.exists()


class TestDoors:
    @pytest.fixture
    def api(self, cast):
        def client(name: str) -> APIClient:
            made = APIClient()
            made.force_login(cast.users[name])
            return made

        return client

    def test_over_the_api(self, api):
        constitution()
        assert api("otto").get(ADDRESS).json()["impact"] == "medium"
        sent = {"impact": "high", "reason": "Everybody uses it."}
        assert api("polly").post(ADDRESS, {**sent, "by": "ravi"}, format="json").status_code == 400
        assert api("ada").post(ADDRESS, sent, format="json").status_code == 403
        assert api("otto").post(ADDRESS, sent, format="json").status_code == 403
        told = api("polly").post(ADDRESS, sent, format="json")
        assert (told.status_code, told.json()["impact"], told.json()["by"]) == (200, "high", "polly")
        assert api("polly").post(ADDRESS, sent, format="json").status_code == 409
        assert api("polly").post(ADDRESS, {**sent, "impact": "vast"}, format="json").status_code == 400

    def test_on_the_page(self, client, cast):
        version = in_review()
        client.force_login(cast.polly)
        address = f"/versions/{version.subject}/impact/"
        page = client.post(
            address, {"impact": "high", "reason": "It goes to schools."}, follow=True
        ).content.decode()
        assert "The impact class of constitution:house is high." in page
        assert "Impact high: 2 approvals" in page
        client.force_login(cast.ada)
        assert client.post(address, {"impact": "low", "reason": "Less."}).status_code == 403
        client.force_login(cast.otto)
        assert client.post(address, {"impact": "low", "reason": "Less."}).status_code == 403
