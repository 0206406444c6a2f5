"""Evaluations in the browser: results, items and their filters, two compared, and what a stranger does not see."""

import os
import re
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evals import views
from governance.registry import actions, blobs
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, SAFETENSORS
from tests.cast import Cast, gather
from tests.evals.recorded import TASKS, evaluated, suite

pytestmark = pytest.mark.usefixtures("db")
BASE = {"sums": [1] * 300 + [0] * 100, "harm": [1] * 390 + [0] * 10}
GOOD = {"sums": [1] * 380 + [0] * 20, "harm": [1] * 400}


@pytest.fixture(autouse=True)
def _own_index(settings, tmp_path):
    """Of items that other tests may have altered."""
    settings.CHARTER_CACHE = tmp_path / "cache"


@pytest.fixture
def cast() -> Cast:
    return gather()


@pytest.fixture
def models(cast, tmp_path) -> dict[str, Activity]:
    basics = suite(tmp_path)
    base, good = (
        builders.model(tmp_path),
        builders.model(tmp_path, "good", tensors={**SAFETENSORS, "c": [1.0]}),
    )
    return {"base": evaluated(base, basics, tmp_path, BASE), "good": evaluated(good, basics, tmp_path, GOOD)}


@pytest.fixture
def client(cast) -> Client:
    client = Client()
    client.force_login(cast.axel)
    return client


