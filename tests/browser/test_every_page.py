"""Each page in both themes and both widths: accessible, silent, within its policy, and no wider than a telephone."""

import pytest

pytestmark = pytest.mark.service
WIDE = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
NARROW = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}


def test_every_page_is_accessible_and_silent(world, open_as):
    watched = open_as("ravi")
    wrong = []
    for address in world.addresses.values():
        watched.go(address)
        for screen in (WIDE, NARROW):
            watched.appear_on(**screen)
            wrong += watched.faults_of_form()
    assert wrong + watched.faults == []


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
