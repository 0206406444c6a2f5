"""The OpenAPI document: every operation says how it answers, which header it heeds, and how it refuses."""

from functools import lru_cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from governance.api.idempotency import HEADER, REPLAYED
from governance.api.problems import MEDIA_TYPE, problem

LONGEST_KEY = 255
ALWAYS = (400, 401, 403, 429, 503)
"""Refusals that any request may meet."""
BODY = (409, 411, 413, 415, 422)
"""Those of a request that changes something."""
MEANINGS = {
    400: ("invalid-request", "page_size: A whole number from 1 to 200.", [("page_size", "A whole number from 1 to 200.")]),
    401: ("unauthorized", "No such token. Make one at POST /api/v1/tokens/ or ask for a new one.", []),
    403: ("forbidden", "This needs the group engineer (action registry:version:register).", []),
    404: ("not-found", "There is no 'model:tund'. Did you mean model:tuned?", []),
    406: ("not-acceptable", "This address answers application/json; change the header Accept, or leave it out.", []),
    409: ("refused", "constitution:house@1 is sealed; make a new draft of constitution:house instead.", []),
    411: ("length-required", "Send the body with Content-Length, not with Transfer-Encoding: chunked.", []),
    412: ("precondition-failed", 'The stored state is "3", you read "2"; read it again and repeat the change.', []),
    413: ("too-large", "The body is larger than 5,242,880 bytes. Send files with POST /api/v1/versions/upload/.", []),
    415: ("unsupported-media-type", 'Unsupported media type "text/plain" in request.', []),
    422: (
        "invalid-content",
        "This dataset is not valid: source_type: Field required.",
        [("source_type", "Field required")],
    ),
    428: ("precondition-required", "Send If-Match with the ETag that you read, so that nobody's change is lost.", []),
    429: ("too-many-requests", "You ask too often. Wait 12 seconds, then go on.", []),
    503: ("busy", "The database is busy or full. Nothing was recorded; try again in a moment.", []),
}  # fmt: skip
"""Status → an example of its problem."""
HEADERS = {429: ("Retry-After", {"type": "integer"}), 503: ("Retry-After", {"type": "integer"})}


class FaultOut(serializers.Serializer[Any]):
    field = serializers.CharField(
        allow_blank=True, help_text="Which field, parameter or rule; empty for the whole."
    )
    rule = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField(help_text="`urn:charter:problem:NAME`.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, why, and what to do next.")
    instance = serializers.CharField(help_text="Path of the request.")
    errors = FaultOut(many=True)  # type: ignore[assignment]


class Schema(AutoSchema):
    def _get_parameters(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super()._get_parameters()
        return [*found, key_parameter()] if self.method == "POST" else found

    def _get_response_bodies(self, direction: str = "response") -> Any:
        found = super()._get_response_bodies(direction=direction)  # type: ignore[arg-type]
        component: ResolvedComponent = self.resolve_serializer(Problem, "response")
        refusals = {str(code): self._refusal(code, component.ref) for code in self._codes()}
        default = {"description": "Refused", "content": {MEDIA_TYPE: {"schema": component.ref}}}
        return {
            **refusals,
            **{code: self._told(code, told) for code, told in found.items()},
            "default": default,
        }

    def _codes(self) -> list[int]:
        """Statuses with which this operation may refuse."""
        reading = self.method == "GET"
        found = {*ALWAYS, *((406,) if reading else BODY), *((404,) if "{" in self.path else ())}
        named = {parameter["name"] for parameter in self._get_parameters()}
        return sorted(found | ({412, 428} if "If-Match" in named else set()))

    def _refusal(self, code: int, ref: dict[str, Any]) -> dict[str, Any]:
        """A reference to the refusal with this status, which stands in the document once."""
        name = "".join(HTTPStatus(code).phrase.split())
        found = ResolvedComponent(  # type: ignore[no-untyped-call]
            name, ResolvedComponent.RESPONSE, schema=refusal(code, ref), object=name
        )
        self.registry.register_on_missing(found)
        return found.ref

    def _told(self, code: str, told: dict[str, Any]) -> dict[str, Any]:
        """A good answer with the headers that programs look at."""
        headers = {}
        if self.method == "POST":
            headers[REPLAYED] = header("`true` when an earlier answer is given again.", {"type": "string"})
        if code == "201":
            headers["Location"] = header("Where it is.", {"type": "string", "format": "uri"})
        if code == "200" and self.method == "GET":
            headers["Cache-Control"] = header("What may be kept, and for how long.", {"type": "string"})
            headers["ETag"] = header("Send it back as `If-None-Match`; lists have none.", {"type": "string"})
        description = told.get("description") or HTTPStatus(int(code)).phrase
        return {**told, "description": description, **({"headers": headers} if headers else {})}


def key_parameter() -> dict[str, Any]:
    told = "A new value for each new request; the same one again gives the same answer for 24 hours and does nothing again."
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"}
    return {"name": HEADER, "in": "header", "description": told, "schema": schema}


def header(told: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": told, "schema": schema}


def refusal(code: int, ref: dict[str, Any]) -> dict[str, Any]:
    """A refusal of the document, with an example."""
    name, detail, faults = MEANINGS[code]
    example = problem(code, name, detail, faults, instance="/api/v1/…")
    found: dict[str, Any] = {
        "description": HTTPStatus(code).phrase,
        "content": {MEDIA_TYPE: {"schema": ref, "example": example}},
    }
    if code in HEADERS:
        name, schema = HEADERS[code]
        found["headers"] = {name: header("Seconds to wait.", schema)}
    return found


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The OpenAPI document of this installation. The same for everybody, so it is made once."""
    # Reads the settings of the framework when it is imported.
    from drf_spectacular.generators import SchemaGenerator

    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made
