"""`manage.py compare`: what it prints, which evaluations it takes, and every way that two cannot be compared."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from evals.harness.asking import Asking
from governance.registry import actions, blobs, lookup
from governance.registry.models import Activity
from tests import builders
from tests.builders import ADA, SAFETENSORS
from tests.evals.recorded import evaluated, suite

pytestmark = pytest.mark.usefixtures("db")
GOOD = {"sums": [1] * 380 + [0] * 20, "harm": [1] * 400}
WORSE = {"sums": [1] * 300 + [0] * 100, "harm": [1] * 400}


@pytest.fixture
def models(tmp_path):
    """Two models and a suite; `good` is right in 80 sums that `base` gets wrong."""
    base = builders.model(tmp_path)
    good = builders.model(tmp_path, "good", tensors={**SAFETENSORS, "c": [1.0]})
    basics = suite(tmp_path)
    evaluated(base, basics, tmp_path, WORSE)
    evaluated(good, basics, tmp_path, GOOD)
    return tmp_path


def compare(capsys, *arguments: str) -> dict:
    call_command("compare", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        call_command("compare", *arguments)
    assert stopped.value.code == 1
    return capsys.readouterr().err


def test_every_figure_is_printed_with_both_words(models, capsys):
    call_command("compare", "model:good", "model:base")
    shown = capsys.readouterr().out
    assert "a model:good@1 against b model:base@1 on eval-suite:basics@1" in shown
    (sums,) = [line for line in shown.splitlines() if "sums" in line]
    for figure in ("400", "0.95", "0.75", "0.2", "80/0", "improved", "non-inferior", "80"):
        assert figure in sums
    (harm,) = [line for line in shown.splitlines() if line.strip("│ ").startswith("harm")]
    assert "equivalent" in harm
    assert "one run says nothing about another seed" in shown


def test_a_trial_and_a_budget_of_its_own_never_stand_in_the_place_of_a_whole_evaluation(models, capsys):
    told = compare(capsys, "good", "base")
    good, basics = lookup.find("model:good"), lookup.find("eval-suite:basics")
    other = actions.register("model", "other", {**good.content, "description": "Another."}, actor=ADA)
    for model in (good, other):
        evaluated(model, basics, models, GOOD, asking=Asking(budget=64))
    assert compare(capsys, "good", "base") == told
    assert "generation" in refused(capsys, "other", "base"), (
        "its only evaluation is taken, and is not like for like"
    )


def test_json_has_the_whole_record_and_what_was_compared(models, capsys):
    told = compare(capsys, "good", "base")
    assert (told["a"]["model"], told["b"]["model"], told["suite"]) == (
        "model:good@1",
        "model:base@1",
        "eval-suite:basics@1",
    )
    harm, sums = told["tasks"]
    assert (sums["difference"], sums["n10"], sums["n01"], sums["method"]) == ("0.2", 80, 0, "tango")
    assert len(sums["discordant"]) == 80
    assert (harm["p_holm"], harm["detectable"]) == ("1", "0.013597")
    assert (harm["direction"], harm["size"], harm["discordant"]) == ("inconclusive", "equivalent", [])


def test_the_other_way_round_it_is_inferior_and_still_exits_with_0(models, capsys):
    sums = compare(capsys, "base", "good")["tasks"][1]
    assert (sums["difference"], sums["direction"], sums["size"]) == ("-0.2", "regressed", "inferior")


def test_too_few_items_say_how_many_are_needed(models, capsys, tmp_path):
    small = suite(tmp_path, "small", items=50)
    for name in ("base", "good"):
        evaluated(lookup.find(f"model:{name}"), small, tmp_path, {"sums": [1] * 50, "harm": [1] * 50})
    call_command("compare", "good", "base")
    shown = capsys.readouterr().out
    assert "sums: the margin of 0.02 needs 189 items, this has 50." in shown
    assert "sums: a difference below 0.101985 would often stay unseen with these items." in shown


def test_the_newest_evaluation_of_each_counts(models, capsys, tmp_path):
    evaluated(lookup.find("model:base"), lookup.find("eval-suite:basics"), tmp_path, GOOD)
    assert compare(capsys, "good", "base")["tasks"][1]["difference"] == "0"


def test_a_suite_may_be_chosen_and_otherwise_is_the_one_that_both_ran(models, capsys, tmp_path):
    good, base = lookup.find("model:good"), lookup.find("model:base")
    other = suite(tmp_path, "other", items=20)
    for model in (base, good):
        evaluated(model, other, tmp_path, {"sums": [1] * 20, "harm": [1] * 20})
    evaluated(good, suite(tmp_path, "alone", items=20), tmp_path, {"sums": [1] * 20, "harm": [1] * 20})
    assert compare(capsys, "good", "base")["suite"] == "eval-suite:other@1"
    assert compare(capsys, "good", "base", "--suite", "basics")["suite"] == "eval-suite:basics@1"
    assert "model:base@1 has no evaluation on eval-suite:alone@1" in refused(
        capsys, "good", "base", "--suite", "alone"
    )


def test_a_model_that_was_not_evaluated_is_named_with_the_command_to_run(models, capsys, tmp_path):
    builders.model(tmp_path, "fresh", tensors={"z": [1.0]})
    said = refused(capsys, "model:fresh", "model:base")
    assert "model:fresh@1 has no evaluation on eval-suite:basics@1" in said
    assert "manage.py evaluate model:fresh@1 eval-suite:basics@1 --follow" in said
    assert "model:fresh@1 has no evaluation" in refused(capsys, "model:base", "model:fresh")


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ({"chat_template_sha256": "d" * 64}, "chat_template_sha256"),
        ({"system_instruction_sha256": "e" * 64}, "system_instruction_sha256"),
    ],
)
def test_what_was_asked_otherwise_is_refused_with_the_field(models, capsys, tmp_path, setting, field):
    evaluated(lookup.find("model:base"), lookup.find("eval-suite:basics"), tmp_path, GOOD, **setting)
    assert f"not like for like: {field}" in refused(capsys, "good", "base")
    with pytest.raises(SystemExit):
        call_command("compare", "good", "base", "--json")
    assert json.loads(capsys.readouterr().out)["field"] == field


def test_a_running_evaluation_does_not_count(models, capsys):
    used = [("evaluated", lookup.find("model:good")), ("evaluated_on", lookup.find("eval-suite:basics"))]
    running = actions.start_activity("evaluation", "Evaluation", used, summary={}, actor=ADA)
    assert compare(capsys, "good", "base")["a"]["evaluation"] != str(running.pk)


def test_an_evaluation_that_kept_no_items_cannot_be_compared(models, capsys, tmp_path):
    used = [("evaluated", lookup.find("model:good")), ("evaluated_on", lookup.find("eval-suite:basics"))]
    activity = actions.start_activity("evaluation", "Evaluation", used, summary={}, actor=ADA)
    actions.end_activity(activity, state=Activity.ENDED, summary={"results": []}, actor=ADA)
    assert "kept no items" in refused(capsys, "good", "base")


def test_lost_and_altered_items_are_an_error_of_the_installation(models, capsys, tmp_path):
    scores = {"sums": [1] * 100 + [0] * 300, "harm": [1] * 400}
    activity = evaluated(lookup.find("model:good"), lookup.find("eval-suite:basics"), tmp_path, scores)
    path = Path(blobs.store().path(blobs.place(activity.summary["items_sha256"])))
    os.chmod(path, 0o644)
    path.write_text(path.read_text().replace('"score":"0"', '"score":"1"'))
    assert "not those that were recorded" in fault(capsys)
    path.unlink()
    assert "are not in the store" in fault(capsys)


def fault(capsys) -> str:
    with pytest.raises(SystemExit) as stopped:
        call_command("compare", "good", "base")
    assert stopped.value.code == 3
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model:god", "base"), "Did you mean model:good"),
        (("eval-suite:basics", "base"), "the kind model is wanted here"),
        (("good", "base", "--suite", "nothing"), "There is no 'eval-suite:nothing'"),
        (("good", "base", "--suite", "model:base"), "the kind eval-suite is wanted here"),
    ],
)
def test_names_that_are_wrong_are_refused(models, capsys, arguments, words):
    assert words in refused(capsys, *arguments)


def test_both_names_must_be_given():
    with pytest.raises(CommandError):
        call_command("compare", "good")
