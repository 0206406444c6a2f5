"""At least one row of every auditable model, each made by its real action."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from evals import lines, uses
from governance.ledger import monitors, rotation
from governance.people.actions import create_token
from governance.registry import erasure, lookup
from governance.releases.actions import run_gate
from tests.builders import ADA, MARA
from tests.evals import recorded
from tests.evals.human import studies
from tests.releases.world import World, build, released
from tests.training import faking
from training import actions


def everything(folder: Path) -> World:
    world = build(folder)
    run_gate(released(world), actor=MARA)
    token_of(world)
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
    erasure.ask(world.tuned, whole=True, authority="GDPR Art. 17", reason="Asked for.", actor=ADA)
    return world


def token_of(world: World, label: str = "ci"):
    expiry = timezone.now() + timedelta(days=1)
    return create_token(world.cast.ada.account, label=label, scopes=[], expires_at=expiry, actor=ADA)[0]
