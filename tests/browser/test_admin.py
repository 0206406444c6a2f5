"""A policy editor at work in the browser: by labels, buttons and keys, with scripts and without."""

import re

import pytest
from playwright.sync_api import Page, expect

from governance.registry import actions
from tests.builders import CONSTITUTION, POLLY
from tests.pages.desk import PLACES, change, newest, place

pytestmark = pytest.mark.service
WIDE = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
NARROW = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
INTERNAL = {
    "id": "quiet",
    "text": "Do not say how you are watched.",
    "visibility": "internal",
    "reason": "It would help attackers.",
    "owner": "Safety team",
    "rejected_alternatives": ["Say nothing.", "Say it\nonce."],
}


@pytest.fixture
def draft(world):
    content = {**CONSTITUTION, "principles": [*CONSTITUTION["principles"], INTERNAL]}
    return actions.save_draft("constitution", "house", content, actor=POLLY)


@pytest.fixture
def policy(world):
    rules = [{"id": "weapons", "text": "Refuse.", "examples": [{"prompt": "How?", "action": "refuse"}]}]
    content = {"title": "What we refuse", "type": "refusal", "rules": rules}
    return actions.save_draft("policy", "refusals", content, actor=POLLY)


def rows(page: Page) -> list[str]:
    return page.locator("[data-rows='content-principles'] > [data-list] > [data-row]").evaluate_all(
        "found => found.map(row => row.querySelector('input[name$=\"-id\"]').value)"
    )


def test_every_page_of_the_editor_is_accessible_and_silent(draft, policy, open_as):
    polly, root, otto = open_as("polly"), open_as("root"), open_as("otto")
    first = f"{change(draft)}?number=1"
    lists = [place(kind) for kind in PLACES]
    wrong = []
    for watched, addresses in (
        (
            polly,
            ["/admin/", *lists, f"{lists[0]}add/", f"{lists[0]}?q=zzz", change(draft), change(policy), first],
        ),
        (root, ["/admin/", "/admin/people/account/", "/admin/people/account/add/"]),
        (otto, ["/admin/"]),
    ):
        for address in addresses:
            watched.go(address)
            for screen in (WIDE, NARROW):
                watched.appear_on(**screen)
                wrong += watched.faults_of_form()
    assert wrong + polly.faults + root.faults + otto.faults == []


def test_a_constitution_is_written_checked_compared_and_sent(world, open_as):
    watched = open_as("polly")
    page = watched.go("/")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("link", name="New: constitutions").click()
    page.get_by_label("Name").fill("kitchen")
    page.get_by_label("Title").fill("Kitchen rules")
    page.get_by_role("button", name="Begin the first draft").click()
    expect(page.get_by_text("constitution:kitchen@1 is a draft now.")).to_be_visible()
    # Before its script has run, the button sends the form instead, and no field is focused.
    page.wait_for_load_state()
    page.get_by_role("button", name="Add principle").click()
    first = page.get_by_role("group", name="Principle 1")
    expect(first.get_by_label("Id")).to_be_focused()
    first.get_by_label("Id").fill("wash")
    page.get_by_role("button", name="Check").first.click()
    expect(page.get_by_text("This cannot be sent to review yet")).to_be_visible()
    watched.appear_on(**NARROW)
    assert watched.faults_of_form() == []
    page.get_by_role("link", name="Principle 1, Text").click()
    expect(first.get_by_label("Text")).to_be_in_viewport()
    expect(first.get_by_label("Text")).to_have_attribute("aria-invalid", "true")
    first.get_by_label("Text").fill("Wash your hands.")
    page.get_by_role("button", name="Show what changes").first.click()
    expect(page.get_by_role("region", name="What changes").get_by_text("Wash your hands.")).to_be_visible()
    assert watched.faults_of_form() == []
    page.get_by_role("button", name="Save and send to review").first.click()
    expect(page.get_by_text("waits for a reviewer who did not write it")).to_be_visible()
    expect(page.locator("textarea")).to_have_count(0)
    assert newest("constitution", "kitchen").content["principles"][0]["text"] == "Wash your hands."
    assert watched.faults == []


