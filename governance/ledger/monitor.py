"""Follow a log as an outsider would: over HTTP, with its policy in hand and a memory of one's own (pure).

`python -m governance.ledger.monitor ADDRESS --policy policy.txt --state FOLDER` looks once; exit code 0 only when
nothing is wrong. It reads every new leaf, folds it into its own tree, and so finds a fork, a log that shrank, an entry
that broke its object's revisions, a start that never ended; with an API token, also what is served but was never logged.
With `--report NAME` it tells the installation after each look what it saw, so that people there see it too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.ledger.canonical import CanonicalError, loads_canonical, sha256_hex
from governance.ledger.note import NoteError
from governance.ledger.policy import Policy
from governance.ledger.tiling import TILE_WIDTH, tile_path, width_at
from governance.ledger.tree import EMPTY_ROOT, leaf_hash, node_hash

TIMEOUT_SECONDS = 20
MAX_BYTES = 32 * 2**20
MAX_START_HOURS = 48
"""Hours after which a start without an end is reported."""
MAX_SILENCE_MINUTES = 15
"""Minutes that something served may be absent from the signed log before that is reported."""
MAX_FINDINGS, MAX_FINDING = 100, 500
"""Sentences in a report, and characters in each."""
ONCE = 86_400
"""Seconds until the next look as a report announces them, where something else starts this program each time."""
STATE = "monitor.json"
NAME = re.compile(r"[a-z0-9.-]{1,60}")

Fetch = Callable[[str], bytes]


class Unreachable(Exception):
    """The log does not answer, or not as a log does. This says nothing about what it holds."""


@dataclass
class Memory:
    """What the monitor has seen: the tree's frontier, each object's newest revision, and what has not ended."""

    size: int = 0
    frontier: list[str] = field(default_factory=list)
    """Roots (hex) of the perfect subtrees of the first `size` leaves, the largest first."""
    newest: dict[str, list[Any]] = field(default_factory=dict)
    """Object → [revision, leaf hash (hex)]."""
    states: dict[str, list[Any]] = field(default_factory=dict)
    """Version's subject → [state, digest] as last logged."""
    started: dict[str, str] = field(default_factory=dict)
    """Activity → when it started, while it has not ended."""
    unlogged: dict[str, float] = field(default_factory=dict)
    """What is served otherwise than logged → when that was first seen (Unix seconds)."""
    broken: list[str] = field(default_factory=list)
    """What was found in entries themselves, which no later look can find right again; the first MAX_FINDINGS."""

    def root(self) -> bytes:
        if not self.frontier:
            return EMPTY_ROOT
        *rest, result = map(bytes.fromhex, self.frontier)
        for left in reversed(rest):
            result = node_hash(left, result)
        return result

    def add(self, leaf: bytes) -> None:
        """Append a leaf hash: each trailing one-bit of the size is a subtree that it completes."""
        size = self.size
        while size & 1:
            leaf = node_hash(bytes.fromhex(self.frontier.pop()), leaf)
            size >>= 1
        self.frontier.append(leaf.hex())
        self.size += 1


def look(
    memory: Memory, policy: Policy, fetch: Fetch, now: datetime, served: Iterator[Any] | None = None
) -> list[str]:
    """Read what is new and say what is wrong, a sentence each; `memory` moves on only when nothing forked.

    What stays wrong is said in the same words at each look. `served` are versions as the API shows them. Raises Unreachable.
    """
    try:
        seen = policy.open(fetch("checkpoint").decode("utf-8", "replace"))
    except NoteError as error:
        return [f"The checkpoint does not hold: {error}."]
    head = seen.head
    if head.size < memory.size:
        return [f"The log shrank from {memory.size} to {head.size} entries."]
    grown = Memory(**json.loads(json.dumps(memory.__dict__)))
    problems: list[str] = []
    for body in _leaves(fetch, memory.size, head.size):
        problems += _follow(grown, body)
    for index, body, line in _parts(fetch, memory.size, head.size):
        problems += _read_part(grown, index, body, line)
    if grown.root() != head.root:
        fork = (
            "The log forked: its entries do not give the root that it signed. This monitor followed it up to"
            f" {memory.size} entries."
        )
        return [fork, *problems]
    lasting = [*grown.broken, *problems]
    grown.broken = lasting[:MAX_FINDINGS]
    memory.__dict__.update(grown.__dict__)
    return [*lasting, *_endless(memory, now), *_unlogged(memory, served, now)]


