"""The browser track of docs/tour.md, walked by four people in Chromium on a served house with a real worker."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.watching import Watched
from tests.docs.test_tour import PARTS, begun, served, states
from tests.test_first_run import House, free_port

pytestmark = pytest.mark.service
LONGEST_RUN = 600_000
"""Milliseconds until a run is over, however busy the machine."""


class Walk:
    """One browser window on the house, in which people sign in and out by turns."""

    def __init__(self, house: House, page: Page, address: str) -> None:
        self.house, self.page, self.address = house, page, address
        self.password = (house.work / "password").read_text(encoding="utf-8").strip()

    def sign_in_as(self, name: str) -> None:
        self.page.goto(self.address)
        if self.page.locator("details.menu").count():
            self.page.locator("details.menu summary").click()
            self.page.get_by_role("button", name="Sign out").click()
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(self.password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.locator("details.menu .who")).to_have_text(name)

    def open(self, subject: str) -> None:
        place = "releases" if subject.startswith("release:") else "versions"
        self.page.goto(f"{self.address}/{place}/{subject}/")

    def type(self, **fields: str) -> None:
        """Type into fields, whose labels are given with `_` for a blank."""
        for name, value in fields.items():
            named = self.page.get_by_label(re.compile(rf"^{name.replace('_', ' ')}\s*(needed)?$"))
            label = named.filter(visible=True).first
            if label.evaluate("field => field.tagName") == "SELECT":
                label.select_option(value)
            else:
                label.fill(value)

    def written(self, name: str) -> str:
        return (self.house.work / name).read_text(encoding="utf-8")

    def register(self, kind: str, name: str, *files: Path, unfold: str = "", **fields: str) -> None:
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name="Artifacts").click()
        self.page.get_by_role("link", name="Register something").first.click()
        self.page.get_by_role("link", name=kind, exact=True).click()
        if unfold:
            self.page.locator("summary", has_text=unfold).click()
        self.type(Name=name, **fields)
        if files:
            self.page.locator("input[type=file]").set_input_files([str(path) for path in files])
        self.page.get_by_role("button", name="Register").click()
        expect(self.page.get_by_text(f"{name}@1 is registered.")).to_be_visible()

    def wait_for_the_run(self) -> None:
        expect(self.page.locator(".page-head .pill")).to_have_text("Succeeded", timeout=LONGEST_RUN)

    def evaluate(self, model: str) -> None:
        self.open(model)
        self.page.get_by_role("link", name="Evaluate", exact=True).click()
        self.type(Suite="eval-suite:desk")
        self.page.get_by_role("button", name="Evaluate").click()
        self.wait_for_the_run()

    def submit(self, subject: str, button: str = "Submit for review") -> None:
        self.open(subject)
        self.page.get_by_role("button", name=button).click()
        expect(self.page.get_by_text(f"{subject} is in review now.")).to_be_visible()

    def approve(self, subject: str, button: str = "Approve") -> None:
        self.open(subject)
        self.page.get_by_label("Reason").fill("Read it; it is right.")
        self.page.get_by_role("button", name=button).click()
        expect(self.page.get_by_text(f"{subject} is approved.")).to_be_visible()


@pytest.fixture
def walk(browser: Browser, tmp_path: Path) -> Iterator[tuple[Walk, Watched]]:
    house, port = begun(tmp_path / "tour"), free_port()
    context = browser.new_context(reduced_motion="reduce", accept_downloads=True)
    with served(house, port):
        watched = Watched(context.new_page())
        watched.page.set_default_timeout(30_000)
        yield Walk(house, watched.page, f"http://127.0.0.1:{port}"), watched
    context.close()


def test_four_people_bring_train_judge_and_hand_out_what_is_their_own(walk):
    walked, watched = walk
    registered(walked)
    trained(walked)
    compared(walked)
    composed(walked)
    signed_off(walked)
    handed_out(walked)
    assert watched.faults == []


def registered(walk: Walk) -> None:
    walk.sign_in_as("polly")
    for kind, name, file in (
        ("Constitution", "desk-rules", "constitution.yaml"),
        ("Rater guideline", "desk-raters", "guideline.yaml"),
        ("Release policy", "desk", "policy.yaml"),
    ):
        walk.register(kind, name, Text=walk.written(file))
    walk.sign_in_as("ada")
    work, described = walk.house.work, {"Description": "Written for the tour.", "Licence": "CC0-1.0"}
    rated = {"Source_type": "synthetic", "Guidelines": "guideline:desk-raters"}
    walk.register(
        "Dataset", "desk-pairs", work / "pairs.jsonl", **described, **rated, unfold="More that can be told"
    )
    expect(walk.page.get_by_text("preference").first).to_be_visible()
    base = Path(walk.written("base").strip())
    walk.register("Model", "base", *sorted(base.iterdir()), Origin="pretrained", **described)
    walk.register(
        "Evaluation suite",
        "desk",
        work / "items.jsonl",
        **{"The_suite,_in_YAML_or_JSON": walk.written("suite.yaml")},
    )
    serving = {
        "Engine": "transformers",
        "Engine_version": "5.24.0",
        "Context_length": "512",
        "Max_new_tokens": "32",
    }
    walk.register("Deployment configuration", "desk", **serving)


def trained(walk: Walk) -> None:
    walk.open("model:base@1")
    walk.page.get_by_role("link", name="Train from it").click()
    walk.page.get_by_role("link", name="Direct preference optimization").click()
    walk.type(
        Trained_on="dataset:desk-pairs",
        Constitution="constitution:desk-rules",
        Guideline="guideline:desk-raters",
        Name_of_what_it_makes="desk",
        Learning_rate="0.001",
        Epochs="8",
        Nll_weight="1",
        Max_length="128",
    )
    walk.page.locator("summary", has_text="Seed, launcher, limit").click()
    walk.type(Seed="7")
    walk.page.get_by_role("button", name="Review").click()
    expect(walk.page.get_by_role("heading", name="Review: Direct preference optimization")).to_be_visible()
    walk.page.get_by_role("button", name="Queue this run").click()
    walk.wait_for_the_run()
    expect(walk.page.get_by_role("link", name="model:desk@1")).to_be_visible()


def compared(walk: Walk) -> None:
    walk.evaluate("model:base@1")
    walk.evaluate("model:desk@1")
    walk.page.get_by_role("link", name="Results", exact=True).click()
    walk.page.get_by_role("button", name="Compare").click()
    expect(walk.page.get_by_text("Improved").first).to_be_visible()


def composed(walk: Walk) -> None:
    walk.sign_in_as("mara")
    walk.open("model:desk@1")
    walk.page.get_by_role("link", name="Release it").click()
    walk.type(
        Name="desk", Title="Help desk", Baseline="model:base", Constitution="constitution:desk-rules", Deployment="deployment:desk",
        Policy="release-policy:desk", Intended_uses="Household questions at the help desk.", Out_of_scope="Anything else.",
    )  # fmt: skip
    walk.page.get_by_role("button", name="Check", exact=True).click()
    expect(walk.page.get_by_text("Its model model:desk@1 is sealed, not approved.")).to_be_visible()
    walk.page.get_by_role("button", name="Compose this release").click()
    walk.page.get_by_role("button", name="Run the gate").click()
    expect(walk.page.get_by_text("All blocking rules hold")).to_be_visible()


def signed_off(walk: Walk) -> None:
    walk.submit("release:desk@1", "Ask for sign-off")
    walk.sign_in_as("ada")
    walk.submit("model:desk@1")
    walk.submit("deployment:desk@1")
    walk.sign_in_as("polly")
    walk.submit("constitution:desk-rules@1")
    walk.submit("release-policy:desk@1")
    walk.sign_in_as("ravi")
    waiting = walk.page.get_by_role("region", name="Waiting for your review")
    expect(waiting.get_by_role("link", name=re.compile("^Review "))).to_have_count(len(PARTS))
    for subject in (
        "constitution:desk-rules@1",
        "release-policy:desk@1",
        "model:desk@1",
        "deployment:desk@1",
    ):
        walk.approve(subject)
    walk.approve("release:desk@1", "Sign off")
    assert {states(walk.house)[name] for name in PARTS} == {"approved"}


def handed_out(walk: Walk) -> None:
    walk.sign_in_as("mara")
    walk.open("release:desk@1")
    with walk.page.expect_download() as download:
        walk.page.get_by_role("link", name="Bundle").click()
    bundle = walk.house.work / "release.zip"
    download.value.save_as(bundle)
    checked = walk.house.type(
        f'python -m governance.ledger.verify "{bundle}" --key "$CHARTER_HOME/ledger/policy.txt"'
    )
    assert "Everything holds." in checked.stdout, checked.stdout + checked.stderr
    walk.page.get_by_role("link", name="Card", exact=True).click()
    expect(walk.page.get_by_text("guideline:desk-raters@1").first).to_be_visible()
