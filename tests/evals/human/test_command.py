"""`manage.py human_eval`: started, watched, closed and exported at a shell."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from evals.models import Study
from governance.ledger.canonical import sha256_hex
from governance.ledger.models import Entry
from tests.evals.human.studies import best


def run(*words: object, who: str = "ada") -> str:
    out = StringIO()
    call_command("human_eval", *map(str, words), "--as", who, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: object, who: str = "ada") -> str:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("human_eval", *map(str, words), "--as", who, stdout=out, stderr=out)
    assert ended.value.code == 1
    return out.getvalue()


def start(world, *more: object) -> Study:
    names = world.names
    words = ["start", names["a"], names["b"], "--pool", names["pool"], "--guideline", names["guideline"]]
    told = json.loads(run(*words, "--needed", 2, "--seed", 7, *more, "--json"))
    return Study.objects.get(pk=told["id"])


def test_a_study_from_start_to_export(world, tmp_path):
    study = start(world, "--items", 4, "--margin", "0.2")
    assert Entry.objects.latest("id").actor.endswith("for person:ada")
    assert (study.items, study.margin) == (4, "0.2")
    world.rate(study, "ravi", best)
    short = str(study.pk)[:8]
    assert "open       4 of 8 judgements by 1 raters" in run("status", short)
    told = json.loads(run("status", "--json"))["studies"]
    assert (told[0]["judgements"], told[0]["results"]) == (4, None)
    assert "4 of 8 judgements are given" in refused("close", short)
    assert "only a closed study" in refused("export", short)
    world.rate(study, "eno", best)
    told = run("close", short)
    assert "model:tuned@1: wins 1 (" in told
    assert "Agreement (alpha):" in told
    assert json.loads(run("status", short, "--json"))["results"]["complete"]
    out = tmp_path / "judgements.jsonl"
    told = json.loads(run("export", short, "--out", out, "--json"))
    assert told == {"judgements": 8, "sha256": sha256_hex(out.read_bytes()), "out": str(out)}
    assert run("export", short) == out.read_text()


def test_a_study_is_cancelled_at_the_shell(world):
    study = start(world)
    assert "Say why" in refused("cancel", study.pk)
    assert "is cancelled" in run("cancel", study.pk, "--reason", "Wrong guideline.")


def test_refusals_exit_with_1_and_keep_nothing(world):
    names = world.names
    words = ["start", names["a"], "model:none", "--pool", names["pool"], "--guideline", names["guideline"]]
    assert "There is no 'model:none'" in refused(*words)
    assert "needs the group" in refused(*[*words[:2], names["b"], *words[3:]], who="polly")
    assert "No study begins with '1234'" in refused("status", "1234")
    assert run("status") == "There is no study yet.\n"
    assert Study.objects.count() == 0
    study = start(world)
    assert "needs the group" in refused("close", study.pk, who="polly")
    assert "needs the group" in refused("cancel", study.pk, "--reason", "x", who="polly")
