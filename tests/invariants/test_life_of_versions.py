"""Any sequence of drafts, edits, submissions, decisions and revocations by anybody, against a model of what may happen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.ledger import audit, keys
from governance.ledger.actors import Actor
from governance.ledger.canonical import loads_canonical
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import create_person
from governance.people.permissions import REVIEWER
from governance.registry import actions as registry
from governance.registry import states
from governance.registry.actions import Refused
from governance.registry.kinds.base import ContentError
from governance.registry.models import Version
from governance.reviews import actions as reviews
from tests.builders import ADA, CONSTITUTION, POLLY, RAVI

WRITERS, DECIDERS = [ADA, POLLY, RAVI], [RAVI, Actor.person("rosa"), POLLY]
NOBODIES = [Actor.command("root", "ravi"), Actor.command("root", None), Actor.system("reaper")]
UNFINISHED = {"title": "Unfinished"}
TEXTS = ["", "one", "two", "three"]
"""The empty one stands for unfinished content."""
WROTE = {
    "registry:version:drafted",
    "registry:version:edited",
    "registry:version:registered",
    "registry:version:sealed",
    "reviews:version:submitted",
}

DECIDED = ("reviews:version:approved", "reviews:version:refused", "reviews:version:changes-requested")

EXAMPLES, STEPS = 30, 40

writers, deciders = st.sampled_from(WRITERS), st.sampled_from(DECIDERS + NOBODIES)
slug_number = count()


@dataclass
class Expected:
    """What one version should be."""

    key: object
    text: str
    state: str
    authors: set[str]
    entries: int = 1
    said: set[str] = field(default_factory=set)
    """Who has given a verdict."""

    @property
    def row(self) -> Version:
        return Version.objects.select_related("artifact").get(pk=self.key)


def content(text: str) -> dict:
    return {**CONSTITUTION, "preamble": text} if text else UNFINISHED


class LifeOfVersions(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.known: list[Expected] = []
        # Each sequence has an artifact of its own in the database that all share.
        self.slug = f"rules-{next(slug_number)}"

    @rule(text=st.sampled_from(TEXTS), actor=writers)
    def draft(self, text, actor):
        act = lambda: registry.save_draft("constitution", self.slug, content(text), actor=actor)  # noqa: E731
        if made := self.attempt(not self.among(states.DRAFT), act):
            self.add(made, text, actor)

    @rule(text=st.sampled_from(TEXTS), actor=st.sampled_from(WRITERS + NOBODIES))
    def register(self, text, actor):
        known = {one.key for one in self.known}
        act = lambda: registry.register("constitution", self.slug, content(text), actor=actor)  # noqa: E731
        made = self.attempt(bool(text), act)
        if made and made.pk in known:
            assert self.sealed(text)
        elif made:
            self.add(made, text, actor)

    @precondition(lambda self: self.among(states.DRAFT, states.SEALED))
    @rule(data=st.data(), actor=writers)
    def submit_what_may_be(self, data, actor):
        self.submit(data.draw(st.sampled_from(self.among(states.DRAFT, states.SEALED))), actor)

    @precondition(lambda self: self.among(states.IN_REVIEW))
    @rule(data=st.data(), actor=st.sampled_from(DECIDERS), good=st.booleans())
    def decide_what_waits(self, data, actor, good):
        self.decide(data.draw(st.sampled_from(self.among(states.IN_REVIEW))), actor, good=good)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), actor=writers, decider=deciders, text=st.sampled_from(TEXTS))
    def do_anything_to_any(self, data, actor, decider, text):
        one = data.draw(st.sampled_from(self.known))
        acts = [
            lambda: self.edit(one, text, actor),
            lambda: self.submit(one, actor),
            lambda: self.decide(one, decider, good=True),
            lambda: self.decide(one, decider, good=False),
            lambda: self.decide(one, decider, good=True, as_read=False),
            lambda: self.request_changes(one, decider),
            lambda: self.dissent(one, decider),
            lambda: self.revoke(one, actor),
        ]
        data.draw(st.sampled_from(acts))()

    def edit(self, one: Expected, text: str, actor: Actor) -> None:
        act = lambda: registry.edit_draft(one.row, content(text), actor=actor)  # noqa: E731
        if self.attempt(one.state == states.DRAFT, act):
            one.text = text
            one.authors.add(actor.handle)
            one.entries += 1

    def submit(self, one: Expected, actor: Actor) -> None:
        finished = one.state == states.DRAFT and one.text and not self.sealed(one.text)
        act = lambda: reviews.submit(one.row, actor=actor)  # noqa: E731
        if self.attempt(bool(finished) or one.state == states.SEALED, act):
            one.state = states.IN_REVIEW
            one.authors.add(actor.handle)
            one.entries += 1

    def decide(self, one: Expected, actor: Actor, *, good: bool, as_read: bool = True) -> None:
        row, verb = one.row, reviews.approve if good else reviews.refuse
        digest = str(row.digest) if as_read else "0" * 64
        overtaken = good and any(
            self.known.index(other) > self.known.index(one) for other in self.among(states.APPROVED)
        )
        allowed = one.state == states.IN_REVIEW and self.may_judge(one, actor) and as_read and not overtaken
        if self.attempt(allowed, lambda: verb(row, digest=digest, reason="Because.", actor=actor)):
            for older in self.among(states.APPROVED) if good else []:
                older.state = states.SUPERSEDED
                older.entries += 1
            one.state = states.APPROVED if good else states.REFUSED
            one.entries += 1
            one.said.add(actor.handle)

    def request_changes(self, one: Expected, actor: Actor) -> None:
        given = {"digest": str(one.row.digest), "reason": "Say why.", "actor": actor}
        allowed = one.state == states.IN_REVIEW and self.may_judge(one, actor)
        if review := self.attempt(allowed, lambda: reviews.request_changes(one.row, **given)):
            one.state = states.REFUSED
            one.entries += 1
            one.said.add(actor.handle)
            if not self.among(states.DRAFT):
                self.known.append(Expected(review.draft.pk, one.text, states.DRAFT, set(one.authors)))

    def dissent(self, one: Expected, actor: Actor) -> None:
        given = {"digest": str(one.row.digest), "reason": "I would not.", "actor": actor}
        allowed = one.state in {states.IN_REVIEW, states.APPROVED} and self.may_judge(one, actor)
        if self.attempt(allowed, lambda: reviews.dissent(one.row, **given)):
            one.said.add(actor.handle)

    def may_judge(self, one: Expected, actor: Actor) -> bool:
        return actor in DECIDERS and actor.handle not in one.authors | one.said

    def revoke(self, one: Expected, actor: Actor) -> None:
        act = lambda: registry.revoke(one.row, reason="Because.", actor=actor)  # noqa: E731
        if self.attempt(one.state not in {states.DRAFT, states.REVOKED}, act):
            one.state = states.REVOKED
            one.entries += 1

    def attempt(self, allowed: bool, act: Callable[[], object]) -> Any:
        """What `act` returns; when it is not allowed it must refuse, and leave no entry."""
        before = Entry.objects.count()
        try:
            made = act()
        except (Refused, ContentError):
            if allowed:
                raise
            assert Entry.objects.count() == before
            return None
        assert allowed
        return made

    def add(self, version: Version, text: str, actor: Actor) -> None:
        self.known.append(Expected(version.pk, text, version.state, {actor.handle} - {None}))

    def among(self, *wanted: str) -> list[Expected]:
        return [one for one in self.known if one.state in wanted]

    def sealed(self, text: str) -> list[Expected]:
        return [one for one in self.known if one.state != states.DRAFT and one.text == text]

    @invariant()
    def rows_are_as_expected(self):
        for one in self.known:
            row = one.row
            assert (row.state, set(row.authors)) == (one.state, one.authors)
            assert (row.ledger_rev, row.reviews.count()) == (one.entries, len(one.said))
            assert (row.digest is None) == (row.state == states.DRAFT)

    @invariant()
    def the_newest_entry_tells_the_state(self):
        for one in self.known:
            told = loads_canonical(one.row.ledger_head.parts["P"]["payload"].encode())
            assert told["state"]["state"] == one.state

    @invariant()
    def one_version_of_an_artifact_is_approved(self):
        assert Version.objects.filter(artifact__slug=self.slug, state=states.APPROVED).count() <= 1

    @invariant()
    def nobody_decided_about_what_they_wrote(self):
        """Told by the ledger alone, without the column that the actions look at."""
        for one in self.known:
            history = Entry.objects.filter(object_type="registry.version", object_id=str(one.key))
            wrote = set(history.filter(op__in=WROTE).values_list("actor", flat=True))
            decided = history.filter(op__in=DECIDED)
            for entry in decided:
                assert entry.actor.startswith("person:")
                assert entry.actor not in wrote


@pytest.fixture(autouse=True)
def reviewers(committed_db):
    """The deciders have a seat; polly writes too."""
    for decider in DECIDERS:
        create_person(decider.handle, handle=decider.handle, groups=[REVIEWER], actor=Actor.system("test"))


def test_any_sequence_of_actions_keeps_the_rules(committed_db):
    keys.generate()
    run_state_machine_as_test(
        LifeOfVersions,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            phases=[Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Version.objects.exists()
    settle()
    assert audit.run().problems == []


def test_the_model_knows_every_state(committed_db):
    life = LifeOfVersions()
    for text in TEXTS[1:]:
        life.register(text, ADA)
        life.submit(life.known[-1], POLLY)
    first, second, third = life.known
    life.decide(first, RAVI, good=True)
    life.decide(second, RAVI, good=True)
    life.decide(third, RAVI, good=False)
    life.draft("four", POLLY)
    life.register("five", POLLY)
    life.register("six", RAVI)
    life.submit(life.known[-1], RAVI)
    life.decide(life.known[-1], RAVI, good=True)
    life.rows_are_as_expected()
    assert [one.state for one in life.known] == [
        states.SUPERSEDED,
        states.APPROVED,
        states.REFUSED,
        states.DRAFT,
        states.SEALED,
        states.IN_REVIEW,
    ]
    for one in (first, second, third):
        life.revoke(one, RAVI)
    life.rows_are_as_expected()