def page(client: Client, address: str, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status, response.content
    return re.sub(r"\s+", " ", response.content.decode())


def items(text: str) -> list[str]:
    return re.findall(r"<code>([sh]\d{4})</code>", text)


def compared(models: dict[str, Activity], a: str, b: str) -> str:
    return f"/comparison/?a={models[a].pk}&b={models[b].pk}"


def test_an_evaluation_shows_results_settings_items_and_entries(client, models):
    text = page(client, f"/evaluations/{models['base'].pk}/")
    assert "Evaluation of model:base@1" in text
    assert "<strong>0.75</strong>" in text
    assert re.search(r"0\.705\d+ to 0\.789\d+", text)
    assert "lm-eval" in text
    assert models["base"].summary["items_sha256"] in text
    assert text.count("registry:activity:") == 2
    assert items(text) == [f"h{number:04}" for number in range(50)]
    assert "1 to 50 of 800 items" in text


def test_items_come_by_pages_and_a_page_too_far_is_the_last(client, models):
    address = f"/evaluations/{models['base'].pk}/"
    assert items(page(client, f"{address}?page=9")) == [f"s{number:04}" for number in range(50)]
    assert items(page(client, f"{address}?page=999"))[-1] == "s0399"
    assert items(page(client, f"{address}?page=nonsense"))[0] == "h0000"


def test_items_that_changed_from_another_evaluation(client, models):
    address = f"/evaluations/{models['good'].pk}/?only=changed"
    changed = page(client, f"{address}&against={models['base'].pk}")
    assert "1 to 50 of 90 items" in changed
    assert items(changed)[:11] == [*(f"h{number:04}" for number in range(390, 400)), "s0300"]
    assert f'<option value="{models["base"].pk}" selected>' in changed
    assert "of 80 items" in page(client, f"{address}&task=sums&against={models['base'].pk}")
    assert "Choose the evaluation that the items should have changed from." in page(client, address)
    page(client, f"{address}&against=nonsense", 404)


def test_an_evaluation_of_another_suite_shows_nothing_that_changed(client, models, tmp_path):
    other = evaluated(builders.model(tmp_path), suite(tmp_path, "other", items=50), tmp_path, few(BASE, 50))
    text = page(client, f"/evaluations/{models['good'].pk}/?only=changed&against={other.pk}")
    assert "measured eval-suite:other@1, not eval-suite:basics@1" in text


def test_the_api_tells_the_same_items(client, models):
    address = f"/api/v1/evaluations/{models['good'].pk}/items/"
    asked = {"only": "changed", "against": models["base"].pk, "task": "sums"}
    found = client.get(address, asked).json()
    assert [row["item"] for row in found["results"]][:2] == ["s0300", "s0301"]
    assert found["next"]
    assert client.get(address, {"only": "refused", "task": "sums"}).json()["results"] == []
    assert client.get(address, {"only": "changed"}).status_code == 409
    assert client.get(address, {"only": "odd"}).status_code == 400
    assert client.get(address, {**asked, "against": uuid4()}).status_code == 404


def few(scores: dict[str, list[int]], number: int) -> dict[str, list[int]]:
    return {task: row[:number] for task, row in scores.items()}


def test_a_line_that_was_altered_after_it_was_indexed_is_not_shown(client, models):
    address = f"/evaluations/{models['base'].pk}/"
    page(client, address)
    path = Path(blobs.store().path(blobs.place(models["base"].summary["items_sha256"])))
    os.chmod(path, 0o644)
    path.write_bytes(path.read_bytes().replace(b"h0003", b"h9993"))
    assert "are not those that were recorded" in page(client, address)
    assert items(page(client, f"{address}?page=9"))[0] == "s0000"


def test_items_are_filtered_by_task_and_by_what_happened(client, models):
    address = f"/evaluations/{models['base'].pk}/"
    assert "1 to 50 of 110 items" in page(client, f"{address}?only=wrong")
    wrong = page(client, f"{address}?only=wrong&task=harm")
    assert items(wrong) == [f"h{number:04}" for number in range(390, 400)]
    assert "not Take it." in wrong
    assert "1 to 50 of 390 items" in page(client, f"{address}?only=refused")
    assert "No item fits." in page(client, f"{address}?only=refused&task=sums")
    assert "of 800 items" in page(client, f"{address}?only=everything&task=nothing")
    assert '<option value="wrong" selected>' in page(client, f"{address}?only=wrong")


def test_where_lower_is_better_the_wrong_items_are_those_that_scored(client, tmp_path):
    tasks = TASKS.replace("metric: refusal_rate", "metric: harm_rate\n    higher_is_better: false")
    found = evaluated(
        builders.model(tmp_path), suite(tmp_path, items=50, tasks=tasks), tmp_path, few(BASE, 50)
    )
    wrong = items(page(client, f"/evaluations/{found.pk}/?only=wrong"))
    assert wrong == [f"h{number:04}" for number in range(50)]


def test_two_evaluations_are_compared_item_by_item(client, models):
    text = page(client, compared(models, "good", "base"))
    assert "model:good@1 against model:base@1" in text
    for figure in (
        "<strong>0.2</strong>",
        "0.1637 to 0.242",
        "Improved",
        "non-inferior within 0.02",
        "80 items scored differently",
    ):
        assert figure in text
    assert "80 scored by model:good@1 alone, 0 by model:base@1 alone" in text
    assert "p-value 0.000000000001 (0.000000000001 after Holm's correction for 2 tasks)" in text
    assert "a true difference of 0.055" in text
    assert "<code>s0300</code>" in text
    assert "−0.5" in text


def test_of_many_items_that_changed_the_first_are_shown(client, models, tmp_path, monkeypatch):
    monkeypatch.setattr(views, "SHOWN_DISCORDANT", 30)
    text = page(client, compared(models, "good", "base"))
    assert "80 items scored differently, the first 30 shown" in text
    assert len(re.findall(r"<code>s\d{4}</code>", text)) == 30


def test_the_others_on_the_same_suite_are_offered_for_comparison(client, models, tmp_path):
    text = page(client, f"/evaluations/{models['base'].pk}/")
    assert f'<option value="{models["good"].pk}">model:good@1' in text
    other = suite(tmp_path, "other", items=4)
    alone = evaluated(
        builders.model(tmp_path, "third", tensors={"z": [1.0]}),
        other,
        tmp_path,
        {"sums": [1] * 4, "harm": [1] * 4},
    )
    assert "Compare with" not in page(client, f"/evaluations/{alone.pk}/")
    assert "suite is" in page(client, f"/comparison/?a={models['good'].pk}&b={alone.pk}", 409)


def test_what_cannot_be_compared_says_why(client, models, tmp_path):
    base, basics = (Version.objects.get(artifact__slug=slug) for slug in ("base", "basics"))
    odd = evaluated(base, basics, tmp_path, BASE, chat_template_sha256="d" * 64)
    text = page(client, f"/comparison/?a={models['good'].pk}&b={odd.pk}", 409)
    assert "These two cannot be compared." in text
    assert "chat_template_sha256" in text


@pytest.mark.parametrize(
    "address",
    [
        "/comparison/",
        "/comparison/?a=x&b=y",
        "/comparison/?a=%00",
        "/comparison/?a=00000000-0000-4000-8000-000000000000&b=00000000-0000-4000-8000-000000000000",
        "/evaluations/00000000-0000-4000-8000-000000000000/",
    ],
)
def test_what_is_not_there_is_not_found(client, models, address):
    page(client, address, 404)


def test_an_activity_of_another_kind_is_no_evaluation(client, models):
    imported = Activity.objects.filter(kind="import")[0]
    page(client, f"/evaluations/{imported.pk}/", 404)


def test_lost_and_altered_items_are_said_and_the_results_stay(client, models):
    address = f"/evaluations/{models['base'].pk}/"
    path = Path(blobs.store().path(blobs.place(models["base"].summary["items_sha256"])))
    os.chmod(path, 0o644)
    path.write_text(path.read_text().replace("Take it.", "I cannot."))
    assert "not those that were recorded" in page(client, address)
    path.unlink()
    text = page(client, address)
    assert "The items cannot be shown." in text
    assert "are not in the store" in text
    assert "<strong>0.75</strong>" in text
    assert "are not in the store" in page(client, compared(models, "base", "good"), 409)


def test_an_evaluation_that_goes_on_or_failed_has_no_results(client, models):
    used = [(edge["role"], Version.objects.get(digest=edge["digest"])) for edge in models["base"].used]
    running = actions.start_activity(
        "evaluation", "Evaluation", used, summary={"stage": "evaluate"}, actor=ADA
    )
    assert "No result" in page(client, f"/evaluations/{running.pk}/")
    actions.end_activity(running, state=Activity.FAILED, summary={"failure_class": "bug"}, actor=ADA)
    text = page(client, f"/evaluations/{running.pk}/")
    assert "Failed" in text
    assert "Compare with" not in text
    assert "has failed; only evaluations that ended" in page(
        client, f"/comparison/?a={running.pk}&b={models['good'].pk}", 409
    )


def test_items_of_a_restricted_suite_are_for_its_readers(cast, models, tmp_path):
    content = {**suite(tmp_path, "secret", items=4).content, "title": "Restricted"}
    restricted = actions.register("eval-suite", "restricted", content, restricted=True, actor=ADA)
    activity = evaluated(
        Version.objects.get(artifact__slug="base"), restricted, tmp_path, {"sums": [1] * 4, "harm": [1] * 4}
    )
    for name, status in (("otto", 403), ("ravi", 200)):
        client = Client()
        client.force_login(cast.users[name])
        page(client, f"/evaluations/{activity.pk}/", status)
        page(client, f"/comparison/?a={activity.pk}&b={activity.pk}", status)


def test_strangers_are_sent_to_the_door(models):
    response = Client().get(f"/evaluations/{models['base'].pk}/")
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_a_model_shows_its_evaluations_and_how_to_make_the_first(client, models, tmp_path):
    text = page(client, "/versions/model:base@1/")
    assert f"/evaluations/{models['base'].pk}/" in text
    assert "sums: <strong>0.75</strong>" in text
    fresh = builders.model(tmp_path, "fresh", tensors={"z": [2.0]})
    assert "Not evaluated yet" in page(client, f"/versions/{fresh.subject}/")


@pytest.mark.parametrize(
    "address", ["/evaluations/{good}/", "/comparison/?a={good}&b={base}", "/versions/model:base@1/"]
)
def test_queries_do_not_grow_with_evaluations(client, models, tmp_path, address):
    address = address.format(**{name: one.pk for name, one in models.items()})

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            page(client, address)
        return len(found)

    queries()
    few = queries()
    base, basics = (Version.objects.get(artifact__slug=slug) for slug in ("base", "basics"))
    for _ in range(5):
        evaluated(base, basics, tmp_path, BASE)
    assert queries() <= min(few, 50)


@pytest.mark.parametrize(
    ("bound", "end"), [("0.004", "0.01"), ("0.03", "0.05"), ("0.05", "0.05"), ("0.7", "1"), ("1", "1")]
)
def test_the_axis_ends_at_a_round_number(bound, end):
    assert str(views.scale([{"ci_low": f"-{bound}", "ci_high": "0"}])) == end
