"""Uses of suites: recorded by people through each door, seen by Charter at gates and trainings, and what a suite counts as then."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from evals import uses
from evals.models import SuiteUse
from governance.cards.bundle import bundle_of
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.canonical import loads
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.verify import verify
from governance.registry import actions, lookup, recording
from governance.registry.models import Activity
from governance.releases.actions import run_gate
from tests import builders
from tests.builders import ADA, MARA
from tests.cast import gather
from tests.evals.recorded import TASKS, evaluated, suite
from tests.releases.world import build, house_policy, released
from tests.training import faking
from training import actions as runs

ALL_RIGHT = {"sums": [1] * 40, "harm": [1] * 40}
UNSEEN = TASKS.replace("status: dev", "status: unseen")
USE = {"purpose": "recipe", "served": "model:tuned@2", "reason": "Chose the learning rate by its sums."}
BAD = {
    "id": "sums",
    "title": "Sums are perfect",
    "reads": ["results.arithmetic.score"],
    "expression": 'facts["results.arithmetic.score"] >= 1.0',
    "message": "Train again.",
}


@pytest.fixture
def cast(db):
    return gather()


@pytest.fixture
def unseen(cast, tmp_path):
    return suite(tmp_path, "fresh", items=40, tasks=UNSEEN)


def command(suite: str, **changes: str) -> None:
    given = {"purpose": "recipe", "for": "model:tuned@2", "reason": "Chose by it.", "as": "ada", **changes}
    call_command("suite_use", suite, *(f"--{name}={value}" for name, value in given.items()))


def payload(use: SuiteUse) -> dict:
    return loads(Entry.objects.get(object_id=str(use.pk)).parts["P"]["payload"])["state"]


def api(cast, name: str) -> APIClient:
    client = APIClient()
    client.force_login(cast.users[name])
    return client


class TestAPersonSaysSo:
    def test_at_a_terminal(self, unseen, capsys):
        command("fresh")
        use = SuiteUse.objects.get()
        assert (use.suite, use.purpose, use.served, use.automatic) == (
            unseen,
            "recipe",
            "model:tuned@2",
            False,
        )
        assert (
            "eval-suite:fresh@1 counts as dev: 1 decision chose by it; it was sealed as unseen."
            in capsys.readouterr().out
        )
        assert payload(use) == {
            "subject": "eval-suite:fresh@1", "digest": unseen.digest, "purpose": "recipe", "served": "model:tuned@2",
            "reason": "Chose by it.", "automatic": False, "cause": None, "by": use.by, "at": use.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }  # fmt: skip
        assert use.by.endswith("for person:ada")

    def test_a_report_leaves_it_unseen(self, unseen, capsys):
        call_command(
            "suite_use", "fresh", "--purpose=report", "--for=card", "--reason=Printed.", "--as=ada", "--json"
        )
        told = json.loads(capsys.readouterr().out)
        assert (told["status"], told["sealed_as"], told["choosing_uses"]) == ("unseen", "unseen", 0)

    def test_over_the_api_once_for_each_key(self, cast, unseen):
        client, body = api(cast, "ada"), {"suite": "eval-suite:fresh", **USE}
        first, again = (
            client.post("/api/v1/suite-uses/", body, format="json", HTTP_IDEMPOTENCY_KEY="k1")
            for _ in range(2)
        )
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["id"] == again.json()["id"]
        listed = client.get("/api/v1/suite-uses/?suite=eval-suite:fresh").json()["results"]
        assert [(one["purpose"], one["suite"], one["automatic"]) for one in listed] == [
            ("recipe", "eval-suite:fresh@1", False)
        ]
        told = client.get("/api/v1/suite-uses/status/?suite=eval-suite:fresh").json()
        assert told == {
            "suite": "eval-suite:fresh@1", "status": "dev", "sealed_as": "unseen", "choosing_uses": 1,
        }  # fmt: skip

    def test_on_the_page(self, cast, unseen):
        client = Client()
        client.force_login(cast.ada)
        address = "/versions/eval-suite:fresh@1/"
        page = client.get(address)
        (panel,) = [one for one in page.context["panels"] if one.template == "evals/panel_suite_uses.html"]
        sent = {**USE, "once": panel.context["once"]}
        for _ in range(2):
            assert client.post(f"{address}suite-use/", sent).status_code == 302
        assert SuiteUse.objects.count() == 1
        text = client.get(address).content.decode()
        assert "Recipe for model:tuned@2" in text
        assert "it counts as <strong>dev</strong> since" in text

    def test_uses_come_in_pages(self, cast, unseen):
        for number in range(21):
            uses.record(unseen, purpose="data", served=f"run {number}", reason="Looked.", actor=ADA)
        client = Client()
        client.force_login(cast.axel)
        first, second = (
            client.get(f"/versions/eval-suite:fresh@1/?uses={n}").content.decode() for n in (1, 2)
        )
        assert "1 to 20 of 21 uses" in first
        assert "Data for run 0<" in second
        assert "Data for run 0<" not in first
        assert "Record a look" not in first


class TestRefused:
    def test_at_a_terminal(self, unseen, capsys):
        for changes, wanted in (
            ({"for": " "}, "served: say which"),
            ({"reason": " "}, "reason: say what"),
            ({"for": "x" * 201}, "served: it has 201"),
            ({"for": "a\nb"}, "served: it is one line"),
            ({"reason": "x" * 10_001}, "reason: it has 10,001"),
            ({"as": "axel"}, "evals:suite-use:record"),
        ):
            with pytest.raises(SystemExit) as stopped:
                command("fresh", **changes)
            assert stopped.value.code == 1
            assert wanted in capsys.readouterr().err
        with pytest.raises(CommandError, match="invalid choice"):
            command("fresh", purpose="gate")
        with pytest.raises(SystemExit):
            command("nothing")
        assert not SuiteUse.objects.exists()

    def test_only_a_sealed_suite(self, cast, unseen, tmp_path):
        draft = actions.save_draft("eval-suite", "other", {}, actor=ADA)
        chats = builders.dataset(tmp_path)
        for wrong, why in ((draft.subject, 409), (chats.subject, 409), ("eval-suite:none", 404)):
            answer = api(cast, "ada").post("/api/v1/suite-uses/", {"suite": wrong, **USE}, format="json")
            assert answer.status_code == why, answer.content
        assert not SuiteUse.objects.exists()

    def test_over_the_api(self, cast, unseen):
        client, whole = api(cast, "ada"), {"suite": "eval-suite:fresh", **USE}
        for changes, field in (
            ({"purpose": "gate"}, "purpose"),
            ({"served": ""}, "served"),
            ({"served": "x" * 201}, "served"),
            ({"reason": " "}, "reason"),
            ({"extra": 1}, "extra"),
        ):
            answer = client.post("/api/v1/suite-uses/", {**whole, **changes}, format="json")
            assert answer.status_code == 400, answer.content
            assert answer.json()["errors"][0]["field"] == field
        assert client.get("/api/v1/suite-uses/").status_code == 400
        assert api(cast, "axel").post("/api/v1/suite-uses/", whole, format="json").status_code == 403
        assert not SuiteUse.objects.exists()

    def test_a_form_of_another_page(self, cast, unseen):
        client = Client()
        client.force_login(cast.ada)
        client.post("/versions/eval-suite:fresh@1/suite-use/", USE)
        client.force_login(cast.axel)
        assert client.post("/versions/eval-suite:fresh@1/suite-use/", USE).status_code == 403
        assert client.get("/versions/eval-suite:fresh@1/suite-use/").status_code == 405
        assert not SuiteUse.objects.exists()


@pytest.mark.usefixtures("committed_db")
class TestCharterSees:
    def refuse(self, world, number: int = 1):
        policy = house_policy(world, BAD, slug=f"strict{number}")
        builders.approved(lookup.find(policy))
        return run_gate(released(world, policy=policy), actor=MARA)

    def test_a_gate_that_read_results(self, tmp_path):
        world = build(tmp_path)
        report = self.refuse(world)
        assert report.verdict == "refused"
        use = SuiteUse.objects.get()
        assert (use.suite.subject, use.purpose, use.served, use.automatic) == (
            "eval-suite:basics@1", "gate", "release:assistant@1", True,
        )  # fmt: skip
        assert use.cause == f"releases.gate-report:{report.pk}"
        assert uses.status_of(use.suite).choosing == 0

    def test_a_gate_that_read_no_result_is_none(self, tmp_path):
        world = build(tmp_path)
        rule = {**BAD, "reads": ["model_name"], "expression": 'facts["model_name"] != ""'}
        policy = house_policy(world, rule)
        builders.approved(lookup.find(policy))
        run_gate(released(world, policy=policy), actor=MARA)
        assert not SuiteUse.objects.exists()

    def test_a_training_after_the_refusal(self, tmp_path):
        world = build(tmp_path)
        report = self.refuse(world)
        builders.trained(tmp_path / "again", world.base, [builders.dataset(tmp_path, "more")], "tuned2")
        assert SuiteUse.objects.count() == 1, "another line"
        tuned = again(tmp_path, world, "tuned")
        use = SuiteUse.objects.get(purpose="recipe")
        assert str(report.pk) in use.reason
        assert use.served == f"activity {tuned.pk}"
        assert uses.status_of(use.suite).now == "dev"

    def test_a_run_that_is_started_after_the_refusal(self, tmp_path):
        world = build(tmp_path)
        self.refuse(world)
        faking.install()
        run = runs.queue(faking.spec(), actor=ADA)
        actions.start_activity(
            "training", run.label, [("init_from", world.base)], summary={"run": str(run.pk)}, actor=ADA
        )
        assert SuiteUse.objects.get(purpose="recipe").served == f"run {run.pk}"

    def test_after_a_later_pass_it_is_none(self, tmp_path):
        world = build(tmp_path)
        self.refuse(world)
        rule = {**BAD, "expression": 'facts["results.arithmetic.score"] >= 0.5'}
        policy = house_policy(world, rule, slug="lenient")
        builders.approved(lookup.find(policy))
        assert run_gate(released(world, policy=policy), actor=MARA).verdict == "passed"
        again(tmp_path, world, "tuned")
        assert not SuiteUse.objects.filter(purpose="recipe").exists()

    def test_a_gate_that_cannot_note_it_records_no_report(self, tmp_path, monkeypatch):
        world = build(tmp_path)
        monkeypatch.setattr(uses, "note", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            self.refuse(world)
        assert not Entry.objects.filter(op="releases:gate:run").exists()


def again(folder, world, slug: str) -> Activity:
    """Another training into the line, recorded from elsewhere."""
    activity = recording.begin("training", "Again", [("init_from", world.base)], summary={}, actor=ADA)
    content = {**world.tuned.content, "description": "Again", "weights_digest": "ab" * 32}
    made = actions.register("model", slug, content, actor=ADA, imported=False)
    return recording.finish(activity, state="ended", produced=[("output", made)], summary={}, actor=ADA)


def test_a_training_that_names_a_suite_chose_by_it(unseen, tmp_path):
    base = builders.model(tmp_path)
    used = [("init_from", base), ("evaluated_on", unseen)]
    activity = recording.begin("training", "Best of ten", used, summary={}, actor=ADA)
    use = SuiteUse.objects.get()
    assert (use.purpose, use.automatic, use.cause) == ("recipe", True, f"registry.activity:{activity.pk}")
    recording.finish(activity, state="failed", produced=[], summary={}, actor=ADA)
    assert SuiteUse.objects.count() == 1


def test_an_evaluation_alone_is_no_decision(unseen, tmp_path):
    evaluated(builders.model(tmp_path), unseen, tmp_path, ALL_RIGHT)
    assert not SuiteUse.objects.exists()


@pytest.mark.usefixtures("committed_db")
class TestEvidence:
    def test_it_says_what_the_suite_counts_as_at_each_size(self, tmp_path):
        gather()
        keys.generate()
        fresh, model = suite(tmp_path, "fresh", items=40, tasks=UNSEEN), builders.model(tmp_path)
        evaluated(model, fresh, tmp_path, ALL_RIGHT)
        before = settle().size
        document = collect(model, before)
        assert document.get("results.sums.suite_status").value == "unseen"
        assert document.get("suites.1.choosing_uses").value == 0
        uses.record(fresh, **USE, actor=ADA)
        after = collect(model, settle().size)
        for key in ("results.sums.suite_status", "results.harm.suite_status", "suites.1.status_now"):
            assert after.get(key).value == "dev"
        assert after.get("results.sums.suite_uses").value == 1
        assert after.get("suites.1.use_1").value == "recipe"
        assert after.get("suites.1.status").value == "unseen"
        assert collect(model, before).canonical() == document.canonical()

    def test_of_a_restricted_suite_the_status_is_withheld_until_something_was_chosen_by_it(self, tmp_path):
        gather()
        keys.generate()
        content = suite(tmp_path, "fresh", items=40, tasks=UNSEEN).content
        hidden = actions.register("eval-suite", "hidden", content, restricted=True, actor=ADA)
        model = builders.model(tmp_path)
        evaluated(model, hidden, tmp_path, ALL_RIGHT)
        document = collect(model, settle().size)
        assert document.get("suites.1.status_now").state == "withheld"
        assert document.get("results.sums.suite_status") is None
        assert document.get("results.sums.suite_uses").value == 0
        uses.record(hidden, **USE, actor=ADA)
        assert collect(model, settle().size).get("results.sums.suite_status").value == "dev"

    def test_the_bundle_verifies_and_the_card_prints_it(self, tmp_path):
        world = build(tmp_path)
        use = uses.record(lookup.find("eval-suite:basics"), **USE, actor=ADA)
        bundle = bundle_of(released(world), settle())
        report = verify(bundle)
        assert report.holds, [line for line in report.lines if line.outcome == "FAILS"]
        call_command("card", "release:assistant", "--format", "md", "--out", str(tmp_path / "card.md"))
        card = (tmp_path / "card.md").read_text()
        assert "decisions that chose by the suite" in card
        assert use.served not in card


def test_the_evaluation_and_the_comparison_say_it(cast, unseen, tmp_path):
    a = evaluated(builders.model(tmp_path), unseen, tmp_path, ALL_RIGHT)
    other = builders.model(tmp_path, "other", tensors={"z": [1.0]})
    b = evaluated(other, unseen, tmp_path, ALL_RIGHT)
    client = Client()
    client.force_login(cast.axel)
    pages = (f"/evaluations/{a.pk}/", f"/comparison/?a={a.pk}&b={b.pk}")
    assert all("counts as unseen" in client.get(one).content.decode() for one in pages)
    uses.record(unseen, **USE, actor=ADA)
    assert all("counts as dev" in client.get(one).content.decode() for one in pages)


def test_what_a_stranger_may_not_read_a_stranger_does_not_get(cast, unseen):
    hidden = actions.register("eval-suite", "hidden", unseen.content, restricted=True, actor=ADA)
    uses.record(hidden, **USE, actor=ADA)
    for name, wanted in (("eno", 403), ("axel", 200)):
        client = api(cast, name)
        for address in ("suite-uses/", "suite-uses/status/"):
            assert client.get(f"/api/v1/{address}?suite=eval-suite:hidden").status_code == wanted
    body = {"suite": "eval-suite:hidden", **USE}
    assert api(cast, "eno").post("/api/v1/suite-uses/", body, format="json").status_code == 403


def test_the_page_of_a_suite_costs_the_same_with_more_uses(cast, unseen):
    client = Client()
    client.force_login(cast.ada)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get("/versions/eval-suite:fresh@1/").status_code == 200
        return len(found)

    uses.record(unseen, **USE, actor=ADA)
    few = queries()
    for _ in range(9):
        uses.record(unseen, **USE, actor=ADA)
    assert queries() == few
