"""`manage.py emergency`: break glass. Lists what waits for a review; withdraws or rolls back at once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from governance.management.acting import ActingCommand
from governance.people.permissions import require
from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.models import stamp
from governance.releases import emergency, serving_found
from governance.releases.models import Emergency

SHOWN = 100


class Command(ActingCommand):
    help = (
        "Without a verb, list what one person did without waiting for a second. `withdraw` ends what answers at a runtime,"
        " `rollback` brings back a release that answered there before. A second person reviews it in the browser or the API."
    )
    example = (
        "manage.py emergency --as mara\n"
        'manage.py emergency withdraw chat --reason "It tells names." --as ada\n'
        'manage.py emergency rollback chat release:demo-assistant@1 --reason "It tells names." --as ada'
    )
    action = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", help="list also what is reviewed")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("verb", nargs="?", choices=Emergency.KINDS, help="act now; without it, list")
        parser.add_argument("runtime", nargs="?", help="the runtime's slug")
        parser.add_argument("release", nargs="?", help="with rollback: release:slug@number")
        parser.add_argument("--reason", default="", help="why it cannot wait; it is logged")

    def act(
        self,
        *,
        verb: str | None,
        runtime: str | None,
        release: str | None,
        reason: str,
        all: bool,
        json: bool,
        **_: Any,
    ) -> None:
        if verb is None:
            self._list(everything=all, as_json=json)
            return
        if runtime is None or (release is None) == (verb == Emergency.ROLLBACK):
            raise CommandError("Write withdraw RUNTIME, or rollback RUNTIME RELEASE.")
        require(self.person, "releases:emergency:act")
        place = serving_found.runtime(runtime)
        if release is None:
            made = emergency.withdraw(place, reason=reason, actor=self.actor)
        else:
            to = lookup.find(release if ":" in release else f"release:{release}")
            require_read(self.person, to)
            made = emergency.rollback(place, to, reason=reason, actor=self.actor)
        text = f"{verb} at {place.slug} is done. A second person must review it by {stamp(made.due_at)}."
        self.say(_told(made), text, as_json=json)

    def _list(self, *, everything: bool, as_json: bool) -> None:
        rows = Emergency.objects.select_related("runtime", "to__artifact")
        found = list((rows if everything else rows.filter(state=Emergency.OPEN))[:SHOWN])
        lines = [
            f"{stamp(one.at)}  {one.kind} at {one.runtime.slug} by {one.by}: {'OVERDUE' if one.overdue else one.state},"
            f" due {stamp(one.due_at)}. {one.reason}"
            for one in found
        ]
        text = "\n".join(lines) or "Nothing waits for a review."
        self.say({"emergencies": [_told(one) for one in found]}, text, as_json=as_json)


def _told(one: Emergency) -> dict[str, Any]:
    return {"id": str(one.pk), "overdue": one.overdue, **one.ledger_state()["P"]}
