"""POST /versions/upload/: a sealed version from files that come with the request."""

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
from governance.api.parsers import check_length
from governance.registry import actions, hooks
from governance.registry.access import require_write
from governance.registry.importers import Imported
from governance.registry.models import Version
from governance.registry.uploads import read, stored

NOTES = "Charter-Notes"
"""Header with what follows from the registration, such as a scan that is queued, or why it is not."""


class Upload(Door):
    does = {"POST": "registry:version:register"}
    serializer_class = shapes.VersionOut
    parser_classes = [MultiPartParser]
    # Copying files may take minutes, in which a transaction would hold up everybody; registering the same again is harmless.
    commits = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything else looks at the body: checking a session's CSRF token reads all of it.
        check_length(request, settings.CHARTER_UPLOAD_BYTES)
        super().initial(request, *args, **kwargs)

    def touches(self) -> list[str]:
        return [f"{self.given('kind')}:{self.given('slug')}"]

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
        response = created(self, version, again=version.number <= before)
        if notes := hooks.registered(version, self.actor):
            response.headers[NOTES] = " ".join(" ".join(notes).split()).encode("ascii", "replace").decode()
        return response

    def _registered(self, given: dict[str, Any], imported: Imported) -> Version:
        return actions.register(
            given["kind"],
            given["slug"],
            imported.content,
            title=(given["title"] or imported.title)[:200],
            files=imported.files,
            notes=imported.notes,
            restricted=given["restricted"],
            actor=self.actor,
        )
