import pytest

from tests.evals.human.studies import World, build


@pytest.fixture
def world(db, tmp_path) -> World:
    return build(tmp_path)
