"""Evidence of a world made with the real actions: what it says, as of when, and what it does not believe."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.evidence import providers
from governance.evidence.build import gap
from governance.evidence.collect import NoSuchSize, collect
from governance.evidence.records import Inconsistent, NotThen
from governance.evidence.schema import FIELDS, ROOTS, sections
from governance.ledger import triggers
from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.registry import actions, index, lookup
from governance.registry.models import Activity, Artifact, Usage, Version
from governance.reviews import actions as reviews
from tests import builders
from tests.builders import ADA, MARA, POLLY, RAVI
from tests.evidence.world import PRINCIPLES, RESULTS, approve, compose, eval_suite, evaluation, settled


def facts_of(subject):
    size = settled().size
    return collect(lookup.find(subject), size)


def value(document, key):
    fact = document.get(key)
    assert fact is not None, (
        f"{key} is not in {[one.key for one in document.facts if one.field == key.split('.')[0]]}"
    )
    return fact.value


def test_the_schema_has_ten_sections_and_88_fields():
    assert [section.number for section in sections()] == list(range(10))
    assert len(FIELDS) == 89
    assert {field.visibility for field in FIELDS.values()} == {"P", "D", "R", "I"}


@pytest.mark.parametrize("subject", ["model:tuned", "model:tiny-base", "release:assistant", "dataset:sums"])
def test_no_field_is_blank(world, subject):
    document = facts_of(subject)
    told = {ROOTS[fact.field].key for fact in document.facts}
    assert told == set(FIELDS)
    for fact in document.facts:
        assert (fact.value is None) == fact.is_empty
        assert not fact.is_empty or fact.source.reason


def test_the_recipe_is_told_as_it_ran(world):
    document = facts_of("model:tuned")
    assert value(document, "stages.1.method") == "sft"
    assert value(document, "stages.1.init_from") == "model:tiny-base@1"
    assert [value(document, f"stages.1.{name}") for name in ("trained_on", "trained_on_2")] == [
        "dataset:chats@1",
        "dataset:sums@1",
    ]
    assert value(document, "stages.1.made_output") == "model:tuned@1"
    learning_rate = document.get("hyperparameters.learning_rate")
    assert (learning_rate.value, learning_rate.unit) == ("0.0005", "1")
    assert value(document, "hyperparameters.lora_rank") == 8
    assert value(document, "compute.1.device") == "cpu"
    assert document.get("reward_specs").state == "not_applicable"


def test_the_mixture_adds_up(world):
    document = facts_of("model:tuned")
    assert [value(document, f"mixture.{n}.rows") for n in (1, 2)] == [3, 6]
    total = document.get("mixture.rows")
    assert (total.value, total.source.function) == (9, "sum")
    assert [value(document, f"mixture.{n}.share") for n in (1, 2)] == ["0.333333", "0.666667"]
    assert value(document, "synthetic.2.generator") == "arithmetic.py"
    assert document.get("synthetic.1.generator").state == "not_applicable"
    assert document.get("sensitive.1.personal_data").state == "not_recorded"


def test_pretraining_is_undisclosed_until_a_record_says_more(world, tmp_path):
    assert facts_of("model:tuned").get("mixture.pretraining").state == "undisclosed"
    none = {
        "field": "pretraining",
        "state": "not_applicable",
        "reason": "The weights are random.",
        "owner": "ada",
    }
    builders.model(tmp_path, "random", tensors={"a": [9.0]}, gaps=[none])
    builders.trained(tmp_path, lookup.find("model:random"), [world.chats], "grown")
    fact = facts_of("model:grown").get("mixture.pretraining")
    assert (fact.state, fact.source.reason, fact.source.owner) == (
        "not_applicable",
        "The weights are random.",
        "ada",
    )
    assert facts_of("model:grown").get("crawlers").state == "not_applicable"


def test_results_are_the_newest_of_each_suite(world, tmp_path):
    worse = [{**RESULTS[0], "score": "0.5"}]
    evaluation(world.tuned, world.suite, worse)
    other = eval_suite(tmp_path, "others")
    evaluation(world.tuned, other, [{**RESULTS[0], "score": "0.6"}])
    document = facts_of("model:tuned")
    assert value(document, "results.harmful_refusal.score") == "0.5"
    assert value(document, "results.harmful_refusal__others_1.score") == "0.6"
    assert document.get("results.sums.score") is None
    assert value(document, "refusal_results.harmful_refusal.n") == 40


def test_approved_suites_come_first_and_of_their_versions_the_newest(world, tmp_path):
    first = eval_suite(tmp_path, "zz")
    evaluation(world.tuned, first, [{**RESULTS[0], "score": "0.1"}])
    approve(first, submitter=ADA)
    content = {**first.content, "title": "Grown"}
    second = actions.register("eval-suite", "zz", content, actor=ADA)
    evaluation(world.tuned, second, [{**RESULTS[0], "score": "0.2"}])
    assert value(facts_of("model:tuned"), "results.harmful_refusal.score") == "0.1"
    approve(second, submitter=ADA)
    document = facts_of("model:tuned")
    assert value(document, "results.harmful_refusal.score") == "0.2"
    assert value(document, "results.harmful_refusal.suite") == "eval-suite:zz@2"
    assert value(document, "results.harmful_refusal.suite_state") == "approved"
    assert value(document, "results.harmful_refusal__zz_1.suite_state") == "superseded"
    assert value(document, "results.harmful_refusal__basics_1.suite_state") == "sealed"


def test_a_trial_never_stands_in_the_place_of_an_evaluation(world):
    evaluation(world.tuned, world.suite, [{**RESULTS[0], "score": "1", "n": 2}], limit=2)
    document = facts_of("model:tuned")
    assert value(document, "results.harmful_refusal.score") == "0.925"
    evaluation(world.base, world.suite, RESULTS, limit=2)
    assert facts_of("model:tiny-base").get("results").state == "not_recorded"


def test_an_evaluation_that_has_not_ended_does_not_count(world):
    used = [("evaluated", world.base), ("evaluated_on", world.suite)]
    activity = actions.start_activity("evaluation", "Started", used, summary={"results": RESULTS}, actor=ADA)
    assert facts_of("model:tiny-base").get("results").state == "not_recorded"
    actions.end_activity(activity, state=Activity.FAILED, summary={}, actor=ADA)
    assert facts_of("model:tiny-base").get("results").state == "not_recorded"


def test_what_charter_ran_is_observed_and_what_others_ran_is_reported(world):
    assert facts_of("model:tuned").get("results.sums.score").assurance == "reported"
    evaluation(world.tuned, world.suite, RESULTS, actor=Actor("system:worker for person:ada", "ada"))
    assert facts_of("model:tuned").get("results.sums.score").assurance == "observed"


def test_principles_are_told_and_hidden_ones_named(world):
    document = facts_of("release:assistant")
    assert value(document, "policy_public.help.text") == "Help with everything else."
    hidden = document.get("policy_public.canary.text")
    assert (hidden.state, hidden.source.owner, hidden.source.reason) == (
        "withheld",
        "polly",
        "It would stop working.",
    )
    assert value(document, "policy_public.principles") == 2
    assert value(document, "policy_public.withheld") == 1
    assert value(document, "refusal_policy.no-harm.text").startswith("Refuse")
    assert document.get("response_style").state == "not_recorded"
    assert b"heliotrope" not in document.canonical()


def test_an_internal_prompt_is_withheld(world):
    prompt = actions.register(
        "system-prompt", "secret", {"text": "heliotrope", "visibility": "internal"}, actor=POLLY
    )
    content = {**world.release.content, "system_prompt": {"subject": prompt.subject, "digest": prompt.digest}}
    actions.register("release", "quiet", content, actor=MARA, imported=False)
    document = facts_of("release:quiet")
    assert (document.get("system_prompt").state, document.get("system_prompt").source.owner) == (
        "withheld",
        "polly",
    )
    assert b"heliotrope" not in document.canonical()


def test_a_restricted_dataset_gives_its_name_and_no_more(world, tmp_path):
    said = {"field": "mixture.1.source", "state": "withheld", "reason": "heliotrope", "owner": "heliotrope"}
    content = {**world.chats.content, "description": "heliotrope", "source_type": "crawled", "gaps": [said]}
    hidden = actions.register("dataset", "hidden", content, restricted=True, actor=ADA)
    builders.trained(tmp_path, world.base, [hidden], "other")
    document = facts_of("model:other")
    assert value(document, "mixture.1.dataset") == "dataset:hidden@1"
    assert document.get("mixture.1.rows").state == "withheld"
    assert document.get("mixture.rows") is None
    assert {document.get(field).state for field in ("crawlers", "user_data")} == {"withheld"}
    assert b"heliotrope" not in document.canonical()
    assert b"crawled" not in document.canonical()


def test_a_restricted_constitution_gives_its_name_and_no_more(world):
    hidden = actions.register("constitution", "hidden", PRINCIPLES, restricted=True, actor=POLLY)
    compose(world.tuned, hidden, slug="secretive")
    document = facts_of("release:secretive")
    assert value(document, "policy_public.source") == "constitution:hidden@1"
    for field in ("policy_public", "refusal_policy", "response_style"):
        assert document.get(field).state == "withheld"
    assert b"no-harm" not in document.canonical()


def test_a_release_tells_its_layers(world):
    document = facts_of("release:assistant")
    assert value(document, "policy_layer_version.constitution.subject") == "constitution:house@1"
    assert value(document, "deployment_config.engine") == "transformers"
    assert value(document, "deployment_config.decoding_max_new_tokens") == 32
    assert document.get("deployment_config.filters").state == "not_applicable"
    assert value(document, "intended_uses") == "Sums."
    assert document.get("system_prompt").value == "You are helpful.\nBe brief."


def test_approvals_count_people(world):
    document = facts_of("release:assistant")
    assert value(document, "approvals.model") == 1
    assert value(document, "approvals.deployment") == 0
    assert value(document, "authorship.model.approved_by_1") == "ravi"
    assert value(document, "authorship.release.created_by") == "mara"


def test_gaps_that_a_record_names_are_told(world, tmp_path):
    said = {"field": "compute", "state": "withheld", "reason": "It is a trade secret.", "owner": "ada"}
    builders.model(tmp_path, "silent", tensors={"a": [7.0]}, gaps=[said], licence="")
    builders.trained(tmp_path, lookup.find("model:silent"), [world.chats], "child")
    document = facts_of("model:silent")
    assert document.get("compute").source.reason == "It is a trade secret."
    assert document.get("licence").state == "not_recorded"
    assert facts_of("model:child").get("compute.gap_1").state == "withheld"


def test_the_demonstration_is_marked(world):
    assert not facts_of("model:tuned").simulated
    approve(world.sums, submitter=ADA, reviewer=RAVI.demo())
    document = facts_of("model:tuned")
    assert document.simulated
    assert value(document, "card_snapshot.simulated_by") == "demo person:ravi"


def test_the_same_size_gives_the_same_bytes_whatever_came_after(world):
    before = facts_of("release:assistant")
    approve(world.sums, submitter=ADA)
    evaluation(world.tuned, world.suite, [{**RESULTS[0], "score": "0.1"}])
    actions.revoke(lookup.find("constitution:house"), reason="It was wrong.", actor=RAVI)
    settled()
    again = collect(lookup.find("release:assistant"), before.at.size)
    assert again.canonical() == before.canonical()
    assert collect(lookup.find("release:assistant")).get("authorship.constitution.state").value == "revoked"


def test_every_earlier_size_has_its_evidence_or_a_reason(world):
    size = settled().size
    sealed = Entry.objects.get(object_id=str(world.tuned.id), rev=1).leaf_index
    for at in range(sealed + 1):
        with pytest.raises(NotThen, match="model:tuned@1 was not sealed yet"):
            collect(world.tuned, at)
    for at in range(sealed + 1, size + 1):
        assert collect(world.tuned, at).at.size == at


def test_a_size_that_the_ledger_does_not_have_is_refused(world):
    size = settled().size
    with pytest.raises(NoSuchSize, match=f"has {size} entries"):
        collect(world.tuned, size + 1)


def test_a_draft_has_no_evidence(world):
    draft = actions.save_draft("dataset", "chats", world.chats.content, actor=ADA)
    settled()
    with pytest.raises(NotThen):
        collect(draft)


def test_the_evidence_does_not_believe_current_rows(world):
    before = facts_of("release:assistant")
    triggers.remove(connection)
    Version.objects.filter(pk=world.tuned.pk).update(state="refused", created_by="mallory", authors=[])
    Artifact.objects.filter(slug="tuned").update(title="Marvel")
    Activity.objects.filter(kind="training").update(
        summary={"params": {"learning_rate": "9"}}, used=[], state="failed"
    )
    assert collect(lookup.find("release:assistant")).canonical() == before.canonical()


def test_an_index_row_that_no_entry_explains_does_not_count(world):
    before = facts_of("model:tuned")
    Usage.objects.create(
        activity=Activity.objects.get(kind="training"), version=world.suite, role="init_from"
    )
    Usage.objects.create(
        activity=Activity.objects.get(kind="evaluation"), version=world.base, role="evaluated"
    )
    assert collect(lookup.find("model:tuned")).canonical() == before.canonical()
    assert collect(lookup.find("model:tiny-base")).get("results").state == "not_recorded"


def test_the_index_can_be_made_anew(world):
    before = facts_of("release:assistant")
    index.rebuild()
    assert collect(lookup.find("release:assistant")).canonical() == before.canonical()


def test_changed_content_is_noticed(world):
    settled()
    triggers.remove(connection)
    Version.objects.filter(pk=world.chats.pk).update(content={**world.chats.content, "licence": "MIT"})
    with pytest.raises(Inconsistent, match="dataset:chats@1"):
        collect(world.tuned)


def test_a_changed_part_of_an_entry_is_noticed(world):
    settled()
    triggers.remove(connection)
    ended = Entry.objects.filter(op="registry:activity:ended")
    entry = next(entry for entry in ended if "learning_rate" in entry.parts["P"]["payload"])
    payload = entry.parts["P"]["payload"].replace("0.0005", "0.0001")
    Entry.objects.filter(pk=entry.pk).update(parts={"P": {**entry.parts["P"], "payload": payload}})
    with pytest.raises(Inconsistent, match=f"Entry {entry.leaf_index} "):
        collect(world.tuned)


def queries(subject):
    version = lookup.find(subject)
    with CaptureQueriesContext(connection) as captured:
        collect(version)
    return len(captured)


def test_the_number_of_queries_does_not_grow_with_the_ancestors(world, tmp_path):
    settled()
    few = queries("model:tuned")
    data = [builders.dataset(tmp_path, f"part-{n}", rows=n + 1) for n in range(12)]
    model = world.tuned
    for n in range(6):
        model = grown(tmp_path, model, data[2 * n : 2 * n + 2], n)
    evaluation(model, world.suite, RESULTS)
    settled()
    assert len(collect(model).within("stages")) > 6 * 7
    assert queries(model.subject) <= few
    assert few <= 30


def grown(folder, model, data, number):
    used = [("init_from", model), *(("trained_on", one) for one in data)]
    activity = actions.start_activity(
        "training", f"Stage {number}", used, summary={"stage": "sft"}, actor=ADA
    )
    content = {**model.content, "weights_digest": f"{number:064x}"}
    version = actions.register("model", "grown", content, actor=ADA, imported=False)
    actions.end_activity(
        activity, state=Activity.ENDED, produced=[("output", version)], summary={}, actor=ADA
    )
    return version


def test_stages_stand_in_their_order(world, tmp_path):
    model = world.tuned
    for n in range(3):
        model = grown(tmp_path, model, [], n)
    document = facts_of(model.subject)
    labels = [value(document, f"stages.{n}.label") for n in (1, 2, 3, 4)]
    assert labels == ["SFT of tuned", "Stage 0", "Stage 1", "Stage 2"]
    assert value(document, "dependencies.1.subject") == "model:grown@2"
    assert value(document, "dependencies.4.subject") == "model:tiny-base@1"


def test_of_two_runs_with_the_same_bytes_the_first_is_the_maker(world):
    used = [("init_from", world.base), ("trained_on", world.chats)]
    again = actions.start_activity("training", "The same again", used, summary={}, actor=ADA)
    actions.end_activity(
        again, state=Activity.ENDED, produced=[("output", world.tuned)], summary={}, actor=ADA
    )
    assert value(facts_of("model:tuned"), "stages.1.label") == "SFT of tuned"


def test_reviews_that_refuse_are_told_too(world):
    release = compose(world.tuned, world.constitution, slug="second")
    reviews.submit(release, actor=MARA)
    reviews.refuse(release, digest=release.digest, reason="Too early.", actor=RAVI)
    document = facts_of("release:second")
    assert value(document, "authorship.release.refused_because_1") == "Too early."
    assert value(document, "approvals.release") == 0


def test_a_provider_speaks_only_about_the_schema(world, monkeypatch):
    settled()
    strange = {"strange": lambda _view: [gap("weather", "weather", "not_recorded", "Nobody looked.")]}
    monkeypatch.setattr(providers, "_providers", {**providers._providers, **strange})
    with pytest.raises(ValueError, match="strange gives the fact weather"):
        collect(world.tuned)


def test_a_provider_has_its_name_alone():
    with pytest.raises(ValueError, match="already registered"):
        providers.register("identity", lambda _view: [])


def test_the_document_is_one_line_of_canonical_json(world):
    data = facts_of("model:tuned").canonical()
    assert json.loads(data)["schema"] == "evidence/1"
    assert b"\n" not in data