def _follow(memory: Memory, body: bytes) -> list[str]:
    """Fold a leaf in; sentences for what it breaks."""
    index, leaf = memory.size, leaf_hash(body)
    memory.add(leaf)
    try:
        entry = loads_canonical(body)
        name, rev, prev = f"{entry['type']} {entry['id']}", entry["rev"], entry["prev"]
    except (CanonicalError, LookupError, TypeError) as error:
        return [f"Entry {index} is malformed: {error}."]
    last, leaf_before = memory.newest.get(name, [0, None])
    memory.newest[name] = [rev, leaf.hex()]
    if (rev, prev) == (last + 1, leaf_before):
        return []
    return [f"Entry {index} is revision {rev} of {name} and does not follow revision {last}."]


def _read_part(memory: Memory, index: int, leaf: bytes, line: bytes) -> list[str]:
    """Take in what an entry's public part says of versions and activities; sentences for what it breaks."""
    try:
        part, body = json.loads(line), json.loads(leaf)
        if part["payload"] is None:
            return []
        if body["payload"].get("P") != sha256_hex(bytes.fromhex(part["salt"]) + part["payload"].encode()):
            return [f"The public part served for entry {index} is not what the entry committed to."]
        _learn(memory, body, loads_canonical(part["payload"].encode())["state"])
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return [f"The public part served for entry {index} is malformed: {error}."]
    return []


def _learn(memory: Memory, body: dict[str, Any], state: dict[str, Any]) -> None:
    if body["type"] == "registry.version":
        memory.states[state["subject"]] = [state["state"], state["digest"]]
    if body["type"] == "registry.activity":
        if state["state"] == "started":
            memory.started[body["id"]] = f"{datetime.fromisoformat(body['at']).astimezone(UTC):%FT%TZ}"
        else:
            memory.started.pop(body["id"], None)


def _endless(memory: Memory, now: datetime) -> list[str]:
    late = []
    for activity, since in sorted(memory.started.items()):
        if now - datetime.fromisoformat(since) > timedelta(hours=MAX_START_HOURS):
            late.append(f"Activity {activity} started at {since} and has not ended.")
    return late


def _unlogged(memory: Memory, served: Iterator[Any] | None, now: datetime) -> list[str]:
    """What is served otherwise than the signed log says, for longer than sequencing and signing take."""
    if served is None:
        return []
    found = {
        f"{one['subject']} is served as {one['state']}, but logged as {(memory.states.get(one['subject']) or ['nothing'])[0]}"
        for one in served
        if memory.states.get(one["subject"]) != [one["state"], one["digest"]]
    }
    moment = now.timestamp()
    memory.unlogged = {text: memory.unlogged.get(text, moment) for text in found}
    return [
        f"{text}, since {datetime.fromtimestamp(since, UTC):%FT%TZ}: the log is stale, or the change was never logged."
        for text, since in sorted(memory.unlogged.items())
        if moment - since > MAX_SILENCE_MINUTES * 60
    ]


def _leaves(fetch: Fetch, start: int, end: int) -> Iterator[bytes]:
    """The bodies of leaves `start` to `end`, out of the entry bundles that hold them."""
    for first, data in _bundles(fetch, "tile/entries", start, end):
        at = 0
        for index in range(first, min(first + TILE_WIDTH, end)):
            if len(data) < at + 2:
                raise Unreachable(f"the entry bundle from {first} is cut short")
            (length,) = struct.unpack_from(">H", data, at)
            if index >= start:
                yield data[at + 2 : at + 2 + length]
            at += 2 + length


