"""`Idempotency-Key` (IETF draft): a POST that is sent again does nothing again, and gets the answer of its first time.

A key belongs to a person. It is claimed in the database before the work, so that of two at once one is told to wait, and
answered in the transaction of the work, so that neither stands without the other. A refusal changes nothing and gives the
key back.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from governance.api import parsers
from governance.ledger.append import Stale
from governance.people.models import Account, KeptAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
FORM = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=24)
LEASE, LONG_LEASE = timedelta(minutes=1), timedelta(minutes=15)
"""How long a request may work before another may take over; the long one for uploads and gates. Whoever is overtaken rolls
back: it cannot answer any more."""
HEADERS = ("Location", "ETag")

Handler = Callable[..., HttpResponseBase]


class KeyReused(APIException):
    """The key stands for another request."""

    status_code = 422
    default_code = "key_reused"
    default_detail = f"This {HEADER} was sent with another request before; a new request needs a new key."


class InFlight(APIException):
    """The first request with that key is not answered yet."""

    status_code = 409
    default_code = "in_flight"
    default_detail = f"A request with this {HEADER} is still at work; ask again in a moment for its answer."
    wait = 1


def once(door: Any, handler: Handler) -> Handler:
    """`handler`, made to work once for each key; as it is where the request has none. Raises ValidationError for a key that is none."""
    key = key_of(door.request)
    if key is None or not door.request.user.is_authenticated:
        # A key belongs to a person; what strangers may ask changes nothing.
        return handler
    account = door.person.account
    return lambda request, *args, **kwargs: _answered(
        door, account, key, lambda: handler(request, *args, **kwargs)
    )


def key_of(request: Request) -> str | None:
    """The key, bare or in quotes. Raises ValidationError."""
    text = request.headers.get(HEADER)
    if text is None:
        return None
    key = text.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not FORM.fullmatch(key):
        raise ValidationError({HEADER: "Up to 255 printable characters without spaces, such as a UUID."})
    return key


def _answered(door: Any, account: Account, key: str, work: Callable[[], Any]) -> HttpResponseBase:
    row, mine = _claimed(account, key, _fingerprint(door.request), LONG_LEASE if door.commits else LEASE)
    if not mine:
        return _again(row)
    try:
        if door.commits:
            return _kept(door, row, work())
        with transaction.atomic():
            return _kept(door, row, work())
    except BaseException:
        KeptAnswer.objects.filter(pk=row.pk, claim=row.claim, status=None).delete()
        raise


def _claimed(account: Account, key: str, fingerprint: str, lease: timedelta) -> tuple[KeptAnswer, bool]:
    """The row of the key, and whether its work is ours to do. Raises KeyReused, InFlight."""
    now, claim = timezone.now(), uuid4()
    KeptAnswer.objects.filter(claimed_at__lt=now - KEPT).delete()
    wanted = {"fingerprint": fingerprint, "claim": claim, "claimed_at": now}
    row, made = KeptAnswer.objects.get_or_create(account=account, key=key, defaults=wanted)
    if row.fingerprint != fingerprint:
        raise KeyReused
    if made or row.status is not None:
        return row, made
    dead = KeptAnswer.objects.filter(pk=row.pk, claim=row.claim, status=None, claimed_at__lt=now - lease)
    if not dead.update(claim=claim, claimed_at=now):
        raise InFlight
    row.claim = claim
    return row, True


def _kept(door: Any, row: KeptAnswer, response: Any) -> HttpResponseBase:
    """The response, once it is stored for whoever asks again. Raises Stale when another request took the work over."""
    kept = KeptAnswer.objects.filter(pk=row.pk, claim=row.claim, status=None).update(
        status=response.status_code,
        headers={
            "Content-Type": response.content_type or JSONRenderer.media_type,
            **{name: response[name] for name in HEADERS if name in response},
        },
        body=JSONRenderer().render(door.kept(response.data)).decode(),
    )
    if not kept:
        raise Stale(f"another request with this {HEADER} took over; ask again for its answer")
    found: HttpResponseBase = response
    return found


def _again(row: KeptAnswer) -> HttpResponse:
    return HttpResponse(row.body, status=row.status, headers={**row.headers, REPLAYED: "true"})


def _fingerprint(request: Request) -> str:
    """A keyed hash of what is asked for: bodies may hold passwords, which a plain hash would give away to guessing."""
    told = [request.method, request.get_full_path(), _told(request.data)]
    text = json.dumps(told, sort_keys=True, default=str)
    return salted_hmac("charter.idempotency", text, algorithm="sha256").hexdigest()


def _told(data: Any) -> Any:
    """A body as JSON; files by their hash. The same form has another boundary each time that it is sent."""
    if not isinstance(data, QueryDict):
        return data
    return [[name, [_one(value) for value in values]] for name, values in sorted(data.lists())]


def _one(value: Any) -> Any:
    return [value.name, parsers.sha256_of(value)] if hasattr(value, "chunks") else value
