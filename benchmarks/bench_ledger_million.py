"""A ledger of a million entries: its proofs, its hashes, its tiles, its audit, and how soon a commit is signed for."""

from collections.abc import Iterator
from statistics import quantiles

from benchmarks import scratch
from benchmarks.figures import Aim, Figure

ENTRIES_AND_COMMITS, QUICK = (1_000_000, 200), (50_000, 10)
MB = 1e6


def figures(quick: bool) -> Iterator[Figure]:
    """Of 50,000 entries with `quick`."""
    yield from _on("SQLite", None, quick)
    with scratch.empty_postgres() as url:
        if url:
            yield from _on("PostgreSQL", url, quick)
        else:
            yield Figure("PostgreSQL: a large ledger", skipped="PostgreSQL does not answer", unit="")


def _on(database: str, url: str | None, quick: bool) -> Iterator[Figure]:
    found = scratch.trails("million", url, *(QUICK if quick else ENTRIES_AND_COMMITS))
    for proof in ("inclusion", "consistency"):
        for rank, aim in (("p50", None), ("p99", Aim("value", 5))):
            values = [1e3 * seconds for seconds in found[f"{proof} {rank}"]]
            yield Figure(f"{database}: {proof} proof, {rank}", "ms", values, aim=aim)
    yield Figure(
        f"{database}: hash every entry again", "s", found["hashed"], found["bare"], "hashlib", Aim("ratio", 2)
    )
    yield Figure(f"{database}: tiles", "MB", [found["tiles"][0] / MB], aim=Aim("value", 35))
    yield Figure(f"{database}: ledger verify", "s", found["verified"])
    yield Figure(f"{database}: ledger verify, peak memory", "MB", [found["memory"][0] / MB])
    waits = found["signed"]
    yield Figure(f"{database}: from commit to checkpoint, p50", "s", waits)
    yield Figure(
        f"{database}: from commit to checkpoint, p99",
        "s",
        [quantiles(waits, n=100, method="inclusive")[98]],
        aim=Aim("value", 0.5),
    )
