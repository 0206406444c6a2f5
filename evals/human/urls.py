from django.urls import path

from evals.human import views

urlpatterns = [
    path("evaluations/human/", views.study_list, name="human-studies"),
    path("evaluations/human/new/", views.study_new, name="human-new"),
    path("evaluations/human/<uuid:study_id>/", views.study_detail, name="human-study"),
    path("evaluations/human/<uuid:study_id>/join/", views.study_join, name="human-join"),
    path("evaluations/human/<uuid:study_id>/rate/", views.rate, name="human-rate"),
    path("evaluations/human/<uuid:study_id>/close/", views.study_close, name="human-close"),
    path("evaluations/human/<uuid:study_id>/cancel/", views.study_cancel, name="human-cancel"),
]
