"""Artifacts, their versions, and the activities that made and used them (W3C PROV: entity, activity, usage, generation)."""

from typing import Any

from django.db import models

from governance.ledger.models import Auditable
from governance.registry import kinds, states


def stamp(moment: Any) -> str | None:
    """A time as the ledger writes it: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


class Artifact(Auditable):
    ledger_type = "registry.artifact"

    kind = models.CharField(max_length=32)
    slug = models.SlugField(max_length=80)
    title = models.CharField(max_length=200)

    class Meta:
        ordering = ("kind", "slug")
        constraints = (models.UniqueConstraint(fields=("kind", "slug"), name="artifact_kind_slug"),)

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.slug}"

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {"P": {"kind": self.kind, "slug": self.slug, "title": self.title}}

    def __str__(self) -> str:
        return self.name


class Version(Auditable):
    """One state of an artifact. Triggers freeze content, digest and number once it is sealed."""

    ledger_type = "registry.version"

    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=12, choices=[(state, state) for state in states.STATES], default=states.DRAFT
    )
    schema = models.CharField(max_length=40)
    content = models.JSONField(null=True)
    digest = models.CharField(max_length=64, null=True)  # noqa: DJ001  (drafts have none)
    restricted = models.BooleanField(default=False)
    based_on = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="next_versions")
    created_by = models.CharField(max_length=80)
    authors = models.JSONField(default=list, help_text="Handles of all who created, edited or submitted it.")
    created_at = models.DateTimeField()
    sealed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("artifact", "-number")
        constraints = (
            models.UniqueConstraint(fields=("artifact", "number"), name="version_number"),
            models.UniqueConstraint(fields=("artifact", "digest"), name="version_digest"),
        )

    @property
    def kind(self) -> str:
        return self.artifact.kind

    @property
    def subject(self) -> str:
        return f"{self.artifact.kind}:{self.artifact.slug}@{self.number}"

    @property
    def is_sealed(self) -> bool:
        return self.state != states.DRAFT

    def parsed(self) -> kinds.base.KindContent:
        """The content as its kind's model. Raises ContentError for an unfinished draft."""
        return kinds.get(self.kind).parse(self.content)

    def disclosed(self, cls: str = "P") -> dict[str, Any] | None:
        """What of the sealed content those may read who read the class; None for drafts, restricted and erased versions."""
        if self.digest is None or self.content is None or self.restricted:
            return None
        kind = kinds.get(self.kind)
        shown = kind.disclosed(self.content)
        return kinds.base.readable(shown, kind.above(shown), cls)

    def disclosed_digest(self, cls: str = "P") -> str | None:
        """Digest of the disclosed content: that of P is `digest` where nothing is internal or for some readers only."""
        content = self.disclosed(cls)
        return None if content is None else kinds.base.digest_of(self.kind, self.schema, content)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "subject": self.subject,
                "kind": self.kind,
                "slug": self.artifact.slug,
                "number": self.number,
                "state": self.state,
                "schema": self.schema,
                "digest": self.digest,
                "disclosed_digest": self.disclosed_digest(),
                "restricted": self.restricted,
                "based_on": self.based_on.subject if self.based_on else None,
                "created_by": self.created_by,
                "authors": sorted(self.authors),
                "created_at": stamp(self.created_at),
                "sealed_at": stamp(self.sealed_at),
            },
            **{cls: {"disclosed_digest": self.disclosed_digest(cls)} for cls in sorted(self._above())},
        }

    def _above(self) -> set[str]:
        """Classes, other than P, of something in the disclosed content."""
        shown = self.disclosed(kinds.base.CLASSES[-1])
        return set() if shown is None else {cls for _, cls in kinds.get(self.kind).above(shown)}

    def ledger_faults(self) -> list[str]:
        if self.digest is None or self.content is None:
            return []
        found = kinds.base.digest_of(self.kind, self.schema, self.content)
        return (
            []
            if found == self.digest
            else [f"{self.subject}: its content has the digest {found}, not {self.digest}"]
        )

    def __str__(self) -> str:
        return self.subject


