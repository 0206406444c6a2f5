from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    label = "governance"

    def ready(self) -> None:
        from governance.evidence import registry_facts
        from governance.evidence.schema import FIELDS
        from governance.registry.kinds import card_text
        from governance.views import (
            coverage,
            erasures,
            objections,
            panels,
            public_cards,
            serving,
            trial,
            waivers,
        )

        theirs = {key: one for key, one in FIELDS.items() if one.fill in ("H", "M")}
        card_text.know(
            {key: one.subjects for key, one in theirs.items()},
            {key: one.visibility for key, one in theirs.items()},
        )
        registry_facts.register_all()
        panels.on_home(erasures.waiting)
        panels.on_home(waivers.waiting)
        panels.on_version(trial.link_of)
        panels.on_home(serving.trouble)
        panels.on_home(objections.overdue)
        panels.on_version(public_cards.of_version)
        panels.on_version(coverage.summary_of)
        panels.on_version(coverage.cited_by)
