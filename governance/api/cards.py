"""Cards and bundles over HTTP, as of the newest checkpoint or of a size of the ledger that is asked for."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from governance.api import problems
from governance.api.artifacts import VersionDoor
from governance.api.base import Strict
from governance.api.caching import tag_of, tagged
from governance.api.ledger import newest_checkpoint
from governance.cards.bundle import bundle_of
from governance.cards.compose import KINDS, NoCard, card_of
from governance.cards.formats import FORMATS, rendered
from governance.evidence.collect import NoSuchSize
from governance.evidence.records import Inconsistent, NotThen
from governance.ledger.keys import KeyUnavailable
from governance.registry.models import Version

MEDIA_TYPES = tuple(dict.fromkeys(one.media_type for one in FORMATS.values()))
MAX_SIZE = 2**63 - 1
ZIP = "application/zip"


class CardFilter(Strict):
    format = serializers.ChoiceField(
        choices=list(FORMATS),
        required=False,
        help_text="By default what `Accept` asks for, else Markdown with Hugging Face metadata.",
    )
    kind = serializers.ChoiceField(
        choices=sorted(KINDS), required=False, help_text="By default the kind that fits the subject."
    )
    at = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_SIZE,
        help_text="As of this many ledger entries (default: the newest checkpoint).",
    )


class CardOne(VersionDoor):
    filters = CardFilter
    produces = MEDIA_TYPES

    @extend_schema(
        operation_id="versions_card",
        parameters=[CardFilter],
        responses={
            (200, media_type.partition(";")[0]): OpenApiTypes.OBJECT
            if "json" in media_type
            else OpenApiTypes.BINARY
            if media_type == "application/pdf"
            else OpenApiTypes.STR
            for media_type in MEDIA_TYPES
        },
    )
    def get(self, request: Request, **_: str) -> HttpResponseBase:
        """The public card of a model, a release or a dataset. The same version at the same size gives the same bytes."""
        wanted = self.query()
        version = self.readable()
        size = wanted.get("at") or newest_checkpoint().size
        name = wanted.get("format") or self._asked_for()
        data = rendered(card_of(version, size, kind=wanted.get("kind")), name)
        return tagged(HttpResponse(data, content_type=FORMATS[name].media_type), tag_of(data))

    def _asked_for(self) -> str:
        preferred = self.preferred()
        return next(name for name, one in FORMATS.items() if one.media_type == preferred)


class BundleOne(VersionDoor):
    produces = (ZIP,)

    @extend_schema(
        operation_id="versions_bundle",
        responses={(200, ZIP): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    def get(self, request: Request, **_: str) -> HttpResponseBase:
        """The card with all that proves it, signed; `python -m governance.ledger.verify` checks it offline."""
        self.query()
        version = self.readable()
        data = bundle_of(version, newest_checkpoint())
        response = HttpResponse(data, content_type=ZIP)
        response["Content-Disposition"] = content_disposition_header(True, file_name(version)) or "attachment"
        return tagged(response, tag_of(data))


def file_name(version: Version) -> str:
    return f"{version.kind}-{version.artifact.slug}-{version.number}.zip"


def told(status: int, name: str) -> Callable[[Any], problems.Answer]:
    return lambda error: (status, name, [])


problems.register(NoCard, told(404, "no-card"))
problems.register(NotThen, told(404, "not-then"))
problems.register(NoSuchSize, lambda error: (400, "invalid-request", [("at", str(error))]))
problems.register(KeyUnavailable, told(503, "not-signed"))
problems.register(Inconsistent, told(500, "inconsistent"))
