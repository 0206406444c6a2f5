"""Who may rate, what they get, and that a judgement is given once and for ever."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from evals.human import actions, pairs, rating
from evals.human.plan import plan_of
from evals.human.sides import first_side
from evals.models import Assignment, Judgement, Rater
from governance.ledger.append import append
from governance.ledger.models import Entry
from governance.people.actions import create_person
from governance.registry import actions as registry
from governance.registry.actions import Refused
from governance.registry.models import Version
from tests.builders import ADA
from tests.evals.human.studies import always, best, judged
from training.events import TrainingEvent
from training.models import Run


def test_an_item_gets_as_many_raters_as_it_needs_and_nobody_twice(world):
    study = world.open()
    assert [world.rate(study, name, best) for name in ("ravi", "eno", "polly")] == [6, 6, 0]
    assert Counter(study.judgements.values_list("item", flat=True)) == dict.fromkeys(range(6), 2)
    assert rating.progress(study, world.cast.ravi) == (6, 0)
    assert rating.progress(study, world.cast.polly) == (0, 0)


def test_each_item_shows_each_side_first_once_and_the_row_says_so(world):
    study = world.open()
    for name in ("ravi", "eno"):
        world.rate(study, name, best)
    for item in range(6):
        rows = study.judgements.filter(item=item)
        assert sorted(rows.values_list("first", flat=True)) == ["a", "b"]
        for row in rows:
            assert row.first == first_side(6, 7, item, row.slot)
            assert row.choice == ("first" if row.first == "a" else "second"), "tuned knows sums"


def test_a_skip_is_no_rating_and_another_takes_its_place(world):
    study = world.open(needed=1)
    assert world.rate(study, "ravi", always("skip")) == 6
    assert rating.progress(study, world.cast.eno) == (0, 6)
    assert world.rate(study, "eno", best) == 6
    assert rating.take(study, world.cast.ravi) is None


def test_the_same_pair_comes_again_until_it_is_judged(world):
    study, ravi = world.open(), world.cast.ravi
    rating.join(study, ravi)
    first = rating.take(study, ravi)
    assert rating.take(study, ravi).token == first.token
    rating.judge(study, ravi, token=first.token, choice="tie")
    assert rating.take(study, ravi).token != first.token
    with pytest.raises(Refused, match="judged before"):
        rating.judge(study, ravi, token=first.token, choice="first")
    assert judged(study, ravi) == ["tie"]


def test_a_pair_whose_time_is_over_goes_to_who_asks_next(world):
    study, ravi, eno = world.open(needed=1, items=2), world.cast.ravi, world.cast.eno
    for user in (ravi, eno):
        rating.join(study, user)
    late, other = rating.take(study, ravi), rating.take(study, eno)
    rating.judge(study, eno, token=other.token, choice="first")
    assert rating.take(study, eno) is None
    Assignment.objects.update(until=timezone.now() - timedelta(minutes=1))
    assert rating.current(study, ravi).token == late.token
    assert rating.take(study, eno) is not None
    with pytest.raises(Refused, match="somebody else got it"):
        rating.judge(study, ravi, token=late.token, choice="first")


def test_a_slow_rater_loses_nothing_while_nobody_else_asks(world):
    study, ravi = world.open(), world.cast.ravi
    rating.join(study, ravi)
    pair = rating.take(study, ravi)
    Assignment.objects.update(until=timezone.now() - timedelta(minutes=1))
    assert rating.take(study, ravi).token == pair.token
    rating.judge(study, ravi, token=pair.token, choice="first")
    assert judged(study, ravi) == ["first"]


def test_whoever_made_a_model_or_opened_the_study_is_not_blind(world):
    study = world.open()
    with pytest.raises(Refused, match="You opened this study"):
        rating.join(study, world.cast.ada)
    other = actions.open_study(
        plan_of(world.cast.ravi, **world.names, seed=8), actor=world.cast.actor("ravi")
    )
    with pytest.raises(Refused, match="making one of the two models") as refused:
        rating.join(other, world.cast.ada)
    assert "tuned" not in str(refused.value)
    assert Rater.objects.count() == 0


def test_who_asked_for_the_run_that_made_a_model_does_not_rate(world):
    study = world.open()
    made = Version.objects.get(artifact__slug="tuned").productions.get().activity
    spec = {"stage": "fake", "seed": 1}
    assert rating.obstacle(study, world.cast.eno) is None
    run = Run(
        label="A run", stage="fake", spec=spec, spec_digest="0" * 64, activity=made, requested_by="eno",
        created_at=timezone.now(),
    )  # fmt: skip
    with transaction.atomic():
        append(run, op=TrainingEvent.QUEUED, actor=ADA)
    assert "making one of the two models" in rating.obstacle(study, world.cast.eno)


def test_a_rater_needs_to_join_and_counts_with_a_group_of_the_pool(world):
    study, ravi = world.open(dimension="country"), world.cast.ravi
    with pytest.raises(Refused, match="join it first"):
        rating.take(study, ravi)
    with pytest.raises(Refused, match="no group 'FR'; it has DE, KE"):
        rating.join(study, ravi, "FR")
    assert rating.join(study, ravi, "KE") == rating.join(study, ravi, "DE")
    assert Rater.objects.get().group == "KE"
    assert rating.join(study, world.cast.eno).group == ""


def test_no_more_people_take_part_than_the_pool_has(world):
    small = registry.register("annotator-pool", "two", {"title": "Two", "workers": 2}, actor=ADA)
    study = world.open(pool=small.subject)
    for name in ("ravi", "eno"):
        rating.join(study, world.cast.users[name])
    with pytest.raises(Refused, match="has 2 people, and so many take part"):
        rating.join(study, world.cast.polly)


def test_what_a_choice_must_be(world):
    study, ravi = world.open(), world.cast.ravi
    rating.join(study, ravi)
    token = rating.take(study, ravi).token
    for choice, reason, said in (
        ("left", "", "no choice 'left'"), ("", "", "no choice"), ("skip", "", "Say why"), ("skip", "bored", "Say why"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=said):
            rating.judge(study, ravi, token=token, choice=choice, reason=reason)
    for user, stolen in ((ravi, "0" * 32), (world.cast.eno, token)):
        rating.join(study, user)
        with pytest.raises(Refused, match="not the pair that you have"):
            rating.judge(study, user, token=stolen, choice="first")
    assert Judgement.objects.count() == 0


def test_nothing_is_judged_in_a_study_that_ended(world):
    study, ravi = world.open(), world.cast.ravi
    rating.join(study, ravi)
    token = rating.take(study, ravi).token
    actions.cancel(study, reason="The guideline was wrong.", actor=ADA)
    for act in (
        lambda: rating.judge(study, ravi, token=token, choice="first"),
        lambda: rating.take(study, ravi),
        lambda: rating.join(study, world.cast.eno),
    ):
        with pytest.raises(Refused, match="is cancelled"):
            act()
    assert (Judgement.objects.count(), Assignment.objects.count()) == (0, 0)


def test_what_may_not_be_read_is_not_rated(world):
    secret = registry.register(
        "guideline", "secret", {**world.guideline.content, "title": "S"}, restricted=True, actor=ADA
    )
    study = world.open(guideline=secret.subject)
    assert "may read" in rating.obstacle(study, world.cast.eno)
    assert rating.obstacle(study, world.cast.ravi) is None


def test_judging_makes_no_entries_and_rows_that_stay(world):
    study = world.open()
    before = Entry.objects.count()
    world.rate(study, "ravi", best)
    assert Entry.objects.count() == before
    row = Judgement.objects.first()
    for change in (
        lambda: Judgement.objects.filter(pk=row.pk).update(choice="tie"),
        lambda: Judgement.objects.filter(pk=row.pk)._raw_delete("default"),
        lambda: Judgement.objects.create(
            study=study, rater=row.rater, item=row.item, slot=9, first="a", choice="tie", at=row.at
        ),
        lambda: Judgement.objects.create(
            study=study, rater=rating.join(study, world.cast.eno), item=row.item, slot=row.slot, first="a",
            choice="tie", at=row.at,
        ),
        lambda: Rater.objects.filter(pk=row.rater_id).update(group="DE"),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert Judgement.objects.get(pk=row.pk).choice == row.choice


def test_raters_of_their_own_group_may_rate_and_nothing_else(world):
    rita = create_person("rhea", handle="rhea", groups=["rater"], actor=ADA)
    world.cast.users["rhea"] = rita
    assert world.rate(world.open(), "rhea", best) == 6


def test_the_pairs_hold_what_was_asked_and_answered(world):
    study = world.open(items=3)
    found = pairs.read(study.pairs_sha256)
    assert len(found) == study.items == 3
    for pair in found:
        number = int(pair.item.removeprefix("s"))
        assert (pair.task, pair.prompt, pair.a, pair.b) == (
            "sums", f"{number} + 1?", str(number + 1), f"not {number + 1}",
        )  # fmt: skip
