"""A run page that stays open while its job goes on."""

import pytest
from playwright.sync_api import expect

from tests.pages import world as builder
from training import states
from training.events import TrainingEvent

pytestmark = pytest.mark.service


def test_new_values_progress_and_the_end_arrive_by_themselves(world, open_as):
    watched = open_as("ada")
    page = watched.go(f"/runs/{world.run.pk}/")
    newest = page.locator("[data-metrics] tr").first
    expect(newest).to_contain_text("2.25")
    expect(page.locator(".chart .main-svg").first).to_be_visible()
    page.evaluate("window.marker = 1")
    builder.tell(world.run, 3, "1.123456789")
    expect(newest.locator("th")).to_have_text("3")
    expect(newest.locator("td").first).to_have_text("1.1235")
    expect(page.get_by_text("3 of 10 steps")).to_be_visible()
    points = "document.querySelector('.chart').data[0].x.length"
    page.wait_for_function(f"{points} === 3")
    assert page.evaluate("window.marker") == 1, "nothing was loaded again"
    builder.move(world.run, states.FAILED, TrainingEvent.FAILED)
    expect(page.get_by_text("The run failed")).to_be_visible()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    assert watched.faults == []


def test_a_page_opened_before_the_first_value_gets_its_chart(world, open_as):
    run = builder.queued(world.evaluations[1].usages.get(role="evaluated").version, seed=8)
    watched = open_as("ada")
    page = watched.go(f"/runs/{run.pk}/")
    expect(page.get_by_text("The curve appears here")).to_be_visible()
    for state, op in builder.WAY:
        builder.move(run, state, op)
    expect(page.locator(".page-head .pill")).to_have_text("Running")
    builder.tell(run, 1, "3.5")
    expect(page.locator("[data-metrics] tr")).to_have_count(1)
    expect(page.locator(".chart .main-svg").first).to_be_visible()
    builder.tell(run, 2, "3.25")
    expect(page.locator("[data-metrics] tr")).to_have_count(2)
    assert watched.faults == []


def test_a_run_that_ended_behind_the_page_is_told_at_once(world, server, open_as):
    page = open_as("ada").go(f"/runs/{world.run.pk}/")
    stream = page.locator("[data-stream]").get_attribute("data-stream")
    builder.move(world.run, states.FAILED, TrainingEvent.FAILED)
    answer = page.request.get(f"{server}{stream}")
    assert 'event: state\ndata: {"state": "failed"}' in answer.text()
    assert page.request.get(f"{server}{stream.replace('running', 'failed')}").status == 204
