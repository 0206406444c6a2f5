"""A rater works by the keyboard alone: three pairs, one of them skipped with a reason."""

import pytest

from evals.models import Judgement
from governance.registry import actions, lookup
from tests.browser.test_every_page import NARROW, WIDE
from tests.builders import ADA, POLLY
from tests.evals.human import studies

pytestmark = pytest.mark.service


@pytest.fixture
def study(world):
    """Three items that one rater each judges, opened by ada."""
    people = studies.World(
        world.cast, None, lookup.find("model:base"), lookup.find("model:tuned"), lookup.find("eval-suite:sums-and-harm"),
        *world.evaluations, actions.register("annotator-pool", "house-raters", studies.POOL, actor=ADA),
        actions.register("guideline", "compare", studies.GUIDELINE, actor=POLLY),
    )  # fmt: skip
    return people.open(task="sums", items=3, needed=1, seed=11)


def test_three_pairs_are_rated_by_keyboard(study, open_as):
    watched = open_as("rosa", **NARROW)
    page = watched.go(f"/evaluations/human/{study.pk}/")
    page.get_by_role("button", name="Begin").press("Enter")
    page.get_by_text("0 done, 3 left for you").wait_for()
    wrong = watched.faults_of_form()
    for done, keys in enumerate((("1", "Enter"), ("4", "2", "Enter"), ("5", "ArrowDown", "Enter")), 1):
        page.wait_for_load_state("load")
        for key in keys:
            page.keyboard.press(key)
        page.get_by_text(f"{done} done, {3 - done} left for you").wait_for()
    page.get_by_text("Nothing is left for you").wait_for()
    watched.appear_on(**WIDE)
    assert wrong + watched.faults_of_form() + watched.faults == []
    given = [(row.choice, row.reason) for row in Judgement.objects.filter(study=study).order_by("at", "id")]
    assert given == [("first", ""), ("second", ""), ("skip", "no_expertise")]
