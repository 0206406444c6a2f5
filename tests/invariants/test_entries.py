"""Every action leaves exactly the entries that it should, by whoever acted, and no others."""

import inspect
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pyotp
import pytest
from django.utils import timezone

from governance.cards import objections, publication
from governance.ledger import audit
from governance.ledger.actors import Actor
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people import actions as people
from governance.people import second_factor
from governance.registry import actions as registry
from governance.registry import lookup
from governance.registry.models import Activity
from governance.releases import actions as releases
from governance.releases import drift, emergency, serving, waivers
from governance.reviews import actions as reviews
from governance.reviews import comments, impact
from tests import builders
from tests.builders import ADA, CONSTITUTION, MARA, POLLY, RAVI
from tests.cards import publishing
from tests.invariants.world import token_of
from tests.releases import answering
from tests.releases.world import World, build, released
from tests.training import faking
from training import actions as training
from training import supervisor
from training.launchers import local

ROOT = Actor.person("root")
HELPERS = {
    "registry.move",
    "registry.artifact_for",
    "registry.with_author",
    "reviews.obstacle",
    "waivers.obstacle",
    "serving.finish",
    "serving.record",
    "serving.handle_of",
    "emergency.why_no_review",
    "objections.obstacle",
    "training.move",
}
"""Public functions with an actor that are parts of actions."""
NEWER = {**CONSTITUTION, "preamble": "Newer."}

Case = Callable[[World], Iterator[tuple[Actor, list[str]]]]
"""Prepares the world, yields who will act and which entries that should leave, and then acts."""
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    return lambda make: CASES.setdefault(name, make)


@case("people.create_person")
def _(world):
    yield ROOT, ["people:account:created"]
    people.create_person("zoe", actor=ROOT)


@case("people.set_groups")
def _(world):
    yield ROOT, ["people:account:groups-changed"]
    people.set_groups(world.cast.otto.account, ["auditor"], actor=ROOT)


@case("people.deactivate")
def _(world):
    yield ROOT, ["people:account:deactivated"]
    people.deactivate(world.cast.otto.account, actor=ROOT)


@case("people.create_token")
def _(world):
    expiry = timezone.now() + timedelta(days=1)
    yield ADA, ["people:token:created"]
    people.create_token(world.cast.ada.account, label="ci", scopes=[], expires_at=expiry, actor=ADA)


@case("people.revoke_token")
def _(world):
    token = token_of(world)
    yield ROOT, ["people:token:revoked"]
    people.revoke_token(token, actor=ROOT)


def second_factor_of(account):
    """Recovery codes of a second factor that is on."""
    code = pyotp.TOTP(second_factor.begin(account)).now()
    return second_factor.confirm(account, code, actor=Actor.person(account.handle))


@case("second_factor.confirm")
def _(world):
    account = world.cast.ravi.account
    code = pyotp.TOTP(second_factor.begin(account)).now()
    yield RAVI, ["people:second-factor:enrolled"]
    second_factor.confirm(account, code, actor=RAVI)


@case("second_factor.turn_off")
def _(world):
    codes = second_factor_of(world.cast.ravi.account)
    yield RAVI, ["people:second-factor:off"]
    second_factor.turn_off(world.cast.ravi.account, codes[0], actor=RAVI)


@case("second_factor.reset")
def _(world):
    second_factor_of(world.cast.ravi.account)
    yield ROOT, ["people:second-factor:reset"]
    second_factor.reset(world.cast.ravi.account, actor=ROOT)


@case("registry.save_draft")
def _(world):
    yield POLLY, ["registry:artifact:created", "registry:version:drafted"]
    registry.save_draft("constitution", "garden", {"title": "Garden"}, actor=POLLY)


@case("registry.draft_after")
def _(world):
    yield RAVI, ["registry:version:drafted"]
    registry.draft_after(lookup.find("constitution:house"), actor=RAVI)


@case("registry.edit_draft")
def _(world):
    draft = registry.save_draft("constitution", "house", {"title": "Newer"}, actor=POLLY)
    yield POLLY, ["registry:version:edited"]
    registry.edit_draft(draft, NEWER, actor=POLLY)


@case("registry.seal")
def _(world):
    draft = registry.save_draft("constitution", "house", NEWER, actor=POLLY)
    yield POLLY, ["registry:version:sealed"]
    registry.seal(draft, actor=POLLY)


