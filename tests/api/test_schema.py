"""The OpenAPI document: whole, valid, and true of what the endpoints do with a stranger's requests."""

import time
from collections import Counter
from contextlib import suppress

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from config.api_urls import endpoints
from governance.api.base import Door
from governance.people.permissions import table
from tests.api.conftest import V1
from tests.builders import constitution, dataset, model, trained

SECONDS = 60
KNOWN = {"kind": "constitution", "slug": "house", "number": "1", "place": "0"}
CHECKS = [checks.not_a_server_error, content_type_conformance, response_schema_conformance]


def test_the_schema_is_valid_and_made_without_a_guess(db, client):
    with GENERATOR_STATS.silence():
        GENERATOR_STATS.reset()
        schema = SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS
    validate_schema(schema)
    served = client.get(f"{V1}/schema/").json()
    assert served["openapi"].startswith("3.1")
    assert set(served["paths"]) == set(schema["paths"])
    assert set(served["components"]["securitySchemes"]) == {"token", "cookieAuth"}


def test_every_operation_tells_what_it_does_and_how_it_refuses(db, client):
    served = client.get(f"{V1}/schema/").json()
    operations = [
        (path, method, told) for path, methods in served["paths"].items() for method, told in methods.items()
    ]
    assert len({told["operationId"] for _, _, told in operations}) == len(operations)
    for path, method, told in operations:
        assert told["description"], (path, method)
        assert "application/problem+json" in told["responses"]["default"]["content"]


def test_every_endpoint_is_a_door(db):
    """Doors check account, scope, body and query; an endpoint beside them would check none."""
    for endpoint in endpoints[:-1]:
        assert issubclass(endpoint.callback.cls, Door), endpoint
        writing = {"POST", "PUT", "PATCH", "DELETE"} & {name.upper() for name in dir(endpoint.callback.cls)}
        assert set(endpoint.callback.cls.does) <= writing


@pytest.fixture
def one_connection():
    """Requests to the WSGI application keep the test's connection, as Django's own test client has it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.slow
@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("who", ["ada", "mara"])
def test_no_request_made_from_the_schema_breaks_the_server(cast, with_token, tmp_path, who):
    """Schemathesis, in process: no 500, and only media types and bodies that the schema names."""
    trained(tmp_path, model(tmp_path), [dataset(tmp_path)])
    constitution()
    headers = {"Authorization": with_token(who, *table()).defaults["HTTP_AUTHORIZATION"]}
    schema = schemathesis.openapi.from_wsgi(f"{V1}/schema/", get_wsgi_application())
    operations = [found.ok() for found in schema.get_all_operations()]
    deadline = time.monotonic() + SECONDS / 2
    seen: Counter[int] = Counter()
    for number, operation in enumerate(operations):
        share = (deadline - time.monotonic()) / (len(operations) - number)
        with suppress(TimeUp):
            attack(operation, headers, time.monotonic() + share, seen)
    assert {200, 400, 404} <= set(seen), seen


class TimeUp(Exception):
    """This operation has had its share of the time."""


def attack(operation, headers, until, seen):
    """Send requests made from the schema until the clock says stop; every second one to something that exists."""

    @hypothesis.given(case=requests_to(operation), to_known=st.booleans())
    @hypothesis.settings(
        max_examples=200,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.seed(7)
    def attempt(case, to_known):
        if time.monotonic() > until:
            raise TimeUp
        if to_known:
            case.path_parameters.update(
                {name: value for name, value in KNOWN.items() if name in case.path_parameters}
            )
        seen[case.call_and_validate(headers=headers, checks=CHECKS).status_code] += 1

    attempt()


def requests_to(operation):
    """Requests that fit the schema, and ones that do not where there is something to get wrong."""
    fitting = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return fitting | wrong if operation.body or any(True for _ in operation.iter_parameters()) else fitting
