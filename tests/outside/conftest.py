"""One exported log for all the verifiers, and the tools that they need; see tools.missing where one lacks."""

from pathlib import Path

import pytest

from tests.outside import world


@pytest.fixture(scope="session")
def exported(tmp_path_factory, prepared_db: Path, django_db_blocker) -> world.Exported:
    with django_db_blocker.unblock():
        return world.export(tmp_path_factory.mktemp("outside"), prepared_db)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.service)
