"""Installations of a wanted size, filled by the real actions: every row in them has its entries."""

from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from governance.ledger import keys
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.registry import actions
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, MARA, POLLY
from tests.cast import gather
from training import actions as training
from training.models import Run
from training.spec import SpecDraft

BATCH = 500
LIVE = 10
"""Runs that are left in the queue; the others are cancelled."""


def fill(folder: Path, *, versions: int, runs: int, entries: int) -> None:
    """The cast, `versions` prompts (half of them versions of one), `runs` runs, and imports until there are `entries`.

    Only the transactions differ from daily use: BATCH actions share one, since 100,000 commits say nothing of pages.
    """
    gather()
    folder.mkdir(parents=True, exist_ok=True)
    base, data = builders.model(folder), builders.dataset(folder)
    builders.trained(folder, base, [data])
    _batched(versions, _prompt)
    _batched(runs, lambda number: _run(base, number, runs))
    imports = max(0, entries - Entry.objects.count()) // 2
    _batched(imports, lambda number: _import(number, data))
    keys.generate()
    settle()


def _batched(count: int, act: Callable[[int], object]) -> None:
    for start in range(0, count, BATCH):
        with transaction.atomic():
            for number in range(start, min(start + BATCH, count)):
                act(number)


def _prompt(number: int) -> Version:
    slug = "many" if number % 2 else f"prompt-{number}"
    text = f"Answer in {number} words, kindly, and say what you do not know."
    return actions.register("system-prompt", slug, {"text": text}, title=f"Prompt {number}", actor=POLLY)


def _run(base: Version, number: int, count: int) -> Run:
    draft = SpecDraft(
        stage="sft",
        inputs={"init_from": [base.subject], "trained_on": ["dataset:chats"]},
        params={},
        seed=number,
        output={"slug": f"tuned-{number % 20}", "title": "Tuned"},
    )
    run = training.queue(draft, actor=ADA)
    return run if number >= count - LIVE else training.cancel(run, actor=MARA)


def _import(number: int, data: Version) -> Activity:
    begun = actions.start_activity("import", f"Import {number}", [("source", data)], summary={}, actor=ADA)
    return actions.end_activity(begun, state=Activity.ENDED, summary={"rows": number}, actor=ADA)
