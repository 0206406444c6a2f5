from django.urls import path

from evals import evaluate_view, views

urlpatterns = [
    path("evaluations/new/", evaluate_view.evaluate, name="evaluate"),
    path("evaluations/<uuid:evaluation_id>/", views.evaluation_detail, name="evaluation"),
    path("comparison/", views.comparison, name="comparison"),
]
