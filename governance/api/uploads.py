"""POST /versions/upload/: a sealed version from files that come with the request."""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import serializers as shapes
from governance.api.artifacts import created, newest_number
from governance.api.base import Door
from governance.api.parsers import check_length, unkeepable
from governance.registry import actions, importers
from governance.registry.access import require_write
from governance.registry.importers import BadFile, Imported
from governance.registry.models import Version

WHOLE_FOLDER = {"model"}

log = logging.getLogger("charter.api")


class Upload(Door):
    does = {"POST": "registry:version:register"}
    serializer_class = shapes.VersionOut
    parser_classes = [MultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything else looks at the body: checking a session's CSRF token reads all of it.
        check_length(request, settings.CHARTER_UPLOAD_BYTES)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        operation_id="versions_upload",
        request={"multipart/form-data": shapes.UploadIn},
        responses={201: shapes.VersionOut, 200: shapes.VersionOut},
    )
    def post(self, request: Request) -> Response:
        """Register a sealed version from files. The same content again answers 200 with the version there is."""
        given = self.body(shapes.UploadIn)
        require_write(request.user, given["kind"])
        with tempfile.TemporaryDirectory(prefix="charter-upload-") as folder:
            paths = [stored(file, Path(folder)) for file in given["file"]]
            imported = read(given["kind"], paths, given["meta"])
            before = newest_number(given["kind"], given["slug"])
            version = self._registered(given, imported)
        return created(self, version, again=version.number <= before)

    def _registered(self, given: dict[str, Any], imported: Imported) -> Version:
        return actions.register(
            given["kind"],
            given["slug"],
            imported.content,
            title=(given["title"] or imported.title)[:200],
            files=imported.files,
            restricted=given["restricted"],
            actor=self.actor,
        )


def stored(file: Any, folder: Path) -> Path:
    """The uploaded file in `folder`, under its own name (Django has cut it down to a bare one). Raises OSError."""
    path = folder / str(file.name)
    with path.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    return path


def read(kind: str, paths: list[Path], meta: str) -> Imported:
    """What the files say, together with `meta`. Raises BadFile naming the file and the rule."""
    try:
        extra = fields(meta)
        if kind == "eval-suite":
            check_suite(paths, extra)
        found = importers.read(kind, paths[0].parent if kind in WHOLE_FOLDER else paths[0], extra)
    except BadFile:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # A stranger's file may hold anything; what it trips over in the reader is its fault until shown otherwise.
        log.warning("upload of a %s not readable", kind, exc_info=True)
        raise BadFile(f"The files and their metadata do not make a {kind}: {error}.") from error
    if fault := unkeepable(found.content):
        raise BadFile(f"The files and their metadata hold {fault}.")
    return found


def fields(meta: str) -> dict[str, Any]:
    """The metadata as named fields. Raises BadFile."""
    if not meta.strip():
        return {}
    with tempfile.TemporaryDirectory(prefix="charter-meta-") as folder:
        path = Path(folder) / f"meta{'.json' if is_json(meta) else '.yaml'}"
        path.write_text(meta, encoding="utf-8")
        return importers.mapping(path)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def check_suite(paths: list[Path], extra: dict[str, Any]) -> None:
    """Raise BadFile unless all that a suite names came with it: nothing else on this machine is read for it."""
    content = {**importers.mapping(paths[0]), **extra}
    if "items" in content:
        raise BadFile(
            "An uploaded suite brings its items files ready; `items:` works with manage.py register only."
        )
    tasks = content.get("tasks")
    names = {path.name for path in paths[1:]}
    for task in tasks if isinstance(tasks, list) else []:
        if isinstance(task, dict) and task.get("file") not in names:
            raise BadFile(
                f"A task names the items file {task.get('file')!r}, which is not among the uploaded files."
            )
