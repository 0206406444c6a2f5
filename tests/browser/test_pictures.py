"""Pictures of evaluations in a browser: drawn from the data in the page, in both themes and on paper, within the policy."""

import pytest
from playwright.sync_api import expect

from tests import builders
from tests.builders import SAFETENSORS
from tests.evals.recorded import evaluated
from tests.pages.world import BETTER, SCORES

pytestmark = pytest.mark.service
HISTORY = "/evaluations/history/model:tuned/"
LOOK = """() => [
    document.querySelector('.chart .main-svg').getAttribute('width'),
    getComputedStyle(document.querySelector('.chart .xtitle')).fill,
]"""
"""How wide a chart is drawn, and in what colour its letters."""


@pytest.fixture
def versions(world, tmp_path):
    """The second version of the tuned model, evaluated on the suite of the first."""
    suite = world.evaluations[0].usages.get(role="evaluated_on").version
    second = builders.model(tmp_path, "tuned", tensors={**SAFETENSORS, "c": [2.0]})
    return [evaluated(second, suite, tmp_path, scores) for scores in (SCORES, BETTER)]


def drawn(page, number: int = 0) -> dict:
    """x and y of the first series of a chart, once it is drawn."""
    chart = page.locator(".chart").nth(number)
    chart.scroll_into_view_if_needed()
    expect(chart.locator(".main-svg").first).to_be_visible()
    return page.evaluate(
        "n => { const [one] = document.querySelectorAll('.chart')[n].data; return [one.x, one.y]; }", number
    )


def test_a_comparison_and_a_history_are_drawn_and_points_open_their_evaluation(world, versions, open_as):
    watched = open_as("ravi")
    page = watched.go(world.addresses["comparison"])
    [differences, rows] = drawn(page)
    assert (len(differences), rows) == (3, [3, 2, 1])
    expect(page.locator(".chart").get_by_text("sums: inconclusive")).to_be_visible()
    page = watched.go(f"{HISTORY}?task=eval-suite:sums-and-harm/sums")
    assert drawn(page) == [[1, 1.925, 2.075], [1, 0.75, 1]]
    assert drawn(page, 1) == [[0.375, 0, 0.375], [0.125, 0.125, 0.125]]
    page.locator(".chart").first.scroll_into_view_if_needed()
    place = page.locator(".chart .point").nth(1).bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(f"**/evaluations/{versions[0].pk}/")
    assert watched.faults == []


def test_on_paper_a_picture_is_as_wide_as_a_page_and_dark_on_light_and_then_as_before(
    world, open_as, tmp_path
):
    watched = open_as("ravi", color_scheme="dark", viewport={"width": 1280, "height": 900})
    page = watched.go(world.addresses["comparison"])
    drawn(page)
    before = page.evaluate(LOOK)
    page.evaluate(f"() => addEventListener('beforeprint', () => {{ window.paper = ({LOOK})(); }})")
    page.pdf(path=tmp_path / "comparison.pdf")
    assert page.evaluate("() => window.paper") == ["660", "rgb(83, 93, 112)"]
    expect(page.locator(".chart .main-svg").first).to_have_attribute("width", before[0])
    assert page.evaluate(LOOK) == before
    assert before[1] != "rgb(83, 93, 112)"
    assert watched.faults == []
