"""RFC 3161 timestamps: an authority outside signs that a checkpoint existed by then. One a day is asked for.

A checkpoint says what the log held, not when; whoever holds the log's key could sign one with an old date. The token
covers the log's own note (without cosignatures), and `openssl ts -verify` checks it without any of this.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import rfc3161_client as rfc3161
from cryptography.x509 import load_pem_x509_certificates
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance.ledger import web
from governance.ledger.models import Checkpoint, Timestamp

EVERY = timedelta(hours=24)
TIMEOUT_SECONDS = 20
MAX_ANSWER = 64 * 1024


class NotStamped(Exception):
    """The authority does not answer, or its token does not hold. The checkpoint stands without it."""


def due() -> bool:
    """Whether an authority is set and a day has passed since its last token."""
    if not settings.LEDGER_TSA_URL:
        return False
    newest = Timestamp.objects.filter(authority=settings.LEDGER_TSA_URL).order_by("-at").first()
    return newest is None or timezone.now() - newest.at >= EVERY


def stamp(checkpoint: Checkpoint) -> Timestamp:
    """Ask the authority at LEDGER_TSA_URL for a token over the checkpoint's note, check it, and keep it.

    Raises NotStamped with what went wrong.
    """
    authority = settings.LEDGER_TSA_URL
    if not authority:
        raise NotStamped(
            "no authority is set: give LEDGER_TSA_URL its address and LEDGER_TSA_ROOTS its certificates"
        )
    note = checkpoint.note.encode()
    request = (
        rfc3161.TimestampRequestBuilder().data(note).nonce(nonce=True).cert_request(cert_request=True).build()
    )
    answer = _send(authority, request.as_bytes())
    moment = check(answer, note, Path(settings.LEDGER_TSA_ROOTS), request)
    try:
        with transaction.atomic():
            return Timestamp.objects.create(
                checkpoint=checkpoint, authority=authority, token=answer, at=moment
            )
    except IntegrityError:
        return Timestamp.objects.get(checkpoint=checkpoint, authority=authority)


def check(
    answer: bytes, message: bytes, roots: Path, request: rfc3161.TimeStampRequest | None = None
) -> datetime:
    """When the token says that `message` existed, if it holds under the PEM certificates in `roots`. Raises NotStamped."""
    try:
        certificates = load_pem_x509_certificates(roots.read_bytes())
        response = rfc3161.decode_timestamp_response(answer)
        builder = rfc3161.VerifierBuilder.from_request(request) if request else rfc3161.VerifierBuilder()
        for certificate in certificates:
            builder = builder.add_root_certificate(certificate)
        if not builder.build().verify_message(response, message):
            raise NotStamped("the timestamp is over something else")
    except (OSError, ValueError, rfc3161.VerificationError) as error:
        raise NotStamped(f"the timestamp does not hold: {error}") from error
    moment: datetime = response.tst_info.gen_time
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _send(authority: str, query: bytes) -> bytes:
    headers = {"Content-Type": "application/timestamp-query"}
    try:
        answer = web.ask(authority, query, headers, timeout=TIMEOUT_SECONDS, most=MAX_ANSWER)
    except web.Unreachable as error:
        raise NotStamped(f"LEDGER_TSA_URL: {error}") from error
    if answer.status != 200:
        raise NotStamped(f"{authority} answers {answer.status}")
    return answer.body