@case("registry.register")
def _(world):
    yield (
        POLLY,
        [
            "registry:artifact:created",
            "registry:version:registered",
            "registry:activity:started",
            "registry:activity:ended",
        ],
    )
    registry.register("constitution", "garden", CONSTITUTION, actor=POLLY)


@case("registry.register, the same content again")
def _(world):
    yield POLLY, ["registry:activity:started", "registry:activity:ended"]
    registry.register("constitution", "house", CONSTITUTION, actor=POLLY)


@case("registry.register, by a run")
def _(world):
    yield POLLY, ["registry:version:registered"]
    registry.register("constitution", "house", NEWER, actor=POLLY, imported=False)


@case("registry.revoke")
def _(world):
    yield RAVI, ["registry:version:revoked"]
    registry.revoke(lookup.find("constitution:house"), reason="Wrong.", actor=RAVI)


@case("registry.start_activity")
def _(world):
    yield ADA, ["registry:activity:started"]
    registry.start_activity("training", "A", [("init_from", world.base)], summary={}, actor=ADA)


@case("registry.end_activity")
def _(world):
    begun = registry.start_activity("training", "A", [("init_from", world.base)], summary={}, actor=ADA)
    yield ADA, ["registry:activity:ended"]
    registry.end_activity(begun, state=Activity.FAILED, summary={"why": "a test"}, actor=ADA)


@case("reviews.submit")
def _(world):
    version = builders.constitution(content=NEWER)
    yield POLLY, ["reviews:version:submitted"]
    reviews.submit(version, actor=POLLY)


@case("reviews.submit, a draft")
def _(world):
    draft = registry.save_draft("constitution", "house", NEWER, actor=POLLY)
    yield POLLY, ["reviews:version:submitted"]
    reviews.submit(draft, actor=POLLY)


@case("reviews.approve")
def _(world):
    version = reviews.submit(builders.constitution("garden"), actor=POLLY)
    yield RAVI, ["reviews:review:approval-given", "reviews:version:approved"]
    reviews.approve(version, digest=version.digest, reason="Good.", actor=RAVI)


@case("reviews.approve, a successor")
def _(world):
    version = reviews.submit(builders.constitution(content=NEWER), actor=POLLY)
    yield (
        RAVI,
        ["reviews:review:approval-given", "registry:version:superseded", "reviews:version:approved"],
    )
    reviews.approve(version, digest=version.digest, reason="Better.", actor=RAVI)


@case("reviews.refuse")
def _(world):
    version = reviews.submit(builders.constitution("garden"), actor=POLLY)
    yield RAVI, ["reviews:review:refusal-given", "reviews:version:refused"]
    reviews.refuse(version, digest=version.digest, reason="Bad.", actor=RAVI)


@case("reviews.approve, one of two seats")
def _(world):
    version = reviews.submit(builders.constitution("garden"), actor=POLLY)
    impact.set_impact(version.artifact, "high", reason="Everybody uses it.", actor=POLLY)
    yield RAVI, ["reviews:review:approval-given"]
    reviews.approve(version, digest=version.digest, reason="Good.", actor=RAVI)


@case("reviews.request_changes")
def _(world):
    version = reviews.submit(builders.constitution("garden"), actor=POLLY)
    yield (
        RAVI,
        ["reviews:version:reopened", "reviews:review:changes-asked", "reviews:version:changes-requested"],
    )
    reviews.request_changes(version, digest=version.digest, reason="Say why.", actor=RAVI)


@case("reviews.dissent")
def _(world):
    version = reviews.submit(builders.constitution("garden"), actor=POLLY)
    yield RAVI, ["reviews:review:dissent-given"]
    reviews.dissent(version, digest=version.digest, reason="I would not.", actor=RAVI)


@case("impact.set_impact")
def _(world):
    yield POLLY, ["reviews:artifact:impact-set"]
    house = lookup.find("constitution:house").artifact
    impact.set_impact(house, "high", reason="Everybody uses it.", actor=POLLY)


@case("comments.comment")
def _(world):
    yield ADA, ["reviews:comment:made"]
    comments.comment(lookup.find("constitution:house"), anchor="no-harm", text="Why?", actor=ADA)


