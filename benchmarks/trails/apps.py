from django.apps import AppConfig


class TrailsConfig(AppConfig):
    name = "benchmarks.trails"
    label = "trails"

    def ready(self) -> None:
        # Only now: models cannot be read before.
        from benchmarks.trails.models import Ours, TrailEvent
        from governance.ledger import auditable, events

        events.register(TrailEvent)
        auditable.register(Ours)
