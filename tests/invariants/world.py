"""At least one row of every auditable model, each made by its real action."""

from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from governance.ledger import rotation
from governance.people.actions import create_token
from governance.registry import erasure
from governance.releases.actions import run_gate
from tests.builders import ADA, MARA
from tests.releases.world import World, build, released
from tests.training import faking
from training import actions


def everything(folder: Path) -> World:
    world = build(folder)
    run_gate(released(world), actor=MARA)
    token_of(world)
    faking.install()
    actions.queue(faking.spec(), actor=ADA)
    rotation.rotate(actor=ADA)
    erasure.ask(world.tuned, whole=True, authority="GDPR Art. 17", reason="Asked for.", actor=ADA)
    return world


def token_of(world: World, label: str = "ci"):
    expiry = timezone.now() + timedelta(days=1)
    return create_token(world.cast.ada.account, label=label, scopes=[], expires_at=expiry, actor=ADA)[0]
