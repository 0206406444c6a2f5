"""Refusals as problem details (RFC 9457): what happened, which field breaks which rule, and a status that scripts trust."""

import errno
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from governance.api.parsers import TooLarge
from governance.ledger.append import Stale
from governance.ledger.canonical import CanonicalError
from governance.registry.actions import Refused
from governance.registry.blobs import MissingBlob
from governance.registry.importers import BadFile
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import ContentError
from governance.registry.lookup import Ambiguous, Erased, NotFound

MEDIA_TYPE = "application/problem+json"
FULL = {errno.ENOSPC, errno.EDQUOT}
NAMED = {"key_reused": "key-reused", "in_flight": "in-flight"}
"""Codes of refusals that say more than their status."""

Fault = tuple[str, str]
Answer = tuple[int, str, list[Fault]]
"""Status, name of the problem, faults as (field, rule)."""

_answers: dict[type[Exception], Callable[[Any], Answer]] = {}


class PreconditionFailed(exceptions.APIException):
    """`If-Match` names another state than the stored one."""

    status_code = 412
    default_code = "precondition_failed"


class PreconditionRequired(exceptions.APIException):
    """A change that needs `If-Match` came without it."""

    status_code = 428
    default_code = "precondition_required"


def register(kind: type[Exception], answer: Callable[[Any], Answer]) -> None:
    """How exceptions of `kind` and its subclasses are told; rooms above add their own. The nearest registered class decides."""
    _answers[kind] = answer


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The problem for `error`, or None for what is no refusal but a fault of ours, which is logged and answered with 500."""
    answer = next((_answers[kind] for kind in type(error).__mro__ if kind in _answers), None)
    found = answer(error) if answer else None
    if found is None:
        return None
    status, name, faults = found
    return Response(
        problem(status, name, sentence(error, faults), faults, instance=context["request"].path),
        status=status,
        headers=_headers(error),
        content_type=MEDIA_TYPE,
    )


def problem(status: int, name: str, detail: str, faults: list[Fault], *, instance: str) -> dict[str, Any]:
    """The body of a problem at the address `instance`. Whatever a stranger's text holds, it can be written as UTF-8."""
    return {
        "type": f"urn:charter:problem:{name}",
        "title": name.replace("-", " ").capitalize(),
        "status": status,
        "detail": _writable(detail),
        "instance": quote(_writable(instance)),
        "errors": [{"field": _writable(field), "rule": _writable(rule)} for field, rule in faults],
    }


def sentence(error: Exception, faults: list[Fault]) -> str:
    if isinstance(error, exceptions.ValidationError | DjangoValidationError):
        return " ".join(f"{field}: {rule}" if field else rule for field, rule in faults)
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    if isinstance(error, IntegrityError):
        return "Somebody else was first. Nothing was recorded; read what there is now, then try again."
    if isinstance(error, DataError):
        return "A value is too long or too large to be stored. Nothing was recorded."
    if isinstance(error, OperationalError):
        return "The database is busy or full. Nothing was recorded; try again in a moment."
    if isinstance(error, OSError) and not isinstance(error, MissingBlob):
        return (
            f"{error.strerror or 'The disk failed'}. Nothing was recorded; tell the operator, then try again."
        )
    return str(error) or HTTPStatus(404).phrase


def flat(detail: Any, field: str = "") -> Iterator[Fault]:
    """(field, rule) of a serializer's nested errors; fields within fields are joined by dots."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from flat(inner, ".".join(part for part in (field, own) if part))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            yield from flat(inner, f"{field}.{number}" if isinstance(inner, dict | list) else field)
    else:
        yield field, str(detail)


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    if (wait := getattr(error, "wait", None)) or isinstance(error, OperationalError):
        headers["Retry-After"] = str(int(wait or 1))
    return headers


def _writable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _fixed(status: int, name: str, field: str = "") -> Callable[[Any], Answer]:
    return lambda error: (status, name, [(field, str(error))] if field else [])


def _of_framework(error: exceptions.APIException) -> Answer:
    name = NAMED.get(error.default_code) or HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return error.status_code, name, []


def _of_disk(error: OSError) -> Answer | None:
    return (507, "disk-full", []) if error.errno in FULL else None


for _kind, _answer in (
    (exceptions.APIException, _of_framework),
    (exceptions.ValidationError, lambda error: (400, "invalid-request", list(flat(error.detail)))),
    (DjangoValidationError, lambda error: (422, "invalid-values", [("", rule) for rule in error.messages])),
    (ContentError, lambda error: (422, "invalid-content", list(error.faults))),
    (CanonicalError, _fixed(422, "invalid-content", "content")),
    (BadFile, _fixed(422, "invalid-file", "file")),
    (Refused, _fixed(409, "refused")),
    (Stale, _fixed(409, "stale")),
    (UnknownKind, _fixed(404, "not-found")),
    (NotFound, _fixed(404, "not-found")),
    (Erased, _fixed(410, "erased")),
    (Http404, _fixed(404, "not-found")),
    (Ambiguous, _fixed(400, "ambiguous")),
    (PermissionDenied, _fixed(403, "forbidden")),
    (RequestDataTooBig, _fixed(413, "too-large")),
    (TooLarge, _fixed(413, "too-large")),
    (SuspiciousOperation, _fixed(400, "invalid-request")),
    (OSError, _of_disk),
    (MissingBlob, _fixed(503, "bytes-missing")),
    (OperationalError, _fixed(503, "busy")),
    (IntegrityError, lambda error: (409, "conflict", [])),
    (DataError, lambda error: (422, "invalid-values", [])),
):
    register(_kind, _answer)  # type: ignore[arg-type]
