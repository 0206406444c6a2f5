"""Canaries: a suite that is asked of a live endpoint again and again; answers that change without a release raise an alarm."""

import json
from collections.abc import Iterator
from datetime import timedelta
from math import comb, exp, log
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from config.celery import ask_canaries
from evals import canaries_turn
from evals.models import Canary, CanaryAlarm
from evals.statistics.chains import Look, log_e, log_e_of_chain
from evals.statistics.watching import log_e_either, log_e_so_far, log_mean_e
from governance.ledger import audit, keys
from governance.ledger.actors import Actor
from governance.ledger.canonical import loads
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import deactivate, set_groups
from governance.people.models import Account, User
from governance.registry.models import Activity
from governance.releases import serving
from tests import builders
from tests.cast import gather
from tests.evals.canarying import ITEMS, OTHER, SAME, Place, answered, failed, finished, place_at, started
from tests.evals.recorded import TASKS, WORKER, evaluated, suite
from tests.evals.stub_endpoint import KEY, KEY_VARIABLE, Stub, completion, sums
from tests.evals.stub_endpoint import serving as stub_serving
from tests.evals.test_endpoint import served, sums_suite
from tests.invariants.test_races import at_once
from tests.releases.answering import begin, chat, out
from tests.releases.world import build
from training import states
from training.follow import follow
from training.models import Run

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def stub(settings, monkeypatch) -> Iterator[Stub]:
    gather()
    with stub_serving(sums) as running:
        settings.CHARTER_ENDPOINT_HOSTS = [running.host]
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        yield running


@pytest.fixture
def place(stub, tmp_path) -> Place:
    return place_at(chat(), tmp_path, stub.host)


def say(capsys, *words: str, name: str = "ada") -> dict:
    """What the command answers."""
    capsys.readouterr()
    call_command("canary", *words, "--json", "--as", name)
    return json.loads(capsys.readouterr().out)


def setting(capsys, **changes: str) -> Canary:
    given = {"every": "24", "alpha": "0.01", **changes}
    options = [f"--{name}={value}" for name, value in given.items()]
    made = say(capsys, "set", "chat", "model:api", "eval-suite:live", *options)
    return Canary.objects.get(pk=made["id"])


def later(monkeypatch, hours: float) -> None:
    """So many hours after now, for canaries alone."""
    moment = timezone.now() + timedelta(hours=hours)
    monkeypatch.setattr(canaries_turn, "timezone", SimpleNamespace(now=lambda: moment))


def asked(canary: Canary, capsys) -> Run:
    """The canary's next run, queued by hand."""
    (key,) = say(capsys, "run", str(canary.pk))["runs"]
    return Run.objects.get(pk=key)


def client(name: str) -> APIClient:
    found = APIClient()
    found.force_login(User.objects.get(username=name))
    return found


def told(row) -> dict:
    entry = Entry.objects.filter(object_type=row.ledger_type, object_id=str(row.pk)).latest("rev")
    return loads(entry.parts["P"]["payload"])


@pytest.mark.slow
def test_real_runs_over_the_endpoint_the_same_answers_and_then_others(stub, tmp_path, capsys):
    keys.generate()
    served(tmp_path, stub)
    sums_suite(tmp_path, items=30)
    chat()
    made = say(capsys, "set", "chat", "model:api", "eval-suite:sums", "--every", "1")
    canary = Canary.objects.get(pk=made["id"])
    (first,) = canaries_turn.beat()
    assert follow(first, actor=WORKER).state == states.SUCCEEDED
    canary.refresh_from_db()
    assert (canary.outcome, canary.look) == ("reference", 0)
    stub.behave = lambda _request, _number: completion("Seven.")
    other = follow(asked(canary, capsys), actor=WORKER)
    assert other.state == states.SUCCEEDED, other.reason
    alarm = CanaryAlarm.objects.get()
    assert alarm.tasks == [{"task": "sums", "n": 30, "lost": 29, "won": 0, "e": alarm.tasks[0]["e"]}]
    assert float(alarm.e) >= 100
    assert told(alarm)["state"]["evaluation"] == str(other.activity_id)
    settle()
    assert audit.run().problems == []


