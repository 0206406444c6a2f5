"""Bring in an evaluation that was measured elsewhere: everything is checked first, then kept in one transaction."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction

from evals.importing import choose, formats
from evals.importing.items import Items
from evals.importing.log import SETTINGS, Chosen, Log
from evals.importing.results import check_totals, task_result
from evals.importing.suites import Made, NewSuite, Registered, new_tasks, tasks_of
from evals.records import KIND
from evals.stage import ABOUT_THE_JOB, EVALUATED, EVALUATED_ON, TOLD
from governance.ledger.actors import Actor
from governance.ledger.canonical import canonical, sha256_hex
from governance.registry import actions, blobs, states
from governance.registry.access import require_write
from governance.registry.actions import Refused
from governance.registry.models import Activity, Version
from governance.registry.recording import IMPORT, RECORDED_BY

MODEL, SUITE = "model", "eval-suite"


class Brought(NamedTuple):
    """An imported evaluation, and whether it was there before."""

    activity: Activity
    again: bool


class _Read(NamedTuple):
    """All that the files say, checked, in files of our own."""

    results: list[dict[str, Any]]
    items: Path
    items_sha256: str
    number: int


def import_evaluation(
    files: Sequence[Path],
    model: Version,
    suite: Version | NewSuite,
    *,
    format: str | None = None,
    filter: str | None = None,
    actor: Actor,
) -> Brought:
    """Record what the files say as an ended evaluation of `model` on `suite`, at the assurance level *imported*.

    The same content again changes nothing and returns the evaluation there is. Raises BadFile naming file and line,
    Refused, ContentError, MissingBlob, OSError; then nothing was recorded.
    """
    _require_usable(model)
    if isinstance(suite, Version):
        _require_usable(suite)
    else:
        actions.check_slug(suite.slug)
    log = formats.read(files, format)
    by_task = choose.filters(log, filter)
    terms = tasks_of(suite, log) if isinstance(suite, Version) else new_tasks(suite, log, by_task)
    chosen = choose.chosen(log, terms, by_task)
    with tempfile.TemporaryDirectory(prefix="charter-import-") as folder:
        place = Path(folder)
        if isinstance(suite, Version):
            found = _read(log, chosen, Registered.of(suite, sorted(chosen), place), place)
            _store([found.items, *files])
            return _recorded(files, log, model, suite, found, actor=actor)
        with closing(Made(place)) as made:
            found = _read(log, chosen, made, place)
        content, items = made.content(suite, log, chosen)
        _store([found.items, *files, *items.values()])
        with transaction.atomic():
            version = actions.register(SUITE, suite.slug, content, files=items, actor=actor)
            return _recorded(files, log, model, version, found, actor=actor)


def require_new_suite(person: object) -> None:
    """Raise PermissionDenied unless this person may register suites."""
    require_write(person, SUITE)


def _require_usable(version: Version) -> None:
    if version.state not in states.USABLE:
        raise Refused(
            f"{version.subject} is {version.state.replace('_', ' ')}; an evaluation names sealed versions that are not withdrawn."
        )
    if version.content is None:
        raise Refused(f"The content of {version.subject} was erased; nothing can be measured against it.")


def _read(log: Log, chosen: Mapping[str, Chosen], suite: Registered | Made, folder: Path) -> _Read:
    """Every row checked and kept in `folder`, and the totals with them."""
    with closing(Items(folder)) as items:
        filters: dict[str, str | None] = {}
        for row in log.rows(chosen):
            placed, item_hash = suite.placed(row)
            filters[row.task] = row.filter
            items.add(placed, item_hash)
        results = []
        for name in sorted(chosen):
            tally = items.tasks.get(name)
            if tally is None:
                raise Refused(f"The file holds no items of the task {name}.")
            check_totals(log, chosen[name], tally)
            held = (
                suite.check(name, tally.n, log.settings.get("limit"))
                if isinstance(suite, Registered)
                else tally.n
            )
            results.append(task_result(log.tasks[name], chosen[name], tally, held, filters[name]))
        path = folder / "items.jsonl"
        return _Read(results, path, items.write(path), items.number)


def _store(files: Sequence[Path]) -> None:
    # Copying may take minutes, so it comes before the transaction: dying in between leaves blobs that nothing names.
    for path in files:
        blobs.put(path)


@transaction.atomic
def _recorded(
    files: Sequence[Path], log: Log, model: Version, suite: Version, found: _Read, *, actor: Actor
) -> Brought:
    """The evaluation, from its start to its end. Raises Refused where model or suite were withdrawn meanwhile."""
    for version in Version.objects.select_for_update().filter(pk__in=[model.pk, suite.pk]):
        _require_usable(version)
    results = _results(log, model, suite, found)
    written = canonical(results)
    pins = {"items_sha256": found.items_sha256, "results_sha256": sha256_hex(written)}
    if before := _before(model, suite, pins):
        return Brought(before, again=True)
    blobs.put_bytes(written)
    about = {RECORDED_BY: IMPORT, "format": log.format, "files": [_original(path) for path in files]}
    summary = {
        **{name: results[name] for name in TOLD}, "seed": results["seed"],
        "job": {name: results[name] for name in ABOUT_THE_JOB}, "not_recorded": results["not_recorded"], **pins,
    }  # fmt: skip
    used = [(EVALUATED, model), (EVALUATED_ON, suite)]
    activity = actions.start_activity(
        KIND, f"Evaluation of {model.subject}", used, summary=about, actor=actor
    )
    return Brought(
        actions.end_activity(activity, state=Activity.ENDED, summary=summary, actor=actor), again=False
    )


def _results(log: Log, model: Version, suite: Version, found: _Read) -> dict[str, Any]:
    """As the harness writes results.json; settings that the files do not tell are null, and named."""
    weights = (model.content or {}).get("weights_digest")
    return {
        "model": {"subject": model.subject, "digest": model.digest, "weights_digest": weights},
        "suite": {"subject": suite.subject, "digest": suite.digest}, "harness": dict(log.harness),
        **{name: log.settings.get(name) for name in SETTINGS},
        "not_recorded": [name for name in SETTINGS if name not in log.settings], "results": found.results,
        "items_rows": found.number, "items_sha256": found.items_sha256,
    }  # fmt: skip


def _original(path: Path) -> dict[str, Any]:
    sha256, size = blobs.digest_file(path)
    return {"name": path.name, "size": size, "sha256": sha256}


def _before(model: Version, suite: Version, pins: Mapping[str, str]) -> Activity | None:
    """The import of just this that is there already."""
    same = {f"summary__{name}": value for name, value in {RECORDED_BY: IMPORT, **pins}.items()}
    rows = Activity.objects.filter(
        kind=KIND, state=Activity.ENDED, usages__version=model, usages__role=EVALUATED, **same
    )
    return rows.filter(
        pk__in=Activity.objects.filter(usages__version=suite, usages__role=EVALUATED_ON)
    ).first()
