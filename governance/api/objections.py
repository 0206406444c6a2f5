"""Objections over HTTP: anybody raises one and reads it by its receipt number; those who handle them answer."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api import problems
from governance.api.base import Door, Strict
from governance.api.caching import NEVER, tagged
from governance.api.idempotency import HEADER
from governance.api.permissions import Permitted
from governance.api.throttling import TooMany
from governance.cards import objections
from governance.cards.models import Objection
from governance.ledger.models import Entry
from governance.people.permissions import may
from governance.registry import lookup

OUTCOMES = Objection.OUTCOMES
DECISIONS = (*OUTCOMES, Objection.REJECTED)


class ReceiptOut(serializers.Serializer[Any]):
    """What whoever holds the receipt number reads."""

    receipt = serializers.CharField(help_text="The only key to it; keep it.")
    subject = serializers.CharField(source="version.subject")
    digest = serializers.CharField()
    anchor = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    state = serializers.CharField(help_text="open, answered or rejected.")
    outcome = serializers.CharField(allow_blank=True, help_text="upheld, partly or not_upheld.")
    answer = serializers.CharField(allow_blank=True)
    changed = serializers.CharField(
        allow_blank=True, help_text="Version or decision (entry:N) that changed by it."
    )
    answered_by = serializers.CharField(allow_blank=True)
    answered_at = serializers.DateTimeField(allow_null=True)
    entries = serializers.SerializerMethodField(help_text="Leaf hashes of its entries, oldest first.")

    def get_entries(self, one: Objection) -> list[str]:
        rows = Entry.objects.filter(object_type=Objection.ledger_type, object_id=str(one.pk)).order_by("rev")
        return list(rows.values_list("leaf_hash", flat=True))


class ObjectionOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subject = serializers.CharField(source="version.subject")
    digest = serializers.CharField()
    anchor = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    contact = serializers.SerializerMethodField(help_text="Empty for those who do not answer objections.")
    raised_by = serializers.CharField(allow_blank=True, help_text="Empty for somebody without account.")
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    state = serializers.CharField(help_text="open, answered or rejected.")
    outcome = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True)
    changed = serializers.CharField(allow_blank=True)
    answered_by = serializers.CharField(allow_blank=True)
    answered_at = serializers.DateTimeField(allow_null=True)

    def get_contact(self, one: Objection) -> str:
        return one.contact if may(self.context["request"].user, objections.ACTION) else ""


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "To a rule that a card names",
            value={
                "subject": "constitution:house@1",
                "anchor": "no-harm",
                "text": "It refuses to explain how to report violence.",
            },
        )
    ]
)
class ObjectionIn(Strict):
    subject = serializers.CharField(
        max_length=200, help_text="kind:slug@number that is published, or that a published card names."
    )
    anchor = serializers.CharField(
        max_length=120,
        default="",
        allow_blank=True,
        help_text="Field of the card, or id of a principle or rule; empty: the whole.",
    )
    text = serializers.CharField(max_length=objections.MAX_TEXT)
    contact = serializers.CharField(
        max_length=objections.MAX_CONTACT,
        default="",
        allow_blank=True,
        help_text="Personal: only those who answer see it.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Upheld",
            value={"decision": "upheld", "answer": "You are right.", "changed": "constitution:house@2"},
        )
    ]
)
class ObjectionAnswerIn(Strict):
    decision = serializers.ChoiceField(
        choices=DECISIONS, help_text="The outcome; `rejected` for what is no objection."
    )
    answer = serializers.CharField(max_length=objections.MAX_TEXT, help_text="Public. Name no person.")
    changed = serializers.CharField(
        max_length=200, default="", allow_blank=True, help_text="kind:slug@number, or entry:N of a decision."
    )


class ObjectionFilter(Strict):
    state = serializers.ChoiceField(choices=Objection.STATES, required=False)


class AnybodyRaises(Permitted):
    """Raising one needs no account; a session or token that comes with it must be good, and everything else needs one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method == "POST" and not request.user.is_authenticated:
            return True
        return super().has_permission(request, view)


class ObjectionList(Door):
    filters = ObjectionFilter
    order = ("-at", "id")
    permission_classes = [AnybodyRaises]
    serializer_class = ObjectionOut

    @extend_schema(
        operation_id="objections_list", parameters=[ObjectionFilter], responses=ObjectionOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """Objections, newest first."""
        return self.paged(Objection.objects.filter(**self.query()).select_related("version__artifact"))

    def touches(self) -> list[str]:
        return [self.given("subject").partition("@")[0]]

    @extend_schema(operation_id="objections_create", request=ObjectionIn, responses={201: ReceiptOut})
    def post(self, request: Request) -> Response:
        """Object to a published card, or to a rule that one names. Needs no account; the answer holds the receipt number."""
        given = self.body(ObjectionIn)
        if HEADER in request.headers and not request.user.is_authenticated:
            raise serializers.ValidationError({HEADER: "This needs an account; leave it out."})
        if seconds := objections.wait(request):
            raise TooMany("Too many objections came from here.", seconds)
        actor = self.actor if request.user.is_authenticated else objections.PUBLIC
        made = objections.raise_objection(given.pop("subject"), **given, actor=actor)
        where = reverse("receipt", args=(made.receipt,), request=request)
        told = ReceiptOut(made).data
        return Response(
            told, status=status.HTTP_201_CREATED, headers={"Location": where, "Cache-Control": NEVER}
        )


class ObjectionDoor(Door):
    """One objection, found by the id in the address."""

    serializer_class = ObjectionOut

    def found(self) -> Objection:
        """Raises NotFound."""
        one = Objection.objects.select_related("version__artifact").filter(pk=self.kwargs["id"]).first()
        if one is None:
            raise lookup.NotFound(f"There is no objection {self.kwargs['id']}.")
        return one


class ObjectionOne(ObjectionDoor):
    @extend_schema(operation_id="objections_get")
    def get(self, request: Request, **_: str) -> Any:
        """One objection and what came of it."""
        self.query()
        one = self.found()
        contact = "-contact" if may(self.person, objections.ACTION) else ""
        return tagged(Response(self.get_serializer(one).data), f"{one.ledger_rev}{contact}")


class ObjectionAnswer(ObjectionDoor):
    does = {"POST": objections.ACTION}

    def touches(self) -> list[str]:
        return [self.found().version.artifact.name]

    @extend_schema(operation_id="objections_answer", request=ObjectionAnswerIn)
    def post(self, request: Request, **_: str) -> Response:
        """Answer it, or reject it. Whoever wrote the version, or raised the objection, cannot."""
        given, one = self.body(ObjectionAnswerIn), self.found()
        if given["decision"] == Objection.REJECTED:
            if given["changed"]:
                raise serializers.ValidationError({"changed": "What was rejected changed nothing."})
            objections.reject(one, reason=given["answer"], actor=self.actor)
        else:
            told = {"outcome": given["decision"], "text": given["answer"], "changed": given["changed"]}
            objections.answer(one, **told, actor=self.actor)
        return Response(self.get_serializer(one).data)


problems.register(objections.NotPublic, lambda error: (404, "not-found", []))
