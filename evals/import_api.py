"""POST /evaluations/import/: an evaluation from the files of another harness."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evals.api import EvaluationDetail
from evals.importing.actions import MODEL, SUITE, import_evaluation, require_new_suite
from evals.importing.formats import FORMATS
from evals.importing.log import MOST_FILES
from evals.importing.suites import NewSuite
from evals.records import artifact_of, named
from governance.api.base import Door, Strict
from governance.api.parsers import check_length
from governance.registry.kinds.base import SLUG_PATTERN
from governance.registry.models import Version
from governance.registry.uploads import stored


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "What lm-eval wrote with --log_samples",
            media_type="multipart/form-data",
            value={
                "model": "model:base@1",
                "suite": "eval-suite:sums@1",
                "filter": "strict-match",
                "file": ["results_2026-05-04T10-00-00.json", "samples_sums_2026-05-04T10-00-00.jsonl"],
            },
        )
    ]
)
class EvaluationImportIn(Strict):
    model = serializers.CharField(max_length=200, help_text="What was measured: model:slug[@number]")
    suite = serializers.CharField(
        required=False, max_length=200, help_text="What it was measured with: eval-suite:slug[@number]"
    )
    new_suite = serializers.RegexField(
        rf"^{SLUG_PATTERN.pattern}\Z",
        required=False,
        help_text="Instead of `suite`: register one of that name from the file.",
    )
    margin = serializers.DecimalField(
        required=False,
        max_digits=9,
        decimal_places=8,
        min_value=0,
        max_value=1,
        help_text="Of a new suite: its margin, as a share.",
    )
    metric = serializers.CharField(
        required=False, max_length=200, help_text="Of a new suite: its metric, where the file has several."
    )
    format = serializers.ChoiceField(
        required=False,
        choices=sorted(FORMATS),
        help_text="By the files' names and fields, where it is left out.",
    )
    filter = serializers.CharField(
        required=False, max_length=200, help_text="Which filter or scorer counts, where a task has several."
    )
    file = serializers.ListField(
        child=serializers.FileField(),
        allow_empty=False,
        max_length=MOST_FILES,
        help_text="All files of one measurement, under the names that the harness gave them.",
    )

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if ("suite" in data) == ("new_suite" in data):
            raise serializers.ValidationError({"suite": "Name a suite, or a new one, and not both."})
        if "new_suite" in data and not 0 < data.get("margin", 0) < 1:
            raise serializers.ValidationError(
                {"margin": "A new suite needs its margin, a share between 0 and 1."}
            )
        names = [file.name for file in data["file"]]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise serializers.ValidationError({"file": f"Two files are named {twice[0]}."})
        return data


class EvaluationImport(Door):
    does = {"POST": "registry:activity:record"}
    serializer_class = EvaluationDetail
    parser_classes = [MultiPartParser]
    # Copying files may take minutes, in which a transaction would hold up everybody; importing the same again is harmless.
    commits = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Before anything else looks at the body: checking a session's CSRF token reads all of it.
        check_length(request, settings.CHARTER_UPLOAD_BYTES)
        super().initial(request, *args, **kwargs)

    def touches(self) -> list[str]:
        suite, new = self.given("suite"), self.given("new_suite")
        about = artifact_of(SUITE, suite) if suite else f"{SUITE}:{new}"
        return [artifact_of(MODEL, self.given("model")), about]

    @extend_schema(
        operation_id="evaluations_import",
        request={"multipart/form-data": EvaluationImportIn},
        responses={201: EvaluationDetail, 200: EvaluationDetail},
    )
    def post(self, request: Request) -> Response:
        """Import results that were measured elsewhere. The same content again answers 200 with the evaluation there is."""
        given = self.body(EvaluationImportIn)
        model, suite = named(self.person, MODEL, given["model"]), self._suite(given)
        with tempfile.TemporaryDirectory(prefix="charter-upload-") as folder:
            files = [stored(file, Path(folder)) for file in given["file"]]
            found = import_evaluation(
                files, model, suite, format=given.get("format"), filter=given.get("filter"), actor=self.actor
            )
        place = reverse("api:evaluation", args=(found.activity.pk,), request=request)
        code = status.HTTP_200_OK if found.again else status.HTTP_201_CREATED
        return Response(EvaluationDetail(found.activity).data, code, headers={"Location": place})

    def _suite(self, given: dict[str, Any]) -> Version | NewSuite:
        if "suite" in given:
            return named(self.person, SUITE, given["suite"])
        require_new_suite(self.person)
        return NewSuite(given["new_suite"], given["margin"], given.get("metric"))


urlpatterns: list[URLPattern] = [
    path("evaluations/import/", EvaluationImport.as_view(), name="evaluation-import")
]
