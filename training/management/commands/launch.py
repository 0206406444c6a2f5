"""`manage.py launch SPEC.yaml`: one stage."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from governance.management.acting import EXIT_REFUSED, ActingCommand
from training import actions, states
from training.follow import follow as watch
from training.follow import outcome_of, sentence
from training.resolve import SpecRefused
from training.spec import SpecError, load_spec


class Command(ActingCommand):
    help = (
        "Queue one stage from a spec file. With --follow its progress is shown until it ends; where the broker is the "
        "default folder, this process then works the run off itself unless a worker is faster. Exit code 1: refused, or "
        "the run did not succeed."
    )
    example = "manage.py launch sft.yaml --follow --as ada"
    action = "training:run:launch"
    refusals = (SpecRefused, SpecError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("spec", type=Path, help="YAML or JSON with stage, inputs, params, seed, output")
        parser.add_argument("--follow", action="store_true", help="show progress until the run ends")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, spec: Path, follow: bool, json: bool, **_: Any) -> None:
        run = actions.queue(load_spec(read(spec)), actor=self.actor)
        run = watch(run, actor=self.actor) if follow else run
        self.say(outcome_of(run), sentence(run), as_json=json)
        if follow and run.state != states.SUCCEEDED:
            sys.exit(EXIT_REFUSED)


def read(path: Path) -> str:
    """The text of a spec file. Raises SpecError."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError([f"{path} is not UTF-8 (byte {error.start})."]) from error
    except OSError as error:
        raise SpecError([f"{path} cannot be read: {error.strerror}."]) from error
