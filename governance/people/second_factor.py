"""Second factors: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for who lost it.

The secret is kept encrypted with a key derived from SECRET_KEY; the ledger knows only that there is one. A code is taken
once: its time step must lie behind that of the newest code taken before (RFC 6238, section 5.2).
"""

import base64
import hmac
import secrets
from datetime import UTC, datetime

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.people.actions import fingerprint
from governance.people.events import PeopleEvent
from governance.people.models import Account, FactorSecret

ISSUER = "Charter"
STEP_SECONDS = 30
DRIFT = 1
"""Steps by which a clock may be off, each way."""
RECOVERY_CODES, RECOVERY_BYTES = 10, 10


class WrongCode(ValidationError):
    """The code is none of the present ones, or was used before."""

    def __init__(self) -> None:
        super().__init__("This code is wrong or was used before. Wait for the next one, then try again.")


@transaction.atomic
def begin(account: Account) -> str:
    """A fresh secret in base32, which counts for nothing until a first code confirms it. Raises ValidationError if one is on."""
    if Account.objects.get(pk=account.pk).second_factor:
        raise ValidationError("You have a second factor. Turn it off before you set up another.")
    secret = pyotp.random_base32()
    FactorSecret.objects.update_or_create(
        account=account,
        defaults={"sealed": _seal(secret), "confirmed": False, "last_step": 0, "recovery": []},
    )
    return secret


def pending(account: Account) -> str | None:
    """The secret that waits for its first code, or None."""
    row = FactorSecret.objects.filter(account=account, confirmed=False).first()
    return _open(row.sealed) if row else None


def address(account: Account, secret: str) -> str:
    """The `otpauth:` address that an authenticator app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=account.handle, issuer_name=ISSUER)


@transaction.atomic
def confirm(account: Account, code: str, *, actor: Actor) -> list[str]:
    """Turn the waiting secret on. The recovery codes, which are returned this once. Raises WrongCode, ValidationError."""
    row = FactorSecret.objects.select_for_update().filter(account=account, confirmed=False).first()
    if row is None:
        raise ValidationError("No second factor waits for a code. Begin again.")
    step = _step_of(row, code)
    if step is None:
        raise WrongCode
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    row.confirmed, row.last_step = True, step
    row.recovery = [fingerprint(_plain(one)) for one in codes]
    row.save(update_fields=["confirmed", "last_step", "recovery"])
    account.second_factor = True
    append(account, op=PeopleEvent.FACTOR_ENROLLED, actor=actor, fields=["second_factor"])
    return codes


@transaction.atomic
def show(account: Account, code: str) -> None:
    """Take a code of the app, or a recovery code, and never again. Raises WrongCode."""
    row = FactorSecret.objects.select_for_update().filter(account=account, confirmed=True).first()
    if row is None:
        raise WrongCode
    if (step := _step_of(row, code)) is not None:
        row.last_step = step
    elif (used := fingerprint(_plain(code))) in row.recovery:
        row.recovery = [one for one in row.recovery if one != used]
    else:
        raise WrongCode
    row.save(update_fields=["last_step", "recovery"])


@transaction.atomic
def turn_off(account: Account, code: str, *, actor: Actor) -> None:
    """End one's own second factor, with a code of it. Raises WrongCode."""
    show(account, code)
    _end(account, PeopleEvent.FACTOR_OFF, actor)


@transaction.atomic
def reset(account: Account, *, actor: Actor) -> None:
    """Take away the second factor of somebody who lost it. Raises ValidationError without one, or for one's own."""
    if actor.handle == account.handle:
        raise ValidationError("Nobody resets their own second factor; ask another administrator.")
    if not account.second_factor:
        raise ValidationError(f"The account {account.handle} has no second factor.")
    _end(account, PeopleEvent.FACTOR_RESET, actor)


def _end(account: Account, op: PeopleEvent, actor: Actor) -> None:
    FactorSecret.objects.filter(account=account).delete()
    account.second_factor = False
    append(account, op=op, actor=actor, fields=["second_factor"])


def _step_of(row: FactorSecret, code: str) -> int | None:
    """The step whose code this is, near now and behind the newest that was taken, or None."""
    totp, now = pyotp.TOTP(_open(row.sealed)), int(timezone.now().timestamp()) // STEP_SECONDS
    given = _plain(code)
    for step in range(max(now - DRIFT, row.last_step + 1), now + DRIFT + 1):
        right = totp.at(datetime.fromtimestamp(step * STEP_SECONDS, UTC))
        if hmac.compare_digest(right.encode(), given.encode()):
            return step
    return None


def _plain(code: str) -> str:
    """A code as it is compared: people type spaces and hyphens between its groups."""
    return "".join(code.split()).replace("-", "").lower()


def _recovery_code() -> str:
    text = secrets.token_hex(RECOVERY_BYTES)
    return "-".join(text[place : place + 5] for place in range(0, len(text), 5))


def _seal(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def _open(sealed: str) -> str:
    """Raises ValidationError where SECRET_KEY is another one than when it was sealed."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise ValidationError(
            "This second factor was set up under another SECRET_KEY. Ask an administrator to reset it."
        ) from error


def _fernet() -> Fernet:
    key = HKDF(SHA256(), length=32, salt=None, info=b"charter second factor")
    return Fernet(base64.urlsafe_b64encode(key.derive(settings.SECRET_KEY.encode())))
