"""Bring something in: choose a kind, then one form for its files, its text and what neither of them says."""

import errno
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_safe

from governance.ledger.canonical import CanonicalError
from governance.people.actions import actor_for
from governance.people.permissions import may, require, table
from governance.registry import actions, hooks, kinds, lookup
from governance.registry.access import require_read, require_write, write_action
from governance.registry.actions import Refused
from governance.registry.importers import BadFile, Imported
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import ContentError, Kind, plain
from governance.registry.models import Artifact, Version
from governance.views.inputs import YES_NO, Form, Input, dumped
from governance.views.naming import LONGEST_TITLE, check_naming
from governance.views.once import FIELD, NoKey, Repeated, again, new_key, once
from governance.views.schema import places_in, places_of
from governance.views.suggestions import MOST
from governance.views.uploading import takes_files
from governance.views.ways import TEXT, form_for, read, way_of

REGISTER = "registry:version:register"
FULL = {errno.ENOSPC, errno.EDQUOT}


@login_required
@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """The kinds that this person writes, and who writes the others."""
    mine: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for kind in kinds.KINDS.values():
        composed = kind.name == "release"
        action = "releases:release:compose" if composed else write_action(kind.name)
        address = reverse("compose") if composed else reverse("new-version", args=[kind.name])
        row = {
            "title": kind.title,
            "about": about(kind),
            "address": address,
            "groups": sorted(table()[action]),
        }
        able = may(request.user, action) and (composed or may(request.user, REGISTER))
        (mine if able else others).append(row)
    return render(request, "governance/new.html", {"kinds": mine, "others": others})


def about(kind: Kind) -> str:
    """What the kind is: the first paragraph of its module."""
    return (sys.modules[kind.content.__module__].__doc__ or "").partition("\n\n")[0]


@takes_files
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest, kind: str) -> HttpResponse:
    found = writable(request, kind)
    if request.method != "POST":
        return _opened(request, found)
    form = form_for(found, places_in(request.POST, more=request.POST.get("action") == "more"))
    form.fill(request.POST)
    if request.POST.get("action") == "more":
        for one in form.inputs:
            one.errors.clear()
        return _page(request, found, form)
    check_naming(form)
    return _sent(request, found, form)


def writable(request: HttpRequest, name: str) -> Kind:
    """The kind, if this person may register it here. Raises Http404, PermissionDenied."""
    try:
        kind = kinds.get(name)
    except UnknownKind as error:
        raise Http404(str(error)) from error
    if kind.name == "release":
        raise Http404(f"Releases are composed at {reverse('compose')}.")
    require(request.user, REGISTER)
    require_write(request.user, kind.name)
    return kind


def _opened(request: HttpRequest, kind: Kind) -> HttpResponse:
    """The empty form with the name from the address, or with `from` the text or the fields of an earlier version."""
    if not (subject := request.GET.get("from", "")):
        form = form_for(kind)
        form["slug"].value = request.GET.get("slug", "").replace("\0", "")[:80]
        return _page(request, kind, form)
    version = _earlier(request, kind, subject)
    content: dict[str, Any] = version.content or {}
    form = form_for(kind, places_of(content))
    if way_of(kind).document:
        form[TEXT].value = _written(version)
    else:
        form.show(content)
    form["slug"].value, form["title"].value = version.artifact.slug, version.artifact.title
    return _page(request, kind, form)


def _written(version: Version) -> str:
    """The content as YAML, without its files and without what is left at its default."""
    said = plain(version.parsed().model_dump(exclude_defaults=True))
    return dumped({name: value for name, value in said.items() if name != "files"})


def _earlier(request: HttpRequest, kind: Kind, subject: str) -> Version:
    try:
        version = lookup.find(subject)
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise Http404(str(error)) from error
    require_read(request.user, version)
    if version.kind != kind.name or version.content is None:
        raise Http404(f"{version.subject} is no {kind.name} with content.")
    return version


class _NotYet(Exception):
    """The form has complaints; the page is shown again with this status."""

    def __init__(self, status: int = 422) -> None:
        super().__init__(status)
        self.status = status