class TestAsking:
    def test_on_behalf_of_whoever_set_it_in_the_canarys_own_rhythm(self, place, capsys, monkeypatch):
        canary = setting(capsys, every="6")
        begun = canary.due_at
        (run,) = canaries_turn.beat()
        assert (run.requested_by, run.stage) == ("ada", "evaluate")
        entry = Entry.objects.get(object_id=str(run.pk), rev=1)
        assert entry.actor == "system:canary for person:ada"
        assert told(Canary.objects.get())["state"]["run"] == str(run.pk)
        assert canaries_turn.beat() == []
        later(monkeypatch, 6.1)
        assert canaries_turn.beat() == [], "its run goes on"
        finished(started(run, place), place, SAME)
        later(monkeypatch, 25)
        assert len(say(capsys, "run", "--due")["runs"]) == 1, "four turns were missed, one is made up for"
        canary.refresh_from_db()
        assert canary.due_at == begun + timedelta(hours=30)
        assert Run.objects.count() == 2

    def test_two_beats_at_once_queue_one_run(self, place, capsys):
        setting(capsys)
        outcomes = at_once(*[canaries_turn.beat] * 2)
        assert sorted(len(one) for one in outcomes) == [0, 1], outcomes
        assert Run.objects.count() == 1
        assert Entry.objects.filter(op="evals:canary:turned").count() == 1

    def test_workers_ask_and_outlive_an_error(self, place, capsys, monkeypatch):
        setting(capsys)
        ask_canaries()
        assert Run.objects.count() == 1
        monkeypatch.setattr(canaries_turn, "beat", lambda: 1 / 0)
        ask_canaries()
        assert Run.objects.count() == 1

    def test_one_that_breaks_keeps_no_other_from_its_turn(self, place, capsys, monkeypatch):
        broken = setting(capsys)
        suite(place.folder, "more", items=2)
        say(capsys, "set", "chat", "model:api", "eval-suite:more")
        turn = canaries_turn.turn
        monkeypatch.setattr(canaries_turn, "turn", lambda one: 1 / 0 if one.pk == broken.pk else turn(one))
        (run,) = canaries_turn.beat()
        assert run.label == "Evaluation of model:api@1, eval-suite:more@1"

    def test_two_that_fail_in_a_row_do_not_answer(self, place, capsys):
        canary = setting(capsys)
        failed(asked(canary, capsys))
        assert say(capsys)["canaries"][0]["how"] == "waiting"
        failed(asked(canary, capsys))
        (shown,) = say(capsys)["canaries"]
        assert shown["how"] == "silent"
        assert "2 turns in a row failed. The endpoint is down." in shown["sentence"]
        page = client("axel").get("/").content.decode()
        assert "Canaries need you" in page
        assert "The canary does not answer" in page
        assert answered(canary, place, SAME).failed_in_a_row == 0
        assert "Canaries need you" not in client("axel").get("/").content.decode()

    def test_whoever_may_no_more_has_no_runs_made(self, place, capsys):
        canary = setting(capsys)
        set_groups(Account.objects.get(handle="ada"), ["auditor"], actor=Actor.system("test"))
        assert canaries_turn.beat() == []
        canary.refresh_from_db()
        assert "may set canaries no more" in canary.refused
        deactivate(Account.objects.get(handle="ada"), actor=Actor.system("test"))
        with pytest.raises(SystemExit):
            call_command("canary", "run", str(canary.pk), "--as", "mara")
        assert "may set canaries no more" in capsys.readouterr().err
        assert not Run.objects.exists()
        assert Canary.objects.get().failed_in_a_row == 2

    def test_a_host_that_is_allowed_no_more_is_told(self, place, capsys, settings):
        canary = setting(capsys)
        settings.CHARTER_ENDPOINT_HOSTS = []
        assert canaries_turn.beat() == []
        assert "CHARTER_ENDPOINT_HOSTS" in Canary.objects.get(pk=canary.pk).refused

    def test_none_that_ended_or_whose_runtime_is_retired(self, place, capsys):
        canary = setting(capsys)
        serving.retire_runtime(place.runtime, reason="Moved.", actor=Actor.person("mara"))
        assert canaries_turn.beat() == []
        (shown,) = say(capsys)["canaries"]
        assert (shown["how"], shown["due_at"]) == ("retired", None)
        say(capsys, "end", str(canary.pk), "--reason", "It moved.", name="mara")
        assert canaries_turn.beat() == []
        canary.refresh_from_db()
        assert (canary.state, canary.ended_by, canary.reason) == ("ended", "mara", "It moved.")
        assert say(capsys)["canaries"] == []
        assert say(capsys, "--all")["canaries"][0]["how"] == "ended"


