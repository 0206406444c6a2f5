from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"
    label = "training"

    def ready(self) -> None:
        from governance.ledger import auditable, events, triggers
        from governance.people.permissions import ENGINEER, RELEASE_MANAGER, allow
        from governance.registry import citations, erasure, hooks, search
        from governance.views import panels
        from training import citations as cited
        from training import copies, products, scans, stages, states
        from training.events import TrainingEvent
        from training.found import SOURCE
        from training.models import Run
        from training.panels import live_runs, runs_of, scan_of

        events.register(TrainingEvent)
        auditable.register(Run)
        asked = (
            "stage",
            "spec",
            "spec_digest",
            "recipe",
            "stage_name",
            "after",
            "retry_of",
            "requested_by",
            "created_at",
        )
        triggers.register_rule(triggers.Frozen(Run, fields=asked, unless={}))
        triggers.register_rule(
            triggers.Moves(Run, "state", allowed=states.allowed(), initial=(states.QUEUED,))
        )
        allow("training:run:launch", ENGINEER)
        allow("training:run:cancel", ENGINEER, RELEASE_MANAGER)
        for stage in products.STAGES:
            stages.register(stage)
        search.register(SOURCE)
        citations.register(cited.of_rows)
        hooks.on_activity(cited.after_activity)
        erasure.register_copies(copies.of_version)
        panels.on_home(live_runs)
        panels.on_version(scan_of)
        panels.on_version(runs_of)
        hooks.on_registered(scans.after_registration)
