import pytest

from tests.releases.world import World, build


@pytest.fixture
def world(committed_db, tmp_path) -> World:
    """The world in a database of its own, in which commits are real: a gate settles the ledger."""
    return build(tmp_path)
