"""What no endpoint answers: addresses that do not exist, and faults outside of them, told as every other refusal."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from governance.api.base import Door
from governance.api.problems import MEDIA_TYPE, problem

PREFIX = "/api/"


@extend_schema(exclude=True)
class Missing(Door):
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        slash = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise Http404(f"There is nothing at {request.path}.{slash} What there is, /api/v1/schema/ says.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: a request that Django refuses before any view sees it."""
    if request.path.startswith(PREFIX):
        return _told(
            request, 400, "invalid-request", "The request cannot be read: check its headers and its form."
        )
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a fault of ours, which is logged. Never says which."""
    if request.path.startswith(PREFIX):
        return _told(
            request, 500, "fault", "Charter failed here. It is logged; tell the operator when it was."
        )
    return defaults.server_error(request)


def _told(request: HttpRequest, status: int, name: str, detail: str) -> HttpResponse:
    body = problem(status, name, detail, [], instance=request.path)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
