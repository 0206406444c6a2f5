"""Artifacts of one kind each, under the names that the editors know: a proxy a kind, so that each has its own admin."""

from typing import Any, ClassVar

from django.db import models

from governance.registry.models import Artifact


class OfKind(models.Manager[Any]):
    """The artifacts of one kind."""

    def __init__(self, kind: str = "") -> None:
        super().__init__()
        self.kind = kind

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(kind=self.kind)


# Rights follow the account's groups (governance.people.permissions): Django's permission rows would give none.
class Constitution(Artifact):
    objects: ClassVar[OfKind] = OfKind("constitution")

    class Meta:
        proxy = True
        default_permissions = ()


class Guideline(Artifact):
    objects: ClassVar[OfKind] = OfKind("guideline")

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = "rater guideline"


class Policy(Artifact):
    objects: ClassVar[OfKind] = OfKind("policy")

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name_plural = "policies"


class SystemPrompt(Artifact):
    objects: ClassVar[OfKind] = OfKind("system-prompt")

    class Meta:
        proxy = True
        default_permissions = ()


class CardText(Artifact):
    objects: ClassVar[OfKind] = OfKind("card-text")

    class Meta:
        proxy = True
        default_permissions = ()
