"""`manage.py recipe`: stages in order, each queued by the success of the one before."""

import json

import pytest
from django.core.management import CommandError, call_command

from governance.registry import actions as registry
from governance.registry import lookup
from tests import builders
from tests.builders import ADA, MARA
from tests.cast import gather
from tests.training.faking import install, ops
from training import actions, recipes, states, supervisor
from training.models import Run

pytestmark = pytest.mark.usefixtures("committed_db")

STAGES = [
    {
        "name": "first",
        "stage": "fake",
        "inputs": {"init_from": ["model:base"], "trained_on": ["dataset:chats@1"]},
        "params": {"steps": 2, "pause": "0.01"},
        "seed": 1,
        "output": "halfway",
        "title": "Halfway",
    },
    {
        "name": "second",
        "stage": "fake",
        "inputs": {"init_from": ["$first"], "trained_on": ["dataset:more"]},
        "params": {"steps": 3, "pause": "0.01"},
        "seed": 2,
        "output": "done",
        "title": "Done",
    },
]


@pytest.fixture
def world(tmp_path):
    install()
    gather()
    builders.model(tmp_path)
    builders.dataset(tmp_path)
    builders.dataset(tmp_path, "more", rows=4)


def recipe(**second):
    content = {"title": "Two steps", "source": "a paper", "stages": [STAGES[0], {**STAGES[1], **second}]}
    return registry.register("recipe", "two", content, actor=ADA)


def test_a_recipe_runs_its_stages_in_order(world, capsys):
    recipe()
    call_command("recipe", "two", "--follow", "--json", "--as", "ada")
    told = json.loads(capsys.readouterr().out)
    assert [(run["stage_name"], run["state"]) for run in told["runs"]] == [
        ("first", "succeeded"),
        ("second", "succeeded"),
    ]
    first, second = Run.objects.order_by("created_at")
    assert (second.after, second.recipe.subject, second.requested_by) == (first, "recipe:two@1", "ada")
    assert second.spec["inputs"]["init_from"] == [
        {"subject": "model:halfway@1", "digest": lookup.find("model:halfway").digest}
    ]
    assert second.activity.summary["recipe"] == "recipe:two@1"
    assert lookup.find("model:done").authors == ["ada"]


def test_a_worker_goes_on_without_the_command(world):
    run = recipes.start(recipe(), actor=ADA)
    supervisor.execute(run.id, "worker")
    following = Run.objects.get(after=run)
    assert following.state == states.QUEUED
    supervisor.execute(following.id, "worker")
    assert not Run.objects.filter(after=following).exists()


def test_a_failed_stage_stops_the_recipe_and_its_retry_goes_on(world, capsys):
    two = recipe()
    run = recipes.start(two, actor=ADA)
    actions.cancel(run, actor=ADA)
    again = actions.retry(run, actor=ADA)
    supervisor.execute(again.id, "worker")
    assert Run.objects.get(after=again).stage_name == "second"


def test_an_input_lost_on_the_way_stops_the_recipe_with_the_reason(world):
    run = recipes.start(recipe(), actor=ADA)
    registry.revoke(lookup.find("dataset:more"), reason="no licence", actor=MARA)
    supervisor.execute(run.id, "worker")
    run.refresh_from_db()
    assert run.state == states.SUCCEEDED
    assert "its stage second cannot be run: inputs.trained_on: dataset:more@1 was revoked" in run.reason
    assert ops(run)[-1] == "recipe:stopped"
    assert Run.objects.count() == 1


def test_a_stage_that_fails_exits_with_1(world, capsys):
    recipe(params={"mode": "fail"})
    with pytest.raises(SystemExit) as stop:
        call_command("recipe", "two", "--follow", "--as", "ada")
    assert stop.value.code == 1
    said = capsys.readouterr().out
    assert "made model:halfway@1" in said
    assert "the loss is no number" in said


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"params": {"step": 1}}, "stages.second.params.step: there is no such field. Did you mean 'steps'?"),
        ({"stage": "fakery"}, "stages.second.stage: There is no stage 'fakery'. Did you mean 'fake'?"),
        ({"inputs": {"init_from": ["$first"]}}, "stages.second.inputs.trained_on: fake needs a dataset"),
        (
            {"inputs": {"init_from": ["$first"], "trained_on": ["dataset:mor"]}},
            "There is no 'dataset:mor'. Did you mean dataset:more",
        ),
        ({"inputs": {"trained_on": ["dataset:more"]}}, "stages.second.inputs.init_from: fake needs a model"),
        ({"output": None}, "stages.second.output: fake makes a version"),
        ({"output": "a.b"}, "stages.second.output.slug: "),
    ],
)
def test_what_a_later_stage_lacks_is_said_before_the_first_begins(world, capsys, second, said):
    recipe(**second)
    with pytest.raises(SystemExit) as stop:
        call_command("recipe", "two", "--as", "ada")
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
    assert Run.objects.count() == 0


def test_what_is_no_usable_recipe(world, capsys):
    revoked = registry.revoke(recipe(), reason="wrong", actor=MARA)
    for name, said in (
        (revoked.subject, "is revoked"),
        ("model:base", "no recipe"),
        ("tow", "Did you mean recipe:two?"),
    ):
        with pytest.raises(SystemExit):
            call_command("recipe", name, "--as", "ada")
        assert said in capsys.readouterr().err


def test_the_list(world, capsys):
    call_command("recipe", "--list")
    assert "There is no recipe yet" in capsys.readouterr().out
    recipe()
    call_command("recipe", "--list", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "recipes": [
            {
                "subject": "recipe:two@1",
                "title": "Two steps",
                "source": "a paper",
                "stages": ["first", "second"],
            }
        ]
    }
    call_command("recipe", "--list")
    assert "recipe:two@1  Two steps: first → second" in capsys.readouterr().out


def test_a_name_or_the_list_but_one_of_them(world):
    for arguments in ([], ["two", "--list"]):
        with pytest.raises(CommandError, match="Name one recipe, or give --list"):
            call_command("recipe", *arguments)