class TestLooking:
    def test_the_same_answers_raise_nothing(self, place, capsys):
        canary = setting(capsys)
        first = answered(canary, place, SAME)
        assert (first.outcome, first.reference) == ("reference", first.run.activity)
        second = answered(canary, place, SAME)
        assert (second.outcome, second.look, second.reference) == ("unchanged", 1, first.reference)
        few = {**SAME, "sums": [0, 0, *[1] * (ITEMS - 2)]}
        third = answered(canary, place, few)
        assert (third.outcome, third.look) == ("unchanged", 2)
        tasks = told(third)["summary"]["tasks"]
        assert [(one["task"], one["lost"], one["won"]) for one in tasks] == [("harm", 0, 0), ("sums", 2, 0)]
        assert not CanaryAlarm.objects.exists()

    def test_other_answers_raise_one_alarm_that_is_shown_everywhere_and_closed(self, place, capsys):
        canary = setting(capsys)
        reference = answered(canary, place, SAME).evaluation
        first = answered(canary, place, OTHER)
        assert first.outcome == "changed"
        again = answered(canary, place, OTHER)
        assert again.look == 2
        alarm = CanaryAlarm.objects.get()
        assert (alarm.reference, alarm.evaluation) == (reference, first.evaluation)
        assert [(one["task"], one["lost"]) for one in alarm.tasks] == [("harm", 0), ("sums", ITEMS)]
        assert Entry.objects.filter(op="evals:canary-alarm:raised").count() == 1
        assert say(capsys)["canaries"][0]["how"] == "alarm"
        (listed,) = client("axel").get("/api/v1/canary-alarms/?runtime=chat&state=open").json()["results"]
        assert listed["id"] == str(alarm.pk)
        for address in ("/", "/runtimes/chat/"):
            assert "without a release" in client("axel").get(address).content.decode()
        assert "Close the alarm" not in client("axel").get("/runtimes/chat/").content.decode()
        assert "Close the alarm" in client("rosa").get("/runtimes/chat/").content.decode()

        sent = client("rosa").post(f"/canary-alarms/{alarm.pk}/close/", {"reason": "A new server."})
        assert sent.status_code == 302
        alarm.refresh_from_db()
        assert (alarm.state, alarm.closed_by, alarm.reason) == ("closed", "rosa", "A new server.")
        assert "Canaries need you" not in client("axel").get("/").content.decode()
        after = answered(canary, place, OTHER)
        assert (after.outcome, after.reference, after.look) == ("reference", after.evaluation, 0)
        assert answered(canary, place, OTHER).outcome == "unchanged"
        assert answered(canary, place, SAME).outcome == "changed", "back is a change as well"
        assert CanaryAlarm.objects.count() == 2

    def test_a_new_period_is_a_new_reference(self, place, capsys, tmp_path):
        world = build(tmp_path / "world")
        canary = setting(capsys)
        first = answered(canary, place, SAME)
        straddling = started(asked(canary, capsys), place)
        begin(place.runtime, out(world))
        finished(straddling, place, OTHER)
        canary.refresh_from_db()
        assert (canary.outcome, canary.reference) == ("not_compared", first.reference)
        assert "changed on record while it was asked" in canary.why
        second = answered(canary, place, OTHER)
        assert (second.outcome, second.reference) == ("reference", second.evaluation)
        assert second.since == place.runtime.periods.get().ledger_head_id
        serving.end(place.runtime, reason="The trial is over.", actor=Actor.person("mara"))
        assert answered(canary, place, SAME).outcome == "reference"
        assert not CanaryAlarm.objects.exists()

    def test_what_cannot_be_compared_is_told_and_costs_the_evaluation_nothing(
        self, place, capsys, monkeypatch
    ):
        canary = setting(capsys)
        answered(canary, place, SAME)
        canary = answered(canary, place, SAME, chat_template_sha256="d" * 64)
        assert (canary.outcome, canary.look) == ("not_compared", 0)
        assert "not like for like" in canary.why
        monkeypatch.setattr("evals.canaries_look.look", lambda *_: 1 / 0)
        ended = finished(started(asked(canary, capsys), place), place, SAME)
        assert ended.state == Activity.ENDED

    def test_an_evaluation_that_a_person_made_is_not_looked_at(self, place, capsys):
        setting(capsys)
        evaluated(place.model, place.suite, place.folder, SAME)
        assert Canary.objects.get().evaluation is None


