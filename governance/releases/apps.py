from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "governance.releases"
    label = "releases"

    def ready(self) -> None:
        from governance.evidence import providers as evidence
        from governance.ledger import auditable, events, triggers
        from governance.people.permissions import ENGINEER, RELEASE_MANAGER, REVIEWER, allow
        from governance.registry import erasure
        from governance.releases import (
            conditions,
            copies,
            decisions_wiring,
            providers,
            serving_wiring,
            waivers_wiring,
        )
        from governance.releases.events import ReleaseEvent
        from governance.releases.models import GateReport
        from governance.reviews.conditions import register

        events.register(ReleaseEvent)
        auditable.register(GateReport)
        triggers.register_rule(triggers.Frozen(GateReport, GateReport.FROZEN, unless={}))
        allow("releases:release:compose", RELEASE_MANAGER)
        allow("releases:gate:run", RELEASE_MANAGER, ENGINEER, REVIEWER)
        erasure.register_copies(copies.of_version)
        evidence.register("releases.identity", providers.identity)
        register("release", conditions.parts_are_approved)
        register("release", conditions.gate_passed)
        register("release-policy", conditions.policy_holds)
        waivers_wiring.connect()
        serving_wiring.ready()
        decisions_wiring.connect()
