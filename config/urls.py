"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from governance.views.sign_in import AdminSignInForm, SignIn

admin.site.site_header = admin.site.site_title = "Charter"
admin.site.site_url = "/"
admin.site.login_form = AdminSignInForm

handler400 = "governance.api.missing.bad_request"
handler500 = "governance.api.missing.server_error"

urlpatterns = [
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/", include("config.api_urls")),
    path("", include("governance.urls")),
    path("", include("training.urls")),
    path("", include("evals.urls")),
]

if settings.CHARTER_OIDC_URL:
    # Its module needs the apps that are installed with the setting alone.
    urlpatterns.append(path("accounts/sso/", include("governance.views.sso_urls")))
