"""Two doors for the same decisions, by page and over the API, and more people for the seats."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from rest_framework.test import APIClient

from governance.ledger.actors import Actor
from governance.people.actions import create_person
from governance.registry.models import Version
from governance.reviews import actions
from governance.reviews.impact import set_impact
from tests.builders import POLLY, constitution
from tests.cast import Cast, gather

MORE = {"rhea": ["red-teamer"], "rufus": ["red-teamer"], "bo": ["reviewer", "red-teamer"]}

Say = Callable[..., tuple[int, str]]
"""(who, version, verdict, what more is sent) → status and what the door says."""


@pytest.fixture
def cast(db) -> Cast:
    more = {
        name: create_person(name, handle=name, groups=groups, actor=Actor.system("test"))
        for name, groups in MORE.items()
    }
    return Cast({**gather().users, **more})


def in_review(slug: str = "house", *, impact: str = "", **more: Any) -> Version:
    """A constitution of polly's that waits, on which more hangs where that is said."""
    version = constitution(slug, **more)
    if impact:
        set_impact(version.artifact, impact, reason="Everybody uses it.", actor=POLLY)
    return actions.submit(version, actor=POLLY)


@pytest.fixture(params=["page", "api"])
def say(request, cast: Cast) -> Say:
    """Give a verdict, with the digest and a reason unless they are given."""

    def by(name: str, version: Version, verdict: str = "approve", **sent: str) -> tuple[int, str]:
        given = {"digest": version.digest, "reason": "Read it.", **sent}
        through = by_page if request.param == "page" else over_api
        return through(cast.users[name], version, verdict, given)

    return by


def by_page(user: Any, version: Version, verdict: str, given: dict[str, Any]) -> tuple[int, str]:
    client = Client()
    client.force_login(user)
    answer = client.post(f"/versions/{version.subject}/decide/", {**given, "verdict": verdict})
    told = "" if answer.status_code == 302 else answer.content.decode()
    return answer.status_code, told + " ".join(map(str, get_messages(answer.wsgi_request)))


def over_api(user: Any, version: Version, verdict: str, given: dict[str, Any]) -> tuple[int, str]:
    client = APIClient()
    client.force_login(user)
    place = f"{version.kind}/{version.artifact.slug}/{version.number}"
    answer = client.post(f"/api/v1/versions/{place}/{verdict}/", given, format="json")
    return answer.status_code, answer.content.decode()
