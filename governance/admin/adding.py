"""A new artifact with its first draft, empty or from a file."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from pydantic import ValidationError as SchemaError

from governance.ledger.canonical import CanonicalError
from governance.people.actions import actor_for
from governance.people.permissions import require
from governance.registry import actions, kinds, uploads
from governance.registry.actions import Refused
from governance.registry.importers import BadFile, Imported
from governance.registry.models import Artifact, Version

if TYPE_CHECKING:
    from governance.admin.drafts import TextAdmin

SUFFIXES = (".md", ".markdown", ".yaml", ".yml", ".json", ".txt")
LARGEST_FILE = 5 * 2**20
MOST_TOLD = 5
UNFINISHED = {
    "missing",
    "string_too_short",
    "too_short",
    "string_too_long",
    "string_pattern_mismatch",
    "value_error",
}
"""What an unfinished draft may lack; a file that is wrong in any other way has another shape than the form."""


class AddForm(forms.Form):
    """Name and title of an artifact, and the file that its first draft is made from."""

    slug = forms.CharField(
        label="Name",
        max_length=80,
        help_text="Lower-case letters, digits, dots, - and _. It stands in addresses and cannot be changed.",
    )
    title = forms.CharField(
        max_length=200, required=False, help_text="How lists call it. A file may bring its own."
    )
    file = forms.FileField(
        required=False,
        allow_empty_file=True,
        help_text="A Markdown, YAML, JSON or text file for the first draft, at most 5 MB. Without one it begins empty.",
        widget=forms.FileInput(attrs={"accept": ",".join(SUFFIXES)}),
    )

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.imported = Imported({}, {}, "")

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        try:
            actions.check_slug(slug)
        except Refused as error:
            raise ValidationError(str(error)) from error
        if taken := Artifact.objects.filter(kind=self.kind, slug=slug).first():
            name = kinds.get(self.kind).title.lower()
            raise ValidationError(
                format_html('There is a {} of that name: <a href="{}">open it</a>.', name, address(taken))
            )
        return slug

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file is None:
            return None
        if file.size > LARGEST_FILE:
            raise ValidationError("The file is larger than 5 MB; register it with manage.py register.")
        if not str(file.name).lower().endswith(SUFFIXES):
            raise ValidationError(f"Choose a file that ends in {', '.join(SUFFIXES)}.")
        try:
            self.imported = read(self.kind, file)
        except BadFile as error:
            raise ValidationError(str(error)) from error
        return file


def read(kind: str, file: Any) -> Imported:
    """What the file gives. Raises BadFile, also for content that has another shape than the kind."""
    with tempfile.TemporaryDirectory(prefix="charter-import-") as folder:
        found = uploads.read(kind, [uploads.stored(file, Path(folder))], "")
    try:
        kinds.get(kind).content.model_validate(found.content)
    except SchemaError as error:
        wrong = [one for one in error.errors() if one["type"] not in UNFINISHED]
        told = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in wrong[:MOST_TOLD]]
        if told:
            raise BadFile(f"This is no {kinds.get(kind).title.lower()}: {'; '.join(told)}.") from error
    return found


def add(admin: "TextAdmin", request: HttpRequest) -> HttpResponse:
    """The page that names a new artifact."""
    form = AddForm(admin.kind, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        require(request.user, "registry:version:draft")
        try:
            version = made(admin.kind, form, request)
        except (Refused, CanonicalError) as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, f"{version.subject} is a draft now. Nothing is sealed before you send it to review."
            )
            for note in form.imported.notes[:MOST_TOLD]:
                messages.info(request, note)
            return redirect(address(version.artifact))
    status = 422 if form.errors else 200
    context = admin.context(request, form=form, title=f"New {kinds.get(admin.kind).title.lower()}")
    return render(request, "admin/drafts/add.html", context, status=status)


@transaction.atomic
def made(kind: str, form: AddForm, request: HttpRequest) -> Version:
    data = form.cleaned_data
    title = (data["title"] or form.imported.title)[:200]
    content = form.imported.content
    if "title" in kinds.get(kind).content.model_fields and title:
        content = {"title": title, **content}
    return actions.save_draft(kind, data["slug"], content, title=title, actor=actor_for(request.user))


def address(artifact: Artifact) -> str:
    """The page on which drafts of `artifact` are edited."""
    model = artifact.kind.replace("-", "")
    return reverse(f"admin:registry_{model}_change", args=[artifact.pk])
