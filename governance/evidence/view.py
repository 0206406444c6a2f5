"""The view: the only way that evidence is read. What is mutable comes from the newest entry below the ledger's size,
what is sealed from the version's content once its digest fits, and nothing from what rows say now.

Index rows (who used what) only say where to look: an edge counts when an entry below the size records it. Everything is
loaded in batches, so the number of queries does not grow with the number of ancestors.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection

from governance.evidence.records import ABOVE, Edge, Inconsistent, NotThen, Recorded, Sealed, Step, WeightLine
from governance.ledger.append import commitment
from governance.ledger.canonical import loads
from governance.ledger.models import Entry
from governance.registry import states
from governance.registry.lineage import ANCESTRY
from governance.registry.models import Activity, Artifact, Production, Usage, Version
from governance.reviews.models import Review

CHUNK = 500
STANDING = (states.APPROVED, states.SUPERSEDED)
"""States of a suite that somebody else than its authors vouched for, best first."""
WEIGHT = sorted(role for role, ancestry in ANCESTRY.items() if ancestry == "weight")


@dataclass
class View:
    """`version` and all that is recorded around it in the first `size` entries."""

    version: Version
    size: int
    _known: dict[tuple[str, str], Recorded | None] = field(default_factory=dict, repr=False)
    _sealed: dict[tuple[str, str], Sealed | None] = field(default_factory=dict, repr=False)

    @cached_property
    def subject(self) -> Sealed:
        """The version itself. Raises NotThen."""
        found = self.versions([(self.version.subject, str(self.version.digest))]).get(self.version.subject)
        if found is None:
            raise NotThen(
                f"{self.version.subject} was not sealed yet when the ledger had {self.size} entries, or what it recorded"
                " then was erased; collect later evidence."
            )
        return found

    @cached_property
    def parts(self) -> dict[str, Sealed]:
        """What a release pins, by field of its content (`policies_1` for the first of a list); nothing for other kinds,
        nor for a release that was erased."""
        if self.version.kind != "release" or self.subject.erased:
            return {}
        content = self.subject.content
        numbered = {
            f"{name}_{number}": pin
            for name, pins in content.items()
            if isinstance(pins, list)
            for number, pin in enumerate(pins, 1)
        }
        pins = {
            name: pin
            for name, pin in {**content, **numbered}.items()
            if isinstance(pin, dict) and set(pin) == {"subject", "digest"}
        }
        found = self.versions((pin["subject"], pin["digest"]) for pin in pins.values())
        return {name: found[pin["subject"]] for name, pin in pins.items() if pin["subject"] in found}

    @cached_property
    def model(self) -> Sealed | None:
        """The model that the evidence is about: the subject, or the one that a release ships."""
        return self.subject if self.version.kind == "model" else self.parts.get("model")

    @cached_property
    def line(self) -> WeightLine:
        """The weight line of `model`; empty without one."""
        return _line(self, self.model) if self.model else WeightLine((), (), ())

    @cached_property
    def datasets(self) -> list[Sealed]:
        """Datasets that the steps of the weight line trained on, each once, in the order of the steps; a dataset itself."""
        if self.version.kind == "dataset":
            return [self.subject]
        edges = [edge for step in self.line.steps for edge in step.used_as("trained_on")]
        found = self.versions((edge.subject, edge.digest) for edge in edges)
        return list(dict.fromkeys(found[edge.subject] for edge in edges if edge.subject in found))

    @cached_property
    def evaluations(self) -> list[tuple[Step, Edge]]:
        """The newest ended evaluation of `model` on each suite, with the suite's edge; approved suites first."""
        return self.evaluations_of([self.model])[self.model.subject] if self.model else []

    def evaluations_of(self, models: Collection[Sealed]) -> dict[str, list[tuple[Step, Edge]]]:
        """As `evaluations`, for many models at once: {subject of the model: its evaluations}.

        A trial, which asks only the first items of each task, is no evaluation and never stands in the place of one.
        """
        wanted = {(model.subject, model.digest) for model in models}
        newest: dict[str, dict[str, tuple[Step, Edge]]] = {model.subject: {} for model in models}
        rows = Usage.objects.filter(version__in=[model.version for model in models], role="evaluated")
        steps = [step for step in self.steps(rows.values_list("activity_id", flat=True)) if _measures(step)]
        for step in sorted(steps, key=_word_first):
            for model in step.used_as("evaluated"):
                if (model.subject, model.digest) in wanted:
                    newest[model.subject] |= {
                        edge.subject: (step, edge) for edge in step.used_as("evaluated_on")
                    }
        suites = self.versions(
            (edge.subject, edge.digest) for ran in newest.values() for _, edge in ran.values()
        )
        return {
            subject: [ran[suite] for suite in sorted(ran, key=lambda suite: _standing(suite, suites))]
            for subject, ran in newest.items()
        }

    def reviews(self, versions: Collection[Sealed]) -> dict[str, list[Recorded]]:
        """Reviews of each of `versions` by subject, oldest first."""
        rows = Review.objects.filter(version__in=[sealed.version for sealed in versions]).values_list(
            "id", flat=True
        )
        found: dict[str, list[Recorded]] = defaultdict(list)
        records = self.load(Review.ledger_type, rows)
        for record in sorted(records.values(), key=lambda record: record.entry_index):
            found[record.state["subject"]].append(record)
        return found

    def artifact(self, sealed: Sealed) -> Recorded:
        """The artifact that a version belongs to. Raises NotThen."""
        record = self.state(Artifact.ledger_type, sealed.version.artifact_id)
        if record is None:
            raise NotThen(f"The artifact of {sealed.subject} has no entry below {self.size}.")
        return record

    def state(self, object_type: str, object_id: object) -> Recorded | None:
        """The newest public payload of one object below the size, or None."""
        return self.load(object_type, [object_id]).get(str(object_id))

    def load(self, object_type: str, ids: Iterable[object]) -> dict[str, Recorded]:
        """As `state`, for many objects at once: {object id: record} of those that have one."""
        wanted = list(dict.fromkeys(str(one) for one in ids))
        for chunk in _chunks([one for one in wanted if (object_type, one) not in self._known]):
            self._known.update({(object_type, one): None for one in chunk})
            entries = Entry.objects.filter(
                object_type=object_type, object_id__in=chunk, leaf_index__lt=self.size
            )
            for entry in entries.order_by("rev"):
                self._known[object_type, entry.object_id] = _opened(entry)
        records = {one: self._known[object_type, one] for one in wanted}
        return {one: record for one, record in records.items() if record is not None}

    def history(self, object_type: str, ids: Iterable[object]) -> dict[str, list[Recorded]]:
        """All public payloads of many objects below the size, oldest first: {object id: records}."""
        found: dict[str, list[Recorded]] = defaultdict(list)
        for chunk in _chunks(sorted({str(one) for one in ids})):
            entries = Entry.objects.filter(
                object_type=object_type, object_id__in=chunk, leaf_index__lt=self.size
            )
            for entry in entries.order_by("rev"):
                if record := _opened(entry):
                    found[entry.object_id].append(record)
        return found

    def versions(self, pins: Iterable[tuple[str, str]]) -> dict[str, Sealed]:
        """The versions with these (subject, digest), by subject, as far as they were sealed below the size."""
        wanted = list(dict.fromkeys(pins))
        missing = [pin for pin in wanted if pin not in self._sealed]
        self._sealed.update(dict.fromkeys(missing))
        for chunk in _chunks(sorted({digest for _, digest in missing})):
            self._keep(Version.objects.filter(digest__in=chunk).select_related("artifact"))
        return {
            subject: sealed
            for subject, digest in wanted
            if (sealed := self._sealed[subject, digest]) is not None
        }

    def _keep(self, rows: Iterable[Version]) -> None:
        versions = {str(row.id): row for row in rows}
        for key, record in self.load(Version.ledger_type, versions).items():
            if record.state["state"] != states.DRAFT:
                self._sealed[record.state["subject"], record.state["digest"]] = Sealed(versions[key], record)

    def steps(self, ids: Iterable[object]) -> list[Step]:
        """The activities with these ids that had ended below the size."""
        return [
            Step(key, record, _edges(record.state["used"]), _edges(record.state["produced"]))
            for key, record in self.load(Activity.ledger_type, ids).items()
            if record.state["state"] == Activity.ENDED
        ]