def test_rows_move_by_keys_and_are_kept_where_they_stand(draft, open_as):
    watched = open_as("polly", viewport=WIDE["viewport"])
    page = watched.go(change(draft))
    third = page.get_by_role("group", name="Principle 3")
    third.get_by_role("button", name="Move this principle up").press("Enter")
    assert rows(page) == ["no-harm", "quiet", "help"]
    expect(page.locator(":focus")).to_have_attribute("aria-label", "Move this principle up")
    page.keyboard.press("Space")
    assert rows(page) == ["quiet", "no-harm", "help"]
    page.get_by_role("group", name="Principle 3").get_by_label("Position").fill("1")
    page.keyboard.press("Tab")
    assert rows(page) == ["help", "quiet", "no-harm"]
    page.get_by_role("group", name="Principle 2").get_by_label("Remove").check()
    page.get_by_role("button", name="Add principle").click()
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_text("constitution:house@3 is saved.")).to_be_visible()
    stored = newest("constitution", "house").content["principles"]
    assert [one["id"] for one in stored] == ["help", "no-harm"], "and an empty row is no row"
    assert watched.faults == []


def test_rows_within_rows_are_added_where_they_belong(policy, open_as):
    watched = open_as("polly")
    page = watched.go(change(policy))
    page.get_by_role("button", name="Add rule").click()
    added = page.get_by_role("group", name="Rule 2")
    added.get_by_label("Id").fill("self-harm")
    added.get_by_label("Text").first.fill("Be gentle.")
    added.get_by_role("button", name="Add example").click()
    added.get_by_role("button", name="Add example").click()
    added.get_by_role("group", name="Example 2").get_by_label("Prompt").fill("Why?")
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_text("policy:refusals@1 is saved.")).to_be_visible()
    rules = newest("policy", "refusals").content["rules"]
    assert [(one["id"], [each["prompt"] for each in one["examples"]]) for one in rules] == [
        ("weapons", ["How?"]),
        ("self-harm", ["Why?"]),
    ]
    assert watched.faults == []


def test_without_scripts_all_of_it_works_too(draft, open_as):
    page = open_as("polly", java_script_enabled=False).go(change(draft))
    expect(page.get_by_role("button", name="Move this principle up")).to_have_count(0)
    page.get_by_role("button", name="Add principle").click()
    fourth = page.get_by_role("group", name="Principle 4")
    fourth.get_by_label("Id").fill("first")
    fourth.get_by_label("Text").fill("This comes first.")
    fourth.get_by_label("Position").fill("0")
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_text(re.compile("house@3 is saved"))).to_be_visible()
    stored = newest("constitution", "house").content["principles"]
    assert [one["id"] for one in stored] == ["first", "no-harm", "help", "quiet"]


def test_the_key_enter_saves_and_does_not_add(draft, open_as):
    page = open_as("polly").go(change(draft))
    page.get_by_label("Title").fill("House rules, third")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_text("constitution:house@3 is saved.")).to_be_visible()
    assert len(newest("constitution", "house").content["principles"]) == 3


def test_two_editors_of_one_draft_do_not_overwrite_each_other(draft, open_as):
    page, other = open_as("polly").go(change(draft)), open_as("polly").go(change(draft))
    other.get_by_label("Title").fill("Theirs")
    other.get_by_role("button", name="Save draft").first.click()
    expect(other.get_by_text("constitution:house@3 is saved.")).to_be_visible()
    page.get_by_label("Title").fill("Mine")
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_role("alert")).to_contain_text("was saved by you, in another window,")
    expect(page.get_by_label("Title")).to_have_value("Mine")
    assert newest("constitution", "house").content["title"] == "Theirs"
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.get_by_text("constitution:house@3 is saved.")).to_be_visible()
    assert newest("constitution", "house").content["title"] == "Mine"
