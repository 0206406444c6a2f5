"""Every address of the site."""

from django.contrib.auth import views as auth
from django.urls import include, path

urlpatterns = [
    path("accounts/login/", auth.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("api/", include("config.api_urls")),
    path("", include("governance.urls")),
    path("", include("training.urls")),
]