def _measures(step: Step) -> bool:
    return step.record.state["kind"] == "evaluation" and step.summary.get("limit") is None


def _word_first(step: Step) -> tuple[bool, bool, int]:
    """Sort key of evaluations of which the last one counts: somebody's word never stands in the place of what was measured,
    nor does an evaluation with a length of its own in the place of one that asked as the suite says."""
    own_length = any("budget" in result for result in step.summary.get("results") or [])
    return not step.is_hearsay, not own_length, step.record.entry_index


def _standing(suite: str, held: Mapping[str, Sealed]) -> tuple[int, str, int]:
    """Sort key of suites: approved ones first, then by name, the newest version first.

    The first of two tasks with one name keeps it, so nobody puts a suite of their own in the place of an approved one.
    """
    state = held[suite].record.state["state"] if suite in held else ""
    name, _, number = suite.rpartition("@")
    return STANDING.index(state) if state in STANDING else len(STANDING), name, -int(number)


def _opened(entry: Entry) -> Recorded | None:
    """The entry, None where it has no public part or that was erased. Raises Inconsistent when the body commits to another."""
    part = entry.parts.get("P")
    if part is None:
        return None
    body = loads(bytes(entry.body))
    opened = [cls for cls in ("P", *ABOVE) if entry.parts.get(cls)]
    if any(body["payload"].get(cls) != commitment(entry.parts[cls]) for cls in opened):
        raise Inconsistent(
            f"Entry {entry.leaf_index} does not hold what it committed to; run `manage.py ledger verify`."
        )
    above = {cls: loads(other["payload"]) for cls in ABOVE if (other := entry.parts.get(cls))}
    place = int(entry.leaf_index or 0)
    return Recorded(loads(part["payload"]), place, "P", body["op"], body["actor"], body["at"], above)