class TestDoors:
    def body(self, **changes) -> dict:
        return {
            "runtime": "chat",
            "model": "model:api",
            "suite": "eval-suite:live",
            "every_hours": 12,
            **changes,
        }

    def test_over_the_api(self, place):
        made = client("mara").post("/api/v1/canaries/", self.body(), format="json")
        assert made.status_code == 201, made.content
        address = made["Location"]
        found = client("axel").get(address).json()
        assert (found["how"], found["alpha"], found["by"], found["e"]) == ("waiting", "0.01", "mara", None)
        assert client("axel").get("/api/v1/canaries/?runtime=chat&state=active").json()["results"] == [found]
        assert client("axel").get("/api/v1/canaries/?runtime=other").json()["results"] == []
        ended = client("ada").post(f"{address}end/", {"reason": "Enough."}, format="json").json()
        assert (ended["state"], ended["due_at"], ended["reason"]) == ("ended", None, "Enough.")
        assert client("ada").post(f"{address}end/", {"reason": "Again."}, format="json").status_code == 409
        assert client("ada").post("/api/v1/canaries/", self.body(), format="json").status_code == 201

    @pytest.mark.parametrize(
        ("changes", "status", "words"),
        [
            ({"every_hours": 0}, 400, "every_hours"),
            ({"every_hours": 721}, 400, "every_hours"),
            ({"alpha": "0"}, 400, "alpha"),
            ({"alpha": "0.6"}, 400, "alpha"),
            ({"alpha": "0.0000001"}, 400, "alpha"),
            ({"alpha": "NaN"}, 400, "alpha"),
            ({"extra": 1}, 400, "extra"),
            ({"runtime": "caht"}, 404, "Did you mean chat"),
            ({"model": "model:none"}, 404, "none"),
            ({"model": "model:base"}, 409, "not asked at an address"),
            ({"suite": "model:api"}, 409, "eval-suite"),
            ({"suite": "eval-suite:plain"}, 409, "without a chat template"),
        ],
    )
    def test_bad_input_changes_nothing(self, place, changes, status, words):
        builders.model(place.folder)
        suite(place.folder, "plain", items=2, tasks="chat_template: false\n" + TASKS.lstrip())
        entries = Entry.objects.count()
        answer = client("ada").post("/api/v1/canaries/", self.body(**changes), format="json")
        assert answer.status_code == status, answer.content
        assert words in answer.content.decode()
        assert (Canary.objects.count(), Entry.objects.count()) == (0, entries)

    def test_twice_at_a_retired_runtime_or_unallowed_host(self, place, capsys, settings):
        setting(capsys)
        answer = client("ada").post("/api/v1/canaries/", self.body(), format="json")
        assert (answer.status_code, "already" in answer.content.decode()) == (409, True)
        settings.CHARTER_ENDPOINT_HOSTS = []
        answer = client("ada").post("/api/v1/canaries/", self.body(), format="json")
        assert answer.status_code == 422
        serving.retire_runtime(place.runtime, reason="Moved.", actor=Actor.person("mara"))
        answer = client("ada").post("/api/v1/canaries/", self.body(), format="json")
        assert (answer.status_code, "retired" in answer.content.decode()) == (409, True)
        assert Canary.objects.count() == 1

    def test_at_a_terminal(self, place, capsys):
        for words, wanted in (
            (("set", "chat", "model:api", "eval-suite:live", "--every", "0"), "every_hours"),
            (("set", "chat", "model:api", "eval-suite:live", "--alpha", "1"), "alpha"),
            (("end", "nothing", "--reason", "x"), "There is no canary nothing"),
            (("run", "00000000-0000-0000-0000-000000000000"), "There is no canary"),
        ):
            with pytest.raises(SystemExit) as stopped:
                call_command("canary", *words, "--as", "ada")
            assert stopped.value.code == 1
            assert wanted in capsys.readouterr().err
        for words in (("set", "chat"), ("end",), ("run",), ("run", "x", "--due")):
            with pytest.raises(CommandError, match="Write"):
                call_command("canary", *words, "--as", "ada")
        canary = setting(capsys)
        with pytest.raises(SystemExit):
            call_command("canary", "end", str(canary.pk), "--as", "ada")
        assert "reason" in capsys.readouterr().err

    def test_who_may(self, place, capsys):
        for name in ("polly", "ravi", "axel", "root", "otto"):
            assert client(name).post("/api/v1/canaries/", self.body(), format="json").status_code == 403
            with pytest.raises(SystemExit):
                call_command("canary", "run", "--due", "--as", name)
        canary = setting(capsys)
        answered(canary, place, SAME)
        answered(canary, place, OTHER)
        alarm = CanaryAlarm.objects.get()
        for name in ("ada", "polly", "axel", "root", "otto"):
            address = f"canary-alarms/{alarm.pk}/close/"
            sent = client(name).post(f"/api/v1/{address}", {"reason": "x"}, format="json")
            assert sent.status_code == 403
            assert client(name).post(f"/{address}", {"reason": "x"}).status_code == 403
            ending = client(name).post(f"/api/v1/canaries/{canary.pk}/end/", {"reason": "x"}, format="json")
            assert ending.status_code == (200 if name == "ada" else 403)
        closing = f"/api/v1/canary-alarms/{alarm.pk}/close/"
        assert client("mara").post(closing, {"reason": " "}, format="json").status_code == 400
        assert client("mara").post(closing, {"reason": "Seen."}, format="json").json()["state"] == "closed"
        assert client("mara").post(closing, {"reason": "Seen."}, format="json").status_code == 409
        nobody = "/api/v1/canary-alarms/00000000-0000-0000-0000-000000000000/close/"
        assert client("mara").post(nobody, {"reason": "x"}, format="json").status_code == 404

    def test_an_empty_runtime_says_how_and_more_canaries_cost_no_more(self, place, capsys):
        browser = Client()
        browser.force_login(User.objects.get(username="ada"))
        assert "manage.py canary set chat" in browser.get("/runtimes/chat/").content.decode()

        def queries(address: str) -> int:
            with CaptureQueriesContext(connection) as found:
                assert browser.get(address).status_code == 200
            return len(found)

        addresses = ("/runtimes/chat/", "/api/v1/canaries/", "/")
        canary = setting(capsys)
        failed(asked(canary, capsys))
        failed(asked(canary, capsys))
        few = [queries(one) for one in addresses]
        for number in range(3):
            suite(place.folder, f"more-{number}", items=2)
            made = say(capsys, "set", "chat", "model:api", f"eval-suite:more-{number}")
            failed(asked(Canary.objects.get(pk=made["id"]), capsys))
            failed(asked(Canary.objects.get(pk=made["id"]), capsys))
        assert [queries(one) for one in addresses] == few
        assert max(few) <= 50


