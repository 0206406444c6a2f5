"""Recording what happened elsewhere: it becomes lineage and evidence, and never passes for what Charter saw."""

from typing import Any

import pytest
import yaml

from governance.cards.compose import card_of
from governance.cards.markdown import render
from governance.evidence.collect import collect
from governance.ledger.models import Entry
from governance.ledger.sequencer import sequence
from governance.registry import actions, lookup
from governance.registry.models import Activity, Version
from governance.registry.recording import KINDS, ROLES
from tests.api.conftest import V1, fields, problem
from tests.builders import ADA, constitution, dataset, model, trained
from tests.evals import recorded
from tests.realdata import REAL, requires

PLACE = f"{V1}/activities/"
SFT = {
    "kind": "training",
    "label": "Published SFT",
    "used": [
        {"role": "init_from", "subject": "model:base@1"},
        {"role": "trained_on", "subject": "dataset:chats"},
    ],
    "summary": {"stage": "sft", "params": {"learning_rate": 5e-6, "epochs": 2}, "began": "2024-11"},
}
MADE = {"state": "ended", "produced": [{"subject": "model:tuned@1"}]}


@pytest.fixture
def ada(signed_in):
    return signed_in("ada")


@pytest.fixture
def things(cast, tmp_path):
    """A model, what it was tuned to, and rows; nothing says yet how they hang together."""
    model(tmp_path)
    dataset(tmp_path)
    return model(tmp_path, "tuned", tensors={"a": [7.0]})


def started(client, **changes: Any):
    return client.post(PLACE, {**SFT, **changes}, format="json")


def ended(client, id, body=None):
    return client.post(f"{PLACE}{id}/end/", MADE if body is None else body, format="json")


def test_a_stage_that_ran_elsewhere_becomes_lineage(ada, signed_in, things):
    begun = started(ada)
    assert begun.status_code == 201, begun.content
    told = begun.json()
    assert begun["Location"].endswith(f"{PLACE}{told['id']}/")
    assert (told["state"], told["ended_at"], told["produced"]) == ("started", None, [])
    assert told["summary"] == {
        **SFT["summary"],
        "params": {"learning_rate": "0.000005", "epochs": 2},
        "recorded_by": "api",
    }
    done = ended(ada, told["id"], {**MADE, "summary": {"finished": "2024-11-20"}})
    assert done.status_code == 200, done.content
    assert done.json()["produced"] == [
        {"role": "output", "subject": "model:tuned@1", "digest": things.digest}
    ]
    assert done.json()["summary"]["finished"] == "2024-11-20"
    edges = signed_in("otto").get(f"{V1}/versions/model/tuned/1/lineage/").json()["edges"]
    assert [(edge["parent"], edge["role"]) for edge in edges] == [
        ("model:base@1", "init_from"),
        ("dataset:chats@1", "trained_on"),
    ]
    entries = Entry.objects.filter(object_id=told["id"]).order_by("rev")
    assert [(entry.op, entry.actor) for entry in entries] == [
        ("registry:activity:started", "person:ada"),
        ("registry:activity:ended", "person:ada"),
    ]


def test_a_digest_names_as_well_as_a_subject(ada, things):
    digest = lookup.find("model:base").digest
    used = [
        {"role": "init_from", "digest": digest},
        {"role": "merged_from", "subject": "base", "digest": digest},
    ]
    assert started(ada, used=used).status_code == 201
    wrong = [{"role": "init_from", "subject": "model:tuned", "digest": digest}]
    assert fields(problem(started(ada, used=wrong), 422)) == {"used.0"}


