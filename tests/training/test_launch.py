"""`manage.py launch`: from a spec file to a sealed version, and every way to be refused."""

import json
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from governance.ledger.models import Entry
from governance.registry import actions as registry
from governance.registry import importers, lookup
from tests import builders
from tests.builders import ADA, MARA, POLLY
from tests.cast import gather
from tests.training.faking import REPO, activity_of, fresh, install, ops, until
from training import folder, states
from training.models import Run

pytestmark = pytest.mark.usefixtures("committed_db")

SPEC = """
stage: fake
inputs:
  init_from: model:base
  trained_on: [dataset:chats@1]
params: {{steps: 4, pause: 0.02{more}}}
seed: 7
output: {{slug: tuned, title: Tuned}}
"""


@pytest.fixture
def world(tmp_path):
    install()
    gather()
    builders.model(tmp_path)
    builders.dataset(tmp_path)
    return tmp_path


@pytest.fixture
def spec(world):
    """Writes a spec file; text in `changes` is replaced first."""

    def write(changes=None, more=""):
        text = SPEC.format(more=more)
        for before, after in (changes or {}).items():
            assert before in text
            text = text.replace(before, after)
        path = world / "spec.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_launch_and_follow(spec, capsys):
    call_command("launch", spec(), "--follow", "--as", "ada", "--json")
    told = json.loads(capsys.readouterr().out)
    run = Run.objects.get(pk=told["run"])
    assert (told["state"], told["label"]) == ("succeeded", "Fake training of tuned")
    assert [edge["subject"] for edge in told["produced"]] == ["model:tuned@1"]
    assert run.requested_by == "ada"
    first = Entry.objects.get(object_type="training.run", object_id=str(run.id), rev=1)
    assert first.actor.endswith(" for person:ada")
    assert activity_of(run).by.endswith("system:worker for person:ada")
    assert (folder.of(run) / "job.json").exists()
    assert not (folder.of(run) / "inputs").exists()


def test_the_spec_pins_every_input_by_digest(spec):
    call_command("launch", spec(), "--as", "ada")
    run = Run.objects.get()
    assert run.state == states.QUEUED
    assert run.spec["inputs"]["init_from"] == [
        {"subject": "model:base@1", "digest": lookup.find("model:base").digest}
    ]
    assert run.spec["params"] == {"steps": 4, "pause": "0.02", "mode": "good"}
    assert run.parsed.digest == run.spec_digest
    assert ops(run) == ["queued"]


def test_without_follow_it_says_what_happens_next(spec, capsys):
    call_command("launch", spec(), "--as", "ada")
    assert "queued" in (said := capsys.readouterr().out)
    assert "make serve" in said


def test_a_run_that_fails_exits_with_1_and_its_reason(spec, capsys):
    with pytest.raises(SystemExit) as stop:
        call_command("launch", spec(more=", mode: fail"), "--follow", "--as", "ada")
    assert stop.value.code == 1
    assert "the loss is no number" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stage: fake": "stage: fak"}, "There is no stage 'fak'. Did you mean 'fake'?"),
        ({"steps: 4": "step: 4"}, "params.step: there is no such field. Did you mean 'steps'?"),
        ({"steps: 4": "steps: many"}, "params.steps: "),
        (
            {"  init_from: model:base\n": ""},
            "inputs.init_from: fake needs a model as init_from, and the spec names none.",
        ),
        (
            {"init_from:": "init_form:"},
            "inputs.init_form: fake uses nothing as init_form. Did you mean 'init_from'?",
        ),
        (
            {"model:base": "[model:base, model:base@1]"},
            "inputs.init_from: fake takes one version as init_from, not 2.",
        ),
        ({"[dataset:chats@1]": "[dataset:chats@1, dataset:chats@1]"}, "the same version stands there twice"),
        (
            {"model:base": "model:bass"},
            "inputs.init_from: There is no 'model:bass'. Did you mean model:base?",
        ),
        ({"chats@1": "chats@9"}, "inputs.trained_on: dataset:chats has no version 9; versions: 1."),
        (
            {"model:base": "dataset:chats"},
            "inputs.init_from: dataset:chats@1 is a dataset; init_from takes a model.",
        ),
        (
            {"dataset:chats@1": "constitution:house@1"},
            "constitution:house@1 is a constitution; trained_on takes a dataset.",
        ),
        (
            {"dataset:chats@1": "dataset:raw@1"},
            "dataset:raw@1 is a draft; seal it or send it to review first.",
        ),
        (
            {"dataset:chats@1": "dataset:gone@1"},
            "dataset:gone@1 was revoked; use another version of dataset:gone.",
        ),
        ({"output: {slug: tuned, title: Tuned}": ""}, "output: fake makes a version; name it"),
        ({"seed: 7": "seed: 7\nlauncher: slurmy"}, "there is no launcher 'slurmy'"),
        ({"seed: 7": "sed: 7"}, "sed: there is no such field. Did you mean 'seed'?"),
        ({"seed: 7": "seed: [7"}, "The spec is not usable YAML: line"),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused_with_the_field_and_the_rule(spec, world, capsys, changes, said):
    builders.constitution()
    registry.save_draft("dataset", "raw", {}, actor=ADA)
    builders.dataset(world, "gone")
    registry.revoke(lookup.find("dataset:gone"), reason="no licence", actor=MARA)
    path = spec(changes)
    before = Entry.objects.count()
    with pytest.raises(SystemExit) as stop:
        call_command("launch", path, "--as", "ada")
    assert stop.value.code == 2
    assert said in capsys.readouterr().err
    assert (Run.objects.count(), Entry.objects.count()) == (0, before)


