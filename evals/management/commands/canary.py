"""`manage.py canary`: suites that are asked of an endpoint again and again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from evals import canaries, canaries_told, canaries_turn
from evals.models import Canary
from evals.records import named
from governance.management.acting import ActingCommand
from governance.people.permissions import require
from governance.registry.actions import Refused
from governance.releases import serving_found
from training.models import Run
from training.resolve import SpecRefused

SHOWN = 100


class Command(ActingCommand):
    help = (
        "Without a verb, list canaries and how each of them is. `set RUNTIME MODEL SUITE` asks a suite of the model's endpoint"
        " every so many hours, `end ID` asks it no more, `run ID` asks it now, `run --due` asks all that are due, as workers do."
    )
    example = (
        "manage.py canary --as axel\n"
        "manage.py canary set chat model:chat-api eval-suite:household --every 12 --as ada\n"
        "manage.py canary run --due --as ada"
    )
    action = ""
    refusals = (SpecRefused,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("verb", nargs="?", choices=("set", "end", "run"), help="act; without it, list")
        parser.add_argument("names", nargs="*", help="RUNTIME MODEL SUITE with set, else the canary's id")
        parser.add_argument("--every", type=int, default=24, metavar="HOURS", help="with set (default: 24)")
        parser.add_argument(
            "--alpha",
            default=canaries.ALPHA,
            help=f"with set: chance of a false alarm (default: {canaries.ALPHA})",
        )
        parser.add_argument("--reason", default="", help="with end: why; it is logged")
        parser.add_argument("--due", action="store_true", help="with run: all that are due")
        parser.add_argument("--all", action="store_true", help="list also those that ended")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(
        self, *, verb: str | None, names: list[str], due: bool, json: bool, all: bool, **options: Any
    ) -> None:
        if verb is None:
            self._list(everything=all, as_json=json)
            return
        require(self.person, canaries.MANAGE)
        if verb == "run":
            self._run(names, due=due, as_json=json)
        elif len(names) != {"set": 3, "end": 1}[verb]:
            raise CommandError("Write set RUNTIME MODEL SUITE, or end ID.")
        elif verb == "set":
            self._set(*names, every=options["every"], alpha=options["alpha"], as_json=json)
        else:
            made = canaries.end(canaries.find(names[0]), reason=options["reason"], actor=self.actor)
            self._said(made, f"The canary {made} is ended.", as_json=json)

    def _set(self, runtime: str, model: str, suite: str, *, every: int, alpha: str, as_json: bool) -> None:
        made = canaries.set_canary(
            serving_found.runtime(runtime),
            named(self.person, "model", model),
            named(self.person, "eval-suite", suite),
            every_hours=every,
            alpha=canaries.alpha_of(alpha),
            actor=self.actor,
        )
        self._said(made, f"{made} is asked every {every} h, as canary {made.pk}.", as_json=as_json)

    def _run(self, names: list[str], *, due: bool, as_json: bool) -> None:
        if len(names) != (0 if due else 1):
            raise CommandError("Write run ID, or run --due.")
        runs = canaries_turn.beat() if due else self._one(canaries.find(names[0]))
        text = "\n".join(f"{run.label} is queued as run {run.pk}." for run in runs) or "No canary is due."
        self.say({"runs": [str(run.pk) for run in runs]}, text, as_json=as_json)

    def _one(self, canary: Canary) -> list[Run]:
        run = canaries_turn.turn(canary, early=True)
        if run is not None:
            return [run]
        canary = canaries.find(canary.pk)
        why = canary.refused or "it has ended, its runtime is retired, or its last run goes on."
        raise Refused(f"Canary {canary.pk} was not asked: {why}")

    def _list(self, *, everything: bool, as_json: bool) -> None:
        wanted = {} if everything else {"state": Canary.ACTIVE}
        rows = [canaries_told.record(one) for one in canaries_told.listed(**wanted)[:SHOWN]]
        lines = [
            f"{one['id']}  {one['suite']} of {one['model']} at {one['runtime']}: {one['how']}."
            f" {one['sentence']} E-value {one['e'] or 'none'}, next {one['due_at'] or 'never'}."
            for one in rows
        ]
        text = "\n".join(lines) or "No canary is set; `manage.py canary set RUNTIME MODEL SUITE` sets one."
        self.say({"canaries": rows}, text, as_json=as_json)

    def _said(self, canary: Canary, text: str, *, as_json: bool) -> None:
        told = canaries_told.record(canaries_told.listed(pk=canary.pk).get())
        self.say(dict(told), text, as_json=as_json)