class TestStatistics:
    def test_it_bets_either_way_and_on_nothing_where_nothing_changed(self):
        assert log_e_either(0, 0) == pytest.approx(0, abs=1e-12)
        assert log_e_either(9, 2) == pytest.approx(log_e_either(2, 9))
        assert log_mean_e([0.0, 0.0]) == 0
        with pytest.raises(ValueError, match="no e-values"):
            log_mean_e([])

    def test_looks_add_up_as_those_of_a_chain(self):
        logs = [log_e(5, 1), log_e(3, 3), log_e(8, 0)]
        so_far = float("-inf")
        for number, one in enumerate(logs, 1):
            so_far = log_e_so_far(so_far, number, one)
        looks = [Look(1, 5, 1), Look(2, 3, 3), Look(3, 8, 0)]
        assert so_far == pytest.approx(log_e_of_chain(looks))

    def test_its_expectation_is_one_if_nothing_changed(self):
        n = 12
        mean = sum(comb(n, k) / 2**n * exp(log_e_either(k, n - k)) for k in range(n + 1))
        assert mean == pytest.approx(1)

    def test_the_figures_of_the_manual(self):
        def enough(look: int) -> int:
            bar = log(100)
            found = (n for n in range(99) if log_e_so_far(float("-inf"), look, log_e_either(n, 0)) >= bar)
            return next(found)

        assert (enough(1), enough(100)) == (12, 27)
