"""Limits of what a form may send, told on one clear page: Django finds them before any view sees the form."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from governance.admin.adding import LARGEST_FILE
from governance.views.uploading import too_large

View = Callable[..., HttpResponse]


def bounded(view: View) -> View:
    """`view`, which checks the token against forgery itself, with 413 for a body that is too large."""

    # Exempt only on the outside, or the middleware would read the body before us.
    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        largest = LARGEST_FILE + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > largest:
            return too_large(request, "What was sent is", largest)
        try:
            return view(request, *args, **kwargs)
        except RequestDataTooBig:
            return too_large(request, "The text in the form is", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        except (TooManyFieldsSent, TooManyFilesSent):
            # Nothing can be shown of it: nobody has read it.
            return too_many(request)

    return inner


def too_many(request: HttpRequest) -> HttpResponse:
    limit = f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields"
    context = {"what": "The form is", "limit": limit}
    return render(request, "413.html", context, status=413)
