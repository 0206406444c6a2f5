"""What evidence tells of mixtures, people, rewards and human-written texts."""

import pytest

from governance.evidence.collect import collect
from governance.ledger import keys
from governance.registry import actions, lookup
from governance.registry.models import Activity
from governance.reviews import actions as reviews
from tests import builders
from tests.builders import ADA, POLLY, RAVI
from tests.evidence.test_collect import facts_of, value
from tests.evidence.world import pin, settled
from tests.registry import samples

MIXTURE = [
    {"name": "chats", "rows": 600, "licence": "CC-BY-4.0", "source_type": "human"},
    {"name": "no-robots", "rows": 95, "licence": "CC-BY-NC-4.0", "source_type": "human", "source": "a hub"},
    {"name": "maths", "rows": 1000, "used": 305, "licence": "ODC-BY", "source_type": "synthetic"},
]


JUDGE = {
    "type": "judge",
    "description": "Asks which answer follows the constitution.",
    "endpoint": "example-judge-2026-01",
    "prompt": {"text": "Which answer is better?"},
    "order_swap": "both-must-agree",
    "order_consistency": {"n": 200, "share": "0.91"},
    "gaps": [{"field": "reliability", "state": "undisclosed", "reason": "The vendor does not say."}],
}


@pytest.fixture
def keyed(committed_db):
    keys.generate()


def mixed(folder, **more):
    """A tuned model on a mixture that is known by name only."""
    content = {
        "description": "A published mixture.",
        "held": "elsewhere",
        "rows": 1000,
        "source_type": "public",
        "source": "https://example.org/mixture, revision 1",
        "licence": "ODC-BY",
        "mixture": MIXTURE,
        "stated_rows": 1000,
        **more,
    }
    data = actions.register("dataset", "mixture", content, actor=ADA)
    return builders.trained(folder, builders.model(folder), [data])


def test_the_components_of_a_mixture_add_up_and_the_non_commercial_one_is_flagged(keyed, tmp_path):
    mixed(tmp_path)
    document = facts_of("model:tuned")
    assert value(document, "mixture.1.components") == 3
    assert value(document, "mixture.1.components_rows") == value(document, "mixture.1.stated_rows") == 1000
    assert document.get("mixture.1.components_rows").source.inputs == (
        "mixture.1.component_1.rows",
        "mixture.1.component_2.rows",
        "mixture.1.component_3.used",
    )
    assert value(document, "mixture.1.non_commercial") == 1
    assert value(document, "licence.mixture_1_non_commercial_1") == "no-robots"
    assert value(document, "mixture.1.component_2.source") == "a hub"


def test_every_part_of_a_datasets_record_is_told(keyed, tmp_path):
    mixed(
        tmp_path,
        processing=[{"method": "8-gram decontamination", "purpose": "No test items", "rows_removed": 12}],
        crawlers=[{"name": "bot/1", "opt_out": "robots.txt"}],
        user_data={"products": ["chat"], "notice": "in the app"},
        licensed=[{"source": "a newspaper", "compensation": "by contract"}],
        label_source={"human": "0.25", "ai": "0.75", "rule": "0"},
        datasheet={"motivation": "To answer better."},
        domains=["law", "small talk"],
        sensitive="Health questions; names removed.",
        illegal_content="Hash lists.",
        access="Open.",
    )
    document = facts_of("model:tuned")
    told = {
        "processing.1.0_method": "8-gram decontamination",
        "processing.1.0_rows_removed": 12,
        "crawlers.1.0_name": "bot/1",
        "user_data.1.products": ("chat",),
        "licensed_data.1.0_compensation": "by contract",
        "human_vs_ai_labels.1.ai": "0.75",
        "datasheet.1.motivation": "To answer better.",
        "size_language_domain.1.domains": ("law", "small talk"),
        "sensitive.1.sensitive": "Health questions; names removed.",
        "illegal_content.1.illegal_content": "Hash lists.",
        "access.1.access": "Open.",
    }
    assert {key: value(document, key) for key in told} == told


def test_the_people_behind_the_rows_are_told_as_their_record_tells_them(keyed, tmp_path):
    pool = actions.register("annotator-pool", "raters", samples.POOL, actor=ADA)
    guideline = actions.register("guideline", "ratings", samples.GUIDELINE, actor=POLLY)
    data = builders.dataset(tmp_path, annotators=[pin(pool)], guidelines=[pin(guideline)])
    builders.trained(tmp_path, builders.model(tmp_path), [data])
    document = facts_of("model:tuned")
    assert value(document, "workforce.1.pool") == "annotator-pool:raters@1"
    assert value(document, "workforce.1.workers.workers") == samples.POOL["workers"]
    assert value(document, "pay_protection.1.pay.0_currency") == samples.POOL["pay"][0]["currency"]
    assert value(document, "instructions.1.guideline") == "guideline:ratings@1"
    assert value(document, "instructions.1.title") == samples.GUIDELINE["title"]
    assert document.get("others.1.review_body").state == "undisclosed"
    assert "agreement.1.agreement.0_value" in {fact.key for fact in document.facts}


def test_generated_rows_have_no_workforce(world):
    alone = facts_of("dataset:sums")
    assert alone.get("workforce").state == "not_applicable"
    both = facts_of("model:tuned")
    assert both.get("workforce").state == "not_recorded"


def test_a_reward_model_is_told_with_its_reliability(keyed, tmp_path):
    base, data = builders.model(tmp_path), builders.dataset(tmp_path)
    judge = actions.register("reward-model", "judge", JUDGE, actor=ADA)
    used = [("init_from", base), ("trained_on", data), ("reward", judge)]
    activity = actions.start_activity("training", "DPO", used, summary={"stage": "dpo"}, actor=ADA)
    tuned = builders.model(tmp_path, "tuned", tensors={"a": [9.0]})
    actions.end_activity(activity, state=Activity.ENDED, produced=[("output", tuned)], summary={}, actor=ADA)
    document = facts_of("model:tuned")
    assert value(document, "reward_specs.1.type") == "judge"
    assert value(document, "reward_specs.1.order_swap") == JUDGE["order_swap"]
    assert value(document, "reward_specs.1.order_consistency.share") == JUDGE["order_consistency"]["share"]


def card_text(text: str, *, speaks_of=()):
    said = {"text": text, "author": "the release team", "as_of": "2026-05-03", "speaks_of": list(speaks_of)}
    return actions.register(
        "card-text", "tuned", {"subject": "model:tuned", "fields": {"limits": said}}, actor=POLLY
    )


def test_only_approved_texts_are_printed_and_as_of_then(world):
    first = card_text("It adds badly beyond 99.", speaks_of=[pin(world.tuned)])
    assert facts_of("model:tuned").get("limits.written") is None
    reviews.submit(first, actor=POLLY)
    reviews.approve(first, digest=str(first.digest), reason="Tried it.", actor=RAVI)
    before = settled().size
    second = card_text("It adds badly beyond 999.")
    reviews.submit(second, actor=POLLY)
    reviews.approve(second, digest=str(second.digest), reason="Tried it again.", actor=RAVI)
    now = facts_of("model:tuned")
    assert value(now, "limits.written") == "It adds badly beyond 999."
    assert now.get("limits.written").assurance == "asserted"
    then = collect(lookup.find("model:tuned"), before)
    assert value(then, "limits.written") == "It adds badly beyond 99."
    assert value(then, "limits.written_by") == "the release team"
    assert value(then, "limits.written_as_of") == "2026-05-03"
    assert value(then, "limits.written_of_1") == "model:tuned@1"
