"""Rows to try the ledger on: artifacts, whose title may change."""

from django.db import connection, transaction

from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.models import Entry
from governance.registry.events import RegistryEvent
from governance.registry.models import Artifact

ADA = Actor.person("ada")
OP = RegistryEvent.ARTIFACT_CREATED


def make(slug: str = "house", title: str = "House rules") -> Artifact:
    artifact = Artifact(kind="constitution", slug=slug, title=title)
    with transaction.atomic():
        append(artifact, op=OP, actor=ADA, summary={"I": {"why": "a test"}})
    return artifact


def retitle(artifact: Artifact, title: str) -> Entry:
    artifact.title = title
    with transaction.atomic():
        return append(artifact, op=OP, actor=ADA, fields=["title"])


def make_many(count: int) -> list[Artifact]:
    return [make(f"rules-{number}") for number in range(count)]


def execute(statement: str, *parameters: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
