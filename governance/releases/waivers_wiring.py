"""Makes waivers known: to the ledger, the database's guards, permissions and evidence. Called once, when Django is ready."""

from governance.evidence import providers as evidence
from governance.ledger import auditable, triggers
from governance.people.permissions import ENGINEER, POLICY_EDITOR, RELEASE_MANAGER, REVIEWER, allow
from governance.releases import waivers_facts
from governance.releases.models import Waiver
from governance.releases.trial import TRY
from governance.releases.waivers import GRANT, PROPOSE, WITHDRAW


def connect() -> None:
    auditable.register(Waiver)
    triggers.register_rule(triggers.Frozen(Waiver, Waiver.PROPOSAL, unless={}))
    triggers.register_rule(triggers.Frozen(Waiver, Waiver.GRANT, unless={"state": [Waiver.PROPOSED]}))
    triggers.register_rule(
        triggers.Frozen(Waiver, Waiver.END, unless={"state": [Waiver.PROPOSED, Waiver.GRANTED]})
    )
    triggers.register_rule(triggers.Moves(Waiver, "state", Waiver.MOVES, initial=[Waiver.PROPOSED]))
    allow(PROPOSE, RELEASE_MANAGER, ENGINEER)
    allow(GRANT, REVIEWER, decides=True)
    allow(WITHDRAW, RELEASE_MANAGER, ENGINEER, REVIEWER)
    allow(TRY, POLICY_EDITOR, RELEASE_MANAGER, ENGINEER, REVIEWER)
    evidence.register("releases.waivers", waivers_facts.facts)
