"""Single sign-on against a provider on this machine: who comes in, as whom, and what is recorded of it."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.people import idp

pytestmark = pytest.mark.slow
REPO = Path(__file__).resolve().parents[2]
CHARTER = """
import sys, django, uvicorn
django.setup()
from django.core.management import call_command
from governance.ledger.actors import Actor
from governance.people.actions import create_person
call_command("migrate", verbosity=0)
for name in ("ada", "ravi"):
    create_person(name, handle=name, email=f"{name}@example.org", password="correct-horse-battery", actor=Actor.system("test"))
uvicorn.run("config.asgi:application", port=int(sys.argv[1]), log_level="warning", lifespan="off")
"""


@dataclass
class House:
    """Charter with single sign-on, and its provider."""

    url: str
    database: Path

    def browser(self, who: str) -> requests.Session:
        browser = requests.Session()
        browser.cookies.set("who", who)
        return browser

    def signed_in(self, who: str, **sent: str) -> tuple[requests.Session, requests.Response]:
        """A browser after its way through sign-in page, provider and back."""
        browser = self.browser(who)
        browser.get(f"{self.url}/accounts/login/")
        data = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], **sent}
        return browser, browser.post(f"{self.url}/accounts/sso/", data)

    def me(self, browser: requests.Session) -> dict:
        return browser.get(f"{self.url}/api/v1/me/").json()

    def rows(self, query: str) -> list:
        with closing(sqlite3.connect(self.database)) as raw:
            return raw.execute(query).fetchall()

    def entries(self, handle: str) -> list:
        """(op, actor) of the entries about an account."""
        return self.rows(
            "SELECT op, actor FROM ledger_entry WHERE replace(object_id, '-', '') ="
            f" (SELECT id FROM people_account WHERE handle = '{handle}') ORDER BY rev"
        )


@pytest.fixture(scope="module")
def house(prepared_db, tmp_path_factory) -> Iterator[House]:
    home = tmp_path_factory.mktemp("sso")
    shutil.copy(prepared_db, home / "charter.sqlite3")
    here, there = free_port(), free_port()
    url = f"http://127.0.0.1:{here}"
    settings = {
        "CHARTER_HOME": str(home),
        "DATABASE_URL": f"sqlite:///{home / 'charter.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "CHARTER_OIDC_URL": f"http://127.0.0.1:{there}",
        "CHARTER_OIDC_CLIENT_ID": idp.CLIENT,
        "CHARTER_OIDC_SECRET": idp.SECRET,
        "CHARTER_OIDC_NAME": "the house's door",
        "CHARTER_OIDC_DOMAINS": "example.org",
        "CHARTER_OIDC_LINK_BY_EMAIL": "1",
        "CHARTER_OIDC_GROUPS_CLAIM": "groups",
        "CHARTER_OIDC_GROUPS": "ml-team=engineer,approvers=reviewer",
        "CHARTER_FAILURE_RATE": "20/15m",
    }
    environment = {**os.environ, **settings}
    provider = ["-m", "tests.people.idp", str(there), f"{url}/accounts/sso/callback/"]
    with (
        running(environment, *provider, port=there),
        running(environment, "-c", CHARTER, str(here), port=here),
    ):
        yield House(url, home / "charter.sqlite3")


class From(HTTPAdapter):
    """Asks from another address of this machine."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *given, **named) -> None:
        super().init_poolmanager(*given, **named, source_address=(self.address, 0))


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(environment: dict[str, str], *arguments: str, port: int) -> Iterator[None]:
    child = subprocess.Popen([sys.executable, *arguments], cwd=REPO, env=environment)
    try:
        while child.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        assert child.poll() is None, "it did not start"
        yield
    finally:
        child.terminate()
        child.wait(10)


