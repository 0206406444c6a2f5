from django.urls import path

from training import launch_views, recipe_views, views

urlpatterns = [
    path("runs/", views.run_list, name="run-list"),
    path("runs/new/", launch_views.run_new, name="run-new"),
    path("recipes/", recipe_views.recipe_list, name="recipe-list"),
    path("recipes/<subject:subject>/start/", recipe_views.recipe_start, name="recipe-start"),
    path("runs/<uuid:run_id>/", views.run_detail, name="run"),
    path("runs/<uuid:run_id>/stream/", views.run_stream, name="run-stream"),
    path("runs/<uuid:run_id>/cancel/", views.run_cancel, name="run-cancel"),
    path("runs/<uuid:run_id>/retry/", views.run_retry, name="run-retry"),
]