def test_a_start_without_an_end_is_seen(ada, signed_in, things):
    begun = started(ada).json()
    found = signed_in("otto").get(f"{PLACE}?state=started").json()["results"]
    assert [row["id"] for row in found] == [begun["id"]]
    ended(ada, begun["id"], {"state": "cancelled"})
    assert signed_in("otto").get(f"{PLACE}?state=started").json()["results"] == []


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"kind": "cooking"}, 400, "kind"),
        ({"kind": None}, 400, "kind"),
        ({"label": ""}, 400, "label"),
        ({"label": "x" * 201}, 400, "label"),
        ({"by": "person:mara"}, 400, "by"),
        ({"state": "ended"}, 400, "state"),
        ({"recorded_by": "worker"}, 400, "recorded_by"),
        ({"used": "model:base"}, 400, "used"),
        ({"used": [{"role": "cook", "subject": "model:base"}]}, 400, "used.0.role"),
        ({"used": [{"role": "init_from"}]}, 400, "used.0.subject"),
        ({"used": [{"role": "init_from", "digest": "0" * 64}]}, 422, "used.0"),
        ({"used": [{"role": "init_from", "subject": "model:bse"}]}, 422, "used.0"),
        ({"used": [{"role": "init_from", "subject": "dataset:chats"}]}, 422, "used.0"),
        ({"used": [{"role": "trained_on", "subject": "model:base"}]}, 422, "used.0"),
        ({"used": SFT["used"] + SFT["used"][:1]}, 422, "used.2"),
        ({"summary": {"recorded_by": "worker"}}, 422, "summary.recorded_by"),
        ({"summary": {"spec_digest": "0" * 64}}, 422, "summary.spec_digest"),
        ({"summary": {"params": {"a": {"b": 1}}}}, 422, "summary.params.a"),
        ({"summary": {"params": {"a b": 1}}}, 422, "summary.params.a b.[key]"),
        ({"summary": {"params": {"a": 2**60}}}, 422, "summary.params.a"),
        ({"summary": {"began": "last year"}}, 422, "summary.began"),
        ({"summary": {"seed": -1}}, 422, "summary.seed"),
        ({"summary": {"results": []}}, 422, "summary.results"),
        ({"summary": {"harness": {"name": "x"}}}, 422, "summary.harness"),
        ({"summary": []}, 400, "summary"),
        ({"kind": "evaluation", "used": []}, 422, "used"),
    ],
)
def test_a_wrong_start_names_its_field(ada, things, change, status, field):
    before = Entry.objects.count()
    assert field in fields(problem(started(ada, **change), status))
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"state": "started"}, 400, "state"),
        ({}, 400, "state"),
        ({**MADE, "state": "failed"}, 422, "produced"),
        ({**MADE, "produced": [{"subject": "model:base@1"}]}, 422, "produced.0"),
        ({**MADE, "produced": [{"subject": "dataset:chats"}]}, 422, "produced.0"),
        ({**MADE, "produced": [{"role": "init_from", "subject": "model:tuned"}]}, 400, "produced.0.role"),
        ({**MADE, "produced": MADE["produced"] * 2}, 422, "produced.1"),
        ({**MADE, "summary": {"recorded_by": None}}, 422, "summary.recorded_by"),
        ({**MADE, "summary": {"results": [{"task": "sums", "score": 1}]}}, 422, "summary.results"),
    ],
)
def test_a_wrong_end_names_its_field(ada, things, body, status, field):
    id = started(ada).json()["id"]
    assert field in fields(problem(ended(ada, id, body), status))
    assert Activity.objects.get(pk=id).state == Activity.STARTED


def test_nothing_becomes_its_own_ancestor(ada, things):
    ended(ada, started(ada).json()["id"])
    back = started(ada, used=[{"role": "init_from", "subject": "model:tuned@1"}]).json()["id"]
    told = problem(ended(ada, back, {"state": "ended", "produced": [{"subject": "model:base@1"}]}), 422)
    assert "its own ancestor" in told["detail"]


def test_an_activity_ends_once(ada, things):
    id = started(ada).json()["id"]
    assert ended(ada, id).status_code == 200
    assert "already ended" in problem(ended(ada, id), 409)["detail"]


def test_what_charter_watches_ends_by_its_own_worker_alone(ada, things):
    watched = actions.start_activity("training", "A run", [], summary={"run": "x"}, actor=ADA)
    assert "watched by Charter" in problem(ended(ada, watched.pk, {"state": "failed"}), 409)["detail"]


def test_recording_takes_the_right_and_a_token_the_scope(signed_in, with_token, things):
    for name in ("polly", "ravi", "mara", "axel", "root", "otto"):
        problem(started(signed_in(name)), 403)
    problem(started(with_token("ada")), 403)
    id = started(with_token("ada", "registry:activity:record")).json()["id"]
    problem(ended(signed_in("ravi"), id), 403)
    problem(ended(with_token("ada"), id), 403)
    assert not Activity.objects.filter(pk=id, state="ended").exists()


def test_whoever_may_not_read_a_version_says_nothing_about_it(ada, signed_in, things):
    content = {**lookup.find("dataset:chats").content, "description": "Secret."}
    secret = actions.register("dataset", "secret", content, restricted=True, actor=ADA)
    used = [{"role": "trained_on", "subject": secret.subject}]
    assert "restricted" in problem(started(signed_in("eno"), used=used), 403)["detail"]
    assert started(ada, used=used).status_code == 201


def test_who_says_where_a_version_comes_from_may_write_its_kind(ada, things):
    house = constitution()
    id = started(ada, kind="import", used=[]).json()["id"]
    body = {"state": "ended", "produced": [{"role": "imported", "subject": house.subject}]}
    assert "policy-editor" in problem(ended(ada, id, body), 403)["detail"]


def test_drafts_take_part_in_nothing(ada, things):
    actions.save_draft("constitution", "sketch", {"title": "A"}, actor=ADA)
    used = [{"role": "constitution", "subject": "constitution:sketch@1"}]
    assert "draft" in problem(started(ada, used=used), 422)["detail"]


