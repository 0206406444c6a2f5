"""Databases that fail under the ledger: full disks, ended connections, crashed servers, two loops at once."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.models import Max

from governance.ledger import keys, sequencer, signer
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.settle import settle
from governance.registry.models import Artifact
from tests import databases
from tests.ledger.sound import SIDES, sound, stored
from tests.ledger.world import execute, make, make_many

REPO = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("write", [make, settle], ids=["append", "settle"])
def test_a_full_disk_under_sqlite(sqlite_db, write):
    keys.generate()
    make_many(200)
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    before = stored()
    with pytest.raises(DatabaseError, match="full"):
        write_until_full(write)
    written = stored()
    connection.close()
    assert stored() == written
    if write is settle:
        assert written == before
    make("after")
    sound()


def write_until_full(write: Callable[..., object]) -> None:
    for number in range(1000):
        write(f"fills-{number}") if write is make else write()


# PostgreSQL goes away


@pytest.mark.service
@pytest.mark.parametrize(
    ("owner", "function"),
    [(sequencer, "_number"), (sequencer, "_extend"), (signer, "_remember"), (signer, "_publish")],
    ids=["number", "extend", "remember", "publish"],
)
@SIDES
def test_the_server_ends_the_connection_in_mid_batch(postgres_db, monkeypatch, owner, function, after):
    keys.generate()
    make_many(3)
    if owner is signer:
        sequencer.sequence()
    before = stored()
    real = getattr(owner, function)

    def cut(*args: Any) -> Any:
        if not after:
            terminate()
        result = real(*args)
        if after:
            terminate()
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, function, cut)
        with pytest.raises(OperationalError):
            settle()
    connection.close()
    assert stored() == before
    sound()


def terminate() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("SELECT pg_terminate_backend(%s, 3000)", [connection.connection.info.backend_pid])


@pytest.fixture
def cluster() -> Iterator["Cluster"]:
    """A PostgreSQL server of this test alone, to be restarted and filled."""
    made = Cluster()
    try:
        made.start()
        with databases.pointing_at(made.url):
            call_command("migrate", verbosity=0)
            yield made
    finally:
        made.remove()


class Cluster:
    """Its data lie in a folder of the server's own user, since PostgreSQL refuses to run as root."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            pytest.skip("PostgreSQL's server programs are not installed")
        self.user = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self.programs, self.folder = programs[-1], Path(tempfile.mkdtemp(prefix="charter-cluster-"))
        shutil.chown(self.folder, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.call("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--no-instructions")

    def call(self, program: str, *options: str) -> None:
        command = [str(self.programs / program), "--pgdata", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, user=self.user, stdout=subprocess.DEVNULL, cwd=self.folder)

    def start(self) -> None:
        self.call(
            "pg_ctl",
            "start",
            "--wait",
            "--log",
            str(self.folder / "log"),
            "--options",
            f"-p {self.port} -k {self.folder}",
        )

    def crash(self) -> None:
        """Stop without a checkpoint, as after a power cut; the next start recovers."""
        self.call("pg_ctl", "stop", "--mode", "immediate")

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.crash()
        shutil.rmtree(self.folder)


@contextmanager
def loops(count: int, url: str) -> Iterator[list[subprocess.Popen]]:
    """So many processes of `manage.py ledger run`; each must end well when asked to."""
    command = [sys.executable, "manage.py", "ledger", "run"]
    environment = {**os.environ, "DATABASE_URL": url}
    running = [
        subprocess.Popen(
            command, cwd=REPO, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        yield running
        for one in running:
            one.terminate()
            assert one.wait(30) == 0, one.stderr.read()
    finally:
        for one in running:
            one.kill()
            one.communicate()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def signed() -> int:
    return Checkpoint.objects.aggregate(size=Max("size"))["size"] or 0


@pytest.mark.slow
@pytest.mark.service
def test_the_server_crashes_and_comes_back_while_everything_runs(cluster):
    keys.generate()
    kept: list[str] = []
    with loops(1, cluster.url) as [loop]:
        for crash in range(3):
            stop = threading.Event()
            writers = [
                threading.Thread(target=write_until, args=(stop, f"c{crash}w{n}", kept)) for n in range(2)
            ]
            for writer in writers:
                writer.start()
            before = len(kept)
            wait_until(lambda before=before: len(kept) > before + 20 and signed() > 0, "nobody writes")
            cluster.crash()
            connection.close()
            for writer in writers:
                writer.join()
            cluster.start()
            settled = Entry.objects.count()
            wait_until(lambda settled=settled: signed() >= settled, "the loop does not come back")
            assert loop.poll() is None
    assert set(kept) <= set(Artifact.objects.values_list("slug", flat=True))
    sound()


def write_until(stop: threading.Event, name: str, kept: list[str]) -> None:
    """Write until the database goes away; whatever was committed is kept."""
    number = 0
    try:
        while not stop.is_set():
            make(f"{name}-{number}")
            kept.append(f"{name}-{number}")
            number += 1
    except (OperationalError, InterfaceError):
        pass
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.service
def test_a_full_disk_under_postgresql(cluster):
    keys.generate()
    make_many(200)
    settle()
    with tiny_disk(cluster) as ballast:
        execute_alone(f"CREATE TABLESPACE tiny LOCATION '{ballast.parent / 'space'}'")
        for table in ("ledger_entry", "ledger_tile", "registry_artifact"):
            execute(f"ALTER TABLE {table} SET TABLESPACE tiny")
        fill(ballast)
        with pytest.raises(OperationalError, match="No space left"):
            write_until_full(make)
        connection.close()
        assert Entry.objects.count() == Artifact.objects.count()
        ballast.unlink()
        make("after")
        sound()
        for table in ("ledger_entry", "ledger_tile", "registry_artifact"):
            execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
        execute_alone("DROP TABLESPACE tiny")


@contextmanager
def tiny_disk(cluster: Cluster) -> Iterator[Path]:
    """A file system of 4 MB beside the cluster's data, with an empty folder `space`; yields where a ballast may lie."""
    disk = cluster.folder / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        (disk / "space").mkdir()
        shutil.chown(disk / "space", cluster.user)
        yield disk / "ballast"
    finally:
        connection.close()
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def execute_alone(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


# Two at once


@pytest.mark.slow
def test_two_loops_in_two_processes_write_one_history(database):
    kept: list[str] = []
    stop = threading.Event()
    with loops(2, os.environ["DATABASE_URL"]):
        writers = [threading.Thread(target=write_until, args=(stop, f"w{n}", kept)) for n in range(2)]
        for writer in writers:
            writer.start()
        wait_until(lambda: Checkpoint.objects.count() > 5, "nobody signs")
        stop.set()
        for writer in writers:
            writer.join()
        connection.close()
    assert len(kept) == Entry.objects.count()
    sound()
