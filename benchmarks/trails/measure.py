"""`python -m benchmarks.trails.measure ROUNDS WRITES`: microseconds that a write takes with each trail, as JSON."""

import json
import sys
import time
import uuid
from functools import partial
from statistics import median
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, transaction

from benchmarks.paired import alternating


def main(rounds: int, writes: int) -> dict[str, dict[str, list[float]]]:
    """What is written ("create", "update") → whose trail → microseconds a write, round by round.

    In a round each trail makes `writes` writes in one transaction; its value is their median. The commit is not measured,
    whose time is the disk's; what PostgreSQL would leave to it is checked after each statement.
    """
    from benchmarks.trails.models import TRAILS, Plain

    models = {"Django": Plain, **TRAILS}
    rows = [
        {name: [fresh(model) for _ in range(writes)] for name, model in models.items()} for _ in range(rounds)
    ]

    def write(name: str, fields: list[str] | None) -> float:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
            seconds = [timed(row, fields) for row in rows[done[name]][name]]
        done[name] += 1
        return 1e6 * median(seconds)

    found = {}
    for what, fields in (("create", None), ("update", ["title"])):
        done = dict.fromkeys(models, 0)
        found[what] = alternating({name: partial(write, name, fields) for name in models}, rounds)
        for row in [row for round in rows for made in round.values() for row in made]:
            row.title = f"Rules {uuid.uuid4().hex}"
    return found


def timed(row: Any, fields: list[str] | None) -> float:
    begun = time.perf_counter()
    row.write(fields)
    return time.perf_counter() - begun


def fresh(model: Any) -> Any:
    return model(kind="constitution", slug=uuid.uuid4().hex, title="House rules")


def prepare() -> None:
    """Django, and the tables of an empty database."""
    django.setup()
    call_command("migrate", verbosity=0)
    # The scratch app has no migrations; its tables point at those of the apps that do.
    call_command("migrate", run_syncdb=True, verbosity=0)


if __name__ == "__main__":
    prepare()
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
