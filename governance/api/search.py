"""Search: what is registered and decided, by the words in it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door, Strict
from governance.api.serializers import KindField, Out
from governance.registry import search


class TypeField(serializers.ChoiceField):
    """What kind of thing is looked for; rooms register theirs when Django starts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(search.known()), **kwargs)


class SearchFilter(Strict):
    q = serializers.CharField(
        min_length=1,
        max_length=search.LONGEST_QUERY,
        help_text="Words that must all be there; the last one may be unfinished. Nothing is an operator.",
    )
    type = TypeField(required=False)
    kind = KindField(required=False)


class PieceOut(Out):
    text = serializers.CharField()
    marked = serializers.BooleanField(help_text="Whether this is what was looked for.")


class ResultOut(Out):
    type = TypeField()
    id = serializers.CharField()
    name = serializers.CharField(source="shown.name")
    title = serializers.CharField(source="shown.title")
    kind = serializers.CharField(source="shown.kind", help_text="Artifact kind; empty where there is none.")
    state = serializers.CharField(source="shown.state", help_text="Today's state; empty where there is none.")
    restricted = serializers.BooleanField(source="shown.restricted")
    page = serializers.CharField(source="shown.address", help_text="Path of its page in the browser.")
    passage = PieceOut(many=True)


class Search(Door):
    filters = SearchFilter
    order = ()
    serializer_class = ResultOut

    @extend_schema(operation_id="search", parameters=[SearchFilter], responses=ResultOut(many=True))
    def get(self, request: Request) -> Response:
        """What holds all the words of `q`, best first. Of restricted versions the names are found, never the content."""
        wanted = self.query()
        try:
            found = search.find(wanted["q"], type=wanted.get("type", ""), kind=wanted.get("kind", ""))
        except search.BadQuery as error:
            raise serializers.ValidationError({"q": str(error)}) from error
        return self.paged(found)
