"""Each page in both themes and both widths: accessible, silent, within its policy, and no wider than a telephone."""

import pytest
from django.urls import resolve

from tests.browser.crawl import crawl, patterns

pytestmark = pytest.mark.service
WIDE = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
NARROW = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
NOT_LINKED = {
    "login": "for strangers; the test below opens it",
    "run-stream": "events for a script",
    "run-retry": "offered only on a run that failed",
    "token-revoke": "offered only where there is a token",
    "second-factor-confirm": "offered once a second factor was begun",
    "second-factor-show": "offered where there is a second factor",
    "second-factor-off": "as above",
    "canary-close": "offered only on an alarm of a canary",
    "receipt": "whoever objects is told its address",
    "receipt-proof": "linked there",
    "admin:login": "Charter's own sign-in is used",
    "admin:logout": "Charter's own sign-out is used",
    "admin:password_change": "not offered: an administrator sets it",
    "admin:password_change_done": "as above",
    "admin:autocomplete": "for a script",
    "admin:jsi18n": "a script",
    "admin:view_on_site": "leads to the page itself",
    "admin:app_list": "the front page lists the same",
    "admin:None": "redirects, and what is not found",
}
"""Addresses that no page leads to, and why."""
OF_THE_ADMIN = ("_delete", "_history")
"""Django adds them to every list: nothing is deleted here, and the ledger has the history."""


def test_every_page_is_reached_by_links(world):
    site = crawl(world)
    assert site.broken == []
    known = {*site.pages, *site.downloads, *site.doors}
    missed = {name for name in patterns() if not name.endswith(OF_THE_ADMIN)} - known - set(NOT_LINKED)
    assert sorted(missed) == [], "no link leads there; link it, or say here why not"
    assert set(NOT_LINKED) & known == set(), "no unused exemption"


def test_every_page_is_accessible_and_silent(world, open_as):
    wrong, watched = [], {}
    for who, address in chosen(world):
        page = watched.setdefault(who, open_as(who))
        page.go(address)
        for screen in (NARROW, WIDE):
            page.appear_on(**screen)
            wrong += page.faults_of_form(of_looks=screen is WIDE)
    assert wrong + [fault for page in watched.values() for fault in page.faults] == []


def chosen(world) -> list[tuple[str, str]]:
    """All of the world's addresses, and of each pattern that links lead to the first and the last page found: another
    member of the cast, another object."""
    mine = [("ravi", address) for address in world.addresses.values()]
    known = {resolve(address.partition("?")[0]).view_name for address in world.addresses.values()}
    found = crawl(world).pages
    more = [
        one
        for name, pages in found.items()
        for one in (pages[-1:] if name in known else (pages[0], pages[-1]))
    ]
    return list(dict.fromkeys([*mine, *more]))


def test_the_door_and_errors_are_accessible_too(world, open_as):
    stranger, otto = open_as(None, **NARROW), open_as("otto", **NARROW)
    stranger.go("/accounts/login/?next=/runs/")
    wrong = stranger.faults_of_form()
    stranger.page.get_by_label("User name").fill("ada")
    stranger.page.get_by_label("Password").fill("wrong")
    stranger.page.get_by_role("button", name="Sign in").click()
    stranger.page.get_by_role("alert").wait_for()
    wrong += stranger.faults_of_form()
    for address in ("/versions/constitution:hous@1/", f"/versions/{world.restricted.subject}/"):
        otto.go(address)
        wrong += otto.faults_of_form()
    assert wrong + stranger.faults == []
    assert len(otto.faults) == 2, "the two statuses themselves"


def test_a_printed_gate_report_and_card_show_all_and_only_the_document(world, open_as):
    watched = open_as("axel", **WIDE)
    watched.page.emulate_media(media="print")
    page = watched.go(f"/releases/{world.release.subject}/")
    assert not page.locator("nav, .topbar, .footer, .actions").locator("visible=true").count()
    bodies = page.locator(".rule-body")
    assert bodies.count() == bodies.locator("visible=true").count()
    page = watched.go(f"/cards/{world.release.subject}/")
    assert page.get_by_role("heading", name="How to check this card").is_visible()
    assert not page.locator("nav, .topbar, .footer").locator("visible=true").count()


def test_a_printed_lineage_and_comparison_show_all_and_only_the_document(world, open_as):
    watched = open_as("axel", **WIDE)
    watched.page.emulate_media(media="print")
    page = watched.go("/versions/model:tuned@1/lineage/")
    assert not page.locator("nav, form, .topbar, .footer, .zoom").locator("visible=true").count()
    drawing, paper = (page.locator(name).bounding_box() for name in ("svg.graph", "main"))
    assert drawing["width"] <= paper["width"] + 1
    page = watched.go(f"/versions/{world.waiting.subject}/diff/")
    assert page.get_by_text("Refuse, and say why in one sentence.").is_visible()
    assert not page.locator("nav, form, .topbar, .footer").locator("visible=true").count()


def test_a_drawing_opens_at_its_version_is_followed_by_keys_and_zoomed(world, open_as):
    watched = open_as("ravi", **NARROW)
    page = watched.go("/versions/model:tuned@1/lineage/")
    here, view = (page.locator(name).bounding_box() for name in (".graph [data-here] rect", ".canvas .view"))
    assert view["x"] <= here["x"] + here["width"] / 2 <= view["x"] + view["width"]
    before = page.locator("svg.graph").bounding_box()["width"]
    page.get_by_role("button", name="Smaller").click()
    smaller = page.locator("svg.graph").bounding_box()["width"]
    assert smaller < before
    page.get_by_role("button", name="Fit the width").click()
    assert page.locator("svg.graph").bounding_box()["width"] <= view["width"]
    page.locator('.graph a[aria-label^="dataset:chats@1"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/versions/dataset:chats@1/")
    assert watched.faults == []
