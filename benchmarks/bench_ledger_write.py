"""What an audited write costs beyond Django's own: Charter's entry against the trails that other packages leave."""

from collections.abc import Iterator, Sequence

from benchmarks import scratch
from benchmarks.figures import Aim, Figure

ROUNDS_AND_WRITES, QUICK = (101, 20), (2, 5)
OTHERS = ("django-simple-history", "django-auditlog", "django-reversion")
ON_POSTGRES = "django-pghistory"
MEASURED_AGAINST = OTHERS[0]


def figures(quick: bool) -> Iterator[Figure]:
    """Microseconds a write, less what plain Django takes for the same in the same round."""
    yield from _on("SQLite", None, OTHERS, quick)
    with scratch.empty_postgres() as url:
        if url:
            yield from _on("PostgreSQL", url, (*OTHERS, ON_POSTGRES), quick)
        else:
            yield Figure("PostgreSQL: an audited write", "µs", skipped="PostgreSQL does not answer")


def _on(database: str, url: str | None, others: Sequence[str], quick: bool) -> Iterator[Figure]:
    for what, found in scratch.trails("measure", url, *(QUICK if quick else ROUNDS_AND_WRITES)).items():
        plain = found["Django"]
        yield Figure(f"{database}: {what}, without a trail", "µs", plain)
        ours = _added(found["Charter"], plain)
        for other in others:
            name = f"{database}: {what}, added by Charter"
            if other in found:
                aim = Aim("ratio", 0.5) if other == MEASURED_AGAINST else None
                yield Figure(name, "µs", ours, _added(found[other], plain), other, aim)
            else:
                yield Figure(name, "µs", ours, skipped=f"{other}: not installed")


def _added(values: Sequence[float], plain: Sequence[float]) -> list[float]:
    return [value - other for value, other in zip(values, plain, strict=True)]
