"""Verify a bundle or a proof offline: `python -m governance.ledger.verify FILE [--key VKEY-or-policy-file] [--opening F] [--json]`.

Needs the standard library and `cryptography`: no database, no network, no trust in whoever runs the ledger. Exit
code 0 only if everything holds, 1 if something does not, 2 if a file or the policy cannot be read.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from governance.ledger import bundle, dsse
from governance.ledger.canonical import CanonicalError, canonical, loads_canonical, sha256_hex
from governance.ledger.note import NoteError, TreeHead, decode64
from governance.ledger.opening import NotOpened, check_opening
from governance.ledger.policy import Policy, Seen
from governance.ledger.proof import HEADER, Extension, Proof, ProofError
from governance.ledger.recompute import Disclosed, Mismatch, check_fact, open_evidence
from governance.ledger.tree import leaf_hash

STATEMENT, CHECKPOINT, POLICY, EVIDENCE = (
    "statement.dsse.json",
    "checkpoint.txt",
    "policy.txt",
    "evidence.json",
)
FAILS = "FAILS"
MEANING = (
    "A proof shows that something was recorded then and has not been changed since, never that it is true."
)
KEY_WARNING = (
    "The key was taken from the bundle itself, so this shows only that the bundle agrees with itself."
    " Compare it with the policy published elsewhere, or pass that one with --key: "
)
_ENTRY = re.compile(r"entries/(0|[1-9][0-9]{0,18})\.json")
_PROOF = re.compile(r"proofs/(0|[1-9][0-9]{0,18})\.txt")
_SALT = re.compile(r"[0-9a-f]{64}")
_REFUSALS = (
    bundle.BundleError,
    dsse.StatementError,
    CanonicalError,
    NoteError,
    ProofError,
    Mismatch,
    NotOpened,
)


@dataclass(frozen=True)
class Line:
    """One thing that was looked at, and what came of it."""

    what: str
    outcome: str
    detail: str = ""


@dataclass
class Report:
    """All that was checked."""

    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return bool(self.lines) and all(line.outcome != FAILS for line in self.lines)

    def attempt(self, what: str, check: Callable[[], str | None], detail: str = "") -> bool:
        """Run `check`; it returns an outcome (None: it holds) or raises one of the refusals."""
        try:
            self.lines.append(Line(what, check() or "holds", detail))
        except _REFUSALS as refusal:
            self.lines.append(Line(what, FAILS, str(refusal)))
            return False
        return True


def verify(data: bytes, policy: Policy | None = None, opening: bytes | None = None) -> Report:
    """Check a bundle's bytes against `policy`, or against the one it carries itself when none is given.

    With the bytes of an `opening`: also that it opens a commitment in the bundle's evidence.
    """
    report = Report()
    members: dict[str, bytes] = {}
    if report.attempt("bundle form", lambda: members.update(bundle.read(data)), f"{len(data)} bytes"):
        _verify_members(report, members, policy)
    if opening is not None:
        report.attempt("opening", lambda: _check_opening(report, members, opening))
    return report


def verify_proof(text: str, entry: bytes, policy: Policy) -> Report:
    """Check that `entry` (bytes as in a bundle's entries/<i>.json) stands where the tlog-proof `text` says."""
    report = Report()
    report.attempt("inclusion proof", lambda: _check_proof(report, text, entry, policy))
    return report


def verify_extension(text: str, old: str, policy: Policy) -> Report:
    """Check that the log with the consistency proof `text` has only grown since the signed checkpoint `old`."""
    report = Report()
    report.attempt("consistency proof", lambda: _check_extension(report, text, old, policy))
    return report


def _check_opening(report: Report, members: dict[str, bytes], opening: bytes) -> str:
    fact = check_opening(opening, _member(members, EVIDENCE))
    report.notes.append(f"Opened: {canonical(fact).decode()}")
    return "opens commitment"


def _check_proof(report: Report, text: str, entry: bytes, policy: Policy) -> None:
    proof = Proof.parse(text)
    body = _disclosed(entry, proof, policy).body
    said = " ".join(str(body.get(name)) for name in ("at", "actor", "op", "type", "id"))
    report.notes.append(f"Entry {proof.index}: {said}")


def _check_extension(report: Report, text: str, old: str, policy: Policy) -> None:
    size = Extension.parse(text).check(replace(policy, quorum=0).open(old).head, policy)
    report.notes.append(f"The tree of {size} entries extends the older one.")


def _verify_members(report: Report, members: dict[str, bytes], given: Policy | None) -> None:
    try:
        policy = given or Policy.parse(_text(members, POLICY))
    except _REFUSALS as refusal:
        report.lines.append(Line("policy", FAILS, str(refusal)))
        return
    if given is None:
        report.notes.append(KEY_WARNING + ", ".join(key.text for key in policy.keys))
    seen: list[Seen] = []
    if not report.attempt(
        "checkpoint", lambda: seen.append(policy.open(_text(members, CHECKPOINT))), CHECKPOINT
    ):
        return
    head = seen[0].head
    for name, moment in sorted(seen[0].cosigned.items()):
        report.lines.append(
            Line(f"witness {name}", "holds", f"cosigned at {datetime.fromtimestamp(moment, UTC):%F %T} UTC")
        )
    others = {name: content for name, content in members.items() if name != STATEMENT}
    report.attempt(
        "signed statement",
        lambda: dsse.check_statement(
            dsse.open_envelope(_member(members, STATEMENT), policy.keys_at(head.size)), others
        ),
        f"names {len(others)} members by digest",
    )
    _verify_entries(report, members, head, policy)


def _verify_entries(report: Report, members: dict[str, bytes], head: TreeHead, policy: Policy) -> None:
    report.attempt("one proof for each entry", lambda: _check_pairs(members))
    entries: dict[int, Disclosed] = {}
    for name in sorted(members):
        if match := _ENTRY.fullmatch(name):
            index = int(match[1])
            report.attempt(
                f"entry {index}",
                lambda index=index: entries.update({index: _open_entry(members, index, policy)}),  # type: ignore[misc]
                f"in the tree of {head.size}",
            )
    _verify_evidence(report, members, head, entries)


def _verify_evidence(
    report: Report, members: dict[str, bytes], head: TreeHead, entries: dict[int, Disclosed]
) -> None:
    facts: dict[str, dict[str, Any]] = {}
    if not report.attempt(
        "evidence",
        lambda: facts.update(open_evidence(_member(members, EVIDENCE), head.size, head.root.hex())),
        f"as of {head.size}",
    ):
        return
    for key, fact in facts.items():
        report.attempt(
            f"fact {key}",
            lambda fact=fact: check_fact(fact, facts, entries, members),  # type: ignore[misc]
            str(fact["assurance"] or ""),
        )


def _check_pairs(members: Mapping[str, bytes]) -> None:
    entries = {match[1] for name in members if (match := _ENTRY.fullmatch(name))}
    proofs = {match[1] for name in members if (match := _PROOF.fullmatch(name))}
    alone = sorted(entries ^ proofs, key=int)
    if alone:
        raise ProofError(f"entry {alone[0]} has no proof, or a proof no entry")
    for name in members:
        if name.startswith(("entries/", "proofs/")) and not (
            _ENTRY.fullmatch(name) or _PROOF.fullmatch(name)
        ):
            raise ProofError(f"{name!r} is neither an entry nor a proof")


def _open_entry(members: Mapping[str, bytes], index: int, policy: Policy) -> Disclosed:
    proof = Proof.parse(_text(members, f"proofs/{index}.txt"))
    if proof.index != index or proof.checkpoint != _text(members, CHECKPOINT):
        raise ProofError("the proof is for another entry or another checkpoint")
    return _disclosed(members[f"entries/{index}.json"], proof, policy)


def _disclosed(entry: bytes, proof: Proof, policy: Policy) -> Disclosed:
    match loads_canonical(entry):
        case {"body": str(encoded), "parts": dict(parts), **rest} if not rest:
            body = decode64(encoded)
        case _:
            raise Mismatch("an entry has exactly body and parts")
    proof.check(leaf_hash(body), policy)
    content = loads_canonical(body)
    return Disclosed(content, {name: _open_part(content, name, part) for name, part in parts.items()})


def _open_part(body: Any, name: str, part: Any) -> Any:
    match part, body:
        case {"salt": str(salt), "payload": str(payload), **rest}, {"payload": {**commitments}} if not rest:
            pass
        case _:
            raise Mismatch(f"class {name!r} has no salt and payload, or the body no commitments")
    if not _SALT.fullmatch(salt):
        raise Mismatch(f"the salt of class {name!r} is not 32 bytes in hex")
    if commitments.get(name) != sha256_hex(bytes.fromhex(salt) + payload.encode()):
        raise Mismatch(f"the part of class {name!r} is not what the entry committed to")
    return loads_canonical(payload.encode())


def _member(members: Mapping[str, bytes], name: str) -> bytes:
    if name not in members:
        raise bundle.BundleError(f"the bundle has no {name}")
    return members[name]


def _text(members: Mapping[str, bytes], name: str) -> str:
    try:
        return _member(members, name).decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"{name} is not UTF-8") from error


