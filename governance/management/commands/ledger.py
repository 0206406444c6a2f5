"""`manage.py ledger`: run, verify, checkpoint, prove, the life of the keys, and witnesses."""

import getpass
import json
import signal
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from governance.ledger import (
    audit,
    cosigning,
    export,
    keys,
    mirror,
    publish,
    rotation,
    sequencer,
    signer,
    timestamps,
)
from governance.ledger.actors import Actor
from governance.ledger.models import Checkpoint, Entry, Head
from governance.ledger.note import COSIGNATURE, NoteError, VerifierKey
from governance.ledger.policy import Policy, Witness
from governance.ledger.settle import NotSettled, settle
from governance.ledger.signing import SignerKey
from governance.ledger.witness.memory import Memory
from governance.ledger.witness.server import application

PAUSE_SECONDS = 0.2
ASK_SECONDS = 5.0
"""How often witnesses that have not cosigned the newest checkpoint are asked."""
WITNESS_KEY = "witness.key"
EXAMPLES = """examples:
  manage.py ledger keygen                   make the signing key, print its public half
  manage.py ledger run                      sequence and sign until SIGTERM
  manage.py ledger verify --json            recompute and compare everything
  manage.py ledger checkpoint               settle, then print the newest signed checkpoint
  manage.py ledger verify --resume          go on where an interrupted one stopped
  manage.py ledger prove 12 --out 12.txt    the proof of entry 12 as a C2SP tlog-proof
  manage.py ledger prove --since 500        the proof that nothing of the first 500 entries changed
  manage.py ledger export /srv/log          the public log as files (C2SP tlog-tiles)
  manage.py ledger rotate                   bring in a new key; checkpoints are signed with both
  manage.py ledger retire                   end the rotation: the old key signs nothing more
  manage.py ledger freeze --reason "…"      the key was stolen: a last checkpoint, then nothing more
  manage.py ledger witness keygen DIR --name witness.example.org
  manage.py ledger witness serve DIR --log their-policy.txt --port 8100
  manage.py ledger witness add VKEY http://witness.example.org --quorum 1"""


