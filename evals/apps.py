from django.apps import AppConfig


class EvalsConfig(AppConfig):
    name = "evals"
    label = "evals"

    def ready(self) -> None:
        from evals import found, panels, provider, stage
        from governance.evidence import providers
        from governance.registry import search
        from governance.views.panels import on_version
        from training import stages

        stages.register(stage.STAGE)
        providers.register("comparison", provider.facts)
        search.register(found.SOURCE)
        on_version(panels.evaluations_of)
