"""Start runs and recipes in the browser: form, review of the frozen spec, queue; every refusal at its field."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry.models import Version
from tests import builders
from tests.builders import ADA
from tests.pages.forms import errors, opened, sendable
from tests.training import faking
from training import actions, resolve
from training.models import Run
from training.spec import load_spec

SFT = {
    "inputs.init_from.0": "model:base", "inputs.trained_on.0": "dataset:chats", "output.slug": "mine",
    "output.title": "Mine", "params.learning_rate": "5e-4", "params.max_steps": "80", "seed": "7",
}  # fmt: skip
SPEC = """stage: sft
inputs: {init_from: model:base, trained_on: [dataset:chats]}
params: {learning_rate: 5e-4, max_steps: 80}
seed: 7
output: {slug: mine, title: Mine}
"""
RECIPE = {
    "title": "Two stages",
    "stages": [
        {"name": "sft", "stage": "sft", "inputs": {"init_from": ["model:base"], "trained_on": ["dataset:chats"]},
         "params": {"max_steps": 2}, "output": "mine"},
        {"name": "more", "stage": "sft", "inputs": {"init_from": ["$sft"], "trained_on": ["dataset:chats"]}, "output": "mine"},
    ],
}  # fmt: skip


@pytest.fixture
def ada(client_of, tmp_path) -> Client:
    """An engineer in an installation with a model and two datasets."""
    client = client_of("ada")
    builders.model(tmp_path)
    builders.dataset(tmp_path)
    builders.dataset(tmp_path, "more", rows=2)
    return client


def review(client: Client, **typed: Any) -> Any:
    """What the server answers when somebody fills the form of fine-tuning and asks for its review."""
    given = {**opened(client, "/runs/new/?stage=sft"), **SFT, **typed, "action": "review"}
    return client.post("/runs/new/", given)


def queue(client: Client, shown: Any, **changed: Any) -> Any:
    return client.post("/runs/new/", {**sendable(shown), "action": "queue", **changed})


def test_every_stage_is_offered_with_what_it_takes(ada):
    text = ada.get("/runs/new/").content.decode()
    assert "/runs/new/?stage=sft" in text
    assert "/runs/new/?stage=evaluate" in text
    assert "Supervised fine-tuning: the model learns to write the answers that it is shown." in text
    assert "a dataset as trained on" in text


def test_the_form_shows_defaults_ranges_and_names(ada):
    response = ada.get("/runs/new/?stage=sft&init_from=model:base@1")
    text = response.content.decode()
    page = sendable(response)
    assert page["inputs.init_from.0"] == "model:base@1"
    assert page["params.learning_rate"] == "0.00002"
    assert "Highest step size of the optimizer." in text
    assert "more than 0; at most 1; 0.00002 unless changed" in text.lower()
    assert '<option value="dataset:chats@1">' in text
    assert '<option value="model:base@1">' in text


def test_a_run_is_reviewed_and_then_queued_as_it_was_shown(ada):
    shown = review(ada, **{"inputs.trained_on.1": "dataset:more@1"})
    assert shown.status_code == 200, errors(shown)
    assert not Run.objects.exists(), "a review queues nothing"
    expected = resolve.resolve(load_spec(SPEC.replace("[dataset:chats]", "[dataset:chats, dataset:more]")))
    text = shown.content.decode()
    assert expected.digest in text
    assert text.count(">changed<") == 2
    answer = queue(ada, shown)
    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.pk}/"
    assert run.spec_digest == expected.digest
    assert (run.label, run.requested_by) == ("Supervised fine-tuning of mine", "ada")
    assert Entry.objects.latest("id").op == "training:run:queued"


def test_the_review_leads_back_to_what_was_typed(ada):
    shown = review(ada)
    form = ada.post("/runs/new/", {**sendable(shown), "action": "change"})
    page = sendable(form)
    assert {name: page[name] for name in ("inputs.init_from.0", "params.learning_rate", "output.title", "seed")} == {
        "inputs.init_from.0": "model:base@1", "params.learning_rate": "5e-4", "output.title": "Mine", "seed": "7",
    }  # fmt: skip
    again = ada.post("/runs/new/", {**page, "action": "review"})
    assert sendable(again)["digest"] == sendable(shown)["digest"]


def test_an_optional_part_is_turned_on_with_its_defaults(ada):
    assert "params.lora.on" not in opened(ada, "/runs/new/?stage=sft"), "off unless somebody turns it on"
    without, with_it = review(ada), review(ada, **{"params.lora.on": "on"})
    queue(ada, with_it)
    run = Run.objects.get()
    assert run.spec["params"]["lora"]["rank"] == 16
    assert run.spec_digest != sendable(without)["digest"]
    assert opened(ada, f"/runs/new/?like={run.pk}")["params.lora.on"] == "on"
    page = sendable(ada.post("/runs/new/", {**sendable(with_it), "action": "change"}))
    assert page["params.lora.on"] == "on"


def test_queued_twice_is_one_run(ada):
    shown = review(ada)
    first, second = queue(ada, shown), queue(ada, shown)
    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1
    assert "nothing was done twice" in ada.get(second["Location"]).content.decode()


def test_a_spec_that_is_no_longer_what_was_shown_is_shown_again(ada):
    shown = review(ada)
    told = queue(ada, shown, digest="0" * 64)
    assert told.status_code == 409
    assert not Run.objects.exists()
    assert queue(ada, told).status_code == 302


def test_what_was_revoked_meanwhile_is_refused_at_its_field(ada):
    shown = review(ada)
    registry.revoke(Version.objects.get(artifact__slug="chats"), reason="Wrong.", actor=ADA)
    told = queue(ada, shown)
    assert told.status_code == 422
    assert "revoked" in errors(told)["inputs_trained_on_0"]
    assert not Run.objects.exists()


BAD = {
    "inputs_init_from_0": ({"inputs.init_from.0": "model:bass"}, "Did you mean model:base"),
    "inputs_trained_on_1": ({"inputs.trained_on.1": "dataset:nothing"}, "There is no"),
    "inputs_trained_on_0": ({"inputs.trained_on.0": "dataset:chats@9"}, "versions: 1"),
    "params_learning_rate": ({"params.learning_rate": "fast"}, "is no number"),
    "params_max_steps": ({"params.max_steps": "0"}, "greater than or equal to 1"),
    "params_warmup_steps": ({"params.warmup_steps": "100"}, "must not exceed max_steps"),
    "params_epochs": ({"params.epochs": "2"}, "give one of them"),
    "seed": ({"seed": str(2**40)}, "less than or equal"),
    "output_slug": ({"output.slug": "Not a name"}, "pattern"),
    "output_title": ({"output.title": "x" * 201}, "200 characters"),
    "launcher": ({"launcher": "lcal"}, "Did you mean 'local'"),
    "limits_wall_seconds": ({"limits.wall_seconds": "-1"}, "greater than or equal to 1"),
}


@pytest.mark.parametrize("place", BAD)
def test_a_complaint_stands_at_its_field(ada, place):
    typed, rule = BAD[place]
    told = review(ada, **typed)
    assert told.status_code == 422
    assert rule in errors(told).get(place, ""), errors(told)
    for name, value in typed.items():
        assert sendable(told)[name] == value
    assert not Run.objects.exists()


def test_needed_roles_are_asked_for(ada):
    told = review(ada, **{"inputs.init_from.0": "", "inputs.trained_on.0": "", "output.slug": ""})
    assert {"inputs_init_from_0", "inputs_trained_on_0", "output_slug"} <= set(errors(told))


def test_one_more_input_keeps_what_was_typed(ada):
    given = {**opened(ada, "/runs/new/?stage=sft"), **SFT, "action": "more"}
    page = sendable(ada.post("/runs/new/", given))
    assert "inputs.trained_on.3" in page
    assert page["params.learning_rate"] == "5e-4"


def test_a_spec_is_pasted_or_uploaded(ada):
    given = opened(ada, "/runs/new/")
    pasted = ada.post("/runs/new/", {**given, "spec_text": SPEC.replace("\n", "\r\n"), "action": "spec"})
    filed = ada.post(
        "/runs/new/", {**given, "spec_file": SimpleUploadedFile("sft.yaml", SPEC.encode()), "action": "spec"}
    )
    assert sendable(pasted)["digest"] == sendable(filed)["digest"] == resolve.resolve(load_spec(SPEC)).digest
    assert queue(ada, filed).status_code == 302


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("", "spec_text", "Paste a spec"),
        ("stage: [", "spec_text", "line 1"),
        ("stage: stf\ninputs: {}\n", "spec_text", "Did you mean 'sft'"),
        ("a: &x 1\nb: *x", "spec_text", "anchors"),
        ("stage: sft\0\ninputs: {}", "spec_text", "NUL"),
        ("[" * 5000, "spec_text", "YAML"),
        ("x" * 300_000, "spec_text", "longer than"),
        ("- 1", "spec_text", "mapping"),
        (SPEC.replace("learning_rate", "learning_rte"), "form", "Did you mean"),
        (SPEC.replace("model:base", "model:bass"), "inputs_init_from_0", "Did you mean"),
        (SPEC.replace("{learning_rate: 5e-4, max_steps: 80}", "{extra: {a: [1]}}"), "form", "there is no such field"),
    ],
)  # fmt: skip
def test_a_bad_spec_is_told_where_it_was_pasted_or_in_the_form(ada, text, place, rule):
    told = ada.post("/runs/new/", {"spec_text": text, "action": "spec"})
    assert told.status_code == 422
    assert rule in errors(told)[place]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "spec", ["", "{", "[]", '{"stage": "sft"}', '{"stage": "nothing", "inputs": {}}', "[" * 9000, "\0"]
)
def test_a_spec_that_somebody_changed_on_its_way_starts_nothing(ada, spec):
    told = ada.post("/runs/new/", {"spec": spec, "action": "queue", "once": "0" * 32, "digest": ""})
    assert told.status_code in (302, 422)
    assert not Run.objects.exists()


def test_absurd_text_is_a_refusal(ada):
    for text in (
        "a\0b",
        "<script>alert(1)</script>",
        "x" * 100_000,
        "mоdel:base",
        "../../etc/passwd",
        "%' OR 1=1",
    ):
        told = review(ada, **dict.fromkeys(SFT, text))
        assert told.status_code == 422
        assert "<script>alert" not in told.content.decode()
    assert not Run.objects.exists()


def test_restricted_rows_of_somebody_else_are_not_trained_on(ada, client_of, tmp_path):
    path = builders.write_lines(tmp_path / "secret.jsonl", [{"prompt": "a", "completion": "b"}])
    found = registry_import(path)
    registry.register(
        "dataset", "secret", found.content, files=found.files, restricted=True, actor=builders.MARA
    )
    told = review(ada, **{"inputs.trained_on.0": "dataset:secret"})
    assert "restricted to its authors" in errors(told)["inputs_trained_on_0"]
    assert "dataset:secret@1" not in ada.get("/runs/new/?stage=sft").content.decode(), (
        "nobody is offered what they may not read"
    )


def registry_import(path: Any) -> Any:
    about = {"description": "Secret.", "licence": "CC0-1.0", "source_type": "human"}
    return builders.importers.read("dataset", path, about)


def test_another_one_like_a_run_begins_with_its_spec(ada):
    queue(ada, review(ada))
    run = Run.objects.get()
    assert f"/runs/new/?like={run.pk}" in ada.get(f"/runs/{run.pk}/").content.decode()
    page = opened(ada, f"/runs/new/?like={run.pk}")
    assert page["params.learning_rate"] == "0.0005"
    shown = ada.post("/runs/new/", {**page, "action": "review"})
    assert sendable(shown)["digest"] == run.spec_digest
    for key in ("7", "00000000-0000-4000-8000-000000000000", "\0"):
        assert ada.get("/runs/new/", {"like": key}).status_code == 404


def test_unknown_stages_name_the_nearest(ada):
    assert "Did you mean &#x27;sft&#x27;" in ada.get("/runs/new/?stage=stf").content.decode()
    assert ada.post("/runs/new/", {"stage": "stf", "action": "review"}).status_code == 404
    assert ada.post("/runs/new/", {}).status_code == 404


class TestRecipes:
    @pytest.fixture
    def recipe(self, ada) -> Version:
        return registry.register("recipe", "two", RECIPE, actor=ADA)

    def test_the_list_names_the_newest_of_each_with_its_stages(self, ada, recipe):
        text = ada.get("/recipes/").content.decode()
        assert "Two stages" in text
        assert "sft → more" in text
        assert f"/recipes/{recipe.subject}/start/" in text

    def test_an_empty_list_says_how_to_fill_it(self, ada):
        assert "There is no recipe yet" in ada.get("/recipes/").content.decode()

    def test_it_is_started_once_after_its_stages_were_shown(self, ada, recipe):
        address = f"/recipes/{recipe.subject}/start/"
        page = ada.get(address)
        assert "max_steps" in page.content.decode()
        assert not Run.objects.exists()
        first, second = (ada.post(address, sendable(page)) for _ in range(2))
        run = Run.objects.get()
        assert first["Location"] == second["Location"] == f"/runs/{run.pk}/"
        assert (run.recipe, run.stage_name) == (recipe, "sft")

    def test_one_that_cannot_run_says_which_stage_and_why(self, ada, recipe):
        registry.revoke(Version.objects.get(artifact__slug="chats"), reason="Wrong.", actor=ADA)
        address = f"/recipes/{recipe.subject}/start/"
        told = ada.post(address, opened(ada, address))
        assert told.status_code == 422
        assert "stages.sft.inputs.trained_on" in told.content.decode()
        assert not Run.objects.exists()

    def test_what_is_no_recipe_is_not_started(self, ada):
        for subject in ("model:base@1", "recipe:nobody@1", "recipe:two@7"):
            assert ada.get(f"/recipes/{subject}/start/").status_code == 404


class TestWhoMay:
    def test_others_read_who_may(self, client_of, ada):
        recipe = registry.register("recipe", "two", RECIPE, actor=ADA)
        doors = ("/runs/new/", "/runs/new/?stage=sft", f"/recipes/{recipe.subject}/start/")
        mine = client_of  # one cast, several members
        for name in ("otto", "axel", "ravi", "polly", "mara"):
            client = mine(name)
            for address in doors:
                for response in (
                    client.get(address),
                    client.post(address, {"stage": "sft", "action": "review"}),
                ):
                    assert response.status_code == 403, (name, address)
                    assert "This needs the group engineer" in response.content.decode()
            assert "Started by the group engineer" in client.get("/runs/").content.decode()
            assert (
                "Recipes are started by members of the group engineer"
                in client.get("/recipes/").content.decode()
            )
        assert not Run.objects.exists()

    def test_without_the_token_against_forgery_nothing_is_queued(self, client_of, ada):
        shown = review(ada)
        forger = client_of("ada", enforce_csrf_checks=True)
        assert forger.post("/runs/new/", {**sendable(shown), "action": "queue"}).status_code == 403
        assert not Run.objects.exists()

    def test_strangers_sign_in_first(self, db, client):
        for address in ("/runs/new/", "/recipes/", "/recipes/recipe:two@1/start/"):
            assert client.get(address)["Location"].startswith("/accounts/login/")


def test_the_form_of_every_stage_opens(ada):
    faking.install()
    from training import stages

    for stage in stages.known():
        assert ada.get(f"/runs/new/?stage={stage.name}").status_code == 200, stage.name


def test_a_retried_run_is_offered_where_it_failed(ada):
    queue(ada, review(ada))
    run = Run.objects.get()
    actions.cancel(run, actor=ADA)
    text = ada.get(f"/runs/{run.pk}/").content.decode()
    assert "Run again" in text
    assert "Start one like it" in text
