"""A log with a past, and all that leaves it: made through the doors that people use, read afterwards by other people's code."""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from rest_framework.test import APIClient

from config.settings import cache
from governance.ledger import bundle, cosigning, keys
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import TreeHead
from governance.ledger.policy import Policy
from governance.ledger.proof import Extension, Proof
from governance.ledger.verify import STATEMENT
from tests import databases
from tests.builders import CONSTITUTION
from tests.ledger.test_timestamps import Authority, listening
from tests.ledger.test_witness import witness_process
from tests.releases.world import World, build, released

OLD, NEW = 400, 700
"""Entries that the older and the newer checkpoint have at least: two full tiles and a partial one in the end."""


@dataclass(frozen=True)
class Exported:
    """What a stranger may hold: nothing here needs the database any more."""

    log: Path
    """The folder of `ledger export`."""
    served: dict[str, bytes]
    """The same files as HTTP serves them, by their place below /ledger/."""
    old: str
    """The checkpoint of OLD entries or a few more."""
    proofs: dict[int, Proof]
    extension: Extension
    statement: bytes
    """The signed statement of a release's bundle."""
    authority: Path
    """The certificates of the timestamp authority, PEM."""

    @property
    def note(self) -> str:
        """The newest checkpoint, with the witness's line."""
        return (self.log / "checkpoint").read_text()

    @property
    def policy(self) -> Policy:
        return Policy.parse((self.log / "policy.txt").read_text())

    @property
    def vkey(self) -> str:
        return self.policy.keys[0].text

    @property
    def head(self) -> TreeHead:
        return self.policy.open(self.note).head

    @property
    def old_head(self) -> TreeHead:
        return Policy.of(*self.policy.keys).open(self.old).head

    @property
    def entries(self) -> list[bytes]:
        """Every leaf, out of the entry bundles."""
        found = []
        for path in sorted((self.log / "tile/entries").rglob("*")):
            data = io.BytesIO(path.read_bytes() if path.is_file() else b"")
            while length := data.read(2):
                found.append(data.read(int.from_bytes(length, "big")))
        return found


@contextmanager
def house(home: Path, database: Path) -> Iterator[None]:
    """An installation of its own, in this process and for its children, with a copy of the prepared `database`."""
    blobs = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": home / "blobs"},
    }
    changed = {
        "CHARTER_HOME": home,
        "LEDGER_DIR": home / "ledger",
        "LEDGER_PUBLIC": True,
        "CHARTER_SCAN_ON_REGISTER": False,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "STORAGES": {**settings.STORAGES, "blobs": blobs},
        "CACHES": {"default": cache("file://", home / "cachefiles")},
    }
    home.mkdir()
    with (
        pytest.MonkeyPatch.context() as patch,
        databases.file_copy(database, home / "charter.sqlite3") as url,
        override_settings(**changed),
    ):
        patch.setenv("CHARTER_HOME", str(home))
        patch.setenv("DATABASE_URL", url)
        yield


def export(folder: Path, database: Path) -> Exported:
    """The world's log, witnessed and stamped, and everything that it hands out."""
    with ExitStack() as open_doors:
        open_doors.enter_context(house(folder / "home", database))
        call_command("ledger", "keygen", stdout=io.StringIO())
        world = build(folder)
        released(world)
        _register_until(folder, OLD)
        old = _said("ledger", "checkpoint")
        _register_until(folder, NEW)
        _review(world)
        authority = Authority(folder / "authority")
        address = open_doors.enter_context(listening(authority))
        open_doors.enter_context(
            override_settings(LEDGER_TSA_URL=address, LEDGER_TSA_ROOTS=str(authority.root))
        )
        witness = open_doors.enter_context(witness_process(folder / "witness", keys.policy_path()))
        _said("ledger", "witness", "add", *witness, "--quorum", "1")
        _said("ledger", "stamp")
        cosigning.collect(Checkpoint.objects.latest("size"))
        return _exported(folder, old, authority)


def _exported(folder: Path, old: str, authority: Authority) -> Exported:
    log = folder / "log"
    _said("ledger", "export", str(log))
    size = Checkpoint.objects.latest("size").size
    since = TreeHead.of_note(old).size
    _said("bundle", "release:assistant", "--out", str(folder / "release.zip"))
    client = Client()
    places = [path.relative_to(log).as_posix() for path in sorted(log.rglob("*")) if path.is_file()]
    return Exported(
        log=log,
        served={place: client.get(f"/ledger/{place}").content for place in places if _is_served(place)},
        old=old,
        proofs={
            index: Proof.parse(_said("ledger", "prove", str(index)))
            for index in (0, 12, 255, 256, 511, 512, size - 1)
        },
        extension=Extension.parse(_said("ledger", "prove", "--since", str(since))),
        statement=bundle.read((folder / "release.zip").read_bytes())[STATEMENT],
        authority=authority.root,
    )


def _register_until(folder: Path, entries: int) -> None:
    number = Checkpoint.objects.count() * 1000
    while Entry.objects.count() < entries:
        number += 1
        path = folder / f"rules-{number}.json"
        path.write_text(json.dumps({**CONSTITUTION, "title": f"Rules {number}"}))
        _said("register", "constitution", path.stem, str(path), "--as", "polly")


def _review(world: World) -> None:
    """Sent to review at the shell, approved by somebody else over HTTP."""
    _said("submit", "constitution:rules-1@1", "--as", "polly")
    ravi = APIClient()
    ravi.force_login(world.cast.ravi)
    place = "/api/v1/versions/constitution/rules-1/1/"
    digest = ravi.get(place).json()["digest"]
    answer = ravi.post(
        f"{place}approve/", {"digest": digest, "reason": "Read it; it is right."}, format="json"
    )
    assert answer.json()["state"] == "approved", answer.content


def _said(*command: str) -> str:
    said = io.StringIO()
    call_command(*command, stdout=said)
    return said.getvalue()


def _is_served(place: str) -> bool:
    return place.startswith(("tile/", "parts/")) or place == "checkpoint"
