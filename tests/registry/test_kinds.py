"""Every kind that people write: full contents through the command, and each fault by its rule."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from governance.ledger.models import Entry
from governance.registry import access, actions, kinds, lookup
from governance.registry.kinds.base import ContentError, digest_of
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA, POLLY
from tests.cast import gather
from tests.registry import samples

FULL = {
    "policy": samples.POLICY,
    "guideline": samples.GUIDELINE,
    "annotator-pool": samples.POOL,
    "safety-filter": samples.FILTER,
    "card-text": samples.CARD_TEXT,
    "constitution": builders.CONSTITUTION,
}
GONE = object()


def changed(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of `content` with `value` at `path` (`rules.0.id`); GONE takes it out."""
    copied = copy.deepcopy(content)
    *above, last = path.split(".")
    place: Any = copied
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is GONE:
        del place[last]
    elif isinstance(place, list):
        place[int(last) :] = [value]
    else:
        place[last] = value
    return copied


def write(folder: Path, content: dict[str, Any]) -> str:
    path = folder / "content.json"
    path.write_text(json.dumps(content))
    return str(path)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", FULL)
def test_full_content_becomes_a_sealed_version(kind, tmp_path, capsys):
    gather()
    person = {"policy-editor": "polly", "engineer": "ada"}[kinds.get(kind).group]
    call_command("register", kind, "one", write(tmp_path, FULL[kind]), "--as", person, "--json")
    told = json.loads(capsys.readouterr().out)
    version = lookup.find(f"{kind}:one@1")
    assert told == {"subject": f"{kind}:one@1", "digest": version.digest, "state": "sealed"}
    assert version.digest == digest_of(kind, f"{kind}/1", version.content)
    assert Entry.objects.filter(object_id=str(version.pk), op="registry:version:registered").count() == 1
    assert kinds.get(kind).summary(version.parsed())


@pytest.mark.django_db
def test_yaml_dates_and_fractions_stay_as_they_are_written(tmp_path, capsys):
    gather()
    path = tmp_path / "pool.yaml"
    path.write_text("title: Raters\nperiod_from: 2026-01-10\nannotations_per_item: 2.50\n")
    call_command("register", "annotator-pool", "spring", str(path), "--as", "ada")
    content = lookup.find("annotator-pool:spring@1").content
    assert (content["period_from"], content["annotations_per_item"]) == ("2026-01-10", "2.5")


def test_who_writes_what():
    assert kinds.get("card-text").group == "policy-editor"
    assert kinds.get("card-text").other_groups == ("release-manager",)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "may", "may_not"),
    [
        ("guideline", {"polly"}, {"ada", "mara", "ravi"}),
        ("policy", {"polly"}, {"ada", "mara", "ravi"}),
        ("annotator-pool", {"ada"}, {"polly", "mara"}),
        ("safety-filter", {"ada"}, {"polly", "mara"}),
        ("card-text", {"polly", "mara"}, {"ada", "axel"}),
    ],
)
def test_only_the_kinds_own_groups_write_it(kind, may, may_not, tmp_path, capsys):
    cast = gather()
    for name in sorted(may):
        access.require_write(cast.users[name], kind)
    for name in sorted(may_not):
        with pytest.raises(SystemExit):
            call_command("register", kind, "one", write(tmp_path, FULL[kind]), "--as", name)
    assert not Version.objects.exists()
    assert "needs the group" in capsys.readouterr().err


