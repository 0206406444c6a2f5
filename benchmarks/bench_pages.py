"""Pages and lists of a large installation (1,000 versions, 1,000 runs, 100,000 entries) against the same of a small one."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import scratch
from benchmarks.figures import Aim, Figure
from benchmarks.filled import fill
from benchmarks.paired import alternating
from governance.people.models import User
from training.models import Run

SIZES = {"small": {"versions": 10, "runs": 10, "entries": 200}}
LARGE = {"versions": 1_000, "runs": 1_000, "entries": 100_000}
QUICK = {"versions": 60, "runs": 30, "entries": 1_000}
MILLISECONDS, QUERIES = Aim("value", 300), Aim("value", 50)
PAGES = (
    "/",
    "/artifacts/",
    "/artifacts/?kind=system-prompt&q=prompt",
    "/artifacts/system-prompt:many/",
    "/versions/system-prompt:many@2/",
    "/versions/system-prompt:many@2/diff/",
    "/versions/model:tuned@1/",
    "/versions/model:tuned@1/lineage/",
    "/runs/",
    "/runs/?state=cancelled",
    "/runs/{run}/",
    "/cards/model:tuned@1/",
    "/search/?q=prompt",
    "/search/?q=kindly&type=version",
    "/ledger/",
    "/ledger/?q=ada",
    "/ledger/entries/9/",
    "/api/v1/artifacts/",
    "/api/v1/versions/",
    "/api/v1/activities/",
    "/api/v1/runs/",
    "/api/v1/ledger/entries/",
    "/api/v1/search/?q=prompt",
)


class Unanswered(Exception):
    """A page that does not answer 200: nothing to measure."""


def figures(quick: bool) -> Iterator[Figure]:
    """Milliseconds and queries a page, each on SQLite through Django's test client."""
    homes = {
        name: installation(name, size) for name, size in {**SIZES, "large": QUICK if quick else LARGE}.items()
    }
    for page in PAGES:
        found = alternating(
            {name: partial(_seconds, path, page) for name, path in homes.items()}, 2 if quick else 9
        )
        milliseconds = {name: [1_000 * one for one in values] for name, values in found.items()}
        queries = {name: [_queries(path, page)] for name, path in homes.items()}
        yield Figure(page, "ms", milliseconds["large"], milliseconds["small"], "small", MILLISECONDS)
        yield Figure(page, "queries", queries["large"], queries["small"], "small", QUERIES)


def installation(name: str, size: dict[str, int]) -> Path:
    with scratch.sqlite(name) as path:
        fill(Path(settings.CHARTER_HOME) / name, **size)
    return path


def _seconds(path: Path, page: str) -> float:
    """The second of two requests over one connection, so that opening it is not counted."""
    with scratch.inside(path):
        client, address = _client(), _address(page)
        _get(client, address)
        begun = time.perf_counter()
        _get(client, address)
        return time.perf_counter() - begun


def _queries(path: Path, page: str) -> float:
    with scratch.inside(path):
        client, address = _client(), _address(page)
        with CaptureQueriesContext(connection) as found:
            _get(client, address)
        return len(found)


def _client() -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username="axel"))
    return client


def _address(page: str) -> str:
    return page.format(run=Run.objects.order_by("created_at").values_list("pk", flat=True)[0])


def _get(client: Client, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise Unanswered(f"{address} answers {response.status_code}")
