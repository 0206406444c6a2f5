from django.urls import path

from evals import (
    canaries_view,
    contamination_views,
    countersign_view,
    evaluate_view,
    import_view,
    pictures_view,
    uses_view,
    views,
)
from evals.human import urls as human

urlpatterns = [
    *human.urlpatterns,
    path("evaluations/new/", evaluate_view.evaluate, name="evaluate"),
    path("evaluations/import/", import_view.import_evaluation_page, name="import-evaluation"),
    path("evaluations/history/<name:name>/", pictures_view.history, name="evaluation-history"),
    path("evaluations/<uuid:evaluation_id>/", views.evaluation_detail, name="evaluation"),
    path("evaluations/<uuid:evaluation_id>/countersign/", countersign_view.countersign, name="countersign"),
    path("canary-alarms/<uuid:alarm_id>/close/", canaries_view.close, name="canary-close"),
    path("comparison/", views.comparison, name="comparison"),
    path("versions/<subject:subject>/suite-use/", uses_view.suite_use, name="suite-use"),
    path("versions/<subject:subject>/anchor/", uses_view.anchor, name="anchor"),
    path("contamination/<uuid:search_id>/", contamination_views.search_detail, name="contamination"),
]
