"""Follow a log as an outsider would: over HTTP, with its policy in hand and a memory of one's own (pure).

`python -m governance.ledger.monitor ADDRESS --policy policy.txt --state FOLDER` looks once; exit code 0 only when
nothing is wrong. It reads every new leaf, folds it into its own tree, and so finds a fork, a log that shrank, an entry
that broke its object's revisions, a start that never ended; with an API token, also what is served but was never logged.
With `--report NAME` it tells the installation after each look what it saw, so that people there see it too.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.ledger import web
from governance.ledger.canonical import CanonicalError, loads, loads_canonical, sha256_hex
from governance.ledger.note import NoteError
from governance.ledger.policy import Policy
from governance.ledger.tiling import TILE_WIDTH, tile_path, width_at
from governance.ledger.tree import EMPTY_ROOT, leaf_hash, node_hash
from governance.ledger.web import Unreachable, quoted

TIMEOUT_SECONDS = 20
MAX_BYTES = 32 * 2**20
MAX_START_HOURS = 48
"""Hours after which a start without an end is reported."""
MAX_SILENCE_MINUTES = 15
"""Minutes that something served may be absent from the signed log before that is reported."""
MAX_FINDINGS = 100
"""Sentences in a report."""
MAX_WORD = 100
"""Characters of each name, state and the like that a finding quotes, so that it stays below a report's 500."""
MAX_PAGES = 10_000
"""Pages of versions after which a list has no end."""
UNREAD = "The log could not be read; the monitor's own output says why."
ONCE = 86_400
"""Seconds until the next look as a report announces them, where something else starts this program each time."""
STATE = "monitor.json"
NAME = re.compile(r"[a-z0-9.-]{1,60}")

Fetch = Callable[[str], bytes]


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
    """What was found in entries themselves, which no later look can find right again; of more than fit into a report,
    one more, so that each report says that there are."""

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

    What stays wrong is said in the same words at each look. `served` are versions as the API shows them. Raises
    Unreachable, and then has learned nothing.
    """
    try:
        head = policy.open(fetch("checkpoint").decode("utf-8", "replace")).head
    except NoteError as error:
        return [f"The checkpoint does not hold: {quoted(error)}."]
    if head.size < memory.size:
        return [f"The log shrank: it has no longer the {memory.size} entries that this monitor followed."]
    grown = Memory(**{name: copy.copy(known) for name, known in vars(memory).items()})
    problems: list[str] = []
    for index, body, part in _new(fetch, memory.size, head.size):
        found = [*_follow(grown, body), *_read_part(grown, index, body, part)]
        if len(problems) <= MAX_FINDINGS:
            problems += found
    if grown.root() != head.root:
        fork = (
            "The log forked: its entries do not give the root that it signed. This monitor followed it up to"
            f" {memory.size} entries."
        )
        return [fork, *problems]
    grown.broken = [*grown.broken, *problems][: MAX_FINDINGS + 1]
    wrong = [*grown.broken, *_endless(grown, now), *_unlogged(grown, served, now)]
    vars(memory).update(vars(grown))
    return wrong


def _follow(memory: Memory, body: bytes) -> list[str]:
    """Fold a leaf in; sentences for what it breaks."""
    index, leaf = memory.size, leaf_hash(body)
    memory.add(leaf)
    try:
        name, rev, prev = _revision(loads_canonical(body))
    except (CanonicalError, LookupError, TypeError) as error:
        return [f"Entry {index} is malformed: {quoted(error)}."]
    last, leaf_before = memory.newest.get(name, [0, None])
    memory.newest[name] = [rev, leaf.hex()]
    if (rev, prev) == (last + 1, leaf_before):
        return []
    return [f"Entry {index} is revision {rev} of {quoted(name)} and does not follow revision {last}."]


def _revision(entry: Any) -> tuple[str, int, Any]:
    """Whose revision an entry is, which one, and the leaf hash of the one before. Raises LookupError and TypeError."""
    name, rev = f"{_word(entry['type'])} {_word(entry['id'])}", entry["rev"]
    if type(rev) is not int:
        raise TypeError("its revision is no number")
    return name, rev, entry["prev"]


def _word(said: Any) -> str:
    """What names something, or is said of it. Raises TypeError unless it is text."""
    if not isinstance(said, str):
        raise TypeError("something stands there that is no text")
    return said


def _read_part(memory: Memory, index: int, leaf: bytes, line: bytes) -> list[str]:
    """Take in what an entry's public part says of versions and activities; sentences for what it breaks."""
    try:
        part, body = loads(line), loads(leaf)
        if part["payload"] is None:
            return []
        if body["payload"].get("P") != sha256_hex(bytes.fromhex(part["salt"]) + part["payload"].encode()):
            return [f"The public part served for entry {index} is not what the entry committed to."]
        _learn(memory, body, loads_canonical(part["payload"].encode())["state"])
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        # Without the error's text: unlike the entry, the part may be served otherwise at the next look.
        return [f"Entry {index} or the public part served for it is malformed."]
    return []


