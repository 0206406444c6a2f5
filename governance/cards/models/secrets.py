"""What commitments in bundles are salted with."""

from django.db import models

from governance.registry.models import Version


class Secret(models.Model):
    """The secret salt of one version. It never changes, and no entry, bundle or page holds it: with it, values could be guessed."""

    FROZEN = ("version", "salt")

    version = models.OneToOneField(Version, on_delete=models.PROTECT, related_name="secret")
    salt = models.CharField(max_length=64, help_text="32 random bytes in hex.")

    def __str__(self) -> str:
        return f"secret salt of {self.version.subject}"
