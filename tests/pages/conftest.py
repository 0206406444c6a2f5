from collections.abc import Callable

import pytest
from django.test import Client

from tests.cast import gather
from tests.pages.world import World, build


@pytest.fixture
def world(committed_db, tmp_path) -> World:
    return build(tmp_path)


@pytest.fixture
def signed_in(world: World) -> Callable[..., Client]:
    """A client with a session of that member of the cast."""

    def client(name: str, **kwargs: bool) -> Client:
        made = Client(**kwargs)
        made.force_login(world.cast.users[name])
        return made

    return client


@pytest.fixture
def client_of(db) -> Callable[..., Client]:
    """As `signed_in`, in an installation that holds nothing but the cast."""
    cast = gather()

    def client(name: str, **kwargs: bool) -> Client:
        made = Client(**kwargs)
        made.force_login(cast.users[name])
        return made

    return client
