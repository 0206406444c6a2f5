"""Two people must act: whatever one person asks for, in all groups at once and at any door, lets nothing out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from governance.cards.models import Publication
from governance.people.actions import create_person, create_token
from governance.people.permissions import GROUPS, table
from governance.registry import lookup, states
from governance.registry.models import Version
from governance.releases.models import ServingPeriod, Waiver
from tests.builders import approved
from tests.releases.answering import chat, policy
from tests.releases.facts import rule
from tests.releases.world import World, build, house_policy

V1 = "/api/v1"
EXAMPLES, STEPS = 20, 25
HARSH = "release-policy:harsh"
SAID = {"reason": "Because."}
ALWAYS = rule('states["licence"] == "recorded"', "licence", id="always")
NEVER = rule('states["licence"] == "withheld"', "licence", id="never")
WHOLE_WAY = [("compose", 0, 2), ("gate", 0, 1), ("propose", 0, 1), ("waive", 1, 0), ("waive", 0, 0), ("gate", 0, 1), ("submit", 0, 1),
             ("judge", 0, 1), ("judge", 1, 1), ("deploy", 0, 1), ("break_glass", 1, 1), ("publish", 0, 1)]  # fmt: skip
"""To a release that a rule stops: what a group of people would do, one step after the other."""


@dataclass
class Alone:
    """One person with a session and a token, and what they made."""

    world: World
    clients: list[APIClient]
    made: list[str] = field(default_factory=list)
    went: set[tuple[str, int]] = field(default_factory=set)
    """(what was asked, status)"""

    def post(self, what: str, by: int, address: str, body: dict[str, Any] | None = None, **more: Any) -> Any:
        send = getattr(self.clients[by % 2], more.pop("method", "post"))
        answer = send(f"{V1}/{address}", body or {}, format="json", **more)
        assert answer.status_code < 500, (what, answer.content)
        self.went.add((what, answer.status_code))
        return answer

    def one(self, pick: int) -> Version:
        return lookup.find(self.made[pick % len(self.made)], drafts=True)

    def release(self, pick: int) -> str:
        found = [name for name in self.made if name.startswith("release:")]
        return found[pick % len(found)] if found else "release:none@1"

    def keep(self, answer: Any) -> None:
        if answer.status_code in (200, 201) and (subject := answer.json()["subject"]) not in self.made:
            self.made.append(subject)


Act = Callable[[Alone, int, int], Any]
ACTS: dict[str, Act] = {}


def act(do: Act) -> Act:
    ACTS[do.__name__] = do
    return do


def place(version: Version) -> str:
    return f"versions/{version.kind}/{version.artifact.slug}/{version.number}"


@act
def compose(me: Alone, by: int, pick: int) -> None:
    owned = [name for name in me.made if name.startswith("release-policy:")]
    policies = [me.world.parts["policy"], HARSH, *owned]
    content = {
        **me.world.parts,
        "policy": policies[pick // 2 % len(policies)],
        "use_tier": ("low", "high")[pick % 3 == 0],
        "notes": f"{pick % 3}.",
    }
    me.keep(me.post("compose", by, "releases/", {"slug": f"mine-{pick % 2}", "content": content}))


@act
def register(me: Alone, by: int, pick: int) -> None:
    kind, content = [
        ("release-policy", {"title": f"Lax {pick % 3}", "rules": [ALWAYS, NEVER][: 1 + pick % 4 // 2]}),
        ("system-prompt", {"text": f"Say {pick % 3}."}),
    ][pick % 2]
    state = ("sealed", "draft")[pick % 3 == 0]
    me.keep(
        me.post(
            "register", by, "versions/", {"kind": kind, "slug": "own", "state": state, "content": content}
        )
    )


@act
def edit(me: Alone, by: int, pick: int) -> None:
    one = me.one(pick)
    me.post(
        "edit", by, f"{place(one)}/", {"content": {"text": f"Now {pick}."}}, method="put", HTTP_IF_MATCH="*"
    )


@act
def submit(me: Alone, by: int, pick: int) -> None:
    me.post("submit", by, f"{place(me.one(pick))}/submit/")


@act
def judge(me: Alone, by: int, pick: int) -> None:
    one, verdict = me.one(pick), ("approve", "approve", "changes", "dissent", "refuse")[pick % 5]
    answer = me.post(verdict, by, f"{place(one)}/{verdict}/", {**SAID, "digest": one.digest or "0" * 64})
    assert answer.status_code != 200, "whoever wrote it decides nothing about it"


@act
def impact(me: Alone, by: int, pick: int) -> None:
    one, wanted = me.one(pick), ("low", "medium", "high")[pick % 3]
    me.post("impact", by, f"artifacts/{one.kind}/{one.artifact.slug}/impact/", {**SAID, "impact": wanted})


@act
def gate(me: Alone, by: int, pick: int) -> None:
    one = me.release(pick).partition(":")[2].replace("@", "/")
    me.post("gate", by, f"releases/{one}/gate/")


@act
def propose(me: Alone, by: int, pick: int) -> None:
    ends = (timezone.now() + timedelta(days=1)).isoformat()
    stopped = ("never", "licensed")[pick % 4 == 0]
    me.post(
        "propose", by, "waivers/", {**SAID, "release": me.release(pick), "rule": stopped, "expires_at": ends}
    )


@act
def waive(me: Alone, by: int, pick: int) -> None:
    rows = list(Waiver.objects.values_list("pk", flat=True))
    if rows:
        verb = ("grant", "grant", "withdraw", "decline")[pick % 4]
        me.post(verb, by, f"waivers/{rows[pick % len(rows)]}/{verb}/", SAID)


@act
def deploy(me: Alone, by: int, pick: int) -> None:
    body = {**SAID, "release": me.release(pick), "replace": pick % 3 == 0}
    me.post("deploy", by, "runtimes/chat/periods/", body)


@act
def break_glass(me: Alone, by: int, pick: int) -> None:
    rollback = {"kind": "rollback", "to": me.release(pick)}
    me.post(
        "glass",
        by,
        "emergencies/",
        {**SAID, "runtime": "chat", **(rollback if pick % 3 else {"kind": "withdraw"})},
    )


@act
def publish(me: Alone, by: int, pick: int) -> None:
    me.post("publish", by, "publications/", {"subject": me.one(pick).subject})


@act
def revoke(me: Alone, by: int, pick: int) -> None:
    if pick % 4 == 0:
        me.post("revoke", by, f"{place(me.one(pick))}/revoke/", SAID)


@act
def give_oneself_groups(me: Alone, by: int, pick: int) -> None:
    me.post("groups", by, "accounts/omni/groups/", {"groups": ["reviewer"]})


@pytest.fixture
def alone(committed_db, tmp_path) -> Alone:
    world = build(tmp_path)
    world.parts["policy"] = policy(world)
    approved(lookup.find(house_policy(world, NEVER, slug=HARSH.partition(":")[2])))
    chat()
    user = create_person("omni", handle="omni", groups=GROUPS, actor=world.cast.actor("root"))
    ends = timezone.now() + timedelta(days=1)
    _, secret = create_token(
        user.account, label="all", scopes=table(), expires_at=ends, actor=world.cast.actor("root")
    )
    session, token = APIClient(), APIClient(HTTP_AUTHORIZATION=f"Bearer {secret}")
    session.force_login(user)
    me = Alone(world, [session, token])
    compose(me, 0, 0)
    return me


steps = st.lists(
    st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 1), st.integers(0, 59)),
    min_size=5,
    max_size=STEPS,
)


def nothing_is_out() -> None:
    assert not ServingPeriod.objects.exists()
    assert not Publication.objects.exists()
    assert not Waiver.objects.exclude(granted_by="").exists()
    assert not [one.subject for one in Version.objects.filter(state=states.APPROVED) if "omni" in one.authors]


def test_nothing_that_one_person_does_alone_lets_anything_out(alone):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @example(WHOLE_WAY)
    @given(steps)
    def whatever(todo: list[tuple[str, int, int]]) -> None:
        for name, by, pick in todo:
            ACTS[name](alone, by, pick)
        nothing_is_out()

    whatever()
    allowed = {("compose", 201), ("gate", 409), ("propose", 201), ("submit", 200)}
    refused = {(what, 409) for what in ("approve", "grant", "deploy", "glass", "publish")}
    assert allowed | refused <= alone.went, "the whole way was tried"


def test_with_a_second_person_the_same_doors_let_it_out(alone):
    """So what refuses them is that they are alone, not how they ask."""
    world = alone.world
    one = alone.one(0)
    for what in (gate, submit, judge, deploy, publish):
        if what is not judge:
            what(alone, 0, 1)
    nothing_is_out()
    ravi, rosa = APIClient(), APIClient()
    for name, client in (("ravi", ravi), ("rosa", rosa)):
        client.force_login(world.cast.users[name])
        body = {**SAID, "digest": one.digest}
        assert client.post(f"{V1}/{place(one)}/approve/", body, format="json").status_code == 200
    deploy(alone, 1, 1)
    publish(alone, 0, 0)
    assert ServingPeriod.objects.get().version.subject == one.subject
    assert Publication.objects.get().version.subject == one.subject
