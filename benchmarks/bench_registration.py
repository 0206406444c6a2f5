"""Registering a data file: what reading, checking and hashing every row costs, against hashing or counting the bytes alone."""

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from benchmarks import scratch
from benchmarks.figures import Aim, Figure
from benchmarks.paired import alternating
from governance.ledger.actors import Actor
from governance.registry import actions, datasets, importers

MB = 1e6
SEED = 1
WORDS = 5_000
ADA = Actor.person("ada")
ABOUT = {
    "description": "Generated.",
    "licence": "CC0-1.0",
    "source_type": "synthetic",
    "source": "a benchmark",
}


def figures(quick: bool) -> Iterator[Figure]:
    """Megabytes a second of one file of chats without fractions: 100 MB, or 4."""
    path = Path(settings.CHARTER_HOME) / "rows.jsonl"
    size = generate(path, (4 if quick else 100) * 10**6)

    def renew(round: int) -> None:
        """Other bytes of the same length, so that the store has not seen them."""
        with path.open("r+b") as file:
            file.write(first(round + 1))

    def register() -> None:
        read = importers.read("dataset", path, dict(ABOUT))
        actions.register("dataset", "rows", read.content, files=read.files, actor=ADA)

    sides = {
        "sha256sum": lambda: run("sha256sum", path),
        "wc -l": lambda: run("wc", "-l", path),
        "inspect": lambda: datasets.inspect(path) and None,
        "register": register,
    }
    with scratch.sqlite("registration"):
        seconds = alternating(sides, 2 if quick else 7, renew)
    speed = {name: [size / MB / one for one in found] for name, found in seconds.items()}
    for name, told, aim in (
        ("inspect", "Read, check and hash every row", Aim("ratio", 0.15, is_least=True)),
        ("register", "Register: the same, stored and ledgered", Aim("ratio", 0.1, is_least=True)),
    ):
        yield Figure(told, "MB/s", speed[name], speed["sha256sum"], "sha256sum", aim)
        yield Figure(told, "MB/s", speed[name], speed["wc -l"], "wc -l")


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def first(number: int) -> bytes:
    return b'{"id":"%08d",' % number


def generate(path: Path, size: int) -> int:
    """Write chats of about 1 kB a row until there are `size` bytes; returns how many there are."""
    rng = random.Random(SEED)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyzäöü", k=rng.randint(2, 9))) for _ in range(WORDS)]
    written = 0
    with path.open("wb") as file:
        while written < size:
            turns = [(role, " ".join(rng.choices(words, k=75))) for role in ("user", "assistant")]
            messages = [{"role": role, "content": text} for role, text in turns]
            text = json.dumps({"messages": messages}, ensure_ascii=False, separators=(",", ":"))
            written += file.write(first(0) + text[1:].encode() + b"\n")
    return written
