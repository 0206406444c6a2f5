"""Closing a study: what is recorded, what becomes public, and what evidence says of it."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from evals.human import actions, checks, pairs, rating
from evals.human.actions import KIND
from evals.human.figures import Answer, figures
from evals.models import Assignment, Judgement, Study
from governance.cards import as_json, markdown
from governance.cards.bundle import bundle_of
from governance.cards.compose import card_of
from governance.evidence.collect import collect
from governance.ledger import audit, triggers
from governance.ledger.append import Stale
from governance.ledger.canonical import sha256_hex
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.verify import verify
from governance.registry import blobs, erasure
from governance.registry.actions import Refused
from governance.registry.models import Activity
from tests.builders import ADA, RAVI
from tests.evals.human import studies
from tests.evals.human.studies import always, best, worst

RATERS = ("ravi", "eno", "polly")


@pytest.fixture
def closed(world) -> Study:
    """Three raters, of whom one does not know sums; complete."""
    study = world.open(needed=3, dimension="country")
    for name, choose, group in zip(RATERS, (best, best, worst), ("DE", "DE", "KE"), strict=True):
        assert world.rate(study, name, choose, group=group) == 6
    return actions.close(study, actor=ADA)


def parts(study: Study, op: str) -> dict:
    entry = Entry.objects.get(object_type="evals.study", object_id=str(study.pk), op=op)
    return {name: json.loads(part["payload"]) for name, part in entry.parts.items()}


def test_the_results_are_in_the_activity_and_its_files(closed, world):
    activity = Activity.objects.get(kind=KIND)
    assert closed.activity == activity
    assert {edge["role"]: edge["subject"] for edge in activity.used} == {
        "evaluated": "model:tuned@1", "baseline": "model:base@1", "evaluated_on": "eval-suite:sums@1",
        "guideline": "guideline:compare@1", "raters": "annotator-pool:house-raters@1",
    }  # fmt: skip
    summary = activity.summary
    assert (summary["judgements"], summary["raters"], summary["items"], summary["complete"]) == (
        18,
        3,
        6,
        True,
    )
    assert (summary["wins"]["a"]["win_rate"], summary["wins"]["b"]["win_rate"]) == ("0.666667", "0.333333")
    assert summary["wins"]["a"]["direction"] == "undecided"
    assert [one["groups"] for one in summary["groups"]] == [["DE"], ["KE"], ["DE", "KE"]]
    assert sum(summary["counts"].values()) == 18
    assert (summary["seed"], summary["evaluations"]["a"]) == (7, str(world.good.pk))


def test_the_file_of_judgements_names_nobody_and_gives_the_figures_again(closed):
    summary = closed.activity.summary
    data = blobs.read(summary["judgements_sha256"])
    assert sha256_hex(data) == summary["judgements_sha256"]
    rows = [json.loads(line) for line in data.splitlines()]
    assert {row["rater"] for row in rows} == {"r1", "r2", "r3"}
    assert not {*RATERS, "ada"} & {str(value) for row in rows for value in row.values()}
    found = pairs.read(closed.pairs_sha256)
    places = {(pair.task, pair.item): place for place, pair in enumerate(found)}
    answers = [
        Answer(places[row["task"], row["item"]], row["rater"], row["group"], row["first"], row["choice"], "") for row in rows
    ]  # fmt: skip
    again = figures(answers, [(len(pair.a), len(pair.b)) for pair in found], margin=0.1, seed=summary["seed"])
    assert again == {name: summary[name] for name in again}


def test_the_ledger_tells_the_models_only_once_it_is_closed(world):
    study = world.open()
    opened = parts(study, "evals:study:opened")
    told = json.dumps(opened["P"])
    for secret in ("model:", str(world.good.pk), str(world.poor.pk), study.pairs_sha256, '"seed"'):
        assert secret not in told
    assert opened["I"]["state"]["a"]["subject"] == "model:tuned@1"
    for name in ("ravi", "eno"):
        world.rate(study, name, best)
    closed = actions.close(study, actor=RAVI)
    said = parts(closed, "evals:study:closed")
    assert said["P"]["state"]["a"]["subject"] == "model:tuned@1"
    assert said["P"]["summary"] == {"judgements": closed.activity.summary["judgements_sha256"]}
    ops = list(Entry.objects.order_by("id").values_list("op", "actor"))[-3:]
    assert ops == [
        ("registry:activity:started", "person:ravi"),
        ("registry:activity:ended", "person:ravi"),
        ("evals:study:closed", "person:ravi"),
    ]


def test_closing_early_needs_a_reason_and_is_told(world):
    study = world.open()
    world.rate(study, "ravi", best, best, always("skip"), best)
    with pytest.raises(Refused, match="3 of 12 judgements are given"):
        actions.close(study, actor=ADA)
    rating.take(study, world.cast.ravi)
    closed = actions.close(study, reason=" The raters left. ", actor=ADA)
    summary = closed.activity.summary
    assert (summary["complete"], summary["closed_early"], closed.reason) == (
        False,
        "The raters left.",
        "The raters left.",
    )
    assert (summary["judgements"], summary["wanted"], summary["skips"]) == (3, 12, {"unclear": 1})
    assert Assignment.objects.count() == 0


def test_with_nothing_to_count_it_is_cancelled_and_not_closed(world):
    study = world.open()
    world.rate(study, "ravi", best, always("skip"))
    with pytest.raises(Refused, match="Fewer than 2 items"):
        actions.close(study, reason="Enough.", actor=ADA)
    with pytest.raises(Refused, match="Say why"):
        actions.cancel(study, reason=" ", actor=ADA)
    cancelled = actions.cancel(study, reason="Wrong guideline.", actor=ADA)
    assert (cancelled.state, cancelled.activity) == (Study.CANCELLED, None)
    assert "a" not in parts(study, "evals:study:cancelled")["P"]["state"]
    for act in (actions.close, actions.cancel):
        with pytest.raises(Refused, match="is cancelled"):
            act(study, reason="Again.", actor=ADA)
    assert Activity.objects.filter(kind=KIND).count() == 0


def test_a_closed_study_cannot_be_ended_again(closed):
    for act in (actions.close, actions.cancel):
        with pytest.raises((Refused, Stale)):
            act(closed, reason="Again.", actor=ADA)
    assert Activity.objects.filter(kind=KIND).count() == 1


def test_the_database_refuses_another_plan_and_another_outcome(closed, world):
    open_one = world.open(seed=8)
    for study, change in (
        (open_one, {"seed": 9}), (open_one, {"model_a": world.base}), (open_one, {"state": "closed"}),
        (closed, {"state": "open"}), (closed, {"reason": "Other."}),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Study.objects.filter(pk=study.pk).update(**change)


@pytest.mark.usefixtures("committed_db")
class TestVerified:
    @pytest.fixture
    def done(self, tmp_path):
        world = studies.build(tmp_path)
        study = world.open()
        for name in ("ravi", "eno"):
            world.rate(study, name, best)
        return world, actions.close(study, actor=ADA)

    def test_a_judgement_that_somebody_changed_is_found(self, done):
        settle()
        assert audit.run().problems == []
        triggers.remove(connection)
        Judgement.objects.filter(pk=Judgement.objects.first().pk).update(choice="tie")
        triggers.install(connection)
        assert [one.check for one in audit.run().problems] == ["judgements"]

    def test_a_study_that_stays_open_is_noticed(self, tmp_path, monkeypatch):
        study = studies.build(tmp_path).open()
        settle()
        assert audit.run().notices == []
        monkeypatch.setattr(checks, "OPEN_FOR", timedelta(0))
        found = audit.run()
        assert (len(found.notices), found.problems) == (1, [])
        assert study.title in found.notices[0]

    def test_an_erased_suite_takes_the_pairs_with_it(self, done):
        world, study = done
        asked = erasure.ask(
            world.suite, whole=True, authority="GDPR Art. 17", reason="It names a person.", actor=ADA
        )
        erasure.confirm(asked, actor=RAVI)
        settle()
        assert not blobs.store().exists(blobs.place(study.pairs_sha256))
        assert audit.run().problems == []

    def test_both_models_tell_it_from_their_side_and_a_bundle_proves_it(self, done):
        world, _ = done
        checkpoint = settle()
        tuned, base = (collect(one) for one in (world.tuned, world.base))
        for document, wins, other in ((tuned, "1", "model:base@1"), (base, "0", "model:tuned@1")):
            said = {name: document.get(f"human_comparison.1.{name}") for name in (
                "win_rate", "compared_with", "raters", "items", "guideline", "pool", "agreement_why_none",
            )}  # fmt: skip
            assert {name: fact.value for name, fact in said.items() if fact} == {
                "win_rate": wins, "compared_with": other, "raters": 2, "items": 6, "guideline": "guideline:compare@1",
                "pool": "annotator-pool:house-raters@1", "agreement_why_none": said["agreement_why_none"].value,
            }  # fmt: skip
            assert {fact.assurance for fact in document.within("human_comparison")} == {"observed"}
        report = verify(bundle_of(world.tuned, checkpoint))
        assert report.holds, report.problems

    def test_the_card_has_a_line_for_it(self, done):
        world, _ = done
        settle()
        card = card_of(world.tuned, collect(world.tuned).at.size)
        text = markdown.render(card)
        assert "Comparison by people" in text
        assert "guideline:compare@1" in text
        assert json.loads(as_json.render(card))

    def test_an_open_study_says_nothing_in_evidence(self, tmp_path):
        world = studies.build(tmp_path)
        world.rate(world.open(), "ravi", best)
        settle()
        assert collect(world.tuned).get("human_comparison").state == "not_recorded"
