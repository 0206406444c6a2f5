"""Addresses of single sign-on; allauth looks for the second one by its name."""

from django.conf import settings
from django.urls import path

from governance.views import sso

urlpatterns = [
    path("", sso.start, name="sso-start"),
    path(
        "callback/",
        sso.callback,
        {"provider_id": settings.CHARTER_OIDC_PROVIDER},
        name="openid_connect_callback",
    ),
]
