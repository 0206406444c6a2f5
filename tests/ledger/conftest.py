"""The ledger's tests run on both databases: SQLite everywhere, PostgreSQL where it answers."""

import pytest

from governance.ledger import keys


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def database(request) -> str:
    """A migrated database of this test alone, in which commits are real, with a signing key beside it."""
    request.getfixturevalue("sqlite_db" if request.param == "sqlite" else "postgres_db")
    keys.generate()
    return request.param
