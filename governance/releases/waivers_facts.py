"""What evidence says of waivers: which rules a release was let out in spite of, by whom, why and until when.

They are part of the decision, which comes after the gate: no rule sees these facts (rules.DECISION).
"""

from collections.abc import Iterator

from governance.evidence.build import recorded
from governance.evidence.facts import Assurance, Fact
from governance.evidence.view import View
from governance.releases.rules import DECISION
from governance.releases.waivers_held import granted

TOLD: dict[str, tuple[str, str, Assurance]] = {
    "rule": ("/state/rule", "rule that is waived", "observed"),
    "policy": ("/state/policy/subject", "of the policy", "observed"),
    "reason": ("/state/reason", "reason", "asserted"),
    "proposed_by": ("/state/proposed_by", "proposed by", "observed"),
    "granted_by": ("/state/granted_by", "granted by", "observed"),
    "granted_at": ("/state/granted_at", "granted at", "observed"),
    "granted_because": ("/state/grant_reason", "granted because", "asserted"),
    "expires_at": ("/state/expires_at", "ends at", "observed"),
}
"""Last part of a key → where it stands in the waiver's entry, its label, and how sure it is."""


def facts(view: View) -> Iterator[Fact]:
    """Of each granted waiver of a release `thresholds_decision.waiver_<n>.*`, oldest first."""
    if view.version.kind != "release":
        return
    for number, record in enumerate(granted(view).values(), 1):
        for name, (at, label, assurance) in TOLD.items():
            key = f"{DECISION}.waiver_{number}.{name}"
            yield from recorded(key, label, record, at, assurance=assurance)