SAME_ID = {"id": "weapons", "text": "Again."}
BAD: list[tuple[str, str, Any, str]] = [
    # wrong types and unknown fields
    ("policy", "title", 5, "title: Input should be a valid string"),
    ("policy", "rules", "refuse", "rules: Input should be a valid list"),
    ("policy", "rules.0", [], "rules.0: Input should be a valid dictionary"),
    ("policy", "rulez", [], "rulez: Extra inputs are not permitted"),
    ("policy", "rules.0.colour", "red", "rules.0.colour: Extra inputs are not permitted"),
    ("policy", "rules.0.action", "ignore", "rules.0.action: Input should be 'comply'"),
    ("policy", "rules.0.authority", "king", "rules.0.authority"),
    ("policy", "type", "secret", "type: Input should be 'behaviour'"),
    # ids: twice, look-alike, not ASCII
    ("policy", "rules.1.id", "weapons", "rule id used twice: weapons"),
    ("policy", "rules.0.id", "wеapons", "rules.0.id: String should match pattern"),
    ("policy", "rules.0.id", "weapons\n", "rules.0.id: String should match pattern"),
    ("policy", "rules.0.id", "", "rules.0.id"),
    ("constitution", "principles.0.id", "nо-harm", "principles.0.id: String should match pattern"),
    ("guideline", "sections.0.id", "truth\u200b", "sections.0.id: String should match pattern"),
    ("guideline", "sections.1.id", "truth", "section id used twice: truth"),
    ("guideline", "examples.1.id", "sum", "example id used twice: sum"),
    ("guideline", "sections.0.cites", ["policy:x#a"], "sections.0.cites.0"),
    ("guideline", "sections.0.cites", ["nо-harm"], "sections.0.cites.0"),
    # what is internal says why, and who answers
    ("policy", "rules.2.reason", "", "what is internal needs a reason and an owner"),
    ("policy", "rules.2.reason", "  ", "what is internal needs a reason and an owner"),
    ("policy", "rules.2.owner", GONE, "what is internal needs a reason and an owner"),
    ("guideline", "sections.2.reason", GONE, "what is internal needs a reason and an owner"),
    ("constitution", "principles.0.visibility", "internal", "what is internal needs a reason and an owner"),
    ("safety-filter", "visibility", "internal", "what is internal needs a reason and an owner"),
    # texts
    ("policy", "rules.1.text", "", "a rule needs a text or a heading"),
    ("policy", "rules.0.text", "x" * 10_000_000, "at most 100000 characters"),
    ("policy", "preamble", "x" * 10_000_000, "at most 100000 characters"),
    ("constitution", "principles.0.text", "", "principles.0.text"),
    ("guideline", "sections.1.text", " ", "a section needs a text or a heading"),
    ("policy", "effective_from", "1.1.2026", "a date is written YYYY-MM-DD"),
    ("policy", "effective_from", "2026-02-30", "day is out of range"),
    ("card-text", "fields.limits.as_of", "", "a date is written YYYY-MM-DD"),
    # parts that do not fit each other
    ("policy", "regional_variants.0.rule", "nothing", "names nothing, which is no rule"),
    ("policy", "regional_variants.0.region", "Germany", "regional_variants.0.region"),
    ("policy", "regional_variants.0.reason", "", "regional_variants.0.reason"),
    ("policy", "prohibited_uses", ["War"], "prohibited_uses belongs to a policy of type usage"),
    ("policy", "enforcement", {"process": "Bans."}, "enforcement belongs to a policy of type usage"),
    ("guideline", "examples.0.section", "nowhere", "explains nowhere, which is no section"),
    ("guideline", "examples.0.preferred", 3, "preferred names response 3 of 2"),
    ("guideline", "examples.0.preferred", 0, "examples.0.preferred"),
    ("guideline", "languages", ["en us"], "languages.0"),
    ("guideline", "task", "voting", "task: Input should be 'comparison'"),
    ("guideline", "follows", [{"subject": "constitution:house", "digest": samples.DIGEST}], "follows.0.subject"),
    ("guideline", "follows", [{"subject": "model:house@1", "digest": samples.DIGEST}], "model:house@1 is no constitution or policy"),
    ("annotator-pool", "guidelines", [{"subject": "model:house@1", "digest": samples.DIGEST}], "is no guideline"),
    ("safety-filter", "model", {"subject": "dataset:chats@1", "digest": samples.DIGEST}, "is no model or reward-model"),
    ("safety-filter", "rules", GONE, "a blocklist holds its rules"),
    ("safety-filter", "type", "classifier", "a classifier names its model"),
    ("safety-filter", "categories.1.id", "hate", "category id used twice: hate"),
    ("safety-filter", "measured.0.category", "spam", "measured names spam, which is no category"),
    ("safety-filter", "measured.0.harmless", GONE, "come together"),
    ("safety-filter", "measured.0.false_positive_rate", "1.2", "measured.0.false_positive_rate"),
    ("safety-filter", "threshold", 0.5, "a float has no exact value"),
    ("safety-filter", "threshold", "NaN", "threshold"),
    ("safety-filter", "threshold", "Infinity", "threshold"),
    ("card-text", "fields", {}, "fields"),
    ("card-text", "fields.limits.author", "", "fields.limits.author"),
    ("card-text", "fields.limit", {"text": "x", "author": "a", "as_of": "2026-01-01"}, "did you mean limits?"),
    ("card-text", "fields.reward_audit", {"text": "x", "author": "a", "as_of": "2026-01-01"}, "no field of the card that people fill"),
    ("card-text", "fields.intended_uses", {"text": "x", "author": "a", "as_of": "2026-01-01"}, "no field of the card of a model"),
    ("card-text", "subject", "model:tuned@1", "subject: String should match pattern"),
    ("card-text", "subject", "model:tunеd", "subject: String should match pattern"),
    # people: nobody may be recognised
    ("annotator-pool", "demographics.1.people", 4, "has fewer than 5 people; merge it"),
    ("annotator-pool", "demographics.1.people", 15, "gender leaves 3 people over"),
    ("annotator-pool", "demographics.1.people", 19, "more people than there are workers"),
    ("annotator-pool", "demographics.1.group", "women", "group of gender used twice: women"),
    ("annotator-pool", "worker_ids", ["A2SUAM7YFLLEH8"], "worker_ids: Extra inputs are not permitted"),
    ("annotator-pool", "recruitment", "We asked A2SUAM7YFLLEH8 first.", "recruitment holds what looks like a worker's id"),
    ("annotator-pool", "screening", "5f3a1c9e8b7d6a5c4e3f2a1b passed", "screening holds what looks like a worker's id"),
    ("annotator-pool", "rejection", "Ask jane.doe@example.org.", "rejection holds what looks like a worker's id"),
    ("annotator-pool", "vendors.0.name", "A2SUAM7YFLLEH8", "vendors.0.name holds what looks like a worker's id"),
    ("annotator-pool", "countries.0.share", "0.2", "countries.0.share"),
    ("annotator-pool", "countries.0.share", "0.9", "add up to more than 1"),
    ("annotator-pool", "countries.0.country", "Kenya", "countries.0.country"),
    ("annotator-pool", "countries.1.country", "KE", "country used twice: KE"),
    ("annotator-pool", "pay.0.amount", "NaN", "pay.0.amount"),
    ("annotator-pool", "pay.0.amount", "0", "pay.0.amount"),
    ("annotator-pool", "pay.0.amount", 12.5, "a float has no exact value"),
    ("annotator-pool", "pay.0.currency", "usd", "pay.0.currency"),
    ("annotator-pool", "agreement.0.value", "1.5", "agreement.0.value"),
    ("annotator-pool", "gaps.0.reason", "", "the gap 'review_body' needs a reason"),
    ("annotator-pool", "gaps.0.field", "reviews", "the gap 'reviews' names no field of this kind"),
    ("annotator-pool", "gaps.0.field", "contact", "the gap 'contact' names a field that is filled"),
    ("annotator-pool", "gaps.0.state", "unknown", "gaps.0.state"),
    ("policy", "gaps", [{"field": "licence", "state": "withheld"}], "names a field that is filled"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    BAD,
    ids=[f"{number}-{kind}-{path}" for number, (kind, path, _, _) in enumerate(BAD)],
)
def test_a_fault_is_refused_and_named(kind, path, value, says):
    kinds.get(kind).parse(FULL[kind])
    with pytest.raises(ContentError) as refused:
        kinds.get(kind).parse(changed(FULL[kind], path, value))
    assert says in str(refused.value)


@pytest.mark.django_db
def test_what_is_refused_leaves_nothing(tmp_path, capsys):
    gather()
    bad = changed(samples.POLICY, "rules.2.reason", "")
    with pytest.raises(SystemExit) as stopped:
        call_command("register", "policy", "one", write(tmp_path, bad), "--as", "polly")
    assert stopped.value.code == 1
    assert "needs a reason and an owner" in capsys.readouterr().err
    assert not Version.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("slug", ["rеfusals", "Refusals", "refusals\n", "-refusals", "", "x" * 81])
def test_a_slug_is_ascii(slug):
    with pytest.raises(actions.Refused, match="is no name for an artifact"):
        actions.register("policy", slug, samples.POLICY, actor=POLLY)


@pytest.mark.parametrize("content", [samples.USAGE, {**samples.USAGE, "rules": samples.POLICY["rules"]}])
def test_a_usage_policy_may_have_uses_without_rules(content):
    assert kinds.get("policy").parse(content).prohibited_uses


def test_a_policy_says_something():
    with pytest.raises(ContentError, match="at least one rule"):
        kinds.get("policy").parse({"title": "Empty", "type": "behaviour"})


def test_a_filter_whose_model_is_not_known_says_why():
    content = {**samples.FILTER, "type": "llm-judge"}
    gap = {"field": "model", "state": "undisclosed", "reason": "The vendor does not say."}
    assert kinds.get("safety-filter").parse({**content, "gaps": [gap]}).model is None


class TestDisclosure:
    @pytest.mark.parametrize("kind", ["policy", "guideline"])
    def test_what_is_internal_is_hidden_and_its_existence_is_not(self, kind):
        found = kinds.get(kind)
        content = kinds.base.plain(found.parse(FULL[kind]))
        shown = found.disclosed(content)
        assert "heliotrope" in json.dumps(content)
        assert "heliotrope" not in json.dumps(shown)
        hidden = shown["rules" if kind == "policy" else "sections"][2]
        assert hidden["visibility"] == "internal"
        assert hidden["reason"]
        assert hidden["owner"]
        assert hidden["id"]
        assert "text" not in hidden

    def test_of_an_internal_rule_its_kind_and_motive_stay_public(self):
        found = kinds.get("policy")
        rule = found.disclosed(kinds.base.plain(found.parse(samples.POLICY)))["rules"][2]
        assert (rule["motive"], rule["action"]) == ("commercial", "partial")
        assert not {"applies_to", "examples", "rationale", "heading", "rejected_alternatives"} & set(rule)

    def test_the_regional_wording_of_an_internal_rule_is_hidden(self):
        variant = {**samples.POLICY["regional_variants"][0], "rule": "rivals", "text": "heliotrope"}
        found = kinds.get("policy")
        shown = found.disclosed(
            kinds.base.plain(found.parse({**samples.POLICY, "regional_variants": [variant]}))
        )
        assert shown["regional_variants"] == [{"region": "DE", "rule": "rivals"}]

    def test_the_example_of_an_internal_section_is_hidden(self):
        found = kinds.get("guideline")
        shown = found.disclosed(kinds.base.plain(found.parse(samples.GUIDELINE)))
        assert shown["examples"][1] == {"id": "hush", "section": "quiet"}
        assert shown["examples"][0]["prompt"] == "1+1?"

    def test_an_internal_filter_hides_how_it_decides(self):
        found = kinds.get("safety-filter")
        content = {**samples.FILTER, "visibility": "internal", "reason": "evasion", "owner": "trust team"}
        shown = found.disclosed(kinds.base.plain(found.parse(content)))
        assert shown["categories"] == [
            {"id": "hate", "action": "block"},
            {"id": "self_harm", "action": "escalate"},
        ]
        assert not {"rules", "threshold", "measured"} & set(shown)
        assert found.disclosed(kinds.base.plain(found.parse(samples.FILTER)))["rules"] == "heliotrope"

    @pytest.mark.django_db
    def test_the_ledger_commits_to_what_is_disclosed(self):
        version = actions.register("policy", "refusals", samples.POLICY, actor=POLLY)
        assert version.disclosed_digest() != version.digest
        entry = Entry.objects.get(object_id=str(version.pk))
        assert "heliotrope" not in json.dumps(entry.parts)


@pytest.mark.django_db
class TestReferences:
    def test_a_guideline_names_what_it_follows_and_a_pool_the_guideline(self):
        house = builders.constitution()
        follows = [{"subject": house.subject, "digest": house.digest}]
        guide = actions.register("guideline", "pairs", {**samples.GUIDELINE, "follows": follows}, actor=POLLY)
        refs = [{"subject": guide.subject, "digest": guide.digest}]
        pool = actions.register("annotator-pool", "spring", {**samples.POOL, "guidelines": refs}, actor=ADA)
        assert [(row.role, row.target) for row in guide.outgoing.all()] == [("follows", house)]
        assert [(row.role, row.target) for row in pool.outgoing.all()] == [("guideline", guide)]

    def test_a_deployment_names_its_filters_once(self):
        words = actions.register("safety-filter", "words", samples.FILTER, actor=ADA)
        ref = {"subject": words.subject, "digest": words.digest}
        content = {
            "engine": "vllm", "engine_version": "0.9", "decoding": {}, "context_length": 4096, "filters": [ref],
            "channels": [{"name": "voice", "filters": [ref], "context_length": 512}],
        }  # fmt: skip
        served = actions.register("deployment", "cloud", content, actor=ADA)
        assert [(row.role, row.target) for row in served.outgoing.all()] == [("filter", words)]

    def test_a_card_text_names_the_versions_that_it_speaks_of_once(self):
        house = builders.constitution()
        ref = {"subject": house.subject, "digest": house.digest}
        fields = {key: {**said, "speaks_of": [ref]} for key, said in samples.CARD_TEXT["fields"].items()}
        text = actions.register("card-text", "tuned", {**samples.CARD_TEXT, "fields": fields}, actor=POLLY)
        assert [(row.role, row.target) for row in text.outgoing.all()] == [("speaks_of", house)]


@pytest.mark.parametrize("unit", ["a", "a@", "A1", "0", "@."])
def test_a_long_text_is_looked_through_for_persons_in_time(unit):
    text = (unit * 100_000)[:100_000]
    assert kinds.get("annotator-pool").parse({"title": "Raters", "recruitment": text}).recruitment == text
