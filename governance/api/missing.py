"""Addresses that do not exist, answered as every other refusal."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from governance.api.base import Door


@extend_schema(exclude=True)
class Missing(Door):
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        slash = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise Http404(f"There is nothing at {request.path}.{slash} What there is, /api/v1/schema/ says.")
