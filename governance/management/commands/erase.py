"""`manage.py erase SUBJECT --authority … --reason …`: ask for an erasure of personal data, or finish what is confirmed."""

from argparse import ArgumentParser
from typing import Any

from governance.ledger.models import Auditable
from governance.management.acting import EXIT_ERROR, ActingCommand
from governance.registry import erasure, lookup, scrub
from governance.registry.actions import Refused
from governance.registry.models import Erasure


class Command(ActingCommand):
    help = (
        "Ask for an erasure under a legal request: of a version as a whole, or of classes of an object's entries. Another"
        " administrator confirms it in the browser or over the API; hashes, entries and proofs stay. Exit code 3: confirmed"
        " erasures are not finished, run --finish again."
    )
    example = (
        'manage.py erase dataset:chats@2 --authority "GDPR Art. 17, request 2026/14" --reason "withdrawn" --as root\n'
        "manage.py erase --object training.run 0f5c… --class I --class X --authority … --reason … --dry-run --as root\n"
        "manage.py erase --finish --as root"
    )
    action = erasure.ACTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subject", nargs="?", help="kind:slug@number: the version as a whole")
        parser.add_argument(
            "--object",
            nargs=2,
            metavar=("TYPE", "ID"),
            help="an object of the ledger by type and id, such as training.run 0f5c…",
        )
        parser.add_argument(
            "--class",
            dest="classes",
            action="append",
            metavar="CLASS",
            help="class of the entries' parts that go: P, D, R, I or X (default X; may be repeated)",
        )
        parser.add_argument("--authority", default="", help="on what ground; public, so name no person")
        parser.add_argument("--reason", default="", help="why; public, so name no person")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="list what would go and what would stay, and change nothing",
        )
        parser.add_argument(
            "--finish",
            action="store_true",
            help="remove what confirmed erasures left on disk; may be run at any time",
        )
        parser.add_argument("--json", action="store_true")

    def act(
        self,
        *,
        subject: str | None,
        object: list[str] | None,
        classes: list[str] | None,
        authority: str,
        reason: str,
        dry_run: bool,
        finish: bool,
        json: bool,
        **_: Any,
    ) -> None:
        if finish:
            self._finish(as_json=json)
            return
        target = _target(subject, object)
        chosen, whole = classes or list(erasure.PERSONAL), subject is not None
        plan = erasure.preview(target, chosen, whole=whole)
        if dry_run:
            self.say(vars(plan), _listed(plan), as_json=json)
            return
        asked = erasure.ask(
            target, classes=chosen, whole=whole, authority=authority, reason=reason, actor=self.actor
        )
        told = f"{_listed(plan)}\n\nNothing is erased yet: another administrator must confirm {asked.pk}."
        self.say({"id": str(asked.pk), "state": asked.state, **vars(plan)}, told, as_json=json)

    def _finish(self, *, as_json: bool) -> None:
        outcome = erasure.finish(list(Erasure.objects.filter(state=Erasure.DONE)))
        remains = scrub.remains()
        lines = [*(f"removed {one}" for one in outcome.removed), *outcome.left, *remains]
        self.say({**vars(outcome), "remains": remains}, "\n".join(lines), as_json=as_json)
        if outcome.left:
            raise SystemExit(EXIT_ERROR)


def _target(subject: str | None, named: list[str] | None) -> Auditable:
    if (subject is None) == (named is None):
        raise Refused("Name a version, or an object with --object TYPE ID.")
    return lookup.find(subject) if subject else erasure.target_of(*named or ("", ""))


def _listed(plan: erasure.Plan) -> str:
    parts = [f"  entry {part['entry'][:12]}, class {part['class']}" for part in plan.parts]
    blocks = (
        ("Parts of entries that go", parts),
        ("Files that go", [f"  {one}" for one in (*plan.blobs, *plan.paths)]),
        ("What stays here", [f"  {one}" for one in plan.stays]),
        ("What no command reaches", [f"  {one}" for one in plan.remains]),
    )
    return "\n".join(f"{title}:\n" + ("\n".join(lines) or "  none") for title, lines in blocks)
