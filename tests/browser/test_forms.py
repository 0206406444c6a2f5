"""The forms that register, launch, evaluate, compose and make tokens: accessible in both themes and widths, refused or not."""

import pytest
from playwright.sync_api import Page, expect

from governance.registry import actions
from tests.browser.test_every_page import NARROW, WIDE
from tests.builders import ADA
from tests.pages.test_launch import RECIPE

pytestmark = pytest.mark.service
FORMS = {
    "ada": (
        "/new/dataset/", "/new/model/", "/new/eval-suite/", "/new/deployment/", "/runs/new/",
        "/runs/new/?stage=sft&init_from=model:base@1", "/recipes/recipe:two@1/start/", "/evaluations/new/?model=model:tuned@1",
    ),
    "polly": ("/new/constitution/?from=constitution:house@1", "/new/guideline/"),
    "mara": ("/releases/new/?model=model:tuned@1",),
}  # fmt: skip


def test_every_form_is_accessible_and_silent(world, open_as):
    actions.register("recipe", "two", RECIPE, actor=ADA)
    wrong = []
    for name, pages in FORMS.items():
        watched = open_as(name)
        for address in pages:
            watched.go(address)
            wrong += on_both(watched)
        wrong += watched.faults
    assert wrong == []


def test_what_a_form_answers_is_accessible_too(world, open_as):
    wrong = []
    for name, address, act in ANSWERS:
        watched = open_as(name)
        act(watched.go(address))
        wrong += on_both(watched)
        # The refused form's own status is told on the console.
        wrong += [fault for fault in watched.faults if "status of 422" not in fault]
    assert wrong == []


def on_both(watched) -> list[str]:
    found = []
    for screen in (WIDE, NARROW):
        watched.appear_on(**screen)
        found += watched.faults_of_form()
    return found


def refused(page: Page) -> None:
    page.locator("#id_slug").fill("Not a name")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("alert").get_by_role("link", name="Name").click()
    expect(page.locator("#id_slug")).to_be_focused()


def reviewed(page: Page) -> None:
    page.locator("#id_inputs_trained_on_0").fill("dataset:chats")
    page.locator("#id_output_slug").fill("mine")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Queue this run")).to_be_visible()


def checked(page: Page) -> None:
    for name, value in {"slug": "next", "deployment": "local", "policy": "default"}.items():
        page.locator(f"#id_{name}").fill(value)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Every part is approved.")).to_be_visible()


def made(page: Page) -> None:
    page.locator("#id_label").fill("nightly")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_text("it is shown this once")).to_be_visible()


ANSWERS = (
    ("ada", "/new/dataset/", refused),
    ("ada", "/runs/new/?stage=sft&init_from=model:base@1", reviewed),
    ("mara", "/releases/new/?model=model:tuned@1", checked),
    ("ada", "/account/", made),
)