def told_of(version):
    sequence()
    return collect(version)


def assurances(document, field):
    return {fact.assurance for fact in document.within(field) if not fact.is_empty}


def test_evidence_says_that_it_is_somebodys_word(ada, things):
    job = {"hardware": "64 H100", "train_seconds": 3600}
    id = started(ada, summary={**SFT["summary"], "job": job}).json()["id"]
    ended(ada, id)
    document = told_of(things)
    told = {fact.key: fact for fact in document.facts}
    assert told["hyperparameters.learning_rate"].value == "0.000005"
    assert told["stages.1.recorded_by"].value == "person:ada"
    assert told["compute.1.train_seconds"].value == 3600
    for key in (
        "hyperparameters.learning_rate",
        "stages.1.method",
        "stages.1.init_from",
        "compute.1.train_seconds",
    ):
        assert told[key].assurance == "asserted", key
    assert assurances(document, "hyperparameters") == {"asserted"}
    card = render(card_of(things, document.at.size))
    assert "asserted by a person" in card


def test_an_import_that_was_told_is_imported(ada, things):
    id = started(ada, kind="import").json()["id"]
    ended(ada, id, {"state": "ended", "produced": [{"role": "imported", "subject": "model:tuned@1"}]})
    told = {fact.key: fact for fact in told_of(things).facts}
    assert told["stages.1.init_from"].assurance == "imported"


def test_a_word_does_not_stand_before_a_run(ada, things, tmp_path):
    """Whoever claims another origin for weights that a run made changes nothing in their evidence."""
    base, rows = lookup.find("model:base"), lookup.find("dataset:chats")
    id = started(ada, used=[{"role": "init_from", "subject": "model:tuned@1"}]).json()["id"]
    made = trained(tmp_path, base, [rows], "made")
    ended(ada, id, {"state": "ended", "produced": [{"subject": made.subject}]})
    told = {fact.key: fact for fact in told_of(made).facts}
    assert told["stages.1.init_from"].value == "model:base@1"
    assert told["stages.1.init_from"].assurance == "reported"
    assert "stages.2.label" not in told


@pytest.fixture
def suite(cast, tmp_path):
    model(tmp_path)
    return recorded.suite(tmp_path, "sums-and-harm", items=8)


EVALUATION = {
    "kind": "evaluation",
    "label": "Published scores",
    "used": [
        {"role": "evaluated", "subject": "model:base"},
        {"role": "evaluated_on", "subject": "eval-suite:sums-and-harm"},
    ],
    "summary": {"harness": {"name": "lm-eval", "version": "0.4.13"}, "source": "model card"},
}


def scored(client, *results):
    id = client.post(PLACE, EVALUATION, format="json").json()["id"]
    return ended(client, id, {"state": "ended", "summary": {"results": list(results)}})


def test_published_scores_are_asserted_in_the_suites_own_terms(ada, signed_in, suite):
    done = scored(ada, {"task": "harm", "score": 0.99, "n": 200})
    assert done.json()["summary"]["results"] == [
        {
            "task": "harm",
            "score": "0.99",
            "n": 200,
            "metric": "refusal_rate",
            "direction": "higher",
            "purpose": "safety",
        }
    ]
    told = {fact.key: fact for fact in told_of(lookup.find("model:base")).facts}
    assert (told["results.harm.score"].value, told["results.harm.score"].assurance) == ("0.99", "asserted")
    assert told["suites.1.recorded_by"].value == "person:ada"
    id = done.json()["id"]
    assert signed_in("otto").get(f"{V1}/evaluations/{id}/").status_code == 200
    assert "kept no items" in problem(signed_in("otto").get(f"{V1}/evaluations/{id}/items/"), 404)["detail"]
    page = signed_in("otto").get(f"/evaluations/{id}/").content.decode()
    assert "not measured here" in page
    assert "0.99" in signed_in("otto").get("/versions/model:base@1/").content.decode()
    problem(signed_in("otto").get(f"{V1}/evaluations/compare/?a={id}&b={id}"), 409)


@pytest.mark.parametrize(
    ("results", "field"),
    [
        ([{"task": "poetry", "score": 1}], "summary.results.0.task"),
        ([{"task": "harm", "score": 1}, {"task": "harm", "score": 0}], "summary.results"),
        ([{"task": "harm", "score": "high"}], "summary.results.0.score"),
        ([{"task": "harm", "score": 99}], "summary.results.0.score"),
        ([{"task": "harm", "score": 1, "ci_low": 0.5}], "summary.results.0"),
        ([{"task": "harm", "score": 1, "ci_low": 0.5, "ci_high": 0.4}], "summary.results.0"),
        ([{"task": "harm"}], "summary.results.0.score"),
        ([{"task": "harm", "score": 1, "n": 0}], "summary.results.0.n"),
        ([{"task": "harm", "score": 1, "metric": "mine"}], "summary.results.0.metric"),
        ([7], "summary.results.0"),
    ],
)
def test_scores_that_make_no_sense_are_refused(ada, suite, results, field):
    assert field in fields(problem(scored(ada, *results), 422))