@case("comments.answer")
def _(world):
    asked = comments.comment(lookup.find("constitution:house"), text="Why?", actor=ADA)
    yield POLLY, ["reviews:comment:made"]
    comments.answer(asked, text="So.", actor=POLLY)


@case("comments.resolve")
def _(world):
    asked = comments.comment(lookup.find("constitution:house"), text="Why?", actor=ADA)
    yield POLLY, ["reviews:comment:resolved"]
    comments.resolve(asked, actor=POLLY)


@case("releases.compose")
def _(world):
    yield MARA, ["registry:artifact:created", "registry:version:registered"]
    releases.compose("assistant", world.parts, actor=MARA)


def _stopped(world):
    """A release whose gate stopped at `safety-not-worse`."""
    release = released(world)
    releases.run_gate(release, actor=MARA)
    return release


def _waiver(world):
    end = timezone.now() + timedelta(days=1)
    return waivers.propose(_stopped(world), "safety-not-worse", reason="Known.", expires_at=end, actor=MARA)


@case("waivers.propose")
def _(world):
    release, end = _stopped(world), timezone.now() + timedelta(days=1)
    yield ADA, ["releases:waiver:proposed"]
    waivers.propose(release, "safety-not-worse", reason="Known.", expires_at=end, actor=ADA)


@case("waivers.grant")
def _(world):
    waiver = _waiver(world)
    yield RAVI, ["releases:waiver:granted"]
    waivers.grant(waiver, reason="Agreed.", actor=RAVI)


@case("waivers.decline")
def _(world):
    waiver = _waiver(world)
    yield RAVI, ["releases:waiver:declined"]
    waivers.decline(waiver, reason="No.", actor=RAVI)


@case("waivers.withdraw")
def _(world):
    waiver = _waiver(world)
    yield ADA, ["releases:waiver:withdrawn"]
    waivers.withdraw(waiver, reason="Sorry.", actor=ADA)


@case("releases.run_gate")
def _(world):
    release = released(world)
    yield MARA, ["releases:gate:run", "evals:suite:used"]
    releases.run_gate(release, actor=MARA)


def _answering(world):
    """A runtime at which an approved release answers."""
    runtime, release = answering.chat(), answering.out(world)
    answering.begin(runtime, release)
    return runtime, release


@case("serving.create_runtime")
def _(world):
    yield MARA, ["releases:runtime:created"]
    answering.chat()


@case("serving.retire_runtime")
def _(world):
    runtime = answering.chat()
    yield MARA, ["releases:runtime:retired"]
    serving.retire_runtime(runtime, reason="Closed.", actor=MARA)


@case("serving.start")
def _(world):
    runtime, release = answering.chat(), answering.out(world)
    yield MARA, ["releases:serving:started"]
    answering.begin(runtime, release)


@case("serving.replace")
def _(world):
    runtime, release = _answering(world)
    yield MARA, ["releases:serving:ended", "releases:serving:started"]
    serving.replace(runtime, release, share=Decimal("0.5"), reason="Less.", actor=MARA)


@case("serving.end")
def _(world):
    runtime, _release = _answering(world)
    yield MARA, ["releases:serving:ended"]
    serving.end(runtime, reason="Enough.", actor=MARA)


@case("drift.report")
def _(world):
    runtime, _release = _answering(world)
    yield ADA, ["releases:drift:raised"]
    drift.report(runtime, identity="ab" * 32, actor=ADA)


@case("drift.close")
def _(world):
    runtime, _release = _answering(world)
    _row, alarm = drift.report(runtime, identity="ab" * 32, actor=ADA)
    yield MARA, ["releases:drift:closed"]
    drift.close(alarm, reason="A test.", actor=MARA)


@case("emergency.withdraw")
def _(world):
    runtime, _release = _answering(world)
    yield ADA, ["releases:serving:ended", "releases:emergency:acted"]
    emergency.withdraw(runtime, reason="It answers nonsense.", actor=ADA)