@pytest.mark.parametrize(
    ("person", "may"), [("ada", True), ("polly", False), ("ravi", False), ("mara", False), ("otto", False)]
)
def test_engineers_launch_and_nobody_else(spec, capsys, person, may):
    if may:
        call_command("launch", spec(), "--as", person)
    else:
        with pytest.raises(SystemExit):
            call_command("launch", spec(), "--as", person)
        assert "needs the group engineer" in capsys.readouterr().err
    assert Run.objects.count() == may


def test_files_that_are_no_specs(world, capsys):
    (world / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name, said in (("binary.yaml", "is not UTF-8"), ("nowhere.yaml", "cannot be read")):
        with pytest.raises(SystemExit):
            call_command("launch", str(world / name), "--as", "ada")
        assert said in capsys.readouterr().err


def test_nobody_is_nobody(spec):
    with pytest.raises(CommandError, match="There is no active account 'nobody'"):
        call_command("launch", spec(), "--as", "nobody")


@pytest.fixture
def celery_worker(home):
    """A real worker on the folder broker, as `make serve` starts it."""
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO"]
    with (home / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=REPO, env=os.environ, stdout=log, stderr=log)
    yield process
    process.terminate()
    process.wait(20)


def test_a_real_training_through_a_real_worker(tmp_path, tiny_base, celery_worker):
    gather()
    about = {"description": "Tiny base.", "licence": "Apache-2.0", "origin": "pretrained"}
    base = importers.read("model", tiny_base, about)
    registry.register("model", "tiny-base", base.content, files=base.files, actor=ADA)
    builders.dataset(tmp_path, rows=40)
    path = tmp_path / "sft.yaml"
    path.write_text(
        "stage: sft\ninputs: {init_from: tiny-base, trained_on: chats}\n"
        "params: {learning_rate: 5e-4, max_steps: 6, per_device_batch_size: 4, logging_steps: 2}\n"
        "seed: 3\noutput: {slug: assistant}\n"
    )
    command = [sys.executable, "manage.py", "launch", str(path), "--as", "ada", "--json"]
    told = json.loads(subprocess.check_output(command, cwd=REPO))
    assert told["state"] == "queued"
    run = Run.objects.get(pk=told["run"])
    until(lambda: fresh(run).has_ended, 120)
    run = fresh(run)
    assert (run.state, run.reason) == (states.SUCCEEDED, "")
    made = lookup.find("model:assistant")
    assert made.content["architecture"] == "LlamaForCausalLM"
    assert made.content["weights_digest"] != lookup.find("model:tiny-base").content["weights_digest"]
    assert made.content["licence"] == "Apache-2.0"
    assert [row.step for row in run.metrics.all()][:3] == [2, 4, 6]
    assert run.metrics.first().values["loss"]
    summary = activity_of(run).summary
    assert summary["params"]["learning_rate"] == "0.0005"
    assert {"environment_sha256", "config_sha256", "metrics_sha256", "events_sha256"} <= summary.keys()
    assert POLLY.handle not in made.authors
