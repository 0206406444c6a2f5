"""Shapes: what comes in (strict) and what goes out."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from governance.api.base import Strict
from governance.registry import erasure, kinds, states
from governance.registry.kinds.base import SLUG_PATTERN, Kind
from governance.registry.lineage import ANCESTRY
from governance.registry.models import Version
from governance.reviews import seats
from governance.reviews.models import Review
from governance.reviews.requirements import CLASSES

ANCESTRIES = sorted(set(ANCESTRY.values()))
MAX_META = 1 << 20

Out = serializers.Serializer[Any]


@extend_schema_field({"type": "object", "additionalProperties": True})
class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object, kept as it came."""

    default_error_messages = {"type": "This must be an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("type")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string"})
class MetaField(serializers.Field[Any, Any, Any, Any]):
    """YAML or JSON as a form field or as a file."""

    default_error_messages = {"large": "Metadata has at most 1 MiB.", "encoding": "Metadata must be UTF-8."}

    def to_internal_value(self, data: Any) -> str:
        raw = data.read(MAX_META + 1) if hasattr(data, "read") else str(data).encode("utf-8", "surrogatepass")
        if len(raw) > MAX_META:
            self.fail("large")
        try:
            return str(raw.decode("utf-8"))
        except UnicodeDecodeError:
            self.fail("encoding")

    def to_representation(self, value: Any) -> Any:
        return value


class KindField(serializers.ChoiceField):
    """The name of an artifact kind."""

    names: ClassVar[list[str]] = sorted(kinds.KINDS)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=self.names, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return kinds.get(str(data)).name
        except kinds.UnknownKind as error:
            raise serializers.ValidationError(str(error)) from error


WRITABLE = sorted(set(kinds.KINDS) - {"release"})


class WritableKindField(KindField):
    """A kind whose versions are written here; releases are composed at their own address."""

    names = WRITABLE

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name == "release":
            raise serializers.ValidationError("Compose releases with POST /api/v1/releases/.")
        return name


def slug_field() -> serializers.RegexField:
    return serializers.RegexField(
        rf"^{SLUG_PATTERN.pattern}\Z",
        error_messages={
            "invalid": "Use 1 to 80 lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit."
        },
    )


class ArtifactFilter(Strict):
    kind = KindField(required=False)
    q = serializers.CharField(required=False, max_length=200, help_text="Part of the slug or of the title.")


class ArtifactOut(Out):
    name = serializers.CharField(help_text="kind:slug")
    kind = serializers.CharField()
    slug = serializers.CharField()
    title = serializers.CharField()
    versions = serializers.IntegerField(source="version_count")
    newest_number = serializers.IntegerField(allow_null=True)
    newest_state = serializers.CharField(allow_null=True)
    newest_digest = serializers.CharField(allow_null=True)


class VersionFilter(Strict):
    kind = KindField(required=False)
    slug = serializers.CharField(required=False, max_length=80)
    state = serializers.ChoiceField(choices=states.STATES, required=False)
    waiting = serializers.BooleanField(
        required=False,
        help_text="`true`: only what waits for your decision, as a reviewer who did not write it.",
    )


class VersionOut(Out):
    subject = serializers.CharField(help_text="kind:slug@number")
    kind = serializers.CharField()
    slug = serializers.CharField(source="artifact.slug")
    number = serializers.IntegerField()
    title = serializers.CharField(source="artifact.title")
    state = serializers.CharField()
    schema = serializers.CharField()
    digest = serializers.CharField(allow_null=True)
    restricted = serializers.BooleanField()
    based_on = serializers.CharField(source="based_on.subject", allow_null=True, default=None)
    created_by = serializers.CharField()
    authors = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    sealed_at = serializers.DateTimeField(allow_null=True)
    revision = serializers.IntegerField(source="ledger_rev", help_text="The ETag of the version.")


class ReviewOut(Out):
    verdict = serializers.ChoiceField(choices=Review.VERDICTS)
    reviewer = serializers.CharField()
    groups = serializers.ListField(
        child=serializers.CharField(), help_text="Groups of reviewers that the person was in then."
    )
    reason = serializers.CharField()
    digest = serializers.CharField()
    draft = serializers.CharField(
        source="draft.subject", allow_null=True, default=None, help_text="Where requested changes are made."
    )
    at = serializers.DateTimeField()


class SeatOut(Out):
    groups = serializers.ListField(child=serializers.CharField(), help_text="Groups that may fill it.")
    filled_by = serializers.CharField(allow_null=True)


class StandingOut(Out):
    impact = serializers.ChoiceField(choices=CLASSES)
    requirements = serializers.CharField(help_text="SHA-256 of the file that demands these seats.")
    seats = SeatOut(many=True)


