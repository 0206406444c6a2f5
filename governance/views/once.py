"""A form does its work once, however often it is sent: its one-time key is claimed in the database before the work."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone

from governance.people.models import Account, SentForm

FIELD = "once"
KEPT = timedelta(days=2)
KEY = re.compile(r"[0-9a-f]{32}")


class NoKey(ValueError):
    """The form carries no key that this installation could have made."""


class Repeated(Exception):
    """The form was sent before. `led_to` is where that led, empty while its work goes on."""

    def __init__(self, led_to: str) -> None:
        super().__init__(led_to)
        self.led_to = led_to


def new_key() -> str:
    return secrets.token_hex(16)


@contextmanager
def once(account: Account, key: str) -> Iterator[SentForm]:
    """Claim the key, do the work, keep where it led (set `led_to`). Work that raises gives the key back.

    Raises NoKey, Repeated. Dying within leaves the key claimed, so that nothing is done twice.
    """
    sent = _claimed(account, key)
    try:
        yield sent
    except BaseException:
        sent.delete()
        raise
    sent.save(update_fields=["led_to"])


def _claimed(account: Account, key: str) -> SentForm:
    if not KEY.fullmatch(key):
        raise NoKey("This form was not made by this page. Check it, and send it again.")
    now = timezone.now()
    SentForm.objects.filter(at__lt=now - KEPT).delete()
    try:
        with transaction.atomic():
            return SentForm.objects.create(key=key, account=account, at=now)
    except IntegrityError:
        before = SentForm.objects.filter(key=key, account=account).first()
        raise Repeated(before.led_to if before else "") from None


def again(request: HttpRequest, repeated: Repeated, otherwise: str) -> HttpResponseRedirect:
    """Lead a form that was sent twice to what its first sending made, or to the address `otherwise`."""
    if repeated.led_to:
        messages.info(request, "This form was sent before; nothing was done twice. Here is what it made.")
        return redirect(repeated.led_to)
    messages.warning(
        request,
        "This form was sent before, and its work is not finished. Look here in a moment before you send another.",
    )
    return redirect(otherwise)