class Command(BaseCommand):
    help = "Keep, sign and verify the append-only ledger."
    _asked = 0.0
    _asked_to_stop = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(
            dest="verb",
            required=True,
            metavar="run|verify|checkpoint|prove|export|keygen|rotate|retire|freeze|abandon|stamp|witness",
        )
        verbs.add_parser("run", help="sequence and sign whatever is pending, until SIGTERM")
        verify = verbs.add_parser("verify", help="recompute everything; exit 0 only if all of it holds")
        verify.add_argument("--json", action="store_true", help="print JSON instead of a table")
        verify.add_argument(
            "--resume", action="store_true", help="skip the stored files that an interrupted run has read"
        )
        verbs.add_parser("checkpoint", help="settle, and print the newest signed checkpoint")
        prove = verbs.add_parser("prove", help="write the proof of one entry, or that the log has only grown")
        which = prove.add_mutually_exclusive_group(required=True)
        which.add_argument("index", type=int, nargs="?", help="the entry's leaf index")
        which.add_argument("--since", type=int, metavar="SIZE", help="the size of an older checkpoint")
        prove.add_argument("--out", type=Path, help="file to write; standard output without it")
        prove.add_argument(
            "--entry",
            type=Path,
            help="file for the entry itself with its public part, which the proof is about",
        )
        mirrored = verbs.add_parser(
            "export", help="write the public log into a folder, or bring it up to date"
        )
        mirrored.add_argument("folder", type=Path, help="where checkpoint, tiles, entries and policy.txt go")
        verbs.add_parser("keygen", help="make the signing key unless there is one; print the public key")
        verbs.add_parser("rotate", help="bring in a new key; from now on checkpoints are signed with both")
        verbs.add_parser("retire", help="end a rotation; the old key signs nothing more and is deleted")
        freeze = verbs.add_parser(
            "freeze", help="the key was stolen: sign a last checkpoint, then nothing more"
        )
        freeze.add_argument("--reason", required=True, help="what happened; it stands in the log for ever")

        abandon = verbs.add_parser(
            "abandon", help="signed entries are lost for good: end the log under this name"
        )
        abandon.add_argument(
            "--reason", required=True, help="how they were lost; it stands in the log for ever"
        )
        verbs.add_parser("stamp", help="have the newest checkpoint timestamped (RFC 3161) by LEDGER_TSA_URL")
        self._add_witness(verbs.add_parser("witness", help="be a witness of other logs, or name this log's"))

    def _add_witness(self, parser: ArgumentParser) -> None:
        does = parser.add_subparsers(dest="does", required=True, metavar="keygen|serve|add")
        keygen = does.add_parser("keygen", help="make a witness's key; print its public half")
        keygen.add_argument("--name", required=True, help="the witness's name, such as witness.example.org")
        serve = does.add_parser("serve", help="cosign checkpoints of the given logs (c2sp.org/tlog-witness)")
        serve.add_argument(
            "--log", type=Path, action="append", required=True, help="a log's policy.txt; may repeat"
        )
        serve.add_argument("--host", default="127.0.0.1")
        serve.add_argument("--port", type=int, default=8100)
        for one in (keygen, serve):
            one.add_argument("folder", type=Path, help="where the witness keeps its key and what it has seen")
        add = does.add_parser("add", help="ask a witness to cosign this log's checkpoints from now on")
        add.add_argument("vkey", help="the witness's public key")
        add.add_argument("address", help="where it listens, such as https://witness.example.org")
        add.add_argument("--quorum", type=int, help="how many witnesses every bundle needs from now on")

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"do_{verb}")(**options)
        except (keys.KeyUnavailable, signer.Refused, NotSettled, NoteError) as error:
            raise CommandError(str(error)) from error

    def do_run(self, **_: Any) -> None:
        keys.signer()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        while not self._asked_to_stop:
            self._turn()
            time.sleep(PAUSE_SECONDS)

    def _ask_to_stop(self, *_: Any) -> None:
        # Only this: an Event's lock may be held by the very code that the signal interrupts.
        self._asked_to_stop = True

    def _turn(self) -> None:
        try:
            close_old_connections()
            if sequencer.pending() or not Checkpoint.objects.filter(size=Head.objects.get().size).exists():
                self.stdout.write(str(settle()))
            if time.monotonic() - self._asked > ASK_SECONDS:
                self._asked = time.monotonic()
                cosigning.collect(Checkpoint.objects.latest("size"))
                self._stamp()
        except (DatabaseError, OSError) as error:
            # A busy or restarting database, or a full disk: nothing was lost, the next turn tries again.
            self.stderr.write(f"not settled: {error}")

    def _stamp(self) -> None:
        if timestamps.due():
            try:
                self.stdout.write(str(timestamps.stamp(Checkpoint.objects.latest("size"))))
            except timestamps.NotStamped as error:
                self.stderr.write(f"timestamp: {error}")

    def do_stamp(self, **_: Any) -> None:
        try:
            stamped = timestamps.stamp(settle())
        except timestamps.NotStamped as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{stamped} at {stamped.at:%F %T} UTC")

    def do_verify(self, *, json: bool, resume: bool, **_: Any) -> None:
        done = self._done(resume=resume)
        try:
            with _progress(visible=not json) as progress:
                result = audit.run(progress, done)
        except KeyboardInterrupt:
            raise CommandError(
                "interrupted; `manage.py ledger verify --resume` goes on without reading the same files again"
            ) from None
        if done is not None:
            done.forget()
        _print_json(self, result) if json else _print_table(result)
        if not result.holds:
            sys.exit(1)

    def _done(self, *, resume: bool) -> audit.Done | None:
        folder = Path(settings.LEDGER_DIR)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return audit.Done(folder / "verify.done", resume=resume)
        except OSError as error:
            # Whoever may only read can verify all the same.
            self.stderr.write(f"Not to be resumed if it is interrupted: {error}")
            return None

    def do_checkpoint(self, **_: Any) -> None:
        self.stdout.write(settle().note, ending="")

    def do_prove(
        self, *, index: int | None, since: int | None, out: Path | None, entry: Path | None, **_: Any
    ) -> None:
        if entry and index is None:
            raise CommandError("--entry belongs to the proof of one entry; give its index instead of --since")
        try:
            newest = Checkpoint.objects.latest("size")
            text = (export.prove_extension(since or 0, newest) if index is None else export.prove(index)).text
        except Checkpoint.DoesNotExist as error:
            raise CommandError("nothing is signed yet; run `manage.py ledger checkpoint` first") from error
        except ValueError as error:
            raise CommandError(f"{error}; run `manage.py ledger checkpoint` if it is new") from error
        if entry:
            entry.write_bytes(export.disclose(Entry.objects.get(leaf_index=index), ["P"]))
        if out:
            out.write_text(text)
        else:
            self.stdout.write(text, ending="")

    def do_export(self, *, folder: Path, **_: Any) -> None:
        try:
            self.stdout.write(f"{folder}: {mirror.write(folder)}")
        except publish.NotWitnessed as error:
            raise CommandError(str(error)) from error
        except publish.NotThere as error:
            raise CommandError(f"{error} Run `manage.py ledger checkpoint` first") from error
        except (mirror.OtherHistory, OSError) as error:
            raise CommandError(str(error)) from error

    def do_keygen(self, **_: Any) -> None:
        last = signer.frozen()
        goes_on = last is not None and last.origin != settings.LEDGER_ORIGIN
        self.stdout.write((rotation.resume(actor=_operator()) if goes_on else keys.generate()).text)

    def do_rotate(self, **_: Any) -> None:
        fresh = rotation.rotate(actor=_operator())
        self.stdout.write(
            f"{fresh.text}\nCheckpoints are signed with both keys now. Publish {keys.policy_path()}, and once"
            " everybody has it, run `manage.py ledger retire`."
        )

    def do_retire(self, **_: Any) -> None:
        old = rotation.retire(actor=_operator())
        self.stdout.write(f"{old.text} signs nothing more. Publish {keys.policy_path()} again.")

    def do_freeze(self, *, reason: str, **_: Any) -> None:
        last = rotation.freeze(reason, actor=_operator())
        self.stdout.write(
            f"{last}: the last one under {settings.LEDGER_ORIGIN}. Publish it and {keys.policy_path()} everywhere, then"
            " give LEDGER_ORIGIN another name and run `manage.py ledger keygen` to go on."
        )

    def do_abandon(self, *, reason: str, **_: Any) -> None:
        last = rotation.abandon(reason, actor=_operator())
        self.stdout.write(
            f"{last.origin} ends with the {last.size} entries that it signed, some of which are lost. Publish"
            f" {keys.policy_path()}, give LEDGER_ORIGIN another name and run `manage.py ledger keygen` to go on."
        )

    def do_witness(self, *, does: str, **options: Any) -> None:
        getattr(self, f"witness_{does}")(**options)

    def witness_keygen(self, *, folder: Path, name: str, **_: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / WITNESS_KEY
        if not path.exists():
            keys.write_private(path, SignerKey.generate(name, COSIGNATURE))
        self.stdout.write(SignerKey.parse(keys.private_text(path)).verifier.text)

    def witness_serve(self, *, folder: Path, log: list[Path], host: str, port: int, **_: Any) -> None:
        key = SignerKey.parse(keys.private_text(folder / WITNESS_KEY))
        policies = [Policy.parse(path.read_text()) for path in log]
        self.stdout.write(
            f"{key.name} witnesses {', '.join(sorted({one.name for p in policies for one in p.keys}))}"
        )
        uvicorn.run(
            application(Memory(folder, key, policies, time.time)), host=host, port=port, log_level="warning"
        )

    def witness_add(self, *, vkey: str, address: str, quorum: int | None, **_: Any) -> None:
        policy = keys.policy()
        fresh = Witness(VerifierKey.parse(vkey), address)
        others = tuple(one for one in policy.witnesses if one.key != fresh.key)
        wanted = replace(
            policy, witnesses=(*others, fresh), quorum=policy.quorum if quorum is None else quorum
        )
        keys.replace(keys.policy_path(), Policy.parse(wanted.text).text)
        self.stdout.write(f"{fresh.key.name} is asked from now on. Publish {keys.policy_path()} again.")


def _operator() -> Actor:
    return Actor.command(getpass.getuser(), None)


@contextmanager
def _progress(*, visible: bool) -> Iterator[audit.Progress]:
    with Progress(console=Console(stderr=True), transient=True, disable=not visible) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        yield show


def _print_table(result: audit.Audit) -> None:
    console = Console()
    table = Table("check", "looked at", "problems")
    for check in audit.checks():
        found = sum(problem.check == check for problem in result.problems)
        table.add_row(check, str(result.looked_at[check]), str(found) if found else "none")
    console.print(table)
    for problem in result.problems:
        console.print(f"{problem.check}: {problem.sentence}", markup=False, highlight=False, soft_wrap=True)
    for notice in result.notices:
        console.print(f"note: {notice}", markup=False, highlight=False, soft_wrap=True)
    console.print("Everything holds." if result.holds else f"{len(result.problems)} problems.")


def _print_json(command: Command, result: audit.Audit) -> None:
    report = {
        "holds": result.holds,
        "looked_at": {check: result.looked_at[check] for check in audit.checks()},
        "notices": result.notices,
        "problems": [{"check": problem.check, "sentence": problem.sentence} for problem in result.problems],
    }
    command.stdout.write(json.dumps(report, indent=2))
