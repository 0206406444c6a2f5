"""Recorded evaluations: which there are of a model, and the items that each of them kept."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, overload
from uuid import UUID

from django.db.models import QuerySet

from evals.stage import EVALUATED, EVALUATED_ON
from governance.evidence.records import Inconsistent
from governance.ledger.canonical import loads
from governance.registry import blobs
from governance.registry.access import require_read
from governance.registry.actions import Refused
from governance.registry.lookup import NotFound, find, find_artifact
from governance.registry.models import Activity, Version

KIND = "evaluation"
"""Kind of the activities that evaluations are."""
MOST = 500

Item = dict[str, Any]
Keep = Callable[[Item], bool]


def of_kind(kind: str, subject: str | None = None) -> QuerySet[Activity]:
    """Activities of one kind, or those of them that used what `subject` names. Raises NotFound, Ambiguous, UnknownKind."""
    found = Activity.objects.filter(kind=kind)
    return found.filter(usages__version=find(subject)).distinct() if subject else found


def one(kind: str, id: UUID | str, *, called: str = "") -> Activity:
    """The activity of that kind with that id; `called` is what people call such a one. Raises NotFound."""
    found = Activity.objects.filter(pk=id, kind=kind).first()
    if found is None:
        raise NotFound(f"There is no {called or kind} {id}.")
    return found


def named(person: object, kind: str, subject: str) -> Version:
    """The version of that kind that a person names and may read. Raises NotFound, Ambiguous, Refused, PermissionDenied."""
    version = find(subject if ":" in subject else f"{kind}:{subject}")
    if version.kind != kind:
        raise Refused(f"{version.subject} is of the kind {version.kind}, and the kind {kind} is wanted here.")
    require_read(person, version)
    return version


def find_of_kind(kind: str, name: str) -> Version:
    """A version of that kind. Raises NotFound, Ambiguous, UnknownKind, and Refused for another kind."""
    version = find(name if ":" in name else f"{kind}:{name}")
    if version.kind != kind:
        raise Refused(f"{version.subject} is of the kind {version.kind}, and the kind {kind} is wanted here.")
    return version


def artifact_of(kind: str, subject: str) -> str:
    """The name of the artifact that `named` would find. Raises NotFound, Ambiguous, UnknownKind."""
    return find_artifact(subject if ":" in subject else f"{kind}:{subject}").name


def of_model(model: Version) -> QuerySet[Activity]:
    """Evaluations of a model, newest first; those that go on or failed are among them."""
    return _using(model, EVALUATED)


def on_suite(suite: Version) -> QuerySet[Activity]:
    """Evaluations with a suite, newest first."""
    return _using(suite, EVALUATED_ON)


def model_of(activity: Activity) -> str:
    """The subject of the model that was evaluated."""
    return _used(activity, EVALUATED)


def suite_of(activity: Activity) -> str:
    """The subject of the suite that it was evaluated on."""
    return _used(activity, EVALUATED_ON)


def newest_pair(a: Version, b: Version, suite: Version | None = None) -> tuple[Activity, Activity]:
    """The newest ended evaluations of both models on `suite`, or on the suite that a was last evaluated on of those that
    both were; trials and those with a budget of their own only where there is no other. Raises Refused that names the
    evaluation which is missing."""
    ours, theirs = _newest(a), _newest(b)
    for measured, name in ours.items():
        if (suite is None or measured == suite.subject) and measured in theirs:
            return name, theirs[measured]
    lacking = b if ours and (suite is None or suite.subject in ours) else a
    wanted = suite.subject if suite else next(iter({**ours, **theirs}), "eval-suite:NAME")
    raise Refused(
        f"{lacking.subject} has no evaluation on {wanted}; run `manage.py evaluate {lacking.subject} {wanted} --follow` first."
    )


def _newest(model: Version) -> dict[str, Activity]:
    """Suite → the newest ended evaluation of `model` on it, the newest first; those that stand apart come last."""
    found: dict[str, Activity] = {}
    for activity in sorted(of_model(model).filter(state=Activity.ENDED)[:MOST], key=_stands_apart):
        found.setdefault(suite_of(activity), activity)
    return found


def _stands_apart(activity: Activity) -> bool:
    """Whether it asked otherwise than the suite says: only the first items of each task, or with a budget of its own."""
    results = activity.summary.get("results") or []
    return activity.summary.get("limit") is not None or any("budget" in one for one in results)


def _using(version: Version, role: str) -> QuerySet[Activity]:
    found = Activity.objects.filter(kind=KIND, usages__version=version, usages__role=role)
    return found.order_by("-started_at", "id")


def _used(activity: Activity, role: str) -> str:
    return next((str(edge["subject"]) for edge in activity.used if edge["role"] == role), "")


def checked(sha256: str) -> bytes:
    """A blob's bytes. Raises MissingBlob, and Inconsistent when they are not those that were recorded."""
    data = blobs.read(sha256)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Inconsistent(altered(sha256))
    return data


def altered(sha256: str) -> str:
    """What is said of a blob whose bytes have another digest."""
    return f"The bytes stored as {sha256} are not those that were recorded; restore them from a backup."


@dataclass(frozen=True)
class StoredItems:
    """The items of an evaluation as a sequence for a Paginator: read as a stream, at most one page in memory."""

    sha256: str
    keep: Keep | None = None
    """Which items count; all of them when there is no such question."""

    def __len__(self) -> int:
        """How many items are kept. Raises MissingBlob, and Inconsistent when the file is not the one that was recorded."""
        return sum(self.keep is None or self.keep(loads(line)) for line in self._lines())

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, int):
            return next(islice(self, place, None))
        return list(islice(self, place.start, place.stop))

    def __iter__(self) -> Iterator[Item]:
        """Item by item. Raises MissingBlob, and at the end Inconsistent when the file is not the one that was recorded."""
        for line in self._lines():
            item = loads(line)
            if self.keep is None or self.keep(item):
                yield item

    def _lines(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        with blobs.opened(self.sha256) as lines:
            for line in lines:
                digest.update(line)
                yield line
        if digest.hexdigest() != self.sha256:
            raise Inconsistent(altered(self.sha256))
