from django.urls import path

from evals import views

urlpatterns = [
    path("evaluations/<uuid:evaluation_id>/", views.evaluation_detail, name="evaluation"),
    path("comparison/", views.comparison, name="comparison"),
]
