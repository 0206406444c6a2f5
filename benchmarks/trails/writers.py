"""`python -m benchmarks.trails.writers ROUNDS SECONDS`: commits a second of several writer processes, as JSON.

The writers are forked once and told what to write, block by block, so that no start of a process is measured.
"""

import json
import multiprocessing
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection

from django.db import connections, transaction

from benchmarks.paired import alternating
from benchmarks.trails.measure import prepare

WRITERS = (1, 4, 8)


def main(rounds: int, seconds: float) -> dict[int, dict[str, list[float]]]:
    """How many writers → what they write ("rows", "ours", "chain") → commits a second, round by round."""
    from benchmarks.trails.models import Chain
    from governance.ledger import keys

    keys.generate()
    Chain.objects.create(hash=b"")
    with writers(max(WRITERS)) as pipes, running():
        return {
            count: alternating(
                {what: partial(commits, pipes[:count], what, seconds) for what in ("rows", "ours", "chain")},
                rounds,
            )
            for count in WRITERS
        }


def commits(pipes: list[Connection], what: str, seconds: float) -> float:
    """Commits a second while all of `pipes` write. Then the sequencer is helped to catch up, so that it burdens nobody else."""
    from governance.ledger import sequencer

    for pipe in pipes:
        pipe.send((what, seconds))
    found: float = sum(pipe.recv() for pipe in pipes)
    while sequencer.pending():
        sequencer.sequence()
    return found


@contextmanager
def writers(count: int) -> Iterator[list[Connection]]:
    """Pipes to so many processes that write what they are told, and end with the block however it ends."""
    connections.close_all()
    forking, pipes, processes = multiprocessing.get_context("fork"), [], []
    try:
        for _ in range(count):
            ours, theirs = forking.Pipe()
            processes.append(forking.Process(target=write, args=(theirs,), daemon=True))
            processes[-1].start()
            pipes.append(ours)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
            process.join()


def write(pipe: Connection) -> None:
    """Whenever told, write for so long, each row in a transaction of its own, and answer with the commits a second."""
    from benchmarks.trails.models import Chained, Ours, Plain

    models = {"rows": Plain, "ours": Ours, "chain": Chained}
    while True:
        what, seconds = pipe.recv()
        done, begun = 0, time.monotonic()
        while time.monotonic() < begun + seconds:
            with transaction.atomic():
                models[what](kind="constitution", slug=uuid.uuid4().hex, title="House rules").write()
            done += 1
        pipe.send(done / (time.monotonic() - begun))


@contextmanager
def running() -> Iterator[None]:
    """`manage.py ledger run`, as it runs beside every installation; it ends with the block however that ends."""
    command = [sys.executable, "-m", "django", "ledger", "run"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"`ledger run` ended by itself, with exit code {process.returncode}")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    prepare()
    print(json.dumps(main(int(sys.argv[1]), float(sys.argv[2]))))
