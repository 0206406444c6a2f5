"""The OpenAPI document: whole, valid, and with examples that the endpoints take."""

import jsonschema
import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from config.api_urls import endpoints
from governance.api.base import Door
from governance.api.document import Document
from governance.api.permissions import Permitted
from governance.people.actions import create_person
from governance.people.permissions import GROUPS
from tests.api.conftest import V1
from tests.builders import ADA

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PROBLEM = "application/problem+json"
PLACES = {
    "kind": "constitution",
    "slug": "house",
    "number": "1",
    "handle": "otto",
    "id": "00000000-0000-4000-8000-000000000000",
}


@pytest.fixture
def served(db):
    response = APIClient().get(f"{V1}/schema/")
    assert response.status_code == 200
    return response.json()


def operations(document):
    return [
        (path, method, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]


def bodies(document):
    return [
        (path, method, media_type, body)
        for path, method, told in operations(document)
        for media_type, body in told.get("requestBody", {}).get("content", {}).items()
    ]


def test_the_schema_is_valid_and_made_without_a_guess(served):
    with GENERATOR_STATS.silence():
        GENERATOR_STATS.reset()
        schema = SchemaGenerator().get_schema(request=None, public=True)
        assert not GENERATOR_STATS
    validate_schema(schema)
    assert served["openapi"].startswith("3.1")
    assert set(served["paths"]) == set(schema["paths"])


def test_it_says_how_to_sign_in(served):
    schemes = served["components"]["securitySchemes"]
    assert schemes["token"] == {"type": "http", "scheme": "bearer", "bearerFormat": "charter_<secret>"}
    assert schemes["cookieAuth"]["in"] == "cookie"
    for path, method, told in operations(served):
        assert told["security"] == [{"token": []}, {"cookieAuth": []}], (path, method)


def test_every_operation_tells_what_it_does_and_how_it_refuses(served):
    found = operations(served)
    assert len({told["operationId"] for _, _, told in found}) == len(found)
    for path, method, told in found:
        assert told["description"], (path, method)
        assert PROBLEM in told["responses"]["default"]["content"]
        assert {"400", "401", "403", "429", "503"} <= set(told["responses"]), (path, method)
        assert ("404" in told["responses"]) == ("{" in path)
        assert ("Idempotency-Key" in {one["name"] for one in told.get("parameters", [])}) == (
            method == "post"
        )


def test_every_refusal_has_an_example_that_is_one(served):
    assert len(served["components"]["responses"]) >= 13
    for name, told in served["components"]["responses"].items():
        content = told["content"][PROBLEM]
        check(served, content["example"], content["schema"], name)


def test_every_body_has_an_example_that_fits(served):
    found = bodies(served)
    assert len(found) >= 13
    for path, method, _, body in found:
        assert body["examples"], (path, method)
        for example in body["examples"].values():
            check(served, example["value"], body["schema"], (path, method))


def test_the_endpoints_take_the_examples(served, cast):
    """What an example names need not exist here, but its form is right."""
    user = create_person("omni", handle="omni", groups=GROUPS, actor=ADA)
    client = APIClient()
    client.force_login(user)
    for path, method, media_type, body in bodies(served):
        if media_type != "application/json":
            continue
        for example in body["examples"].values():
            send = getattr(client, method)
            response = send(path.format(**PLACES), example["value"], format="json", HTTP_IF_MATCH="*")
            assert response.status_code in (200, 201, 404, 409, 422), (path, response.content)


def check(document, value, schema, where):
    resolving = {**schema, "components": document["components"]}
    faults = [error.message for error in jsonschema.Draft202012Validator(resolving).iter_errors(value)]
    assert faults == [], (where, faults)


def test_every_endpoint_is_a_door():
    """Doors check account, scope, body and query; an endpoint beside them would check none."""
    for endpoint in endpoints:
        door = endpoint.callback.cls
        assert issubclass(door, Door), endpoint
        methods = METHODS & {name.upper() for name in dir(door) if callable(getattr(door, name))}
        assert set(door.does) <= methods
        assert door is Document or all(issubclass(one, Permitted) for one in door.permission_classes)
