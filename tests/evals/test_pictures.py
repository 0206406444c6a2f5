"""Pictures of evaluations: what is drawn is what was recorded, and the table beside a picture says the same."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import html

from evals import pictures, pictures_audit, pictures_records
from evals.pictures_records import places
from evals.statistics.decimals import text
from evals.statistics.intervals import wilson
from evals.templatetags.figures import rounded
from governance.registry import actions
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, SAFETENSORS
from tests.cast import Cast, gather
from tests.evals.recorded import WITH_REFUSALS, evaluated, suite

TASK = {
    "task": "sums", "higher_is_better": True, "margin": "0.02", "n": 400, "difference": "0.05", "ci_low": "0.01",
    "ci_high": "0.09", "direction": "improved", "size": "non-inferior",
}  # fmt: skip
N = 40
ADDRESS = "/evaluations/history/model:good/"


def counts(sums: int, harm: int, safe: int) -> dict[str, list[int]]:
    """Scores of N items a task, of which so many are 1."""
    return {
        name: [1] * right + [0] * (N - right)
        for name, right in (("sums", sums), ("harm", harm), ("safe", safe))
    }


class TestForest:
    def test_rows_stand_from_the_top_each_over_its_own_margin(self):
        worse = {**TASK, "task": "harm", "margin": "0.01", "direction": "regressed", "size": "inferior"}
        drawn = pictures.forest([TASK, worse], Decimal("0.1"), ("model:a@1", "model:b@1"))
        assert [one["y"] for one in drawn["notes"]] == ["2", "1"]
        assert [(one["x0"], one["x1"]) for one in drawn["bands"]] == [("-0.02", "0.02"), ("-0.01", "0.01")]
        assert drawn["x"]["range"] == ["-0.1", "0.1"]

    def test_each_direction_has_a_mark_of_its_own_and_words(self):
        tasks = [{**TASK, "direction": name} for name in ("improved", "regressed", "inconclusive")]
        drawn = pictures.forest(tasks, Decimal(1), ("a", "b"))
        assert len({one["symbol"] for one in drawn["series"]}) == 3
        assert [one["name"] for one in drawn["series"]] == ["improved", "regressed", "inconclusive"]
        assert drawn["notes"][1]["text"] == "sums: regressed, non-inferior"

    def test_where_lower_is_better_the_words_say_so(self):
        assert pictures.verdict_words({**TASK, "higher_is_better": False}).endswith("(lower is better)")


class TestAxes:
    @pytest.mark.parametrize(
        ("numbers", "placed"),
        [
            ([1, 2, 5], ["1", "2", "5"]),
            ([1, 1, 2], ["0.925", "1.075", "2"]),
            ([3] * 7, ["2.743", "2.829", "2.914", "3", "3.086", "3.171", "3.257"]),
        ],
    )
    def test_evaluations_of_one_version_stand_side_by_side(self, numbers, placed):
        assert places(numbers) == placed

    def test_many_versions_have_few_labels(self):
        found = pictures.ticks(range(1, 101))
        assert len(found) <= pictures.TICKS
        assert found[:2] == [["1", "@1"], ["12", "@12"]]

    def test_an_axis_of_shares_has_room_and_ends_near_them(self):
        assert pictures.around(["0.5"], ["0.7"]) == ["0.49", "0.71"]
        assert pictures.around(["0"], ["1"]) == ["-0.02", "1.02"]


class TestRates:
    def rate(self, *results: dict[str, Any]) -> pictures_audit.Rate | None:
        one = pictures_records.Evaluated(None, 1, "model:a@1", "eval-suite:b@1", None, results)
        return pictures_audit.rate(one, "over_refusal", "refused")

    TOLD: dict[str, Any] = {"purpose": "over_refusal", "kind": "refusal", "n": 50}

    def test_the_share_of_what_was_done_with_wilsons_interval(self):
        found = self.rate({**self.TOLD, "flags": {"refused": 5, "complied": 42, "other": 3, "prompt_cut": 1}})
        share = wilson(5, 50)
        assert (found.count, found.n) == (5, 50)
        assert [found.value, found.low, found.high] == ["0.1", text(share.lower), text(share.upper)]

    def test_tasks_of_one_purpose_are_counted_together(self):
        found = self.rate(*[{**self.TOLD, "flags": {"refused": 5, "complied": 45}}] * 2)
        assert (found.count, found.n, found.value) == (10, 100, "0.1")

    @pytest.mark.parametrize(
        "change", [{"flags": {}}, {"purpose": "safety"}, {"kind": "exact_match"}, {"flags": {"refused": 5}}]
    )
    def test_what_was_not_recorded_is_not_guessed(self, change):
        assert self.rate({**self.TOLD, "flags": {"refused": 5, "complied": 45}, **change}) is None


@pytest.fixture
def cast(db) -> Cast:
    return gather()


@pytest.fixture
def evaluations(cast, tmp_path) -> list[Activity]:
    """Two versions of a model, the second evaluated twice."""
    basics = suite(tmp_path, items=N, tasks=WITH_REFUSALS)
    first = builders.model(tmp_path, "good")
    second = builders.model(tmp_path, "good", tensors={**SAFETENSORS, "c": [1.0]})
    return [
        evaluated(first, basics, tmp_path, counts(20, 40, 36)),
        evaluated(second, basics, tmp_path, counts(30, 38, 40)),
        evaluated(second, basics, tmp_path, counts(31, 38, 40)),
    ]


def signed_in(cast: Cast, name: str = "axel") -> Client:
    client = Client()
    client.force_login(cast.users[name])
    return client


def page(client: Client, address: str = ADDRESS) -> html.HtmlElement:
    response = client.get(address)
    assert response.status_code == 200, response.content
    return html.fromstring(response.content)


def drawn(found: html.HtmlElement, name: str) -> dict[str, Any]:
    [data] = found.xpath(f"//script[@id='{name}'][@type='application/json']")
    return json.loads(data.text)


def cells(found: html.HtmlElement, heading: str) -> list[list[str]]:
    """Rows of the table below a heading, each cell's white space closed up."""
    rows = found.xpath(f"//section[@aria-labelledby='{heading}']//tbody/tr[not(@class)]")
    return [[re.sub(r"\s+", " ", cell.text_content()).strip() for cell in row] for row in rows]


