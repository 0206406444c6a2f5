"""The OpenAPI document at its address, for whoever asks: it says nothing that the source code does not."""

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door
from governance.api.caching import tag_of, tagged
from governance.api.schema import document


@extend_schema(exclude=True)
class Document(Door):
    permission_classes = []

    def get(self, request: Request) -> HttpResponseBase:
        self.query()
        return tagged(Response(document()), tag_of(document()))
