"""Who acts. `User` signs in; `Account` is its ledgered side: the handle that the log carries, groups, active or not."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from governance.ledger.models import Auditable


class User(AbstractUser):
    """A sign-in. Rights come from the account's groups alone; `is_superuser` grants nothing here."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    display_name = models.CharField(max_length=120, blank=True)

    @property
    def handle(self) -> str:
        return self.account.handle

    def __str__(self) -> str:
        return self.display_name or self.username


class Account(Auditable):
    ledger_type = "people.account"

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="account")
    handle = models.SlugField(max_length=40, unique=True, help_text="Pseudonym that the ledger carries.")
    groups = models.JSONField(default=list, blank=True)
    active = models.BooleanField(default=True)
    second_factor = models.BooleanField(default=False, help_text="Whether a second factor is enrolled.")

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "I": {
                "handle": self.handle,
                "groups": sorted(self.groups),
                "active": self.active,
                "second_factor": self.second_factor,
            }
        }

    def __str__(self) -> str:
        return self.handle


class Token(Auditable):
    """An API token: the secret is shown once, its SHA-256 is stored.

    `scopes` are names of actions, `artifacts` the names or `kind:*` that it may change (empty: all), and `refused` says for
    each reason on which day a refusal was last recorded.
    """

    ledger_type = "people.token"
    ledger_blanks = {"I": {"label": "erased"}}

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tokens")
    label = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list, blank=True)
    artifacts = models.JSONField(default=list, blank=True)
    refused = models.JSONField(default=dict, blank=True)
    expires_at = models.DateTimeField()
    revoked = models.BooleanField(default=False)

    def ledger_state(self) -> dict[str, dict[str, Any]]:
        return {
            "I": {
                "account": self.account.handle,
                "label": self.label,
                "scopes": sorted(self.scopes),
                "artifacts": sorted(self.artifacts),
                "refused": dict(self.refused),
                "expires_at": self.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "revoked": self.revoked,
            }
        }

    def __str__(self) -> str:
        return f"{self.label} of {self.account.handle}"


class FactorSecret(models.Model):
    """What checks an account's second factor. Never in the ledger, which knows only whether there is one."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="factor")
    sealed = models.TextField(help_text="The secret, encrypted with a key derived from SECRET_KEY.")
    confirmed = models.BooleanField(default=False, help_text="Whether a first code proved that it was kept.")
    last_step = models.BigIntegerField(default=0, help_text="Time step of the newest code that was taken.")
    recovery = models.JSONField(default=list, help_text="SHA-256 of each recovery code that was not used.")

    def __str__(self) -> str:
        return f"second factor of {self.account.handle}"


class SentForm(models.Model):
    """The one-time key of a form that was sent, so that sending it again does nothing again. Kept for two days."""

    key = models.CharField(max_length=32, primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    led_to = models.CharField(
        max_length=500, blank=True, help_text="Address of what it made; empty meanwhile."
    )
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class KeptAnswer(models.Model):
    """The answer to a POST with an `Idempotency-Key`, so that the same POST does nothing again. Kept for a day.

    Claimed before the work, and answered in the transaction of the work; `status` is null meanwhile.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Keyed hash of what was asked for.")
    claim = models.UUIDField(help_text="Which request works on it.")
    claimed_at = models.DateTimeField(db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "key"), name="kept_answer_key"),)

    def __str__(self) -> str:
        return self.key
