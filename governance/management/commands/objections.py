"""`manage.py objections`: what was said against published cards, for a reminder or a report."""

import json as jsons
from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from governance.cards import objections
from governance.cards.models import Objection
from governance.management.reading import ReadingCommand
from governance.registry.models import stamp

MOST = 1_000


class Command(ReadingCommand):
    help = (
        "List objections, newest first; open and overdue ones by their due date, the oldest first. At most 1,000.\n"
        "They are answered in the browser or over the API."
    )
    example = "manage.py objections --overdue\nmanage.py objections --open --json"

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--open", action="store_true", help="only those that nobody answered")
        which.add_argument("--overdue", action="store_true", help="only those whose time is over")
        parser.add_argument("--json", action="store_true", help="one line of JSON for each")

    def read(self, *, open: bool, overdue: bool, json: bool, **_: Any) -> None:
        rows = objections.overdue() if overdue else objections.waiting() if open else _all()
        for one in rows[:MOST]:
            self.stdout.write(jsons.dumps(_told(one), sort_keys=True) if json else _line(one))


def _all() -> Any:
    return Objection.objects.select_related("version__artifact")


def _told(one: Objection) -> dict[str, Any]:
    return {
        "id": str(one.pk),
        "subject": one.version.subject,
        "anchor": one.anchor,
        "at": stamp(one.at),
        "due_at": stamp(one.due_at),
        "overdue": _is_overdue(one),
        "state": one.state,
        "outcome": one.outcome,
        "changed": one.changed,
        "answered_by": one.answered_by,
    }


def _line(one: Objection) -> str:
    about = f"{one.version.subject} {one.anchor}".strip()
    due = "overdue since" if _is_overdue(one) else "due"
    tail = f"{due} {one.due_at:%Y-%m-%d}" if one.state == Objection.OPEN else f"by {one.answered_by}"
    return f"{one.pk} {about}: {one.outcome or one.state}, {tail}"


def _is_overdue(one: Objection) -> bool:
    return one.state == Objection.OPEN and one.due_at < timezone.now()
