"""Clients of the named cast, by session and by token."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.people.actions import create_token
from tests.cast import Cast, gather

V1 = "/api/v1"


@pytest.fixture
def cast(db) -> Cast:
    return gather()


@pytest.fixture
def signed_in(cast: Cast) -> Callable[[str], APIClient]:
    """A client with a session of that member of the cast."""

    def client(name: str) -> APIClient:
        made = APIClient()
        made.force_login(cast.users[name])
        return made

    return client


@pytest.fixture
def with_token(cast: Cast) -> Callable[..., APIClient]:
    """A client with a token of that member of the cast, which has the named scopes."""

    def client(name: str, *scopes: str, **changes: Any) -> APIClient:
        given = {"label": "ci", "scopes": scopes, "expires_at": timezone.now() + timedelta(days=1), **changes}
        token, secret = create_token(cast.users[name].account, **given, actor=cast.actor(name))
        made = APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
        made.token = token
        return made

    return client


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem that the response is, once its form is checked."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    told = response.json()
    assert set(told) >= {"type", "title", "status", "detail", "instance", "errors"}
    assert told["instance"].startswith("/api/")
    assert told["status"] == status
    assert told["detail"]
    return told


def fields(told: dict[str, Any]) -> set[str]:
    return {error["field"] for error in told["errors"]}