def _learn(memory: Memory, body: dict[str, Any], state: dict[str, Any]) -> None:
    if body["type"] == "registry.version":
        memory.states[_word(state["subject"])] = [_word(state["state"]), state["digest"]]
    if body["type"] == "registry.activity":
        if state["state"] == "started":
            memory.started[_word(body["id"])] = _moment(body["at"])
        else:
            memory.started.pop(body["id"], None)


def _moment(said: Any) -> str:
    """A time as it is remembered, in UTC. Raises TypeError, ValueError and OverflowError."""
    moment = datetime.fromisoformat(said).astimezone(UTC)
    if moment.year < 1000:
        raise ValueError("such a year is written without its zeros, and no later look could read it")
    return f"{moment:%FT%TZ}"


def _endless(memory: Memory, now: datetime) -> list[str]:
    late = []
    for activity, since in sorted(memory.started.items()):
        if now - datetime.fromisoformat(since) > timedelta(hours=MAX_START_HOURS):
            late.append(f"Activity {quoted(activity)} started at {since} and has not ended.")
    return late


def _unlogged(memory: Memory, served: Iterator[Any] | None, now: datetime) -> list[str]:
    """What is served otherwise than the signed log says, for longer than sequencing and signing take."""
    if served is None:
        return []
    found = set()
    for one in served:
        logged = memory.states.get(one["subject"])
        if logged != [one["state"], one["digest"]]:
            subject, state, known = (
                quoted(said, MAX_WORD) for said in (one["subject"], one["state"], (logged or ["nothing"])[0])
            )
            found.add(f"{subject} is served as {state}, but logged as {known}")
    moment = now.timestamp()
    memory.unlogged = {text: memory.unlogged.get(text, moment) for text in found}
    return [
        f"{text}, since {datetime.fromtimestamp(since, UTC):%FT%TZ}: the log is stale, or the change was never logged."
        for text, since in sorted(memory.unlogged.items())
        if moment - since > MAX_SILENCE_MINUTES * 60
    ]


def _new(fetch: Fetch, start: int, end: int) -> Iterator[tuple[int, bytes, bytes]]:
    """(leaf index, its body, its public part's line) of leaves `start` to `end`, out of the bundles that hold them."""
    for tile in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
        first, width = tile * TILE_WIDTH, width_at(0, tile, end)
        place = tile_path(0, tile, width).removeprefix("tile/0")
        bodies, lines = _bodies(fetch(f"tile/entries{place}")), _lines(fetch(f"parts{place}"))
        if len(bodies) < width or len(lines) < width:
            raise Unreachable(f"the entries from {first}, or their public parts, are cut short")
        for index in range(max(first, start), first + width):
            yield index, bodies[index - first], lines[index - first]


