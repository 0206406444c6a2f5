"""An OpenID Connect provider of its own, made of django-allauth's: `python -m tests.people.idp PORT CALLBACK`.

Who signs in is whom the cookie `who` names: how people prove themselves to it is not what is tested.
"""

import sys
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

CLIENT, SECRET = "charter", "a-secret-of-the-provider"
PEOPLE = {
    "mei": ("mei", "mei@example.org", True, ["ml-team", "everybody"]),
    "ada": ("ada.l", "ada@example.org", True, []),
    "eve": ("eve", "ada@example.org", False, ["ml-team"]),
    "olga": ("olga", "olga@elsewhere.org", True, []),
    "ravi": ("ravi", "ravi@example.org", True, ["approvers"]),
    "twin": ("me\u0456", "twin@example.org", True, []),
}
"""What the cookie says → user name (the twin's ends with a Cyrillic letter), e-mail address, whether it is verified, groups."""


def configure() -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.configure(
        SECRET_KEY="x" * 50,
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SESSION_COOKIE_NAME="idp",
        LOGIN_URL="/login/",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[
            *(f"django.contrib.{app}" for app in ("auth", "contenttypes", "sessions", "messages")),
            *("allauth", "allauth.account", "allauth.socialaccount", "allauth.idp.oidc"),
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        IDP_OIDC_PRIVATE_KEY=key.decode(),
        IDP_OIDC_ADAPTER=f"{__name__}.Adapter",
    )
    django.setup()


def fill(callback: str) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    client = Client(
        id=CLIENT, name="Charter", scopes="openid\nprofile\nemail", redirect_uris=callback, skip_consent=True
    )
    client.set_secret(SECRET)
    client.save()
    for name, address, verified, _groups in PEOPLE.values():
        user = User.objects.create_user(name, address, first_name=name.title())
        EmailAddress.objects.create(user=user, email=address, verified=verified, primary=True)


def login(request: Any) -> Any:
    from django.contrib import auth
    from django.shortcuts import redirect

    name = PEOPLE[request.COOKIES["who"]][0]
    auth.login(request, auth.get_user_model().objects.get(username=name))
    return redirect(request.GET["next"])


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    sys.modules["tests.people.idp"] = sys.modules["__main__"]
    __name__ = "tests.people.idp"
    configure()

    from allauth.idp.oidc.adapter import DefaultOIDCAdapter
    from django.urls import include, path

    class Adapter(DefaultOIDCAdapter):
        def get_claims(self, purpose: Any, user: Any, client: Any, scopes: Any, **kwargs: Any) -> Any:
            claims = super().get_claims(purpose, user, client, scopes, **kwargs)
            groups = next(groups for name, _, _, groups in PEOPLE.values() if name == user.username)
            return {**claims, "preferred_username": user.username, "groups": groups}

    urlpatterns = [path("login/", login, name="account_login"), path("", include("allauth.idp.urls"))]
    port, callback = int(sys.argv[1]), sys.argv[2]
    fill(callback)
    with make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet) as server:
        server.serve_forever()
