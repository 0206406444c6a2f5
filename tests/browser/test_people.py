"""What people do in the browser, as they do it: by labels, buttons and keys."""

import re

import pytest
from playwright.sync_api import expect

from governance.registry import lookup
from tests.cast import PASSWORD

pytestmark = pytest.mark.service


def test_sign_in_leads_to_the_page_asked_for_and_sign_out_leaves(open_as):
    watched = open_as(None)
    page = watched.go("/runs/")
    expect(page.get_by_text("Sign in to open the page you asked for.")).to_be_visible()
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/$"))
    page.get_by_text("ada").first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/runs/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
    assert watched.faults == []


def test_a_reviewer_finds_reads_and_approves_what_waits(world, open_as):
    watched = open_as("ravi")
    page = watched.go("/")
    waiting = page.get_by_role("region", name="Waiting for your review")
    expect(waiting.get_by_role("link", name=f"Review {world.own.subject}")).to_have_count(0)
    waiting.get_by_role("link", name=f"Review {world.waiting.subject}").click()
    page.get_by_role("link", name="Changes since 1").click()
    expect(page.locator("ins").last).to_contain_text("sentence")
    page.go_back()
    page.get_by_role("button", name="Approve").click()
    assert lookup.find(world.waiting.subject).state == "in_review", "the browser asks for a reason first"
    page.get_by_label("Reason").fill("Shorter, and means the same.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text(f"{world.waiting.subject} is approved.")).to_be_visible()
    reviews = page.get_by_role("region", name="Reviews")
    expect(reviews.get_by_text("Shorter, and means the same.")).to_be_visible()
    expect(reviews.get_by_role("button", name="Approve")).to_have_count(0)
    assert lookup.find(world.waiting.subject).state == "approved"
    assert watched.faults == []


def test_an_author_is_told_why_somebody_else_decides(world, open_as):
    ravi, polly = open_as("ravi"), open_as("polly")
    page = ravi.go(f"/versions/{world.own.subject}/")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(
        page.get_by_text("ravi wrote or submitted constitution:garden@1; somebody else must review it.")
    ).to_be_visible()
    page = polly.go(f"/versions/{world.waiting.subject}/")
    expect(page.get_by_text("It waits for somebody who did not write it.")).to_be_visible()


def test_a_refused_release_shows_its_reasons_and_the_facts_behind_them(world, open_as):
    watched = open_as("mara")
    page = watched.go(f"/releases/{world.release.subject}/")
    report = page.get_by_role("region", name="Gate report")
    expect(report.get_by_text("This release may not go out")).to_be_visible()
    first = report.locator("details.rule").first
    expect(first).to_contain_text("Every training set has a licence")
    expect(first.get_by_text("Find out the licence of the training set")).to_be_visible()
    row = first.get_by_role("row", name="mixture.1.licence")
    expect(row.get_by_text("Not recorded")).to_be_visible()
    passed = report.locator("details.rule").last
    expect(passed.locator(".rule-body")).to_be_hidden()
    passed.locator("summary").press("Enter")
    expect(passed.locator(".rule-body")).to_be_visible()
    first.get_by_role("row", name="mixture.1.dataset").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name=re.compile(r"Entry \d+"))).to_be_visible()
    assert watched.faults == []


def test_a_diff_marks_the_words_that_changed(world, open_as):
    page = open_as("polly").go(f"/versions/{world.waiting.subject}/diff/")
    expect(page.get_by_role("heading", name="Changes from version 1 to 2")).to_be_visible()
    expect(page.get_by_text("1 changed, 0 added, 0 removed")).to_be_visible()
    changed = page.locator('[data-op="changed"]')
    expect(changed.locator(".old")).to_contain_text("Refuse to help with what hurts people.")
    expect(changed.locator(".new")).to_contain_text("Refuse, and say why in one sentence.")
    assert "hurts" in "".join(changed.locator("del").all_inner_texts())
    assert "sentence" in "".join(changed.locator("ins").all_inner_texts())


def test_a_filter_changes_the_list_and_the_address_but_not_the_page(open_as):
    watched = open_as("axel")
    page = watched.go("/artifacts/")
    page.evaluate("window.marker = 1")
    page.get_by_label("Kind", exact=True).select_option("constitution")
    expect(page).to_have_url(re.compile("kind=constitution"))
    expect(page.locator("#results tbody tr")).to_have_count(2)
    expect(page.get_by_role("link", name="Constitution house")).to_be_visible()
    assert page.evaluate("window.marker") == 1
    page.get_by_label("Name contains").fill("zzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No artifact matches")).to_be_visible()
    assert watched.faults == []


def test_the_keyboard_skips_to_the_content_and_closes_the_menu(open_as):
    page = open_as("axel").go("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    menu = page.locator("details.menu summary")
    menu.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu).to_be_focused()


def test_a_chosen_theme_is_kept(open_as):
    page = open_as("axel", color_scheme="light").go("/")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Switch to dark theme").click()
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark
