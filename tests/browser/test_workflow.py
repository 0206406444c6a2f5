"""How a release is decided, in the browser; with PICTURES=FOLDER it keeps what docs/workflow.md shows."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from governance.registry import lookup
from governance.releases.models import Emergency, Waiver
from governance.reviews.models import Comment, Review

pytestmark = pytest.mark.service


def picture(page: Page, name: str, at: Locator | None = None) -> None:
    """Keep one screen, with `at` in its middle, where somebody asked for pictures."""
    if folder := os.environ.get("PICTURES"):
        page.set_viewport_size({"width": 1100, "height": 760})
        if at:
            at.evaluate("element => element.scrollIntoView({block: 'center'})")
        page.screenshot(path=Path(folder) / name)


def test_a_reviewer_comments_and_asks_for_changes(world, open_as):
    ravi, polly = open_as("ravi"), open_as("polly")
    page = ravi.go("/reviews/")
    picture(page, "workflow-queue.png")
    page.get_by_role("link", name=f"Review {world.waiting.subject}").first.click()
    page.get_by_label("About").fill("no-harm")
    page.get_by_label("Comment", exact=True).fill("What should a reader do instead?")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("What should a reader do instead?")).to_be_visible()
    picture(page, "workflow-review.png", page.get_by_role("button", name="Approve"))
    page.get_by_label("Reason").fill("Say what a reader should do instead.")
    page.get_by_role("button", name="Request changes").click()
    expect(page.get_by_text("Changes requested").first).to_be_visible()
    assert Review.objects.get(version=world.waiting).verdict == Review.CHANGES
    draft = lookup.find(f"constitution:house@{world.waiting.number + 1}", drafts=True)
    assert (draft.state, draft.content) == ("draft", lookup.find(world.waiting.subject).content)
    page = polly.go(f"/versions/{world.waiting.subject}/")
    expect(page.get_by_role("link", name=draft.subject).first).to_be_visible()
    said = Comment.objects.get(text="What should a reader do instead?")
    assert (said.version, said.anchor, said.author) == (world.waiting, "no-harm", "ravi")
    assert ravi.faults + polly.faults == []


def test_a_waiver_takes_two_people(world, open_as):
    mara, ravi = open_as("mara"), open_as("ravi")
    page = mara.go(f"/releases/{world.release.subject}/")
    page.get_by_text("Propose a waiver").first.click()
    form = page.locator("details[open]").filter(has=page.get_by_role("button", name="Propose")).last
    form.get_by_label("Why this release may go out").fill("The supplier sends the figure on Monday.")
    picture(page, "workflow-waiver.png", form)
    form.get_by_role("button", name="Propose").click()
    waiver = Waiver.objects.latest("proposed_at")
    assert (waiver.reason, waiver.state) == ("The supplier sends the figure on Monday.", Waiver.PROPOSED)
    expect(page.get_by_role("button", name="Grant")).to_have_count(0)
    page = ravi.go(f"/releases/{world.release.subject}/")
    shown = page.get_by_role("article", name=f"Waiver of {waiver.rule}")
    shown.get_by_label("Reason").fill("One week is bearable.")
    shown.get_by_role("button", name="Grant").click()
    waiver.refresh_from_db()
    assert (waiver.state, waiver.granted_by) == (Waiver.GRANTED, "ravi")
    assert mara.faults + ravi.faults == []


def test_glass_is_broken_by_one_and_looked_at_by_another(world, open_as):
    ada, ravi = open_as("ada"), open_as("ravi")
    page = ada.go("/runtimes/chat/")
    picture(page, "workflow-runtime.png")
    page.get_by_label("Why it cannot wait").fill("It answers nonsense to every second question.")
    page.get_by_role("button", name="Withdraw everything").click()
    done = Emergency.objects.get(runtime__slug="chat")
    assert (done.state, done.by) == (Emergency.OPEN, "ada")
    page = ravi.go(f"/emergencies/{done.pk}/")
    page.get_by_label("What you found").fill("Right: nothing else would have helped.")
    page.get_by_role("button", name="Confirm").click()
    done.refresh_from_db()
    assert (done.state, done.reviewed_by) == (Emergency.CONFIRMED, "ravi")
    page = ravi.go("/identity/?deployment=chat")
    expect(page.get_by_text("Nothing").first).to_be_visible()
    page = ravi.go("/decisions/")
    picture(page, "workflow-decisions.png")
    assert ada.faults + ravi.faults == []
