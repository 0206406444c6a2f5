"""Did a version get worse? Anchors and predecessors, the answer when an evaluation ends, and what each door says of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from evals import comparison, lines, regression
from evals.models import Anchor
from evals.statistics.chains import e_text, log_e
from governance.cards.bundle import bundle_of
from governance.evidence.collect import collect
from governance.ledger import keys
from governance.ledger.canonical import sha256_hex
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.verify import verify
from governance.registry import actions
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, MARA
from tests.cast import Cast, gather
from tests.evals.recorded import WORKER, evaluated, suite

ITEMS = 1000
GOOD = {"sums": [1] * 900 + [0] * 100, "harm": [1] * 980 + [0] * 20}
WORSE = {"sums": [1] * 900 + [0] * 100, "harm": [1] * 900 + [0] * 100}
BETTER = {"sums": [1] * 960 + [0] * 40, "harm": [1] * 980 + [0] * 20}


@dataclass
class Line:
    folder: Path
    cast: Cast
    basics: Version
    first: Version

    def version(self, slug: str = "base") -> Version:
        """Another version of the model, with weights of its own."""
        number = Version.objects.filter(artifact__slug=slug).count()
        weights = sha256_hex(f"{slug}{number}".encode())
        content = {**self.first.content, "description": f"{slug} {number}", "weights_digest": weights}
        return actions.register("model", slug, content, actor=ADA)

    def measure(self, model: Version, scores: dict[str, list[int]], **settings: Any) -> Activity:
        return evaluated(model, self.basics, self.folder, scores, **settings)

    def anchored(self, model: Version, reason: str = "The first that people used.") -> Anchor:
        return lines.set_anchor(model, reason=reason, actor=MARA)


@pytest.fixture
def line(db, tmp_path) -> Line:
    return made(tmp_path)


def made(folder: Path) -> Line:
    comparison.by_digest.cache_clear()
    cast = gather()
    first = builders.model(folder)
    return Line(folder, cast, suite(folder, items=ITEMS), first)


def answer(model: Version) -> dict[str, Any]:
    (found,) = regression.newest(model)
    return found


def sides(model: Version) -> dict[str, dict[str, Any]]:
    return {side["against"]: side for side in answer(model)["sides"]}


def tasks(side: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["task"]: task for task in side["tasks"]}


def shifted(scores: list[int], number: int) -> list[int]:
    """The scores with the last `number` right items wrong."""
    right = sum(scores)
    return [1] * (right - number) + [0] * (len(scores) - right + number)


class TestAnchor:
    def test_it_is_set_and_moved_visibly(self, line, capsys):
        second = line.version()
        call_command("anchor", "model:base@1", "--reason=First.", "--as=mara")
        assert "model:base@1 is the anchor of model:base." in capsys.readouterr().out
        client = APIClient()
        client.force_login(line.cast.mara)
        body = {"model": second.subject, "reason": "A better first."}
        answers = [
            client.post("/api/v1/anchors/", body, format="json", HTTP_IDEMPOTENCY_KEY="k") for _ in range(2)
        ]
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[1].json()["revision"] == 2
        row = Anchor.objects.get()
        assert (row.version, row.reason) == (second, "A better first.")
        ops = Entry.objects.filter(object_type="evals.anchor").order_by("rev").values_list("op", flat=True)
        assert list(ops) == ["evals:anchor:set", "evals:anchor:moved"]

    def test_on_the_page(self, line):
        client = Client()
        client.force_login(line.cast.mara)
        page = client.get("/versions/model:base@1/")
        (panel,) = [one for one in page.context["panels"] if one.template.endswith("regression.html")]
        sent = {"reason": "First.", "once": panel.context["once"]}
        assert client.post("/versions/model:base@1/anchor/", sent).status_code == 302
        text = client.get("/versions/model:base@1/").content.decode()
        assert "This version is the anchor of its line" in text
        line.anchored(line.version())
        assert "The anchor was changed" in client.get("/versions/model:base@1/").content.decode()

    def test_what_cannot_be_one(self, line, capsys):
        revoked, chats = line.version(), builders.dataset(line.folder)
        draft = actions.save_draft("model", "later", {}, actor=ADA)
        actions.revoke(revoked, reason="Broken.", actor=MARA)
        for name, why in (
            (draft.subject, "is draft"),
            (revoked.subject, "is revoked"),
            (chats.subject, "of the kind dataset"),
            ("model:none@1", "no 'model:none'"),
        ):
            with pytest.raises(SystemExit) as stopped:
                call_command("anchor", name, "--reason=It.", "--as=mara")
            assert stopped.value.code == 1
            assert why in capsys.readouterr().err
        with pytest.raises(SystemExit):
            call_command("anchor", "model:base@1", "--reason= ", "--as=mara")
        assert "reason: say why" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            call_command("anchor", "model:base@1", "--reason=It.", "--as=ada")
        assert not Anchor.objects.exists()

    def test_another_artifact_and_the_same_again(self, line):
        other = builders.model(line.folder, "other", tensors={"z": [1.0]})
        with pytest.raises(actions.Refused, match="no version of model:base"):
            lines.set_anchor(other, reason="It.", actor=MARA, artifact=line.first.artifact)
        line.anchored(line.first)
        with pytest.raises(actions.Refused, match="already"):
            line.anchored(line.first)

    def test_bad_bodies_over_the_api(self, line):
        client = APIClient()
        client.force_login(line.cast.mara)
        for body in ({}, {"model": "model:base@1"}, {"model": "model:base@1", "reason": "x" * 10_001}):
            assert client.post("/api/v1/anchors/", body, format="json").status_code == 400
        client.force_login(line.cast.ada)
        body = {"model": "model:base@1", "reason": "It."}
        assert client.post("/api/v1/anchors/", body, format="json").status_code == 403

    def test_it_compares_nothing_that_was_evaluated_before(self, line):
        line.measure(line.first, GOOD)
        second = line.version()
        line.measure(second, WORSE)
        before = answer(second)
        line.anchored(line.first)
        line.anchored(second)
        line.anchored(line.first)
        assert Activity.objects.filter(kind=regression.KIND).count() == 1
        assert answer(second) == before
        third = line.version()
        line.measure(third, WORSE)
        assert (answer(third)["look"], sorted(sides(third))) == (2, ["anchor", "predecessor"])


class TestPredecessor:
    def test_it_is_the_version_before_that_stands(self, line):
        second, third = line.version(), line.version()
        assert lines.predecessor_of(third) == second
        actions.revoke(second, reason="Broken.", actor=MARA)
        assert lines.predecessor_of(third) == line.first

    def test_without_one_it_is_the_nearest_model_above_by_weight(self, line):
        tuned = builders.trained(line.folder, line.first, [builders.dataset(line.folder)])
        assert lines.predecessor_of(tuned) == line.first
        assert lines.predecessor_of(line.first) is None


class TestTheAnswer:
    def test_the_first_of_a_line_has_none(self, line):
        line.measure(line.first, GOOD)
        assert regression.newest(line.first) == []

    def test_a_loss_on_a_safety_task_is_worse(self, line):
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        second, third = line.version(), line.version()
        line.measure(second, GOOD)
        evaluation = line.measure(third, WORSE)
        found = answer(third)
        assert found["held"] == "worse"
        assert (found["look"], found["alpha"]) == (2, "0.007599")
        both = sides(third)
        assert (both["anchor"]["model"], both["predecessor"]["model"]) == ("model:base@1", second.subject)
        harm = tasks(both["anchor"])["harm"]
        assert (harm["n"], harm["difference"], harm["n10"], harm["n01"]) == (1000, "-0.08", 0, 80)
        assert (harm["direction"], harm["size"], harm["held"], harm["purpose"]) == (
            "regressed", "inferior", "worse", "safety",
        )  # fmt: skip
        activity = Activity.objects.get(pk=found["id"])
        assert {(edge["role"], edge["subject"]) for edge in activity.used} == {
            ("evaluated", third.subject), ("evaluated_on", "eval-suite:basics@1"), ("baseline", "model:base@1"),
            ("baseline", second.subject),
        }  # fmt: skip
        assert activity.by == str(WORKER)
        assert found["evaluation"] == str(evaluation.pk)
        ops = Entry.objects.filter(object_id=str(activity.pk)).values_list("op", flat=True)
        assert len(ops) == 2

    def test_as_good_as_before_is_held_where_there_are_enough_items(self, line):
        line.measure(line.first, GOOD)
        second = line.version()
        line.measure(second, GOOD)
        assert answer(second)["held"] == "held"
        assert "anchor" not in sides(second)

    def test_few_items_never_pass(self, line):
        few = {name: scores[:30] for name, scores in GOOD.items()}
        line.measure(line.first, few)
        second = line.version()
        line.measure(second, few)
        harm = tasks(sides(second)["predecessor"])["harm"]
        assert (harm["held"], harm["n"], harm["n_needed"]) == ("undecided", 30, 381)

    def test_a_gain_is_claimed_only_at_what_the_look_may_spend(self, line):
        line.measure(line.first, GOOD)
        gains = [line.version() for _ in range(2)]
        small = {**GOOD, "sums": [1] * 908 + [0] * 92}  # 8 won, none lost: p = 2/2^8 = 0.0078
        for model in gains:
            line.measure(model, small)
            line.measure(line.first, GOOD)
        sums = tasks(sides(gains[0])["predecessor"])["sums"]
        assert (sums["p"], sums["p_holm"], sums["direction"], sums["improved"]) == (
            "0.00781", "0.0156", "improved", True,
        )  # fmt: skip
        assert answer(gains[0])["alpha"] == "0.030396"
        third = line.version()
        line.measure(third, {**GOOD, "sums": [1] * 916 + [0] * 84})
        assert answer(third)["alpha"] == "0.003377"
        assert tasks(sides(third)["predecessor"])["sums"]["improved"] is False

    def test_not_like_for_like_names_the_field(self, line):
        line.measure(line.first, GOOD, chat_template_sha256="d" * 64)
        second = line.version()
        line.measure(second, GOOD)
        side = sides(second)["predecessor"]
        assert (side["held"], side["field"], side["tasks"]) == ("undecided", "chat_template_sha256", [])

    def test_the_newest_that_is_like_for_like_is_taken(self, line):
        same = line.measure(line.first, GOOD)
        line.measure(line.first, GOOD, chat_template_sha256="d" * 64)
        second = line.version()
        line.measure(second, GOOD)
        assert sides(second)["predecessor"]["evaluation"] == str(same.pk)

    def test_without_an_evaluation_to_compare_with_it_says_so(self, line):
        second = line.version()
        line.measure(second, GOOD)
        side = sides(second)["predecessor"]
        assert (
            side["why"] == "model:base@1 has no whole evaluation on eval-suite:basics@1 that kept its items."
        )
        assert answer(second)["held"] == "undecided"

    def test_the_anchor_is_not_held_against_itself_nor_against_what_came_later(self, line):
        line.measure(line.first, GOOD)
        second = line.version()
        line.anchored(second)
        line.measure(second, GOOD)
        assert set(sides(second)) == {"predecessor"}

    def test_the_same_evaluation_is_answered_once(self, line):
        line.measure(line.first, GOOD)
        second = line.version()
        evaluation = line.measure(second, GOOD)
        again = regression.record(evaluation, actor=WORKER)
        assert str(again.pk) == answer(second)["id"]
        assert Activity.objects.filter(kind="regression").count() == 1

    def test_after_another_anchor_the_same_evaluation_has_another_answer(self, line):
        line.measure(line.first, GOOD)
        second = line.version()
        evaluation = line.measure(second, GOOD)
        line.anchored(line.first)
        regression.record(evaluation, actor=WORKER)
        assert set(sides(second)) == {"anchor", "predecessor"}

    def test_a_fault_in_it_never_costs_the_evaluation(self, line, monkeypatch, caplog):
        line.measure(line.first, GOOD)
        second = line.version()
        monkeypatch.setattr(lines, "predecessor_of", lambda _: 1 / 0)
        evaluation = line.measure(second, GOOD)
        assert Activity.objects.get(pk=evaluation.pk).state == "ended"
        assert "no regression was recorded" in caplog.text
        assert regression.newest(second) == []


class TestAChain:
    def test_small_losses_add_up(self, line):
        """Four steps of five items on a thousand each hold within two points; twenty do not."""
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        for number in range(1, 5):
            model = line.version()
            line.measure(model, {**GOOD, "sums": shifted(GOOD["sums"], 5 * number)})
        both = sides(model)
        assert tasks(both["predecessor"])["sums"]["held"] == "held"
        sums = tasks(both["anchor"])["sums"]
        assert sums["held"] != "held"
        assert sums["slid"] is True
        assert tasks(both["anchor"])["harm"]["slid"] is False

    def test_e_values_are_added_over_the_looks_at_the_anchor(self, line):
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        told = []
        for lost in (10, 20):
            model = line.version()
            line.measure(model, {**GOOD, "sums": shifted(GOOD["sums"], lost)})
            told.append(tasks(sides(model)["anchor"])["sums"])
        stakes = [tenth / 10 for tenth in range(1, 10)]
        first, second = (sum((1 + s) ** lost for s in stakes) / 9 for lost in (10, 20))
        weight = 6 / 3.141592653589793**2
        assert [float(one["e"]) for one in told] == pytest.approx([first, second], abs=0.001)
        assert [float(one["e_chain"]) for one in told] == pytest.approx(
            [weight * first, weight * (first + second / 4)], abs=0.001
        )
        assert told[0]["e"] == e_text(log_e(10, 0))
        assert [one["alarm"] for one in told] == [True, True]

    def test_another_anchor_begins_anew(self, line):
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        second = line.version()
        line.measure(second, WORSE)
        line.anchored(second)
        third = line.version()
        line.measure(third, WORSE)
        harm = tasks(sides(third)["anchor"])["harm"]
        assert (harm["e"], harm["alarm"]) == ("1", False)


class TestDoors:
    @pytest.fixture
    def worse(self, line) -> Version:
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        second = line.version()
        line.measure(second, WORSE)
        return second

    def code(self, capsys, *arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            call_command("regression", *arguments)
        shown = capsys.readouterr()
        return int(stopped.value.code), shown.out + shown.err

    def test_exit_codes(self, line, worse, capsys):
        assert self.code(capsys, "model:base@2")[0] == 1
        assert self.code(capsys, "model:base@1")[0] == 2
        third = line.version()
        line.measure(third, WORSE)
        assert self.code(capsys, third.subject)[0] == 1, "the anchor does not forget"
        same = line.version("twin"), line.version("twin")
        for model in same:
            line.measure(model, GOOD)
        assert self.code(capsys, same[1].subject)[0] == 0
        for wrong in ("model:none", "eval-suite:basics", "no name"):
            assert self.code(capsys, wrong)[0] == 3

    def test_in_words_and_as_json(self, worse, capsys):
        _, shown = self.code(capsys, "base")
        assert "model:base@2: Yes, it got worse." in shown
        assert "Worse than model:base@1 (the anchor) on harm: -8 (" in shown
        assert "where a loss of 1 was allowed. This task stands for harm, so it counts by itself." in shown
        _, told = self.code(capsys, "base", "--json")
        found = json.loads(told)
        assert (found["held"], found["suites"][0]["suite"]) == ("worse", "eval-suite:basics@1")

    def test_over_the_api(self, line, worse):
        client = APIClient()
        client.force_login(line.cast.axel)
        told = client.get("/api/v1/regression/?model=base").json()
        assert (told["model"], told["held"], told["answer"]) == (
            "model:base@2",
            "worse",
            "Yes, it got worse.",
        )
        assert told["anchor"]["anchor"] == "model:base@1"
        assert any(text.startswith("Worse than") for text in told["suites"][0]["sentences"])
        assert client.get("/api/v1/regression/").status_code == 400
        assert client.get("/api/v1/regression/?model=none").status_code == 404
        assert client.get("/api/v1/regression/?model=eval-suite:basics").status_code == 409

    def test_on_the_page(self, line, worse):
        client = Client()
        client.force_login(line.cast.axel)
        text = client.get(f"/versions/{worse.subject}/").content.decode()
        assert "Did this version get worse, at what, and how sure are we?" in text
        assert "<strong>Yes, it got worse.</strong>" in text
        evaluations = answer(worse)["evaluation"], sides(worse)["anchor"]["evaluation"]
        address = "/comparison/?a={}&amp;b={}".format(*evaluations)
        assert address in text
        assert client.get(address.replace("&amp;", "&")).status_code == 200
        assert "Set the anchor" not in text


@pytest.mark.usefixtures("committed_db")
class TestEvidence:
    @pytest.fixture
    def line(self, tmp_path) -> Line:
        keys.generate()
        return made(tmp_path)

    def test_it_says_what_was_recorded_at_each_size(self, line):
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        second = line.version()
        line.measure(second, WORSE)
        size = settle().size
        document = collect(second, size)
        told = {
            name: document.get(f"comparison.harm-anchor.{name}").value
            for name in ("baseline", "difference", "held", "alarm", "n_needed", "slid")
        }
        assert told == {
            "baseline": "model:base@1", "difference": "-0.08", "held": "worse", "alarm": True, "n_needed": 6280, "slid": False,
        }  # fmt: skip
        fact = document.get("comparison.harm-predecessor.held")
        assert (fact.value, fact.state, fact.assurance) == ("worse", "recorded", "observed")
        line.measure(second, GOOD)
        assert collect(second, settle().size).get("comparison.harm-anchor.held").value != "worse"
        assert collect(second, size).canonical() == document.canonical()

    def test_the_bundle_verifies(self, line):
        line.measure(line.first, GOOD)
        second = line.version()
        line.measure(second, GOOD)
        report = verify(bundle_of(second, settle()))
        assert report.holds, [one for one in report.lines if one.outcome == "FAILS"]

    def test_the_card_prints_it(self, line):
        line.measure(line.first, GOOD)
        line.anchored(line.first)
        second = line.version()
        line.measure(second, WORSE)
        call_command("card", second.subject, "--format", "md", "--out", str(line.folder / "card.md"))
        (row,) = [
            text for text in (line.folder / "card.md").read_text().splitlines() if "harm-anchor" in text
        ]
        for word in ("model:base@1", "-0.08", "regressed", "worse"):
            assert word in row

    def test_what_was_not_compared_is_a_gap_with_its_reason(self, line):
        line.measure(line.first, GOOD, chat_template_sha256="d" * 64)
        second = line.version()
        line.measure(second, GOOD)
        fact = collect(second, settle().size).get("comparison.harm-predecessor.held")
        assert fact.state == "not_recorded"
        assert "chat_template_sha256" in fact.source.reason
