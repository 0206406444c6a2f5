"""Every address of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

admin.site.site_header = admin.site.site_title = "Charter"
admin.site.site_url = "/"

urlpatterns = [
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/", include("config.api_urls")),
    path("", include("governance.urls")),
    path("", include("training.urls")),
    path("", include("evals.urls")),
]
