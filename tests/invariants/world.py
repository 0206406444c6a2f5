"""At least one row of every auditable model, each made by its real action."""

from datetime import timedelta
from pathlib import Path

from django.test import override_settings
from django.utils import timezone

from evals import lines, uses
from governance.cards import disclosing, objections, publication
from governance.ledger import monitors, rotation
from governance.ledger.settle import settle
from governance.people.actions import create_token
from governance.registry import erasure, lookup
from governance.releases import drift, emergency, waivers
from governance.releases.actions import run_gate
from governance.releases.models import Runtime
from governance.reviews import comments, impact
from tests.builders import ADA, MARA, POLLY
from tests.evals import canarying, recorded
from tests.evals.human import studies
from tests.releases.answering import begin, chat, out
from tests.releases.world import World, build, released
from tests.training import faking
from training import actions


def everything(folder: Path) -> World:
    world = build(folder)
    release = released(world)
    run_gate(release, actor=MARA)
    end = timezone.now() + timedelta(days=1)
    waivers.propose(release, "safety-not-worse", reason="Measured on Monday.", expires_at=end, actor=ADA)
    answering(world)
    canarying.alarmed(Runtime.objects.get(slug="chat"), folder)
    token_of(world)
    publication.publish(lookup.find("model:tuned"), actor=MARA)
    disclosing.make_bundle(world.tuned, settle(), audience="authority", recipient="AI Office", actor=MARA)
    with override_settings(CHARTER_PUBLIC_CARDS=True):
        objections.raise_objection("model:tuned@1", text="It is wrong.", contact="me@example.org")
    suite = lookup.find("eval-suite:basics")
    uses.record(suite, purpose="recipe", served="model:tuned@2", reason="Chose by it.", actor=ADA)
    lines.set_anchor(world.tuned, reason="The first that people used.", actor=MARA)
    faking.install()
    actions.queue(faking.spec(), actor=ADA)
    rotation.rotate(actor=ADA)
    monitors.report("outside", monitors.Look(timezone.now(), 3, 300, ["The log forked."]), reporter="meg")
    monitors.end("outside", reason="It moved.", actor=ADA)
    sums = recorded.suite(folder, "sums", items=studies.ITEMS, tasks=studies.TASKS)
    studies.around(world.cast, folder, world.base, world.tuned, sums).open()
    house = lookup.find("constitution:house")
    comments.comment(house, text="Why this?", actor=ADA)
    impact.set_impact(house.artifact, "high", reason="Everybody uses it.", actor=POLLY)
    erasure.ask(world.tuned, whole=True, authority="GDPR Art. 17", reason="Asked for.", actor=ADA)
    return world


def answering(world: World) -> None:
    """A release that answers, an alarm, and an emergency."""
    runtime = chat()
    begin(runtime, out(world, "served", notes="Served."))
    drift.report(runtime, identity="0" * 64, actor=ADA)
    emergency.withdraw(runtime, reason="It leaks.", actor=ADA)


def token_of(world: World, label: str = "ci"):
    expiry = timezone.now() + timedelta(days=1)
    return create_token(world.cast.ada.account, label=label, scopes=[], expires_at=expiry, actor=ADA)[0]