def _table(report: Report) -> str:
    cells = [(_plain(line.what), line.outcome, _plain(line.detail)) for line in report.lines]
    what, outcome = (max(len(row[column]) for row in cells) for column in (0, 1))
    rows = [f"{row[0]:<{what}}  {row[1]:<{outcome}}  {row[2]}".rstrip() for row in cells]
    failed = sum(line.outcome == FAILS for line in report.lines)
    verdict = "Everything holds." if report.holds else f"{failed} of {len(report.lines)} checks FAIL."
    return "\n".join([*rows, "", *map(_plain, report.notes), MEANING, verdict, ""])


def _plain(text: str) -> str:
    """The bundle's words without the control characters that could make a terminal lie."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _as_json(report: Report) -> str:
    lines = [asdict(line) for line in report.lines]
    return (
        json.dumps({"holds": report.holds, "checks": lines, "notes": [*report.notes, MEANING]}, indent=2)
        + "\n"
    )


def _given(argument: str | None) -> Policy | None:
    if argument is None:
        return None
    path = Path(argument)
    return Policy.parse(path.read_text() if path.is_file() else argument)


def _looked_at(options: argparse.Namespace) -> Report:
    """Raises OSError, UnicodeDecodeError or NoteError when what is needed cannot be read."""
    data: bytes = options.file.read_bytes()
    policy = _given(options.key)
    text = data.decode("utf-8", "replace")
    if data.startswith(b"PK"):
        return verify(data, policy, options.opening.read_bytes() if options.opening else None)
    if policy is None:
        raise NoteError("a proof is checked with --key, the log's public key or policy from elsewhere")
    if text.startswith(HEADER) and options.entry:
        return verify_proof(text, options.entry.read_bytes(), policy)
    if text.startswith("old ") and options.old:
        return verify_extension(text, options.old.read_text(), policy)
    raise NoteError(
        "the file is no bundle, no proof of an --entry, and no proof that extends an --old checkpoint"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: print what holds; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m governance.ledger.verify",
        description="Check a bundle or a proof offline. " + MEANING,
        epilog="example: python -m governance.ledger.verify release.zip --key policy.txt",
    )
    parser.add_argument("file", type=Path, help="the bundle (a zip file), or the text of a proof")
    parser.add_argument(
        "--key", help="the ledger's public key (vkey text) or its policy (a file), got from elsewhere"
    )
    parser.add_argument("--entry", type=Path, help="with an inclusion proof: the entry that it is about")
    parser.add_argument("--old", type=Path, help="with a consistency proof: the older signed checkpoint")
    parser.add_argument("--opening", type=Path, help="with a bundle: what opens one of its withheld facts")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        report = _looked_at(options)
    except (OSError, NoteError, UnicodeDecodeError) as error:
        sys.stderr.write(f"nothing was checked: {error}\n")
        return 2
    sys.stdout.write(_as_json(report) if options.json else _table(report))
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
