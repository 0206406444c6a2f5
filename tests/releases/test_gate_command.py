"""`manage.py gate`: the verdict is the exit code, the reasons come in three formats."""

import json
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.management import call_command

from governance.ledger.models import Entry
from governance.releases import gate_texts
from governance.releases.models import GateReport
from tests.releases.facts import rule
from tests.releases.world import house_policy, released

LICENSED = rule('states["licence"] == "recorded"', "licence", id="licensed")
PROPRIETARY = rule('facts["licence"] == "none"', "licence", id="proprietary")
UNKNOWN = rule('facts["cost"] < 1', "cost", id="cost")


def gate(capsys, *arguments: str, name: str = "mara") -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        call_command("gate", *arguments, "--as", name)
    told = capsys.readouterr()
    return int(stopped.value.code), told.out, told.err


@pytest.mark.parametrize(
    ("rules", "code"), [((LICENSED,), 0), ((LICENSED, PROPRIETARY, UNKNOWN), 1), ((LICENSED, UNKNOWN), 2)]
)
def test_the_exit_code_is_the_verdict(world, capsys, rules, code):
    version = released(world, policy=house_policy(world, *rules))
    assert gate(capsys, version.subject)[0] == code
    assert GateReport.objects.get().by.startswith("cli:")
    assert Entry.objects.latest("id").actor.endswith(" for person:mara")


def test_the_text_says_why_and_what_would_help(world, capsys):
    released(world, policy=house_policy(world, LICENSED, PROPRIETARY, UNKNOWN))
    _, out, _ = gate(capsys, "assistant")
    assert "✓ Title of licensed" in out
    assert "✗ Title of proprietary\n  What would help.\n  - licence: Apache-2.0 #" in out
    assert "? Title of cost\n  No value to judge by: cost is not recorded." in out
    assert "release:assistant@1 refused: 1 passed, 1 refused, 1 undecided of 3 rules." in out


def test_json_has_the_rules_with_their_verdicts(world, capsys):
    released(world, policy=house_policy(world, LICENSED, UNKNOWN))
    code, out, _ = gate(capsys, "release:assistant", "--format", "json")
    told = json.loads(out)
    assert code == 2
    assert {one["id"]: one["verdict"] for one in told["rules"]} == {"licensed": "passed", "cost": "undecided"}
    assert told == GateReport.objects.get().report


def test_junit_escapes_whatever_the_rules_say(world, capsys):
    nasty = {**PROPRIETARY, "title": 'Is <b>"bad"</b> & ]]> ü', "message": "Line\x1b[31m\nnext \x07"}
    warns = {**UNKNOWN, "severity": "warn"}
    released(world, policy=house_policy(world, LICENSED, nasty, warns, {**UNKNOWN, "id": "more"}))
    code, out, _ = gate(capsys, "assistant", "--format", "junit")
    suite = ElementTree.fromstring(out)
    assert code == 1
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    cases = suite.findall("testcase")
    assert cases[0].findall("*") == []
    assert cases[1].get("name") == 'Is <b>"bad"</b> & ]]> ü'
    assert cases[1].find("failure").get("message") == "Line[31m\nnext "
    assert "licence: Apache-2.0" in cases[1].find("failure").text


def test_a_long_list_of_facts_is_cut_in_the_text():
    facts = [
        {"key": f"k{n}", "value": "v" * 500, "unit": None, "state": "recorded", "entries": [n]}
        for n in range(20)
    ]
    lines = gate_texts.reasons({"reason": "", "message": "Help.", "facts": facts})
    assert lines[-1] == "- and 8 more facts"
    assert max(len(line) for line in lines) < 150


@pytest.mark.parametrize(
    ("arguments", "name", "why"),
    [
        (["nothing"], "mara", "There is no 'release:nothing'"),
        (["model:tuned"], "mara", "a gate judges releases"),
        (["assistant"], "polly", "This needs the group"),
        (["assistant"], "axel", "This needs the group"),
    ],
)
def test_an_error_is_no_verdict(world, capsys, arguments, name, why):
    released(world)
    code, out, err = gate(capsys, *arguments, name=name)
    assert (code, out) == (3, "")
    assert why in err
    assert not GateReport.objects.exists()


@pytest.mark.parametrize(
    "arguments", [[], ["assistant", "--format", "yaml"], ["assistant", "--as", "nobody"]]
)
def test_wrong_usage_at_a_shell_is_an_error_and_no_verdict(committed_db, arguments):
    command = [sys.executable, "manage.py", "gate", *arguments]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert done.stderr


def test_help_has_an_example(committed_db):
    done = subprocess.run(
        [sys.executable, "manage.py", "gate", "--help"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "manage.py gate release:demo-assistant@1" in done.stdout
