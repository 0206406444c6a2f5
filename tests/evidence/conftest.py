import pytest

from tests.evidence.world import World, build


@pytest.fixture
def world(committed_db, tmp_path) -> World:
    """A world in a database of its own, whose entries wait for their places."""
    return build(tmp_path)