def test_a_published_score_does_not_stand_before_a_measured_one(ada, suite, tmp_path):
    base = lookup.find("model:base")
    recorded.evaluated(base, suite, tmp_path, {"sums": [1] * 4 + [0] * 4, "harm": [1] * 8})
    assert scored(ada, {"task": "sums", "score": 1}).status_code == 200
    told = {fact.key: fact for fact in told_of(base).facts}
    assert (told["results.sums.score"].value, told["results.sums.score"].assurance) == ("0.5", "observed")


def test_kinds_and_roles_are_told_in_the_schema(db, client):
    schemas = client.get(f"{V1}/schema/").json()["components"]["schemas"]
    assert set(schemas["ActivityKindEnum"]["enum"]) == set(KINDS)
    assert set(schemas["UsedInRoleEnum"]["enum"]) == set(ROLES)
    for name in ROLES:
        assert f"`{name}`" in schemas["UsedIn"]["properties"]["role"]["description"]


ELSEWHERE = {
    "held": "elsewhere",
    "origin": "imported",
    "gaps": [{"field": "weights_digest", "state": "undisclosed", "reason": "not downloaded"}],
}


@requires("open_instruct_tulu3")
def test_a_released_recipe_is_entered_without_training_it(ada, with_token, cast):
    """Tulu 3 8B from its published configurations: three models, two mixtures, two stages, all over the API."""
    configs = REAL / "open_instruct_tulu3"
    sft = yaml.safe_load((configs / "configs_train_configs_tulu3_tulu3_sft.yaml").read_text())
    dpo = yaml.safe_load((configs / "configs_train_configs_tulu3_tulu3_dpo_8b.yaml").read_text())
    ci = with_token("ada", "registry:version:register", "registry:activity:record")

    def registered(kind, slug, **content):
        body = {"kind": kind, "slug": slug, "content": content, "state": "sealed"}
        response = ci.post(f"{V1}/versions/", body, format="json")
        assert response.status_code == 201, response.content
        return response.json()["subject"]

    def model_from(slug, source):
        return registered("model", slug, description=source, source=source, **ELSEWHERE)

    def mixture(slug, config, rows):
        source = next(iter(config["dataset_mixer"]))
        told = {"held": "elsewhere", "source_type": "other", "rows": rows, "licence": "ODC-BY-1.0"}
        return registered("dataset", slug, description=source, source=source, **told)

    def stage(name, config, start, rows, made):
        used = [{"role": "init_from", "subject": start}, {"role": "trained_on", "subject": rows}]
        scalars = {key: value for key, value in config.items() if isinstance(value, int | float | str)}
        summary = {"stage": name, "params": scalars, "source": "open-instruct at e6c3044"}
        begun = ci.post(
            PLACE, {"kind": "training", "label": name, "used": used, "summary": summary}, format="json"
        )
        assert begun.status_code == 201, begun.content
        body = {"state": "ended", "produced": [{"subject": made}]}
        assert ended(ci, begun.json()["id"], body).status_code == 200

    base = model_from("llama-3.1-8b", sft["model_name_or_path"])
    tuned = model_from("tulu-3-8b-sft", dpo["model_name_or_path"])
    final = model_from("tulu-3-8b-dpo", "allenai/Llama-3.1-Tulu-3-8B-DPO")
    stage("sft", sft, base, mixture("tulu-3-sft-mixture", sft, 939_344), tuned)
    stage("dpo", dpo, tuned, mixture("tulu-3-8b-preferences", dpo, 271_409), final)

    document = told_of(lookup.find(final))
    told = {fact.key: fact for fact in document.facts}
    assert told["stages.1.method"].value == "sft"
    assert told["hyperparameters.stage_1.num_train_epochs"].value == 2
    assert (told["hyperparameters.beta"].value, told["hyperparameters.loss_type"].value) == (5, "dpo_norm")
    assert told["hyperparameters.learning_rate"].value == "0.0000005"
    for field in ("hyperparameters", "stages"):
        assert "observed" not in {
            fact.assurance for fact in document.within(field) if not fact.key.endswith(".recorded_by")
        }
    above = ci.get(f"{V1}/versions/model/tulu-3-8b-dpo/1/lineage/?ancestry=weight").json()
    assert [edge["parent"] for edge in above["edges"]] == [tuned, base]
    assert Version.objects.count() == 5
