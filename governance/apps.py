from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"
    label = "governance"

    def ready(self) -> None:
        from governance.evidence import registry_facts

        registry_facts.register_all()