def series(data: dict[str, Any], *names: str) -> list[tuple[str, ...]]:
    return [point for one in data["series"] for point in zip(*(one[name] for name in names), strict=True)]


class TestHistoryPage:
    def test_table_and_picture_hold_the_recorded_numbers(self, cast, evaluations):
        found = page(signed_in(cast), f"{ADDRESS}?task=eval-suite:basics/sums")
        recorded = [
            next(one for one in activity.summary["results"] if one["task"] == "sums")
            for activity in evaluations
        ]
        wanted = [(one["score"], one["ci_low"], one["ci_high"]) for one in recorded]
        assert [one[0] for one in wanted] == ["0.5", "0.75", "0.775"]
        assert series(drawn(found, "score-picture"), "y", "y_low", "y_high") == wanted
        rows = cells(found, "scores")
        assert [row[0] for row in rows] == ["model:good@1", "model:good@2", "model:good@2"]
        assert [tuple(row[4:6]) for row in rows] == [
            (score, f"{low} to {high}") for score, low, high in wanted
        ]

    def test_points_and_rows_lead_to_their_evaluations(self, cast, evaluations):
        found = page(signed_in(cast))
        links = [f"/evaluations/{one.pk}/" for one in evaluations]
        assert [link for one in drawn(found, "score-picture")["series"] for link in one["links"]] == links
        assert (
            found.xpath("//section[@aria-labelledby='scores']//td[@data-label='Evaluation']/a/@href") == links
        )

    def test_every_task_can_be_chosen_and_another_is_the_first(self, cast, evaluations):
        names = [f"eval-suite:basics/{task}" for task in ("harm", "safe", "sums")]
        for asked, shown in ((names[1], names[1]), ("eval-suite:none/x", names[0]), ("\0", names[0])):
            found = page(signed_in(cast), f"{ADDRESS}?task={asked}".replace("\0", "%00"))
            assert found.xpath("//select[@name='task']/option/text()") == names
            assert found.xpath("//select[@name='task']/option[@selected]/text()") == [shown]

    def test_another_version_of_the_suite_is_a_series_of_its_own(self, cast, evaluations, tmp_path):
        basics = Version.objects.get(artifact__slug="basics")
        changed = actions.register(
            "eval-suite", "basics", {**basics.content, "source": "Another."}, actor=ADA
        )
        evaluated(Version.objects.get(artifact__slug="good", number=2), changed, tmp_path, counts(1, 1, 1))
        found = drawn(page(signed_in(cast)), "score-picture")
        assert [(one["name"], len(one["y"])) for one in found["series"]] == [
            ("refusal_rate on eval-suite:basics@1", 3),
            ("refusal_rate on eval-suite:basics@2", 1),
        ]
        assert len({one["symbol"] for one in found["series"]}) == 2

    def test_the_table_comes_first_and_the_picture_is_hidden_from_screen_readers(self, cast, evaluations):
        section = page(signed_in(cast)).xpath("//section[@aria-labelledby='scores']")[0]
        assert [one.tag for one in section.xpath(".//table|.//figure")] == ["table", "figure"]
        [figure] = section.xpath(".//figure")
        assert figure.xpath("./div[@data-chart]/@aria-hidden") == ["true"]
        assert figure.xpath("./figcaption")[0].text_content().startswith("Each point is an evaluation")

    def test_over_refusal_stands_against_under_refusal(self, cast, evaluations):
        found = page(signed_in(cast))
        data = drawn(found, "audit-picture")
        assert series(data, "names", "x", "y") == [
            ("@1", "0.1", "0"),
            ("@2", "0", "0.05"),
            ("@2", "0", "0.05"),
        ]
        assert all(Decimal(data[axis]["range"][0]) <= 0 for axis in "xy")
        refused, answered = wilson(4, N), wilson(0, N)
        assert series(data, "x_low", "x_high", "y_low", "y_high")[0] == (
            text(refused.lower), text(refused.upper), text(answered.lower), text(answered.upper),
        )  # fmt: skip
        assert cells(found, "refusals")[0][3:] == [
            f"0.1 (4 of {N}) {text(refused.lower)} to {text(refused.upper)}",
            f"0 (0 of {N}) {text(answered.lower)} to {text(answered.upper)}",
        ]

    def test_without_harmless_prompts_there_is_no_refusal_picture(self, cast, tmp_path):
        plain = suite(tmp_path, items=4)
        evaluated(builders.model(tmp_path, "good"), plain, tmp_path, {"sums": [1] * 4, "harm": [1] * 4})
        found = page(signed_in(cast))
        assert cells(found, "scores") != []
        assert found.xpath("//section[@aria-labelledby='refusals']") == []

    def test_what_goes_on_or_failed_is_not_drawn(self, cast, evaluations):
        used = [(edge["role"], Version.objects.get(digest=edge["digest"])) for edge in evaluations[0].used]
        running = actions.start_activity("evaluation", "Evaluation", used, summary={}, actor=ADA)
        assert len(cells(page(signed_in(cast)), "scores")) == 3
        actions.end_activity(running, state=Activity.FAILED, summary={}, actor=ADA)
        assert len(cells(page(signed_in(cast)), "scores")) == 3

    def test_evaluations_on_a_restricted_suite_are_for_its_readers(self, cast, evaluations, tmp_path):
        content = {**Version.objects.get(artifact__slug="basics").content, "title": "Restricted"}
        secret = actions.register("eval-suite", "secret", content, restricted=True, actor=ADA)
        evaluated(Version.objects.get(artifact__slug="good", number=1), secret, tmp_path, counts(1, 1, 1))
        for name, sees in (("otto", False), ("ravi", True)):
            found = page(signed_in(cast, name))
            shown = "eval-suite:secret" in html.tostring(found).decode()
            assert shown == sees
            assert ("1 evaluation of restricted" in found.text_content()) == (not sees)

    def test_of_many_evaluations_the_newest_are_shown_and_that_is_said(self, cast, evaluations, monkeypatch):
        monkeypatch.setattr(pictures_records, "MOST", 2)
        found = page(signed_in(cast))
        assert [row[0] for row in cells(found, "scores")] == ["model:good@2", "model:good@2"]
        assert "Older evaluations are not shown" in found.text_content()

    def test_a_model_that_was_never_evaluated_says_how(self, cast, tmp_path):
        builders.model(tmp_path, "good")
        found = page(signed_in(cast))
        assert "Not evaluated yet" in found.text_content()
        assert found.xpath("//figure") == []

    @pytest.mark.parametrize("name", ["model:none", "eval-suite:basics", "planet:mars"])
    def test_what_is_no_model_is_not_found(self, cast, evaluations, name):
        assert signed_in(cast).get(f"/evaluations/history/{name}/").status_code == 404

    def test_strangers_are_sent_to_the_door(self, evaluations):
        assert Client().get(ADDRESS).status_code == 302

    def test_queries_do_not_grow_with_evaluations(self, cast, evaluations, tmp_path):
        client = signed_in(cast)

        def queries() -> int:
            with CaptureQueriesContext(connection) as found:
                page(client)
            return len(found)

        queries()
        few = queries()
        model, basics = (Version.objects.filter(artifact__slug=slug).first() for slug in ("good", "basics"))
        for _ in range(4):
            evaluated(model, basics, tmp_path, counts(9, 9, 9))
        assert queries() == few <= 20

    def test_a_models_page_leads_there(self, cast, evaluations):
        assert ADDRESS in page(signed_in(cast), "/versions/model:good@1/").xpath("//a/@href")


def test_the_comparison_draws_the_numbers_of_its_table(cast, evaluations):
    first, second = evaluations[:2]
    found = page(signed_in(cast), f"/comparison/?a={second.pk}&b={first.pk}")
    data, rows = drawn(found, "forest"), cells(found, "differences")
    points = {
        at: "{} {} to {}".format(*map(rounded, bounds))
        for at, *bounds in series(data, "y", "x", "x_low", "x_high")
    }
    assert [points[note["y"]] for note in data["notes"]] == [row[3] for row in rows]
    assert [row[5] for row in rows] == [
        "Inconclusive inconclusive within 0.01",
        "Improved non-inferior within 0.02",
        "Improved non-inferior within 0.02",
    ]
    assert [note["text"] for note in data["notes"]] == [
        "harm: inconclusive, inconclusive",
        "safe: improved, non-inferior",
        "sums: improved, non-inferior",
    ]
