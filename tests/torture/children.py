"""The processes that are killed: forked from one warm parent, so that a kill costs milliseconds and not a start of Django."""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import uvicorn
from django.db import connections, transaction

from governance.ledger import keys
from governance.ledger.actors import Actor
from governance.ledger.append import Stale, append
from governance.ledger.policy import Policy
from governance.ledger.signing import SignerKey
from governance.ledger.witness.memory import Memory
from governance.ledger.witness.server import application
from governance.management.commands import ledger
from governance.registry import actions
from governance.registry.events import RegistryEvent
from governance.registry.models import Artifact
from tests.builders import CONSTITUTION
from tests.torture.points import Point, arm

Say = Callable[[str], None]
PATIENCE = 60.0
ENTRIES = {"register": 4, "draft": 2, "retitle": 1}
"""What a writer does → how many entries it leaves, in one transaction."""
SHARED = ("shared-0", "shared-1", "shared-2")
"""Artifacts that every writer retitles."""
WRITER_PAUSE = 0.01


_living: set[int] = set()


class Failed(Exception):
    """A child did what it must not: it fell over by itself, or it never came to its crash point."""


@dataclass
class Child:
    """A forked process: its number, and the end of the pipe on which it tells what it does."""

    name: str
    pid: int
    pipe: int
    told: list[str] = field(default_factory=list)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> bool:
        """Read what it tells until it ends; return whether SIGKILL ended it. Raises Failed for any other bad end."""
        deadline, text = time.monotonic() + PATIENCE, b""
        while True:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Failed(f"{self.name} did not end in {PATIENCE:.0f} seconds")
            piece = os.read(self.pipe, 65536)
            text += piece
            if not piece:
                break
        os.close(self.pipe)
        self.told = text.decode().splitlines()
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        _living.discard(self.pid)
        # One that is told to stop before it has begun simply ends.
        if code not in (0, -signal.SIGKILL, -signal.SIGTERM):
            raise Failed(f"{self.name} ended with {code}:\n" + "\n".join(self.told))
        return code == -signal.SIGKILL


def fork(name: str, work: Callable[[Say], None], point: Point | None = None) -> Child:
    """Start `work` in a process of its own, which dies at `point` if one is given."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        _living.add(pid)
        os.close(writing)
        return Child(name, pid, reading)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.close(reading)
    code = 1

    def say(line: str) -> None:
        os.write(writing, f"{line}\n".encode())

    try:
        logging.disable(logging.CRITICAL)
        if point:
            arm(point)
        work(say)
        connections.close_all()
        code = 0
    except BaseException:  # noqa: BLE001 - the parent reports it; nothing may return into the parent's code
        say(traceback.format_exc())
    finally:
        os._exit(code)


def kill_all() -> None:
    """End every child that still lives."""
    while _living:
        pid = _living.pop()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def writer(tokens: Iterator[str], random: Random) -> Callable[[Say], None]:
    """Writes through the real actions until SIGTERM; announces each write, and acknowledges it once it is committed."""

    def work(say: Say) -> None:
        asked_to_stop = _on_sigterm()
        does = list(ENTRIES)
        for number, token in enumerate(tokens):
            # Each of them first, so that every crash point is reached.
            what = does[number] if number < len(does) else random.choice(does)
            say(f"try {token} {what}")
            say(f"done {token} {_write(what, token, random)}")
            if asked_to_stop:
                return
            time.sleep(WRITER_PAUSE)

    return work


def _write(what: str, token: str, random: Random) -> int:
    actor = Actor.person(token)
    content = {**CONSTITUTION, "preamble": token}
    if what == "register":
        actions.register("constitution", token, content, actor=actor)
    elif what == "draft":
        actions.save_draft("constitution", token, content, actor=actor)
    else:
        artifact = Artifact.objects.get(slug=random.choice(SHARED))
        artifact.title = token
        try:
            with transaction.atomic():
                append(artifact, op=RegistryEvent.ARTIFACT_CREATED, actor=actor, fields=["title"])
        except Stale:
            return 0
    return ENTRIES[what]


def runner(say: Say) -> None:
    """`manage.py ledger run`, hurried: sequences, signs, and has the witnesses cosign."""
    ledger.PAUSE_SECONDS, ledger.ASK_SECONDS = 0.005, 0.0
    command = ledger.Command(stdout=_Nowhere(), stderr=_Told(say))
    command.do_run()


class _Nowhere:
    def write(self, text: str) -> None:
        """Nobody reads it."""


@dataclass
class _Told:
    say: Say

    def write(self, text: str) -> None:
        self.say(f"trouble {text.strip()}")


def witness(folder: Path, policy: Policy, port: int) -> Callable[[Say], None]:
    """A witness of the log, served over HTTP until it is killed."""

    def work(_: Say) -> None:
        key = SignerKey.parse(keys.private_text(folder / ledger.WITNESS_KEY))
        memory = Memory(folder, key, [policy], time.time)
        uvicorn.run(application(memory), host="127.0.0.1", port=port, log_level="critical")

    return work


def wait_until_served(port: int) -> None:
    """Return once something listens there. Raises Failed when nothing ever does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != errno.ECONNREFUSED:
                return
        time.sleep(0.005)
    raise Failed(f"no witness listens on port {port}")


def _on_sigterm() -> list[int]:
    """Holds the signal's number once it has come. No Event: its lock may be held by what the signal interrupts."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    return asked
