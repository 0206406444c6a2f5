"""Everything below /api/: one version, its schema, and a problem for every address that does not exist."""

from django.urls import include, path, re_path

from evals import api as evals
from evals import canaries_api, countersign_api, import_api, uses_api
from evals import contamination_api as contamination
from evals.human import api as human
from governance.api import urls as governance
from governance.api.document import Document
from governance.api.missing import Missing
from training import api as training

app_name = "api"
schema = path("schema/", Document.as_view(), name="schema")
endpoints = [
    *governance.urlpatterns,
    *training.urlpatterns,
    *evals.urlpatterns,
    *import_api.urlpatterns,
    *contamination.urlpatterns,
    *uses_api.urlpatterns,
    *countersign_api.urlpatterns,
    *canaries_api.urlpatterns,
    *human.urlpatterns,
    schema,
]

urlpatterns = [
    path("v1/", include(endpoints)),
    re_path("", Missing.as_view(), name="missing"),
]
