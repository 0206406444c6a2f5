"""The manual's "Check it yourself", typed by a stranger who has the exported folder, openssl and Go, and nothing of ours."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.ledger.note import encode64
from governance.ledger.signing import SignerKey, sign_note
from tests.docs.generated import ROOT
from tests.docs.pages import commands
from tests.outside.tools import go_environment, program
from tests.outside.world import Exported

PAGE, HEADING, NEXT = "docs/ledger.md", "## Check it yourself", "## Backup and restore"
SAYS_WHERE = "LOG=~"


def typed() -> list[str]:
    """The section's commands, without those that only say where things are."""
    after = commands(PAGE, NEXT)
    section = commands(PAGE, HEADING)
    section = section[: len(section) - len(after)]
    return [text for text in section if not text.startswith(SAYS_WHERE)]


class Stranger:
    """Somebody's shell, with the folder and what was kept from before."""

    def __init__(self, folder: Path, exported: Exported, go: dict[str, str]) -> None:
        self.log, self.kept, self.place = folder / "log", folder / "kept", folder
        shutil.copytree(exported.log, self.log)
        self.kept.mkdir()
        (self.kept / "old.txt").write_text(exported.old)
        for index, proof in exported.proofs.items():
            (self.kept / f"{index}.txt").write_text(proof.text)
        where = {
            "LOG": self.log,
            "KEPT": self.kept,
            "CHECK": ROOT / "docs/check.go",
            "ROOTS": exported.authority,
        }
        self.environment = {**go, **{name: str(path) for name, path in where.items()}, "TMPDIR": str(folder)}

    def type(self, *lines: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
            cwd=self.place, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def go(tmp_path_factory) -> dict[str, str]:
    program("openssl")
    return go_environment(tmp_path_factory.mktemp("proxy"))


@pytest.fixture(scope="module")
def check(exported, go, tmp_path_factory) -> Path:
    """The program, built as the page says."""
    stranger = Stranger(tmp_path_factory.mktemp("builder"), exported, go)
    build = next(text for text in typed() if "go build" in text)
    done = stranger.type('work="$TMPDIR"', build)
    assert done.returncode == 0, done.stdout + done.stderr
    return stranger.place / "check" / "check"


def test_the_section_has_four_steps():
    assert [text.partition(" ")[0] for text in typed()] == ["cd", "for", "mkdir", "./check"]


def test_the_page_says_that_everything_holds(exported, go, check, tmp_path):
    size, old = exported.head.size, exported.old_head.size
    done = Stranger(tmp_path, exported, go).type(*typed())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Signature Verified Successfully" in done.stdout
    assert "Verification: OK" in done.stderr + done.stdout
    assert "Time stamp: " in done.stdout
    assert f"checkpoint: {size} entries of charter.local/log, cosigned by 1: wendy.example" in done.stdout
    assert f"entries: {size} give the signed root" in done.stdout
    assert f"public parts: {disclosed(exported)} are what their entries committed to" in done.stdout
    assert f"note: the log begins with those {size} entries" in done.stdout
    assert f"old.txt: the log begins with those {old} entries" in done.stdout
    for index in exported.proofs:
        assert f"{index}.txt: entry {index} is in the tree of {size}" in done.stdout


def disclosed(exported: Exported) -> int:
    parts = b"".join(data for place, data in exported.served.items() if place.startswith("parts/"))
    return parts.count(b'"salt":"')


def flip(pattern: str, at: int = 0) -> Callable[[Path], None]:
    """A bit of byte `at` of the one file that fits the pattern."""

    def alter(log: Path) -> None:
        (path,) = log.glob(pattern)
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    return alter


def remove(path: str) -> Callable[[Path], None]:
    return lambda log: (log / path).unlink()


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def alter(log: Path) -> None:
        text = (log / path).read_text()
        assert old in text
        (log / path).write_text(text.replace(old, new, 1))

    return alter


def another_key(log: Path) -> None:
    """A policy that names somebody else's key under the same name."""
    line = (log / "policy.txt").read_text().splitlines()[0]
    vkey = line.split()[1]
    other = SignerKey.generate(vkey.partition("+")[0]).verifier.text
    replace("policy.txt", vkey, other)(log)


def retired_key(log: Path) -> None:
    """A policy under which the key may no longer sign a tree of this size."""
    line = (log / "policy.txt").read_text().splitlines()[0]
    replace("policy.txt", line, f"{line} 5")(log)


def no_witness(log: Path) -> None:
    note = (log / "checkpoint").read_text().splitlines(keepends=True)
    (log / "checkpoint").write_text("".join(note[:-1]))


FOLDERS = {
    "an entry": flip("tile/entries/001", 9),
    "the last entry": flip("tile/entries/002.p/*", -1),
    "the length of an entry": flip("tile/entries/000", 1),
    "a tile": flip("tile/0/001", 40),
    "a partial tile": flip("tile/0/002.p/*", -1),
    "a tile of level 1": flip("tile/1/000.p/2"),
    "a public part": replace("parts/000", "constitution", "Constitution"),
    "size of the checkpoint": replace("checkpoint", "\n7", "\n8"),
    "no tile": remove("tile/0/000"),
    "no entries": remove("tile/entries/000"),
    "no parts": remove("parts/001"),
    "no witness": no_witness,
    "another key": another_key,
    "a retired key": retired_key,
}


@pytest.mark.parametrize("name", FOLDERS)
def test_an_altered_folder_does_not_hold(exported, go, check, tmp_path, name):
    stranger = Stranger(tmp_path, exported, go)
    FOLDERS[name](stranger.log)
    done = stranger.type(f'{check} "$LOG"')
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DOES NOT HOLD" in done.stderr


def forged(exported: Exported) -> str:
    """An older checkpoint of another history, by a stranger's key."""
    return sign_note(exported.old.partition("\n\n")[0] + "\n", SignerKey.generate(exported.old_head.origin))


KEPT = {
    "a proof's hash": lambda exported, text: text.replace(
        encode64(exported.proofs[12].hashes[3]), encode64(bytes(32))
    ),
    "a proof's index": lambda _, text: text.replace("index 12", "index 13"),
    "a proof's first hash": lambda exported, text: text.replace(
        f"{encode64(exported.proofs[12].hashes[0])}\n", ""
    ),
    "a proof without index": lambda _, text: text.replace("\nindex 12", ""),
    "a forged checkpoint": lambda exported, _: forged(exported),
    "a changed checkpoint": lambda exported, _: exported.old.replace("\n4", "\n5", 1),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_does_not_belong_to_the_log_does_not_hold(exported, go, check, tmp_path, name):
    stranger = Stranger(tmp_path, exported, go)
    ours = exported.proofs[12].text
    for text, code in ((ours, 0), (KEPT[name](exported, ours), 1)):
        (stranger.kept / "tried").write_text(text)
        done = stranger.type(f'{check} "$LOG" "$KEPT/tried"')
        assert done.returncode == code, done.stdout + done.stderr
        assert ("DOES NOT HOLD" in done.stderr) == bool(code)


@pytest.mark.parametrize(
    ("step", "alter"),
    [
        ("pkeyutl", replace("checkpoint", "\n7", "\n8")),
        ("pkeyutl", another_key),
        ("ts -verify", flip("timestamps/*/note", 3)),
        ("ts -verify", flip("timestamps/*/*.tsr", -1)),
    ],
    ids=["size of the checkpoint", "another key", "stamped note", "token"],
)
def test_openssl_refuses_what_was_altered(exported, go, tmp_path, step, alter):
    stranger = Stranger(tmp_path, exported, go)
    alter(stranger.log)
    command = next(text for text in typed() if step in text)
    assert stranger.type('cd "$LOG"', command).returncode != 0
