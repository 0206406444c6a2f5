"""`manage.py gate --try POLICY`: what a release policy would say of every release in force, one after the other."""

import json
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from governance.people.permissions import require
from governance.registry import importers, lookup
from governance.registry.access import require_read
from governance.registry.kinds.release_policy import Content
from governance.releases import trial
from governance.releases.cel import PASSED, REFUSED, UNDECIDED
from governance.releases.gate_texts import MARKS
from governance.releases.trial import TRY, Tried

NOT_JUDGED = ("-", "dim")


def run(person: object, named: str, *, as_json: bool, out: IO[str], err: IO[str]) -> str:
    """Print a table, or JSON, and return the worst verdict; undecided when nothing could be judged. Raises PermissionDenied,
    NotFound, Refused, ContentError, BadFile."""
    require(person, TRY)
    policy = policy_of(person, named)
    releases = list(trial.in_force(person))
    console = Console(file=err)
    steps = track(releases, description="Judging", console=console, disable=not console.is_terminal)
    found = [trial.judge(release, policy) for release in steps]
    if as_json:
        told = {"policy": policy.title, "verdict": worst(found), "releases": [one.record() for one in found]}
        out.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        print_table(found, policy, Console(file=out, highlight=False))
    return worst(found)


def policy_of(person: object, named: str) -> Content:
    """The policy of a file, or of a version by its name; drafts too."""
    if named.startswith("release-policy:"):
        version = lookup.find(named, drafts=True)
        require_read(person, version)
        return trial.content_of(version)
    return trial.checked(importers.mapping(Path(named)))


def worst(found: list[Tried]) -> str:
    verdicts = {one.verdict for one in found}
    if REFUSED in verdicts:
        return REFUSED
    # A release that could not be judged is not known to pass.
    return PASSED if verdicts <= {PASSED} else UNDECIDED


def print_table(found: list[Tried], policy: Content, console: Console) -> None:
    if not found:
        console.print("No release is in force, so there is nothing to try the policy on.")
        return
    table = Table("release", "verdict", "rules that would stop it", box=None, pad_edge=False)
    for one in found:
        mark, colour = MARKS[one.verdict] if one.verdict else NOT_JUDGED
        rules = ", ".join(_named(result.rule.id, result.verdict) for result in one.stopping)
        table.add_row(
            one.release.subject, Text(f"{mark} {one.verdict or 'not judged'}", colour), one.why or rules
        )
    console.print(table)
    passing = sum(one.verdict == PASSED for one in found)
    console.print(
        f"{passing} of {len(found)} releases in force would pass {policy.title}. Nothing was recorded."
    )


def _named(rule: str, verdict: str) -> str:
    return f"{rule} (undecided)" if verdict == UNDECIDED else rule