class Blob(models.Model):
    """Bytes in the store, named by their SHA-256. Never changed; removed only by garbage collection and by an erasure."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField()
    erased = models.BooleanField(default=False, help_text="Its bytes were erased and are not taken again.")

    def __str__(self) -> str:
        return self.sha256


class Erasure(Auditable):
    """What a legal request took away: asked for by one person, done once a second confirms it. Holds no erased value.

    The target is an auditable object; with `version` it is that version as a whole, content and files included.
    """

    ledger_type = "registry.erasure"

    ASKED, DONE = STATES = ("asked", "done")
    ASKED_FOR = (
        "object_type", "object_id", "version", "subject", "classes", "authority", "reason", "asked_by", "asked_at",
    )  # fmt: skip
    OUTCOME = ("parts", "blobs", "confirmed_by", "confirmed_at")

    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    version = models.ForeignKey(Version, null=True, on_delete=models.PROTECT, related_name="erasures")
    subject = models.CharField(max_length=200, help_text="The version's name, else object type and id.")
    classes = models.JSONField(help_text="Visibility classes whose parts go from the object's entries.")
    authority = models.CharField(
        max_length=200, help_text="On what ground, such as an article and a request."
    )
    reason = models.TextField(max_length=10_000)
    state = models.CharField(max_length=8, choices=[(name, name) for name in STATES], default=ASKED)
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    parts = models.JSONField(default=list, help_text="{entry (leaf hash), class, commitment} of what went.")
    blobs = models.JSONField(default=list, help_text="SHA-256 of files whose bytes went.")
    confirmed_by = models.CharField(max_length=80, blank=True)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-asked_at", "id")

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "object": {"type": self.object_type, "id": self.object_id},
                "subject": self.subject,
                "whole_version": self.version_id is not None,
                "digest": self.version.digest if self.version else None,
                "classes": self.classes,
                "authority": self.authority,
                "reason": self.reason,
                "state": self.state,
                "asked_by": self.asked_by,
                "asked_at": stamp(self.asked_at),
                "parts": self.parts,
                "blobs": self.blobs,
                "confirmed_by": self.confirmed_by or None,
                "confirmed_at": stamp(self.confirmed_at),
            }
        }

    def __str__(self) -> str:
        return f"erasure of {self.subject}"


JOB = "job"
"""Part of an activity's summary: what the job needed. It is for authorities, as compute is on a card."""


class Activity(Auditable):
    """Something that happened: it used versions in named roles and produced versions. Started before its results exist.

    `used` and `produced` are lists of {"role", "subject", "digest"}; `Usage` and `Production` index them.
    """

    ledger_type = "registry.activity"

    STARTED, ENDED, FAILED, CANCELLED = "started", "ended", "failed", "cancelled"

    kind = models.CharField(max_length=40)
    label = models.CharField(max_length=200)
    state = models.CharField(max_length=12, default=STARTED)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    used = models.JSONField(default=list)
    produced = models.JSONField(default=list)
    summary = models.JSONField(default=dict)
    by = models.CharField(max_length=80)

    class Meta:
        ordering = ("-started_at", "id")
        verbose_name_plural = "activities"

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "P": {
                "kind": self.kind,
                "label": self.label,
                "state": self.state,
                "started_at": stamp(self.started_at),
                "ended_at": stamp(self.ended_at),
                "summary": {name: item for name, item in self.summary.items() if name != JOB},
                "by": self.by,
                "used": self.used,
                "produced": self.produced,
            },
            **({"R": {JOB: self.summary[JOB]}} if self.summary.get(JOB) else {}),
        }

    def ledger_faults(self) -> list[str]:
        """The index must name what the activity used and produced: evidence finds activities through it."""
        faults = []
        for name, rows, edges in (
            ("used", self.usages, self.used),
            ("produced", self.productions, self.produced),
        ):
            indexed = {(row.role, row.version.digest) for row in rows.select_related("version")}
            if indexed != {(edge["role"], edge["digest"]) for edge in edges}:
                faults.append(f"{self.label}: the index of what it {name} differs; run manage.py reindex")
        return faults

    def __str__(self) -> str:
        return self.label


class Usage(models.Model):
    """Index of `Activity.used`: `activity` used `version` as `role`."""

    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="usages")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="usages")
    role = models.CharField(max_length=40)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("activity", "version", "role"), name="usage_once"),)

    def __str__(self) -> str:
        return f"{self.role} of {self.activity_id}"


class Production(models.Model):
    """Index of `Activity.produced`."""

    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, related_name="productions")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="productions")
    role = models.CharField(max_length=40)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("activity", "version", "role"), name="production_once"),
        )

    def __str__(self) -> str:
        return f"{self.role} of {self.activity_id}"


class Reference(models.Model):
    """Index of the references inside sealed content (rebuilt by `manage.py reindex`; never ledgered)."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="outgoing")
    target = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="incoming")
    role = models.CharField(max_length=40)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("version", "target", "role"), name="reference_once"),)

    def __str__(self) -> str:
        return f"{self.role} of {self.version_id}"


class Citation(models.Model):
    """Index: `version` cites a principle or a rule (rebuilt by `manage.py reindex`; never ledgered)."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="citations")
    area = models.CharField(max_length=12, help_text="Kind of place: a key of citations.AREAS.")
    document = models.CharField(
        max_length=200, help_text="kind:slug; empty where a bare id fits no document."
    )
    number = models.PositiveIntegerField(null=True, help_text="Version of the document, where one is named.")
    name = models.CharField(max_length=200, help_text="Id of the principle or rule.")
    place = models.CharField(max_length=200, help_text="Where in the version, such as a section or a task.")
    count = models.PositiveBigIntegerField(help_text="Rows, items or places that cite it.")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("version", "area", "document", "number", "name", "place"), name="citation_once"
            ),
        )
        indexes = (models.Index(fields=("document", "name"), name="citation_of"),)

    def __str__(self) -> str:
        return f"{self.document}#{self.name} in {self.version_id}"
