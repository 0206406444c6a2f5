"""An approved release whose gate passed, ready to be published, and those who publish and object."""

from datetime import timedelta

from django.utils import timezone

from governance.cards import objections, publication
from governance.cards.models import Objection, Publication
from governance.registry import lookup
from governance.registry.models import Version
from governance.releases.actions import run_gate
from tests.builders import MARA, approved
from tests.releases.facts import rule
from tests.releases.world import World, house_policy, released

LICENSED = rule('states["licence"] == "recorded"', "licence", id="licensed")


def ready(world: World, slug: str = "assistant") -> Version:
    """A release that may be published now: its gate passed, and ravi approved what mara composed."""
    if not Version.objects.filter(artifact__slug="strict").exists():
        approved(lookup.find(house_policy(world, LICENSED)))
    release = released(world, slug, policy="release-policy:strict")
    run_gate(release, actor=MARA)
    return approved(release, submitter=MARA)


def published(version: Version) -> Publication:
    return publication.publish(lookup.find(version.subject), actor=MARA)


def objected(subject: str, **given: str) -> Objection:
    return objections.raise_objection(subject, **{"text": "It is wrong.", **given})


def late(objection: Objection, monkeypatch) -> None:
    """Let so much time pass that the objection is overdue, for those who ask what time it is."""
    then = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(timezone, "now", lambda: then)
    assert objection.due_at < then
