"""`manage.py countersign EVALUATION FILE`: record what an outside party signed about an evaluation."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from evals import countersigning
from evals.countersigned import BadStatement
from evals.records import KIND, one
from governance.management.acting import ActingCommand
from governance.registry.access import require_read
from governance.registry.lookup import NotFound
from governance.registry.models import Version


class Command(ActingCommand):
    help = (
        "Record a statement that somebody outside signed after running a suite themselves: a DSSE envelope over the digests of "
        "suite and weights, and their scores. With it you vouch that the key is theirs; compare the printed fingerprint with "
        "them. Exit code 1: not signed by that key, or about something else."
    )
    example = "manage.py countersign 3f2a9c1e-… statement.dsse.json --key lab.vkey --as root"
    action = countersigning.ACTION
    refusals = (BadStatement,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("evaluation", help="id of the evaluation")
        parser.add_argument("file", type=Path, help="the envelope")
        parser.add_argument(
            "--key", type=Path, required=True, help="file with their public key, name+id+base64"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, evaluation: str, file: Path, key: Path, json: bool, **_: Any) -> None:
        try:
            found = one(KIND, UUID(evaluation))
        except ValueError as error:
            raise NotFound(f"There is no evaluation {evaluation}.") from error
        for version in Version.objects.filter(usages__activity=found).select_related("artifact"):
            require_read(self.person, version)
        envelope, vkey = _read(file), _read(key).decode("utf-8", "replace")
        made = countersigning.told(countersigning.record(found, envelope, vkey, actor=self.actor))
        words = ", ".join(f"{task['task']} {task['word']}" for task in made["tasks"])
        self.say(made, f"{made['party']} (key {made['fingerprint']}): {words}", as_json=json)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(countersigning.LARGEST + 1)
    except OSError as error:
        raise BadStatement(f"{path.name} cannot be read: {error.strerror}.") from error
