from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    label = "governance"

    def ready(self) -> None:
        from governance.evidence import registry_facts
        from governance.evidence.schema import FIELDS
        from governance.registry.kinds import card_text
        from governance.views import erasures, panels

        card_text.know({key: one.subjects for key, one in FIELDS.items() if one.fill in ("H", "M")})
        registry_facts.register_all()
        panels.on_home(erasures.waiting)