def _sent(request: HttpRequest, kind: Kind, form: Form) -> HttpResponse:
    account = request.user.account  # type: ignore[union-attr]
    try:
        with (
            once(account, request.POST.get(FIELD, "")) as sent,
            tempfile.TemporaryDirectory(prefix="charter-") as folder,
        ):
            before = newest_number(kind.name, form["slug"].value)
            imported = _imported(request, kind, form, Path(folder))
            version = _registered(request, kind, form, imported)
            sent.led_to = reverse("version", args=[version.subject])
    except Repeated as repeated:
        return again(request, repeated, reverse("artifact-list"))
    except _NotYet as error:
        return _page(request, kind, form, status=error.status)
    except NoKey as error:
        form.errors.append(str(error))
        return _page(request, kind, form, status=422)
    for note in (*imported.notes, *hooks.registered(version, actor_for(request.user))):
        messages.info(request, note)
    if version.number <= before:
        messages.info(request, f"{version.subject} holds exactly this already; no new version was made.")
    else:
        messages.success(request, f"{version.subject} is registered.")
    return redirect("version", version.subject)


def newest_number(kind: str, slug: str) -> int:
    """The number of the artifact's newest version, 0 when it has none."""
    newest = Version.objects.filter(artifact__kind=kind, artifact__slug=slug).order_by("-number").first()
    return newest.number if newest else 0


def _imported(request: HttpRequest, kind: Kind, form: Form, folder: Path) -> Imported:
    """What files and form say. Raises _NotYet once the complaints stand in the form."""
    try:
        imported = read(kind, form, [file for file in request.FILES.getlist("file") if file.name], folder)
    except BadFile as error:
        (form[TEXT].errors if way_of(kind).document else form.errors).append(str(error))
        raise _NotYet from error
    except OSError as error:
        raise _full(form, error) from error
    if imported is None:
        raise _NotYet
    return imported


def _registered(request: HttpRequest, kind: Kind, form: Form, imported: Imported) -> Version:
    """The version. Raises _NotYet once the complaints stand in the form."""
    try:
        return actions.register(
            kind.name,
            form["slug"].value,
            imported.content,
            title=(form["title"].value or imported.title)[:LONGEST_TITLE],
            files=imported.files,
            notes=imported.notes,
            restricted=request.POST.get("restricted") == "on",
            actor=actor_for(request.user),
        )
    except ContentError as error:
        form.blame(error.faults, f"{TEXT}." if way_of(kind).document else "")
    except CanonicalError as error:
        form.errors.append(f"The content {error}.")
    except Refused as error:
        form.errors.append(str(error))
    except OperationalError:
        form.errors.append("The database is busy. Nothing was recorded; send the form again in a moment.")
        raise _NotYet(503) from None
    except OSError as error:
        raise _full(form, error) from error
    raise _NotYet


def _full(form: Form, error: OSError) -> Exception:
    """What to raise for a disk that took no more; any other fault of the disk is nobody's typing, and stays what it is."""
    if error.errno not in FULL:
        return error
    form.errors.append("The disk of the server is full. Nothing was recorded; tell its operator.")
    return _NotYet(507)


def _page(request: HttpRequest, kind: Kind, form: Form, status: int = 200) -> HttpResponse:
    slugs = Artifact.objects.filter(kind=kind.name).order_by("slug").values_list("slug", "title")[:MOST]
    form["slug"].choices = list(slugs)
    restricted = Input(
        "restricted", "Restricted", YES_NO, "Only its authors, reviewers and auditors may read it."
    )
    restricted.value = "on" if request.POST.get("restricted") == "on" else ""
    context = {
        "kind": kind,
        "about": about(kind),
        "way": way_of(kind),
        "form": form,
        "restricted": restricted,
        "lists": any(group.name.rpartition(".")[2].isdecimal() for group in form.groups),
        "once": request.POST.get(FIELD, "") or new_key(),
        "editor_url": editor_url(request, kind),
        "status": status,
    }
    return render(request, "governance/new_version.html", context, status=status)


def editor_url(request: HttpRequest, kind: Kind) -> str:
    """The admin's form for a draft of that kind, for those who may open it; empty otherwise."""
    if not getattr(request.user, "is_staff", False):
        return ""
    try:
        return reverse(f"admin:registry_{kind.name.replace('-', '')}_add")
    except NoReverseMatch:
        return ""
