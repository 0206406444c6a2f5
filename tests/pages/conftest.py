from collections.abc import Callable

import pytest
from django.test import Client

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
