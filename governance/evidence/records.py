"""What the view hands out: objects as one size of the ledger knew them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from governance.evidence.cited import DEMO
from governance.evidence.facts import Assurance, Class
from governance.registry import erasure
from governance.registry.kinds.base import digest_of
from governance.registry.models import Version
from governance.registry.recording import was_imported, was_recorded

ABOVE: tuple[Class, ...] = ("D", "R", "I")
"""Classes of what is recorded for some readers only, most readers first."""


class NotThen(LookupError):
    """The ledger of that size does not know the subject, or knows it only as a draft."""


class Inconsistent(ValueError):
    """The database does not hold what the ledger recorded."""


class Erased(Inconsistent):
    """The content was erased under a legal request; whoever needs it asks `Sealed.erased` first."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """The newest payload of one object below the ledger's size, and the entry that recorded it."""

    payload: dict[str, Any]
    """`state` and `summary` of the part."""
    entry_index: int
    cls: Class
    op: str
    actor: str
    at: str
    above: Mapping[Class, dict[str, Any]] = field(default_factory=dict)
    """Payloads of the same entry for some readers only, by class."""

    def of(self, cls: Class) -> "Recorded | None":
        """What the same entry says in another class, or None."""
        return replace(self, payload=self.above[cls], cls=cls, above={}) if cls in self.above else None

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.payload["state"]
        return found


@dataclass(frozen=True, eq=False)
class Sealed:
    """A sealed version as of the ledger's size."""

    version: Version
    record: Recorded

    @property
    def subject(self) -> str:
        return str(self.record.state["subject"])

    @property
    def digest(self) -> str:
        return str(self.record.state["digest"])

    @property
    def owner(self) -> str:
        return str(self.record.state["created_by"])

    @property
    def disclosed_digest(self) -> str | None:
        digest: str | None = self.record.state["disclosed_digest"]
        return digest

    @property
    def erased(self) -> bool:
        """Whether the content was erased since: it is gone at every size of the ledger."""
        return self.version.content is None

    @cached_property
    def why_erased(self) -> str:
        """That it was, and on what ground, in a sentence."""
        return erasure.told(self.version)

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole content. Raises Inconsistent unless it has the recorded digest, Erased once it is gone."""
        state, content = self.record.state, self.version.content
        if content is None:
            raise Erased(self.why_erased)
        if digest_of(state["kind"], state["schema"], content) != state["digest"]:
            raise Inconsistent(
                f"{self.subject}: the content in the database does not have the digest {state['digest']} that was recorded."
            )
        return dict(content)

    @property
    def disclosed(self) -> dict[str, Any] | None:
        """What of the content anybody may read, checked like it; None for a restricted or erased version."""
        return self.shown["P"][1] if "P" in self.shown else None

    @cached_property
    def shown(self) -> dict[Class, tuple[Recorded, dict[str, Any]]]:
        """What those may read who read a class, with what recorded its digest, checked like the content; most public first."""
        if self.disclosed_digest is None or self.erased:
            return {}
        found: dict[Class, tuple[Recorded, dict[str, Any]]] = {}
        for cls, record in (("P", self.record), *((cls, self.record.of(cls)) for cls in ABOVE)):
            if record is None or "disclosed_digest" not in record.state:
                continue
            content = self.version.disclosed(cls) if self.content else None
            if content is None or self.version.disclosed_digest(cls) != record.state["disclosed_digest"]:
                raise Inconsistent(
                    f"{self.subject}: what may be shown of its content is not what was recorded."
                )
            found[cls] = record, content
        return found


class Edge(NamedTuple):
    """One item of an activity's `used` or `produced`, and its place in that list."""

    role: str
    subject: str
    digest: str
    place: int


@dataclass(frozen=True, eq=False)
class Step:
    """An ended activity as of the ledger's size."""

    id: str
    record: Recorded
    used: tuple[Edge, ...]
    produced: tuple[Edge, ...]

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.record.state["summary"]
        return found

    @property
    def assurance(self) -> Assurance:
        """Observed when Charter's own worker ran it, reported when a job outside of it did, imported or asserted when it is
        somebody's word alone."""
        if self.is_hearsay:
            imported = self.record.state["kind"] == "import" or was_imported(self.summary)
            return "imported" if imported else "asserted"
        return "observed" if self.record.actor.removeprefix(DEMO).startswith("system:") else "reported"

    @property
    def is_hearsay(self) -> bool:
        """Whether nobody watched it: it was entered over the API or from files, from what somebody else published or said."""
        return was_recorded(self.summary)

    @property
    def told_by_job(self) -> Assurance:
        """How sure a figure is that the job measured by itself."""
        return self.assurance if self.is_hearsay else "reported"

    @property
    def measured(self) -> Assurance:
        """How sure the figures of an evaluation are: what an endpoint answered is reported, whoever asked it."""
        return self.told_by_job if self.summary.get("endpoint") else self.assurance

    def used_as(self, *roles: str) -> list[Edge]:
        return [edge for edge in self.used if edge.role in roles]


@dataclass(frozen=True)
class WeightLine:
    """Where a model's weights come from: the steps that made them, oldest first, and every model on the way."""

    steps: tuple[Step, ...]
    models: tuple[Sealed, ...]
    """The model itself first, then its weight ancestors, nearest first."""
    roots: tuple[Sealed, ...]
    """Models that no recorded step made: where the record begins."""