def test_a_newcomer_gets_an_account_with_the_groups_that_are_mapped(house):
    browser, page = house.signed_in("mei", next="/ledger/")
    assert (page.status_code, page.url) == (200, f"{house.url}/ledger/")
    me = house.me(browser)
    assert (me["username"], me["display_name"], me["groups"]) == ("mei", "Mei", ["engineer"])
    assert house.entries(me["handle"]) == [("people:account:created", "system:sso")]
    assert house.rows("SELECT email, password LIKE '!%' FROM people_user WHERE username = 'mei'") == [
        ("mei@example.org", 1)
    ]
    again = house.me(house.signed_in("mei")[0])
    assert again["handle"] == me["handle"]
    assert len(house.entries(me["handle"])) == 1, "the second time nothing is made"
    assert house.rows("SELECT DISTINCT extra_data FROM socialaccount_socialaccount") == [("{}",)]


def test_a_verified_address_links_the_account_that_has_it(house):
    me = house.me(house.signed_in("ada")[0])
    assert (me["username"], me["handle"]) == ("ada", "ada")
    assert house.entries("ada")[-1] == ("people:account:linked", "system:sso")


def test_a_name_that_looks_like_anothers_is_left_out(house):
    house.signed_in("mei")
    me = house.me(house.signed_in("twin")[0])
    assert me["username"].startswith("sso-")
    assert me["display_name"] == ""


def test_who_is_not_let_in_is_told_why_and_leaves_no_account(house):
    before = house.rows("SELECT count(*) FROM people_account")
    for who in ("eve", "olga"):
        browser, page = house.signed_in(who)
        assert page.url.startswith(f"{house.url}/accounts/login/")
        assert "Only verified addresses of example.org" in page.text
        assert browser.get(f"{house.url}/api/v1/me/").status_code == 401
    assert house.rows("SELECT count(*) FROM people_account") == before


def test_a_callback_that_nobody_asked_for_signs_nobody_in(house):
    browser = house.browser("mei")
    for query in ("", "?code=x&state=y", "?error=access_denied", "?code=%00&state=%F0"):
        page = browser.get(f"{house.url}/accounts/sso/callback/{query}")
        assert (page.status_code, page.url) == (200, f"{house.url}/accounts/login/")
        assert "failed" in page.text
        assert browser.get(f"{house.url}/api/v1/me/").status_code == 401


def test_nothing_else_of_allauth_is_reachable_and_the_start_needs_its_csrf_token(house):
    for place in (
        "signup",
        "password/reset",
        "email",
        "social/signup",
        "oidc/sso/login",
        "3rdparty",
        "connections",
    ):
        assert requests.get(f"{house.url}/accounts/{place}/", timeout=9).status_code == 404
    assert requests.get(f"{house.url}/accounts/sso/", timeout=9).status_code == 405
    assert requests.post(f"{house.url}/accounts/sso/", timeout=9).status_code == 403


def test_what_is_sent_to_the_start_links_and_redirects_nothing(house):
    browser, page = house.signed_in("mei", process="connect", next="https://evil.example/")
    assert page.url == f"{house.url}/"
    assert house.me(browser)["username"] == "mei"
    assert "form-action 'self' http://127.0.0.1" in page.headers["Content-Security-Policy"]


def test_a_closed_account_stays_closed(house):
    """Closed by an administrator at the shell, as nobody here has the rights to do so over HTTP."""
    assert house.me(house.signed_in("ravi")[0])["handle"] == "ravi"
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{house.database}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    close = (
        "import django; django.setup()\n"
        "from governance.people.models import Account; from governance.people.actions import deactivate\n"
        "from governance.ledger.actors import Actor\n"
        "deactivate(Account.objects.get(handle='ravi'), actor=Actor.system('test'))"
    )
    subprocess.run([sys.executable, "-c", close], check=True, cwd=REPO, env=environment)
    browser, page = house.signed_in("ravi")
    assert "closed" in page.text
    assert browser.get(f"{house.url}/api/v1/me/").status_code == 401


def test_too_many_failures_shut_the_address_out(house):
    elsewhere = requests.Session()
    elsewhere.mount("http://", From("127.0.0.2"))
    for _ in range(21):
        page = elsewhere.get(f"{house.url}/accounts/sso/callback/?code=x&state=y", allow_redirects=False)
        if page.status_code == 429:
            break
    assert (page.status_code, int(page.headers["Retry-After"]) > 0) == (429, True)
    assert elsewhere.get(f"{house.url}/api/v1/me/").status_code == 429
