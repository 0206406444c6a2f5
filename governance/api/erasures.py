"""Erasures of personal data: asked for by one administrator, confirmed by another. What they took away stands nowhere here."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api.base import Door, Strict
from governance.api.caching import tagged
from governance.ledger.append import CLASSES
from governance.registry import erasure, lookup, scrub
from governance.registry.models import Erasure


class PartOut(serializers.Serializer[Any]):
    entry = serializers.CharField(help_text="Leaf hash.")

    def get_fields(self) -> dict[str, Any]:
        # `class` is a word of the language, so it cannot be an attribute.
        return {
            **super().get_fields(),
            "class": serializers.CharField(),
            "commitment": serializers.CharField(help_text="It stays in the entry."),
        }


class PlanOut(serializers.Serializer[Any]):
    parts = PartOut(many=True)
    blobs = serializers.ListField(child=serializers.CharField(), help_text="SHA-256 of files that go.")
    shared = serializers.DictField(
        child=serializers.CharField(), help_text="SHA-256 of files that stay → version that needs them."
    )
    paths = serializers.ListField(child=serializers.CharField(), help_text="Derived files and run folders.")
    stays = serializers.ListField(child=serializers.CharField(), help_text="What stays here, in sentences.")
    remains = serializers.ListField(
        child=serializers.CharField(), help_text="Where it may go on existing beyond reach, in sentences."
    )


class ErasureOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subject = serializers.CharField(help_text="The version's name, else object type and id.")
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    whole_version = serializers.BooleanField(source="version_id", help_text="Or only classes of entries.")
    classes = serializers.ListField(child=serializers.CharField())
    authority = serializers.CharField()
    reason = serializers.CharField()
    state = serializers.CharField(help_text="`asked`, or `done` once a second administrator confirmed it.")
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    confirmed_by = serializers.CharField(allow_blank=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    parts = PartOut(many=True, help_text="Parts of entries that went.")
    blobs = serializers.ListField(child=serializers.CharField(), help_text="SHA-256 of files that went.")


class ConfirmedOut(ErasureOut):
    left = serializers.ListField(
        child=serializers.CharField(), help_text="What must be tried again with manage.py erase --finish."
    )
    remains = serializers.ListField(
        child=serializers.CharField(), help_text="Where it may go on existing beyond reach, in sentences."
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A version as a whole",
            value={
                "subject": "dataset:chats@2",
                "authority": "GDPR Art. 17, request 2026/14",
                "reason": "A person whose messages it holds withdrew consent.",
            },
        )
    ]
)
class ErasureIn(Strict):
    subject = serializers.CharField(required=False, max_length=200, help_text="kind:slug@number.")
    object_type = serializers.CharField(required=False, max_length=64, help_text="Such as training.run.")
    object_id = serializers.CharField(required=False, max_length=64)
    classes = serializers.ListField(
        child=serializers.ChoiceField(choices=CLASSES),
        default=list(erasure.PERSONAL),
        max_length=len(CLASSES),
        help_text="Classes of the entries' parts that go.",
    )
    authority = serializers.CharField(max_length=200, help_text="On what ground. Public: name no person.")
    reason = serializers.CharField(max_length=10_000, help_text="Why. Public: name no person.")

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        pair = {"object_type", "object_id"} & data.keys()
        if ("subject" in data) == (len(pair) == 2) or len(pair) == 1:
            raise serializers.ValidationError(
                {"subject": "Name a version, or an object by object_type and object_id."}
            )
        return data


class ErasureFilter(Strict):
    state = serializers.ChoiceField(choices=Erasure.STATES, required=False)


class ErasureList(Door):
    does = {"POST": erasure.ACTION}
    filters = ErasureFilter
    order = ("-asked_at", "id")
    serializer_class = ErasureOut

    @extend_schema(operation_id="erasures_list", parameters=[ErasureFilter], responses=ErasureOut(many=True))
    def get(self, request: Request) -> Response:
        """Erasures that were asked for, newest first."""
        return self.paged(Erasure.objects.filter(**self.query()))

    @extend_schema(operation_id="erasures_create", request=ErasureIn, responses={201: ErasureOut})
    def post(self, request: Request) -> Response:
        """Ask for an erasure. Nothing goes until another administrator confirms it."""
        given = self.body(ErasureIn)
        subject = given.pop("subject", None)
        place = (given.pop("object_type", ""), given.pop("object_id", ""))
        target = lookup.find(subject) if subject else erasure.target_of(*place)
        asked = erasure.ask(target, **given, whole=subject is not None, actor=self.actor)
        where = reverse("api:erasure", args=(asked.pk,), request=request)
        return Response(ErasureOut(asked).data, status=status.HTTP_201_CREATED, headers={"Location": where})


class ErasureDoor(Door):
    """One erasure, found by the id in the address."""

    def found(self) -> Erasure:
        """Raises NotFound."""
        one = Erasure.objects.select_related("version__artifact").filter(pk=self.kwargs["id"]).first()
        if one is None:
            raise lookup.NotFound(f"There is no erasure {self.kwargs['id']}.")
        return one


class ErasureOne(ErasureDoor):
    serializer_class = ErasureOut

    @extend_schema(operation_id="erasures_get")
    def get(self, request: Request, **_: str) -> Any:
        """One erasure: what was asked for, on what ground, and once it is done, which parts and files went."""
        self.query()
        one = self.found()
        return tagged(Response(ErasureOut(one).data), str(one.ledger_rev))


class ErasurePlan(ErasureDoor):
    does = {"GET": erasure.ACTION}
    serializer_class = PlanOut

    @extend_schema(operation_id="erasures_plan")
    def get(self, request: Request, **_: str) -> Response:
        """What confirming it would take away, and what would stay."""
        self.query()
        one = self.found()
        target = erasure.target_of(one.object_type, one.object_id)
        plan = erasure.preview(target, one.classes, whole=one.version_id is not None)
        return Response(PlanOut(vars(plan)).data)


class ErasureConfirm(ErasureDoor):
    does = {"POST": erasure.ACTION}
    commits = True
    serializer_class = ConfirmedOut

    @extend_schema(operation_id="erasures_confirm", request=None)
    def post(self, request: Request, **_: str) -> Response:
        """Carry it out, for good. Whoever asked for it cannot. `left` names what could not be removed from the disk yet."""
        self.body()
        one = self.found()
        outcome = erasure.confirm(one, actor=self.actor)
        told = {**ErasureOut(one).data, "left": outcome.left, "remains": scrub.remains()}
        return Response(told)
