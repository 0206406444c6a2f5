"""Verifiers as programs: each reads cases as JSON, and answers null for what it accepts, else its own refusal.

One that is not installed is `missing`: its tests skip, or fail.
"""

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.docs.generated import ROOT

HERE = Path(__file__).parent
ENVIRONMENT = ROOT / ".venv-outside"
SECONDS = 120

Verdicts = dict[str, str | None]


def missing(sentence: str) -> NoReturn:
    """End a test that lacks its verifier: a skip, or a failure under OUTSIDE_REQUIRED=1, where all of them must have run."""
    (pytest.fail if os.environ.get("OUTSIDE_REQUIRED") == "1" else pytest.skip)(sentence)


def python(*packages: str) -> Path:
    """The interpreter of requirements-outside.txt, in which all of `packages` are installed."""
    found = ENVIRONMENT / "bin" / "python"
    names = ", ".join(packages)
    wanted = [str(found), "-c", f"import {names}"]
    if not found.exists() or subprocess.run(wanted, capture_output=True, check=False).returncode:
        missing(f"{names} is not installed in {ENVIRONMENT.name}: run `make outside`")
    return found


def program(name: str) -> str:
    """The path of a program on PATH."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} is not installed")
    return found


def judge(command: Sequence[str | Path], cases: Mapping[str, Mapping[str, Any]]) -> Verdicts:
    """What the verifier says of each case: None, or why not. A verifier that dies is no verdict."""
    done = subprocess.run(
        [str(part) for part in command],
        input=json.dumps(list(cases.values())), capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert len(answers) == len(cases)
    return dict(zip(cases, answers, strict=True))


def accepts_ours_and_refuses(verdicts: Verdicts, ours: str = "ours") -> None:
    """`ours` holds; for everything else the verifier has a reason to refuse."""
    assert verdicts[ours] is None, verdicts[ours]
    accepted = [name for name, reason in verdicts.items() if reason is None and name != ours]
    assert not accepted


MODULE, SOURCES = "golang.org/x/mod", Path("/usr/share/gocode/src/golang.org/x/mod")
"""Go's module, and where Debian's golang-golang-x-mod-dev puts it."""


def go_environment(folder: Path) -> dict[str, str]:
    """Variables with which `go get golang.org/x/mod@latest` finds Debian's copy, offline.

    `folder` becomes a module proxy (go.dev/ref/mod#goproxy-protocol) of that one module.
    """
    go = python("go").parent / "go"
    if not SOURCES.exists():
        missing("golang-golang-x-mod-dev is not installed: apt-get install golang-golang-x-mod-dev")
    place = folder / MODULE / "@v"
    place.mkdir(parents=True)
    version = "v0.0.1-debian"
    (place / "list").write_text(f"{version}\n")
    (place / f"{version}.info").write_text(json.dumps({"Version": version, "Time": "2022-11-18T00:00:00Z"}))
    (place / f"{version}.mod").write_text(f"module {MODULE}\n")
    with zipfile.ZipFile(place / f"{version}.zip", "w") as archive:
        for path in sorted(SOURCES.rglob("*.go")):
            archive.write(path, f"{MODULE}@{version}/{path.relative_to(SOURCES)}")
    return {
        "PATH": f"{go.parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GOPATH": str(folder / "path"),
        "GOCACHE": str(ENVIRONMENT / "go-cache"),
        "GOPROXY": folder.as_uri(),
        "GOSUMDB": "off",
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
        "GOTELEMETRY": "off",
    }


def go_build(source: Path, folder: Path) -> Path:
    """The program of one Go file."""
    environment = go_environment(folder / "proxy")
    work = folder / "program"
    work.mkdir()
    shutil.copy(source, work)
    for command in (f"go mod init {source.stem}", f"go get {MODULE}@latest", f"go build -o {source.stem}"):
        subprocess.run(command.split(), cwd=work, env=environment, check=True, capture_output=True)
    return work / source.stem
