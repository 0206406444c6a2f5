"""Crash points: named places in the ledger's code where a child process of the torture kills itself.

The code itself knows nothing of them: a child replaces the function at the place by one that sends SIGKILL to its own
process, before or after the n-th call.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from django.db import connection

STATEMENT = "sql"


@dataclass(frozen=True)
class Point:
    """Where a process of `role` dies: before or after the call number `nth` of `target` (`module:name`, or `sql`)."""

    role: str
    target: str
    nth: int
    after: bool

    def __str__(self) -> str:
        side = "after" if self.after else "before"
        return f"{self.role} {side} call {self.nth} of {self.target.removeprefix('governance.ledger.')}"


def _both(role: str, target: str, *numbers: int) -> list[Point]:
    return [Point(role, target, nth, after) for nth in numbers or (1,) for after in (False, True)]


WRITER = [
    *_both("writer", "governance.ledger.statements:write", 1, 3),
    *_both("writer", "governance.ledger.statements:_run", 2),
    *_both("writer", "governance.ledger.append:_store", 1, 3),
    *_both("writer", "django.db.backends.base.base:BaseDatabaseWrapper.commit", 1, 2, 3),
    *_both("writer", STATEMENT, 2, 5, 9),
]
RUNNER = [
    *_both("runner", "governance.ledger.tiles:write"),
    *_both("runner", "governance.ledger.sequencer:_number"),
    *_both("runner", "governance.ledger.models:Head.save"),
    *_both("runner", "governance.ledger.sequencer:sequence"),
    *_both("runner", "governance.ledger.signer:sign_note"),
    *_both("runner", "os:fsync", 1, 2),
    *_both("runner", "os:rename"),
    *_both("runner", "governance.ledger.models:Checkpoint.save"),
    *_both("runner", "governance.ledger.signer:sign"),
    *_both("runner", "governance.ledger.cosigning:ask", 1, 2),
    *_both("runner", "governance.ledger.models:Cosignature.save"),
    *_both("runner", "governance.ledger.cosigning:_keep"),
]
WITNESS = [
    *_both("witness", "governance.ledger.witness.memory:Memory._remember"),
    *_both("witness", "os:fsync", 1, 2),
    *_both("witness", "governance.ledger.witness.memory:cosign"),
    *_both("witness", "governance.ledger.witness.memory:Memory.add_checkpoint"),
]
POINTS = [*WRITER, *RUNNER, *WITNESS]


def at_turn(turn: int, seed: int) -> Point:
    """Where to die next: all of POINTS, once in each pass, in an order that `seed` gives to the pass."""
    number, place = divmod(turn, len(POINTS))
    return Random(f"{seed}:pass {number}").sample(POINTS, len(POINTS))[place]


def arm(point: Point) -> None:
    """Have this process die at `point`."""
    if point.target == STATEMENT:
        connection.execute_wrappers.append(_lethal(lambda execute, *rest: execute(*rest), point))
        return
    module, _, path = point.target.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, _lethal(getattr(owner, name), point))


def _lethal(original: Callable[..., Any], point: Point) -> Callable[..., Any]:
    calls = 0

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls == point.nth
        if mine and not point.after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call