class VersionDetail(VersionOut):
    content = ObjectField(allow_null=True)
    erased = serializers.SerializerMethodField(
        help_text="In a sentence, when and on what ground the content was erased; null otherwise."
    )
    reviews = ReviewOut(many=True)
    review = serializers.SerializerMethodField(
        help_text="Who must approve a version in review, and who has; null in any other state."
    )

    @extend_schema_field(StandingOut(allow_null=True))
    def get_review(self, version: Version) -> Any:
        return StandingOut(seats.standing(version)).data if version.state == states.IN_REVIEW else None

    def get_erased(self, version: Version) -> str | None:
        return erasure.told(version) if version.is_sealed and version.content is None else None


class ContentOut(Out):
    kind = serializers.CharField()
    schema = serializers.CharField()
    content = ObjectField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A system prompt, sealed at once",
            value={
                "kind": "system-prompt",
                "slug": "plain",
                "title": "Plain",
                "state": "sealed",
                "content": {"text": "You answer in plain words."},
            },
        )
    ]
)
class VersionIn(Strict):
    kind = WritableKindField()
    slug = slug_field()
    content = ObjectField()
    title = serializers.CharField(default="", allow_blank=True, max_length=200)
    state = serializers.ChoiceField(choices=(states.DRAFT, states.SEALED), default=states.DRAFT)
    restricted = serializers.BooleanField(default=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["restricted"] and data["state"] == states.DRAFT:
            raise serializers.ValidationError(
                {"restricted": "Only a sealed version can be registered as restricted."}
            )
        return data


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The whole content", value={"content": {"text": "You answer in plain words, briefly."}}
        )
    ]
)
class DraftIn(Strict):
    content = ObjectField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Rows of a dataset",
            media_type="multipart/form-data",
            value={
                "kind": "dataset",
                "slug": "chats",
                "meta": "description: Chats.\nlicence: CC0-1.0\nsource_type: human\n",
                "file": ["chats.jsonl"],
            },
        )
    ]
)
class UploadIn(Strict):
    kind = WritableKindField()
    slug = slug_field()
    title = serializers.CharField(default="", allow_blank=True, max_length=200)
    restricted = serializers.BooleanField(default=False)
    meta = MetaField(default="", help_text="YAML or JSON with the fields that the file itself does not say.")
    file = serializers.ListField(
        child=serializers.FileField(),
        allow_empty=False,
        max_length=1000,
        help_text="The first file is the main one; of a model, all files.",
    )

    def validate_file(self, files: list[Any]) -> list[Any]:
        names = [file.name for file in files]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise serializers.ValidationError(f"Two files are named {twice[0]}.")
        return files


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "What was read, and why",
            value={
                "digest": "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
                "reason": "Read it; it says what was agreed.",
            },
        )
    ]
)
class DecisionIn(Strict):
    digest = serializers.RegexField(
        r"^[0-9a-f]{64}\Z", help_text="Digest that was read and is decided about."
    )
    reason = serializers.CharField(max_length=10_000)


@extend_schema_serializer(
    examples=[OpenApiExample("Why", value={"reason": "It holds rows without a licence."})]
)
class ReasonIn(Strict):
    reason = serializers.CharField(max_length=10_000)


class DiffFilter(Strict):
    def get_fields(self) -> dict[str, Any]:
        # `from` is a word of the language, so it cannot be an attribute.
        number = serializers.IntegerField(required=False, min_value=1, max_value=10**9 - 1)
        return {"from": number}


class ChangeOut(Out):
    op = serializers.ChoiceField(choices=("add", "remove", "replace"))
    path = serializers.CharField(
        help_text="Place in the content; items with an id, name or path are named by it."
    )
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DiffOut(Out):
    before = serializers.CharField()
    after = serializers.CharField()
    changes = ChangeOut(many=True)
    truncated = serializers.BooleanField()


class FileOut(Out):
    path = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()


class LineageFilter(Strict):
    ancestry = serializers.ChoiceField(choices=ANCESTRIES, required=False)


class EdgeOut(Out):
    version = serializers.CharField(source="version.subject")
    parent = serializers.CharField(source="parent.subject")  # type: ignore[assignment]
    parent_digest = serializers.CharField(source="parent.digest", allow_null=True)
    role = serializers.CharField()
    activity = serializers.UUIDField(source="activity.id", allow_null=True, default=None)


class LineageOut(Out):
    subject = serializers.CharField()
    edges = EdgeOut(many=True)
    truncated = serializers.BooleanField()
    descendants = serializers.ListField(child=serializers.CharField())


class SubjectFilter(Strict):
    subject = serializers.CharField(
        max_length=200, help_text="kind:slug, kind:slug@number, or a slug that is unambiguous."
    )


class NamedEdge(Out):
    role = serializers.CharField()
    subject = serializers.CharField()
    digest = serializers.CharField(allow_null=True)


class KindOut(Out):
    name = serializers.CharField()
    title = serializers.CharField()
    schema = serializers.CharField()
    content = serializers.SerializerMethodField()

    def get_content(self, kind: Kind) -> dict[str, Any]:
        schema: dict[str, Any] = kind.content.model_json_schema()
        return schema


def decided(version: Version) -> dict[str, Any]:
    """What an action answers: the version as it is now."""
    return dict(VersionOut(version).data)
