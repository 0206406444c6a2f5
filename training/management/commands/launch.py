"""`manage.py launch SPEC.yaml`: one stage."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from training import actions
from training.follow import outcome_of, sentence
from training.management.running import RunCommand
from training.spec import SpecError, load_spec


class Command(RunCommand):
    help = (
        "Queue one stage from a spec file. With --follow its progress is shown until it ends; where the broker is the "
        "default folder, this process then works the run off itself unless a worker is faster. Exit code 1: the "
        "run did not succeed; 2: refused."
    )
    example = "manage.py launch sft.yaml --follow --as ada"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("spec", type=Path, help="YAML or JSON with stage, inputs, params, seed, output")

    def act(self, *, spec: Path, follow: bool, json: bool, **_: Any) -> None:
        run = actions.queue(load_spec(read(spec)), actor=self.actor)
        run = self.watched(run, follow=follow)
        self.say(outcome_of(run), sentence(run), as_json=json)
        self.leave(run, follow=follow)


def read(path: Path) -> str:
    """The text of a spec file. Raises SpecError."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SpecError([f"{path} is not UTF-8 (byte {error.start})."]) from error
    except OSError as error:
        raise SpecError([f"{path} cannot be read: {error.strerror}."]) from error