def _bodies(bundle: bytes) -> list[bytes]:
    """The leaves of an entry bundle that are there in full."""
    found, at = [], 0
    while at + 2 <= len(bundle):
        (length,) = struct.unpack_from(">H", bundle, at)
        if at + 2 + length > len(bundle):
            break
        found.append(bundle[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def _lines(bundle: bytes) -> list[bytes]:
    """The lines that are there in full: one that lost its end would be called malformed for ever."""
    return bundle.split(b"\n")[:-1]


def http(address: str, token: str = "") -> Fetch:
    """Fetch below `address`. Raises Unreachable."""
    return lambda place: _ask(f"{address.rstrip('/')}/{place}", token)


def _ask(address: str, token: str, body: bytes | None = None) -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    answer = web.ask(address, body, headers, timeout=TIMEOUT_SECONDS, most=MAX_BYTES)
    if answer.status != 200:
        raise Unreachable(f"{quoted(address)} answers {answer.status}: {quoted(answer.text.strip())}")
    return answer.body


def versions(fetch: Fetch) -> Iterator[Any]:
    """Every version that the API shows the token's owner, page by page. Raises Unreachable."""
    place = "api/v1/versions/?page_size=100"
    for _ in range(MAX_PAGES):
        rows, further = _page(fetch(place))
        yield from rows
        if not further:
            return
        place = "api/v1/versions/?" + further.partition("?")[2]
    raise Unreachable("the API's list of versions has no end")


def _page(data: bytes) -> tuple[list[dict[str, Any]], str]:
    """A page's versions, and the address of the next one, if any."""
    try:
        page = loads(data)
        rows = [
            {"subject": _word(row["subject"]), "state": _word(row["state"]), "digest": row["digest"]}
            for row in page["results"]
        ]
        return rows, _word(page["next"] or "")
    except (ValueError, LookupError, TypeError) as error:
        raise Unreachable(f"the API's list of versions is malformed: {quoted(error)}") from error


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


def look_once(address: str, policy: Policy, memory: Memory, token: str = "") -> list[str]:
    """One look at the log at `address`: what is wrong. Raises Unreachable."""
    served = versions(http(address, token)) if token else None
    return look(memory, policy, http(f"{address.rstrip('/')}/ledger"), datetime.now(UTC), served)


def tell(address: str, token: str, name: str, size: int, findings: list[str], every: int = ONCE) -> None:
    """Report to the installation what the monitor `name` just saw: entries followed, findings, seconds until it looks again.

    Raises Unreachable.
    """
    report = {
        "at": f"{datetime.now(UTC):%FT%TZ}",
        "size": size,
        "every": every,
        "findings": _few(findings),
    }
    _ask(f"{address.rstrip('/')}/api/v1/ledger/monitors/{name}/", token, json.dumps(report).encode())


def _few(findings: list[str]) -> list[str]:
    if len(findings) <= MAX_FINDINGS:
        return findings
    return [*findings[: MAX_FINDINGS - 1], "More is wrong than a report holds."]


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
    """Look, remember, print, report."""
    try:
        policy, memory = Policy.parse(options.policy.read_text()), load(options.state)
        found = look_once(options.address, policy, memory, token)
        keep(options.state, memory, found, datetime.now(UTC))
        code = 1 if found else 0
        sys.stdout.write("".join(f"{line}\n" for line in found) or "Nothing is wrong.\n")
    except Unreachable as error:
        found, code = [UNREAD], 2
        sys.stderr.write(f"{error}\n")
    except (OSError, NoteError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Whoever reads a log file must not wait for a buffer to fill.
    sys.stdout.flush()
    return _report(options, token, memory.size, found) or code if options.report else code


def _report(options: argparse.Namespace, token: str, size: int, found: list[str]) -> int:
    every = ONCE if options.every is None else max(1, round(options.every))
    try:
        tell(options.address, token, options.report, size, found, every)
    except Unreachable as error:
        sys.stderr.write(f"The report did not arrive: {error}\n")
        return 0 if found else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
