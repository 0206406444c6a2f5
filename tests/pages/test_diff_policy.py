"""Two versions of a constitution or policy: what became of each principle, and where a rule differs by region."""

from typing import Any

import pytest

from governance.registry import actions, importers
from governance.views import diff_parts
from governance.views.diff import Marker
from tests.builders import POLLY
from tests.realdata import REAL, requires
from tests.registry.samples import POLICY
from tests.registry.test_model_spec import ADDED, DATES, REMOVED

pytestmark = pytest.mark.django_db


def principle(id: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "text": text, **more}


def test_a_constitution_tells_what_became_of_each_principle(client_of):
    client = client_of("otto")
    quiet = {"visibility": "internal", "reason": "under review", "owner": "legal"}
    old = [
        principle("honest", "Do not lie to users."),
        principle("kind", "Be kind.", authority="user", motive="norm"),
        principle("brief", "Be brief."),
        principle("gone", "Old."),
    ]
    new = [
        principle("brief", "Be brief."),
        principle("honest", "Do not deceive users."),
        principle("kind", "Be kind.", authority="root", motive="law", jurisdiction="DE", **quiet),
        principle("fresh", "New."),
    ]
    for principles in (old, new):
        actions.register("constitution", "house", {"title": "House", "principles": principles}, actor=POLLY)
    response = client.get("/versions/constitution:house@2/diff/")
    parts = {one["part"].name: one["part"] for one in response.context["page"]}
    assert {name: (part.op, part.moved) for name, part in parts.items()} == {
        "brief": ("moved", True),
        "honest": ("changed", False),
        "kind": ("changed", False),
        "gone": ("removed", False),
        "fresh": ("added", False),
    }
    told = {field.name: (words(field.old), words(field.new)) for field in parts["kind"].fields}
    assert told["visibility"] == ("public", "internal")
    assert told["authority"] == ("user", "root")
    assert told["motive"] == ("norm", "law")
    assert told["jurisdiction"] == ("", "DE")
    (row,) = [row for row in parts["honest"].rows if row["op"] == "changed"]
    assert [text.strip() for changed, text in row["old"] if changed and text.strip()] == ["lie to"]
    assert [text.strip() for changed, text in row["new"] if changed and text.strip()] == ["deceive"]
    assert "under review" in response.content.decode()


def words(pieces: Any) -> str:
    return "".join(text for _, text in pieces or [])


VARIANT = POLICY["regional_variants"][0]
FRENCH = {**VARIANT, "region": "FR", "text": "Name the emergency number 15.", "reason": "local number"}


def variants(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[str, str]:
    found = diff_parts.parts(old, new, Marker(), whole=False)
    return {part.name: part.op for part in found}


def test_a_rule_that_differs_by_region_is_found_again():
    changed = {**VARIANT, "text": "Name the emergency number 110."}
    assert variants([VARIANT], [FRENCH, changed]) == {"medicine in FR": "added", "medicine in DE": "changed"}
    assert variants([VARIANT, FRENCH], [FRENCH]) == {"medicine in DE": "removed"}


def test_it_stands_on_the_page_and_in_the_answer_of_the_api(client_of):
    client = client_of("otto")
    for regions in ([VARIANT], [FRENCH, {**VARIANT, "action": "refuse"}]):
        actions.register("policy", "refusals", {**POLICY, "regional_variants": regions}, actor=POLLY)
    page = client.get("/versions/policy:refusals@2/diff/").content.decode()
    assert "<code>medicine in DE</code>" in page
    assert "<code>medicine in FR</code>" in page
    lines = client.get("/versions/policy:refusals@2/diff/?view=lines").content.decode()
    assert "regional_variants[medicine in DE].action" in lines
    told = client.get("/api/v1/versions/policy/refusals/2/diff/").json()["changes"]
    assert {(one["op"], one["path"]) for one in told} == {
        ("replace", "regional_variants.medicine in DE.action"),
        ("add", "regional_variants.medicine in FR"),
    }


@requires("openai_model_spec")
def test_the_pages_of_a_real_policy_agree_with_its_changelog(client_of):
    """What the four comparisons of the Model Spec show as added and removed is what its changelog names."""
    client = client_of("otto")
    for date in DATES:
        meta = {"title": "Model Spec", "type": "behaviour", "effective_from": date}
        found = importers.read("policy", REAL / "openai_model_spec" / f"model_spec_{date}.md", meta)
        actions.register("policy", "spec", found.content, actor=POLLY)
    for number in (2, 3, 4, 5):
        told = client.get(f"/versions/policy:spec@{number}/diff/").context
        ops: dict[str, set[str]] = {"added": set(), "removed": set(), "changed": set(), "moved": set()}
        pages = [told["page"].paginator.page(one) for one in told["page"].paginator.page_range]
        for one in (one for page in pages for one in page):
            ops[one["part"].op].add(one["part"].name)
        assert (ops["added"], ops["removed"]) == (ADDED[number], REMOVED[number])
        assert ops["changed"], "no version leaves every rule as it was"
