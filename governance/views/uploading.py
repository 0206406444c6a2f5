"""Forms with files: bounded before anything reads them, and one clear page where they are too large."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

View = Callable[..., HttpResponse]
UNIT = 1024
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def takes_files(view: View) -> View:
    """For signed-in people; 413 with the limit for a body that announces more, or whose typed text is too long.

    The length comes first: checking the token against forgery reads the whole body.
    """
    protected = csrf_protect(view)

    @csrf_exempt
    @login_required
    @wraps(view)
    def bounded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > settings.CHARTER_UPLOAD_BYTES:
            return too_large(request, "The files are", settings.CHARTER_UPLOAD_BYTES)
        try:
            return protected(request, *args, **kwargs)
        except RequestDataTooBig:
            return too_large(request, "The text in the form is", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    return bounded


def too_large(request: HttpRequest, what: str, limit: int) -> HttpResponse:
    return render(request, "413.html", {"what": what, "limit": size_text(limit)}, status=413)


def size_text(size: float) -> str:
    """A size in bytes in the largest unit that leaves a number of at least one."""
    place = 0
    while size >= UNIT and place < len(UNITS) - 1:
        size, place = size / UNIT, place + 1
    return f"{size:.3g} {UNITS[place]}"