def _parts(fetch: Fetch, start: int, end: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(leaf index, body, line with {"index", "salt", "payload"}) of the same leaves."""
    bodies = _leaves(fetch, start, end)
    for first, data in _bundles(fetch, "parts", start, end):
        lines = data.splitlines()
        for index in range(max(first, start), min(first + TILE_WIDTH, end)):
            try:
                yield index, next(bodies), lines[index - first]
            except LookupError as error:
                raise Unreachable(f"the public parts from {first} are cut short") from error


def _bundles(fetch: Fetch, kind: str, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    for tile in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
        place = tile_path(0, tile, width_at(0, tile, end)).removeprefix("tile/0")
        yield tile * TILE_WIDTH, fetch(f"{kind}{place}")


def http(address: str, token: str = "") -> Fetch:
    """Fetch below `address`. Raises Unreachable."""
    return lambda place: _ask(f"{address.rstrip('/')}/{place}", token)


def _ask(address: str, token: str, body: bytes | None = None) -> bytes:
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{address!r} is no web address")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(address, body, headers)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            return bytes(answer.read(MAX_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(300).decode("utf-8", "replace").strip()
        raise Unreachable(f"{request.full_url} answers {error.code}: {said}") from error
    except (OSError, ValueError) as error:
        raise Unreachable(f"{request.full_url} does not answer: {error}") from error


def versions(fetch: Fetch) -> Iterator[Any]:
    """Every version that the API shows the token's owner, page by page. Raises Unreachable."""
    place = "api/v1/versions/?page_size=100"
    while place:
        try:
            page = json.loads(fetch(place))
            rows = [{name: row[name] for name in ("subject", "state", "digest")} for row in page["results"]]
            further = page["next"]
        except (ValueError, LookupError, TypeError) as error:
            raise Unreachable(f"the API's list of versions is malformed: {error}") from error
        yield from rows
        place = "api/v1/versions/?" + further.partition("?")[2] if further else ""


def load(folder: Path) -> Memory:
    """The memory kept in `folder`, or a fresh one."""
    path = folder / STATE
    return Memory(**json.loads(path.read_text())["memory"]) if path.exists() else Memory()


def keep(folder: Path, memory: Memory, problems: list[str], now: datetime) -> None:
    """Replace what `folder` holds in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"at": f"{now:%FT%TZ}", "size": memory.size, "root": memory.root().hex(), "problems": problems}
    fresh = folder / f"{STATE}.new"
    with fresh.open("w") as file:
        file.write(json.dumps({**told, "memory": memory.__dict__}))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(folder / STATE)


def look_once(address: str, policy: Policy, folder: Path, token: str = "") -> list[str]:
    """One look at the log at `address`, remembered in `folder`; what is wrong. Raises Unreachable."""
    now, memory = datetime.now(UTC), load(folder)
    served = versions(http(address, token)) if token else None
    problems = look(memory, policy, http(f"{address.rstrip('/')}/ledger"), now, served)
    keep(folder, memory, problems, now)
    return problems


def tell(address: str, token: str, name: str, size: int, findings: list[str], every: int = ONCE) -> None:
    """Report to the installation what the monitor `name` just saw: entries followed, findings, seconds until it looks again.

    Raises Unreachable.
    """
    report = {
        "at": f"{datetime.now(UTC):%FT%TZ}",
        "size": size,
        "every": every,
        "findings": [_printable(text) for text in _few(findings)],
    }
    _ask(f"{address.rstrip('/')}/api/v1/ledger/monitors/{name}/", token, json.dumps(report).encode())


def _few(findings: list[str]) -> list[str]:
    if len(findings) <= MAX_FINDINGS:
        return findings
    return [*findings[: MAX_FINDINGS - 1], "More is wrong than a report holds; see the monitor's own output."]


def _printable(text: str) -> str:
    """A finding quotes what the log says, which may be anything."""
    return "".join(char if char.isprintable() else "?" for char in text)[:MAX_FINDING]


def main() -> int:
    """The command: print what is wrong; return the exit code (0 nothing, 1 something, 2 no answer)."""
    parser = argparse.ArgumentParser(prog="python -m governance.ledger.monitor", description=__doc__)
    parser.add_argument("address", help="the installation, such as https://charter.example.org")
    parser.add_argument("--policy", type=Path, required=True, help="the log's policy.txt, got from elsewhere")
    parser.add_argument("--state", type=Path, required=True, help="folder in which the monitor remembers")
    parser.add_argument("--every", type=float, help="seconds between looks; without it, one look")
    parser.add_argument(
        "--report",
        metavar="NAME",
        help="tell the installation what was seen, with the token in CHARTER_TOKEN",
    )
    options = parser.parse_args()
    token = os.environ.get("CHARTER_TOKEN", "")
    if options.report and not token:
        parser.error("--report needs an API token with the scope ledger:monitor:report in CHARTER_TOKEN")
    if options.report and not NAME.fullmatch(options.report):
        parser.error("--report takes a name of small letters, digits, dots and hyphens")
    while True:
        code = _once(options, token)
        if options.every is None:
            return code
        time.sleep(options.every)


def _once(options: argparse.Namespace, token: str) -> int:
    """Look, print, report."""
    try:
        policy = Policy.parse(options.policy.read_text())
        found = look_once(options.address, policy, options.state, token)
        code = 1 if found else 0
        sys.stdout.write("".join(f"{line}\n" for line in found) or "Nothing is wrong.\n")
    except Unreachable as error:
        found, code = [f"The log could not be read: {error}"], 2
        sys.stderr.write(f"{error}\n")
    except (OSError, NoteError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Whoever reads a log file must not wait for a buffer to fill.
    sys.stdout.flush()
    return _report(options, token, found) or code if options.report else code


def _report(options: argparse.Namespace, token: str, found: list[str]) -> int:
    every = ONCE if options.every is None else max(1, round(options.every))
    try:
        tell(options.address, token, options.report, load(options.state).size, found, every)
    except Unreachable as error:
        sys.stderr.write(f"The report did not arrive: {error}\n")
        return 0 if found else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
