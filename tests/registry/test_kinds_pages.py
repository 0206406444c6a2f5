"""The page of each kind that people write, as its readers expect it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.registry import actions
from tests.builders import ADA, POLLY
from tests.cast import gather
from tests.registry import samples

pytestmark = pytest.mark.django_db
SCRIPT = (
    "<script>alert(1)</script> [x](javascript:alert(1)) ![spy](https://evil.example/p.png) <b onclick=x>b</b>"
)


@pytest.fixture
def client() -> Client:
    made = Client()
    made.force_login(gather().users["axel"])
    return made


def page(client: Client, kind: str, content: dict, actor=POLLY) -> str:
    version = actions.register(kind, "one", content, actor=actor)
    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"/versions/{version.subject}/")
    assert response.status_code == 200
    assert len(queries) <= 50
    return response.content.decode()


def test_a_policy_is_a_table_of_requests_and_expected_actions(client):
    html = page(client, "policy", samples.POLICY)
    for told in (
        "questions about one&#x27;s own health", "safe completion", "law (EU)", "Refuse <em>little</em>",
        "under legal review (legal answers for it.)", '<a href="#rule-weapons"', "Where it differs", "local law",
        "Write to appeals@example.org.", "Wordings that were not taken",
    ):  # fmt: skip
        assert told in html, told


def test_a_usage_policy_tells_uses_and_enforcement(client):
    html = page(client, "policy", samples.USAGE)
    for told in ("Surveillance of people", "Those under sanctions", "12 accounts in 2025"):
        assert told in html, told


def test_a_guideline_shows_each_section_with_its_examples(client):
    html = page(client, "guideline", samples.GUIDELINE)
    truth, _, rest = html.partition('id="section-length"')
    assert "<strong>true</strong>" in truth
    assert 'id="example-sum"' in truth
    assert 'Response 2 <span class="chip">preferred</span>' in truth
    assert 'id="example-loose"' in rest
    assert "policy:refusals@1#weapons" in rest


def test_a_pool_says_not_recorded_where_nothing_is(client):
    html = page(client, "annotator-pool", samples.POOL, ADA)
    told = " ".join(html.split())
    assert '<dt>Description</dt> <dd> <span class="blank">Not recorded</span>' in told
    assert "Undisclosed by upstream: The vendor does not say." in told
    assert "Platform Ltd → Crowd Inc" in told
    assert "living wage, Nairobi 2025" in told


def test_a_filter_shows_categories_and_error_rates(client):
    html = page(client, "safety-filter", samples.FILTER, ADA)
    for told in ("self_harm", "escalate", "False positive rate", "0.02"):
        assert told in html, told


def test_a_card_text_names_author_and_day(client):
    html = page(client, "card-text", samples.CARD_TEXT)
    assert "Sums for <em>children</em>." in html
    assert "policy team, as of 2026-03-01" in html


def test_a_principle_shows_motive_jurisdiction_and_what_was_not_taken(client):
    principle = {
        "id": "records", "heading": "Keep records", "text": "Keep *every* answer.", "authority": "law", "motive": "law",
        "jurisdiction": "EU", "section": "duties", "tags": ["logs"], "rejected_alternatives": ["Keep none."],
    }  # fmt: skip
    html = page(client, "constitution", {"title": "Ours", "principles": [principle]})
    for told in (
        "Keep <em>every</em> answer.",
        "Motive: law.",
        "Demanded in EU.",
        "Under duties.",
        "Keep none.",
    ):
        assert told in html, told


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("policy", {"title": "T", "type": "behaviour", "preamble": SCRIPT, "rules": [
            {"id": "a", "heading": SCRIPT, "text": SCRIPT, "rationale": SCRIPT, "applies_to": SCRIPT,
             "examples": [{"prompt": SCRIPT, "response": SCRIPT, "explanation": SCRIPT}]}]}),
        ("guideline", {"title": "T", "purpose": SCRIPT, "task": "rating", "scale": SCRIPT, "sections": [
            {"id": "a", "heading": SCRIPT, "text": SCRIPT}], "examples": [
            {"id": "e", "section": "a", "prompt": SCRIPT, "responses": [SCRIPT], "explanation": SCRIPT}]}),
        ("constitution", {"title": "T", "principles": [{"id": "a", "heading": SCRIPT, "text": SCRIPT}]}),
        ("card-text", {"subject": "model:tuned", "fields": {"limits": {"text": SCRIPT, "author": SCRIPT, "as_of": "2026-01-01"}}}),
    ],
    ids=["policy", "guideline", "constitution", "card-text"],
)  # fmt: skip
def test_script_and_pictures_never_become_markup(client, kind, content):
    html = page(client, kind, content)
    assert "<script>alert" not in html
    assert "javascript:alert" not in html.replace("](javascript:alert", "")
    assert "<img" not in html
    assert "<b onclick" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_text_of_brackets_alone_does_not_keep_the_page_busy(client):
    content = {"title": "T", "type": "behaviour", "rules": [{"id": "a", "text": "[" * 100_000}]}
    assert "<pre>[[[" in page(client, "policy", content)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("policy", {}),
        ("policy", {"rules": 5}),
        ("policy", {"rules": [5, {"id": None, "text": 7, "examples": 3}], "regional_variants": "x"}),
        ("guideline", {"sections": True, "examples": {"a": 1}}),
        ("constitution", {"principles": 5}),
        ("annotator-pool", {"pay": 5, "countries": ["KE"], "gaps": 3, "workers": []}),
        ("safety-filter", {"categories": [1, {"id": 2}], "model": {"subject": 1, "digest": 2}}),
        ("card-text", {"fields": [1]}),
        ("model", {"gaps": 4, "manifest": 3, "built_from": "x", "modalities_in": 5}),
        ("deployment", {"decoding": 5, "filters": "x"}),
        ("dataset", {"files": 3, "gaps": 5}),
    ],
    ids=str,
)
def test_the_page_of_an_unfinished_draft_never_fails(client, kind, content):
    version = actions.save_draft(kind, "one", content, actor=POLLY)
    assert client.get(f"/versions/{version.subject}/").status_code == 200
