"""Requests made from the OpenAPI document, thousands of them: no fault, nothing that the document does not say, a sound ledger."""

import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import hypothesis
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.utils import timezone
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from governance.ledger import audit, keys
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import create_person, create_token
from governance.people.permissions import GROUPS, table
from governance.registry import actions
from governance.registry.models import Activity
from tests.api.conftest import V1
from tests.builders import ADA
from tests.evidence import world
from training import actions as training
from training.models import Run
from training.spec import SpecDraft

SECONDS = 90
CHECKS = [checks.not_a_server_error, content_type_conformance, response_schema_conformance]
ANSWERED = {200, 400, 404, 409, 422}
"""Statuses that must have been met, or the requests have missed the endpoints."""


class TimeUp(Exception):
    """This operation has had its share of the time."""


@pytest.fixture
def known(committed_db, settings, tmp_path) -> dict[str, list[str]]:
    """A world with everything in it; names of path parameters → values that exist."""
    settings.CHARTER_API_RATE = "off"
    built = world.build(tmp_path)
    keys.generate()
    settle()
    spec = {
        "stage": "sft",
        "inputs": {"init_from": [built.tuned.subject], "trained_on": ["dataset:chats"]},
        "output": {"slug": "again"},
    }
    training.queue(SpecDraft.model_validate(spec), actor=ADA)
    begun = actions.start_activity("training", "A", [], summary={"recorded_by": "api"}, actor=ADA)
    release = world.Version.objects.get(artifact__kind="release", artifact__slug="assistant")
    return {
        "kind": ["constitution", "model", "release", "dataset"],
        "slug": ["house", "tuned", "assistant", "chats"],
        "number": ["1"],
        "id": [
            str(one) for one in (Run.objects.get().pk, begun.pk, Activity.objects.earliest("started_at").pk)
        ],
        "digest": [built.tuned.digest, release.digest],
        "sha256": [entry["sha256"] for entry in built.tuned.content["files"]],
        "place": ["0", str(Entry.objects.count() - 1)],
        "size": ["1", str(Entry.objects.count())],
        "handle": ["ada"],
    }


@pytest.fixture
def headers(known) -> dict[str, str]:
    """Somebody who may do everything, with a token that may do everything."""
    user = create_person("omni", handle="omni", groups=GROUPS, actor=ADA)
    expiry = timezone.now() + timedelta(days=1)
    _, secret = create_token(user.account, label="all", scopes=table(), expires_at=expiry, actor=ADA)
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.slow
def test_no_request_made_from_the_schema_breaks_the_server(known, headers):
    schema = schemathesis.openapi.from_wsgi(f"{V1}/schema/", get_wsgi_application())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 50
    deadline, seen = time.monotonic() + SECONDS, Counter()
    for number, operation in enumerate(operations):
        share = (deadline - time.monotonic()) / (len(operations) - number)
        with suppress(TimeUp):
            attack(operation, headers, known, time.monotonic() + share, seen)
    assert set(seen) >= ANSWERED, seen
    settle()
    assert audit.run().problems == []


def attack(operation, headers, known, until, seen):
    """Send requests made from the schema until the clock says stop; every second one to something that exists."""

    @hypothesis.given(case=requests_to(operation), place=places(known) | st.just({}))
    @hypothesis.settings(
        max_examples=300,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.seed(7)
    def attempt(case, place):
        if time.monotonic() > until:
            raise TimeUp
        case.path_parameters.update(
            {name: value for name, value in place.items() if name in (case.path_parameters or {})}
        )
        seen[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

    attempt()


def places(known):
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in known.items()})


def requests_to(operation):
    """Requests that fit the schema, and ones that do not where there is something to get wrong."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return fitting | wrong if operation.body or any(True for _ in operation.iter_parameters()) else fitting
