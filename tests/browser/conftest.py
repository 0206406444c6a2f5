"""A real browser on a real ASGI server, over a database of the test's own."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from governance.ledger.actors import Actor
from governance.ledger.settle import settle
from governance.people.actions import create_person
from governance.registry import erasure
from governance.registry.lookup import find
from governance.releases import drift, emergency, serving, waivers
from governance.releases.models import Runtime
from tests.browser.watching import Watched
from tests.builders import ADA, MARA
from tests.pages.world import World, build
from tests.releases import answering
from tests.releases.world import World as Releases
from tests.serving import served
from training import live

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module. Playwright's loop runs in the thread of the tests, where Django's test client may call no
    asynchronous view meanwhile: so it ends with the module, not with the session."""
    if not CHROMIUM.exists():
        pytest.skip(f"There is no Chromium at {CHROMIUM}; install it, or set CHROMIUM.")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)


@pytest.fixture
def world(committed_db, tmp_path, monkeypatch, settings) -> World:
    """The pages' world, in which an erasure also waits for root, a waiver for ravi, and a release answers somewhere."""
    monkeypatch.setattr(live, "POLL_SECONDS", 0.1)
    settings.CHARTER_PUBLIC_CARDS = True
    made = build(tmp_path)
    going_out(made)
    create_person("rita", handle="rita", groups=["administrator"], actor=ADA)
    erasure.ask(
        find("recipe:two@1"),
        whole=True,
        authority="GDPR Art. 17, request 2026/14",
        reason="It names a person.",
        actor=Actor.person("rita"),
    )
    settle()
    return made


def going_out(made: World) -> None:
    """A waiver is proposed; a release answers at the chat, which says that it is another; at the phone the glass was broken."""
    rule = next(
        one["id"] for one in made.release.gate_reports.get().report["rules"] if one["verdict"] == "undecided"
    )
    end = timezone.now() + timedelta(days=7)
    waivers.propose(made.release, rule, reason="The figure comes on Monday.", expires_at=end, actor=MARA)
    parts = {"model": "tuned", "constitution": "constitution:house@1", "deployment": "local", "policy": ""}
    base, tuned = find("model:base"), find("model:tuned")
    release = answering.out(Releases(made.cast, base, tuned, parts), "speaker")
    chat = Runtime.objects.get(slug="chat")
    answering.begin(chat, release)
    drift.report(chat, identity="ab" * 32, actor=ADA)
    phone = serving.create_runtime("phone", title="Phone", kind="app", audience="testers", actor=MARA)
    answering.begin(phone, release)
    emergency.withdraw(phone, reason="It answers in another language.", actor=ADA)


@pytest.fixture
def server(world: World) -> Iterator[str]:
    """The address of the whole site, its static files included."""
    with served() as address:
        yield address


@pytest.fixture
def open_as(server: str, world: World, browser: Browser) -> Iterator[Callable[..., Watched]]:
    """`open_as(name, **context)`: a watched page with a session of that member of the cast, or of nobody."""
    contexts = []

    def made(name: str | None, **options: Any) -> Watched:
        context = browser.new_context(base_url=server, reduced_motion="reduce", **options)
        contexts.append(context)
        if name:
            client = Client()
            client.force_login(world.cast.users[name])
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": server}])
        page: Page = context.new_page()
        page.set_default_timeout(10_000)
        return Watched(page)

    yield made
    for context in contexts:
        context.close()