@case("emergency.rollback")
def _(world):
    then = timezone.now() - timedelta(hours=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(timezone, "now", lambda: then)
        runtime, first = _answering(world)
    serving.replace(runtime, answering.out(world, "second"), share=Decimal(1), reason="Better.", actor=MARA)
    yield ADA, ["releases:serving:ended", "releases:serving:started", "releases:emergency:acted"]
    emergency.rollback(runtime, first, reason="The second answers nonsense.", actor=ADA)


@case("emergency.review")
def _(world):
    runtime, _release = _answering(world)
    done = emergency.withdraw(runtime, reason="It answers nonsense.", actor=ADA)
    yield RAVI, ["releases:emergency:reviewed"]
    emergency.review(done, outcome="confirmed", note="Right.", actor=RAVI)


@case("publication.publish")
def _(world):
    release = publishing.ready(world)
    yield MARA, ["cards:publication:published"]
    publishing.published(release)


@case("publication.withdraw")
def _(world):
    row = publishing.published(publishing.ready(world))
    yield MARA, ["cards:publication:withdrawn"]
    publication.withdraw(row, reason="Wrong.", actor=MARA)


@case("objections.raise_objection")
def _(world):
    row = publishing.published(publishing.ready(world))
    yield objections.PUBLIC, ["cards:objection:raised"]
    publishing.objected(row.version.subject)


@case("objections.answer")
def _(world):
    one = publishing.objected(publishing.published(publishing.ready(world)).version.subject)
    yield RAVI, ["cards:objection:answered"]
    objections.answer(one, outcome="not_upheld", text="It is right.", actor=RAVI)


@case("objections.reject")
def _(world):
    one = publishing.objected(publishing.published(publishing.ready(world)).version.subject)
    yield RAVI, ["cards:objection:rejected"]
    objections.reject(one, reason="Advertising.", actor=RAVI)


@case("training.queue")
def _(world):
    yield ADA, ["training:run:queued"]
    training.queue(faking.spec(), actor=ADA)


@case("training.cancel")
def _(world):
    run = training.queue(faking.spec(), actor=ADA)
    yield MARA, ["training:run:cancelled"]
    training.cancel(run, actor=MARA)


@case("training.retry")
def _(world):
    run = training.cancel(training.queue(faking.spec(), actor=ADA), actor=ADA)
    yield ADA, ["training:run:queued"]
    training.retry(run, actor=ADA)


@pytest.fixture
def world(committed_db, tmp_path, settings) -> World:
    settings.CHARTER_PUBLIC_CARDS = True
    faking.install()
    return build(tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_an_action_leaves_its_entries(world, name):
    acting = CASES[name](world)
    actor, expected = next(acting)
    newest = Entry.objects.latest("id").id
    assert next(acting, None) is None
    entries = Entry.objects.filter(id__gt=newest).order_by("id")
    assert [entry.op for entry in entries] == expected
    assert {entry.actor for entry in entries} == {str(actor)}
    settle()
    assert audit.run().problems == []


def test_a_run_leaves_its_entries_from_the_queue_to_the_sealed_version(world, monkeypatch):
    monkeypatch.setattr(local, "RUNNER", faking.FAST_RUNNER)
    newest = Entry.objects.latest("id").id
    run = training.queue(faking.spec(), actor=ADA)
    supervisor.execute(run.id, "worker")
    entries = Entry.objects.filter(id__gt=newest).order_by("id")
    assert [(entry.op, entry.actor) for entry in entries] == [
        ("training:run:queued", "person:ada"),
        ("training:run:claimed", "system:worker"),
        ("registry:activity:started", "system:worker for person:ada"),
        ("training:run:starting", "system:worker for person:ada"),
        ("training:run:launched", "system:worker for person:ada"),
        ("registry:version:registered", "system:worker for person:ada"),
        ("registry:activity:ended", "system:worker for person:ada"),
        ("training:run:succeeded", "system:worker for person:ada"),
    ]


def test_every_action_is_among_them():
    actions = {
        f"{_place(module)}.{name}"
        for module in (
            people, second_factor, registry, reviews, comments, impact, releases, waivers, serving, drift, emergency,
            publication, objections, training,
        )
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        if "actor" in inspect.signature(function).parameters
    }  # fmt: skip
    assert actions - HELPERS == {name.partition(",")[0] for name in CASES}


def _place(module) -> str:
    """The room of an actions module, else the module's own name."""
    room, _, own = module.__name__.rpartition(".")
    return room.rpartition(".")[2] if own == "actions" else own