def _edges(listed: list[dict[str, Any]]) -> tuple[Edge, ...]:
    return tuple(
        Edge(edge["role"], edge["subject"], edge["digest"], index) for index, edge in enumerate(listed)
    )


def _chunks(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def _line(view: View, model: Sealed) -> WeightLine:
    """Follow recorded weight edges upwards from `model`. Of several steps that made the same bytes the first counts, one that
    was watched before one that was not."""
    makers = _makers(view, model)
    known = view.versions(
        [
            (model.subject, model.digest),
            *(edge[1:3] for step in makers.values() for edge in step.used_as(*WEIGHT)),
        ]
    )
    steps: list[Step] = []
    models: list[Sealed] = []
    wave = [model]
    while wave:
        models += wave
        fresh = [
            step
            for sealed in wave
            if (step := makers.get((sealed.subject, sealed.digest))) and step not in steps
        ]
        steps += fresh
        parents = [known.get(edge.subject) for step in fresh for edge in step.used_as(*WEIGHT)]
        wave = [sealed for sealed in dict.fromkeys(parents) if sealed is not None and sealed not in models]
    roots = [sealed for sealed in models if (sealed.subject, sealed.digest) not in makers]
    steps.sort(key=lambda step: step.record.entry_index)
    return WeightLine(tuple(steps), tuple(models), tuple(roots))


def _makers(view: View, model: Sealed) -> dict[tuple[str, str], Step]:
    """(subject, digest) of each model on the line → the first step that made it from something."""
    rows = Production.objects.filter(version_id__in=_weight_ancestors(model.version)).values_list(
        "activity_id", flat=True
    )
    made: dict[tuple[str, str], Step] = {}
    for step in sorted(view.steps(rows), key=lambda step: (step.is_hearsay, step.record.entry_index)):
        for edge in step.produced if step.used else ():
            made.setdefault((edge.subject, edge.digest), step)
    return made


def _weight_ancestors(version: Version) -> list[Any]:
    """Ids of `version` and all that the index knows above it by weight, in one query however long the line is."""
    key = Version._meta.pk
    usage, production, quote = Usage._meta.db_table, Production._meta.db_table, connection.ops.quote_name
    statement = f"""
        WITH RECURSIVE line(version_id) AS (
            SELECT {quote("id")} FROM {quote(Version._meta.db_table)} WHERE {quote("id")} = %s
            UNION
            SELECT used.version_id FROM line
            JOIN {quote(production)} made ON made.version_id = line.version_id
            JOIN {quote(usage)} used ON used.activity_id = made.activity_id
            WHERE used.role IN ({", ".join(["%s"] * len(WEIGHT))})
        ) SELECT version_id FROM line"""  # noqa: S608 - the tables' own names
    with connection.cursor() as cursor:
        cursor.execute(statement, [key.get_db_prep_value(version.pk, connection), *WEIGHT])
        return [key.to_python(value) for (value,) in cursor.fetchall()]
