"""The ledger's benchmarks run, at sizes that say nothing about speed, on both databases and without the compared packages."""

import pytest

from benchmarks import bench_ledger_million, bench_ledger_write, bench_ledger_writers, scratch
from benchmarks.figures import Figure

pytestmark = pytest.mark.slow


def rows(figures: list[Figure], database: str) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures if figure.name.startswith(database)}


@pytest.fixture(autouse=True)
def without_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "PACKAGES", tmp_path / "none")


@pytest.fixture
def without_postgres(monkeypatch):
    monkeypatch.setattr("tests.databases.SERVER", "postgres://postgres@127.0.0.1:9/postgres")


def test_packages_that_are_not_installed_are_named(monkeypatch, without_postgres):
    monkeypatch.setattr(bench_ledger_write, "QUICK", (2, 2))
    found = list(bench_ledger_write.figures(True))
    assert {figure.skipped for figure in found if "added by Charter" in figure.name} == {
        f"{name}: not installed" for name in bench_ledger_write.OTHERS
    }
    assert all(figure.values for figure in rows(found, "SQLite").values())
    assert [figure.skipped for figure in found][-1] == "PostgreSQL does not answer"


@pytest.mark.service
def test_writers_on_both_databases(monkeypatch, postgres):
    monkeypatch.setattr(bench_ledger_writers, "QUICK", (1, 0.1))
    found = list(bench_ledger_writers.figures(True))
    for database in ("SQLite", "PostgreSQL"):
        assert len(rows(found, database)) == 3
    assert all(value > 0 for figure in found for value in figure.values)
    assert [str(figure.aim) for figure in found if figure.aim] == ["≥ 2.5×"]


def test_a_large_ledger(monkeypatch, without_postgres):
    monkeypatch.setattr(bench_ledger_million, "QUICK", (300, 2))
    found = rows(list(bench_ledger_million.figures(True)), "SQLite")
    # 300 leaves, and the root of the one full tile.
    assert found["SQLite: tiles"].values == [301 * 32 / 1e6]
    assert all(value > 0 for figure in found.values() for value in figure.values)
