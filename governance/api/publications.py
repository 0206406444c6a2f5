"""Published cards over HTTP: published and withdrawn by those who may. What they hold is read without account below /public/."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api.base import Door, Strict
from governance.api.caching import tagged
from governance.cards import publication
from governance.cards.compose import KINDS
from governance.cards.models import Publication
from governance.registry import lookup
from governance.registry.access import require_read


class PublicationOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    subject = serializers.CharField(source="version.subject")
    digest = serializers.CharField()
    kind = serializers.CharField(help_text="Kind of card.")
    evidence_size = serializers.IntegerField(help_text="Size of the ledger that it is about.")
    evidence_digest = serializers.CharField()
    files = serializers.DictField(
        child=serializers.CharField(), help_text="Rendering → SHA-256 of its bytes."
    )
    at = serializers.DateTimeField()
    by = serializers.CharField()
    state = serializers.CharField(help_text="published or withdrawn.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it was withdrawn.")
    withdrawn_by = serializers.CharField(allow_blank=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)


@extend_schema_serializer(
    examples=[OpenApiExample("The card of a release", value={"subject": "release:assistant@1"})]
)
class PublicationIn(Strict):
    subject = serializers.CharField(
        max_length=200, help_text="kind:slug[@number]; without a number the newest sealed."
    )
    kind = serializers.ChoiceField(
        choices=sorted(KINDS), required=False, help_text="By default the kind that fits the subject."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("With the reason", value={"reason": "A figure was wrong."})]
)
class WithdrawIn(Strict):
    reason = serializers.CharField(max_length=publication.MAX_REASON, help_text="Anybody reads it.")


class PublicationFilter(Strict):
    state = serializers.ChoiceField(choices=Publication.STATES, required=False)


class PublicationList(Door):
    does = {"POST": publication.ACTION}
    filters = PublicationFilter
    order = ("-at", "id")
    commits = True
    serializer_class = PublicationOut

    @extend_schema(
        operation_id="publications_list", parameters=[PublicationFilter], responses=PublicationOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """Published and withdrawn cards, newest first."""
        return self.paged(Publication.objects.filter(**self.query()).select_related("version__artifact"))

    def touches(self) -> list[str]:
        return [self.given("subject").partition("@")[0]]

    @extend_schema(operation_id="publications_create", request=PublicationIn, responses={201: PublicationOut})
    def post(self, request: Request) -> Response:
        """Publish the card of an approved version: settles the ledger and freezes the card at that size."""
        given = self.body(PublicationIn)
        version = lookup.find(given["subject"])
        require_read(self.person, version)
        made = publication.publish(version, kind=given.get("kind"), actor=self.actor)
        where = reverse("api:publication", args=(made.pk,), request=request)
        return Response(
            PublicationOut(made).data, status=status.HTTP_201_CREATED, headers={"Location": where}
        )


class PublicationDoor(Door):
    """One publication, found by the id in the address."""

    serializer_class = PublicationOut

    def found(self) -> Publication:
        """Raises NotFound."""
        one = Publication.objects.select_related("version__artifact").filter(pk=self.kwargs["id"]).first()
        if one is None:
            raise lookup.NotFound(f"There is no publication {self.kwargs['id']}.")
        return one


class PublicationOne(PublicationDoor):
    @extend_schema(operation_id="publications_get")
    def get(self, request: Request, **_: str) -> Any:
        """One publication: which bytes, since when, and whether it was withdrawn."""
        self.query()
        one = self.found()
        return tagged(Response(PublicationOut(one).data), str(one.ledger_rev))


class PublicationWithdraw(PublicationDoor):
    does = {"POST": publication.ACTION}

    def touches(self) -> list[str]:
        return [self.found().version.artifact.name]

    @extend_schema(operation_id="publications_withdraw", request=WithdrawIn)
    def post(self, request: Request, **_: str) -> Response:
        """Show this card no more, nor what was published of it before; its digest and the reason stay public."""
        given = self.body(WithdrawIn)
        return Response(PublicationOut(publication.withdraw(self.found(), **given, actor=self.actor)).data)
