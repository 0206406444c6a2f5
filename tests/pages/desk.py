"""Polly at the editor: what she opens, types and presses, through HTTP."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.test import Client

from governance.ledger.models import Entry
from governance.registry.models import Artifact, Version
from tests.pages.fields import Fields, fields_of

PLACES = {
    "constitution": "constitution",
    "guideline": "guideline",
    "policy": "policy",
    "system-prompt": "systemprompt",
    "card-text": "cardtext",
}
"""Kind → its part of the admin's addresses."""


def place(kind: str) -> str:
    return f"/admin/registry/{PLACES[kind]}/"


def change(version: Version) -> str:
    return f"{place(version.kind)}{version.artifact_id}/change/"


def newest(kind: str, slug: str) -> Version:
    return Version.objects.select_related("artifact").filter(artifact__kind=kind, artifact__slug=slug)[0]


def text(response: HttpResponse) -> str:
    return response.content.decode()


class Desk:
    """A client at one artifact."""

    def __init__(self, client: Client, kind: str = "constitution", slug: str = "house") -> None:
        self.client, self.kind, self.slug = client, kind, slug

    @property
    def version(self) -> Version:
        return newest(self.kind, self.slug)

    @property
    def address(self) -> str:
        return f"{place(self.kind)}{Artifact.objects.get(kind=self.kind, slug=self.slug).pk}/change/"

    def add(self, **more: Any) -> HttpResponse:
        return self.client.post(f"{place(self.kind)}add/", {"slug": self.slug, **more})

    def form(self) -> Fields:
        """The fields of the open draft's form."""
        return fields_of(text(self.client.get(self.address)))

    def press(self, button: str, form: Mapping[str, str], value: str = "") -> HttpResponse:
        return self.client.post(self.address, {**form, button: value})

    def type(self, button: str, **typed: str) -> HttpResponse:
        """Open the form, type into fields (`__` stands for the dashes of a row), and press a button."""
        named = {f"content-{name.replace('__', '-')}": value for name, value in typed.items()}
        return self.press(button, self.form() | named)

    def entries(self) -> list[tuple[str, str]]:
        """What the ledger says of the newest version."""
        rows = Entry.objects.filter(object_id=str(self.version.pk)).order_by("rev")
        return [(entry.op, entry.actor) for entry in rows]
