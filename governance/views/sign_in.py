"""The doors for people: the sign-in of the site and that of the admin, both shut for a while after too many failures."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpResponse

from governance.people.throttle import ADDRESS, NAME, address_of

LOCKED = "locked"


class _Locking(forms.Form):
    """Counts failures by name and address, and by address alone; whether there is such an account makes no difference."""

    request: Any
    wait: int | None = None
    """Seconds until the form is looked at again."""

    def clean(self) -> Any:
        address = address_of(self.request)
        who = f"{str(self.cleaned_data.get('username', '')).casefold()}\n{address}"
        self.wait = max(ADDRESS.locked(address) or 0, NAME.locked(who) or 0) or None
        if self.wait:
            raise ValidationError(_sentence(self.wait), code=LOCKED)
        try:
            found = super().clean()
        except ValidationError:
            ADDRESS.failed(address)
            NAME.failed(who)
            raise
        NAME.forget(who)
        return found


class SignInForm(_Locking, AuthenticationForm):
    pass


class AdminSignInForm(_Locking, AdminAuthenticationForm):
    pass


class SignIn(LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sso = settings.CHARTER_OIDC_NAME if settings.CHARTER_OIDC_URL else ""
        return {**super().get_context_data(**kwargs), "sso": sso}

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        if form.wait:
            response.status_code = 429
            response["Retry-After"] = str(form.wait)
        return response


def _sentence(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return (
        f"Too many sign-ins failed here. Try again in {minutes} minute{'s' if minutes > 1 else ''}; if you forgot your"
        " password, ask an administrator."
    )
