from django.apps import AppConfig


class EvalsConfig(AppConfig):
    name = "evals"
    label = "evals"

    def ready(self) -> None:
        from evals import (
            canaries_wiring,
            contamination,
            contamination_facts,
            contamination_views,
            copies,
            found,
            panels,
            provider,
            stage,
            wiring,
        )
        from evals import citations as cited
        from evals.human import wiring as human
        from governance.evidence import providers
        from governance.registry import citations, erasure, search
        from governance.views.panels import on_version
        from training import stages

        stages.register(stage.STAGE)
        stages.register(contamination.STAGE)
        providers.register("comparison", provider.facts)
        providers.register("contamination", contamination_facts.facts)
        erasure.register_copies(copies.of_version)
        search.register(found.SOURCE)
        citations.register(cited.of_items)
        on_version(panels.evaluations_of)
        on_version(contamination_views.searches_of)
        wiring.connect()
        canaries_wiring.connect()
        human.connect()
