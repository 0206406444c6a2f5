from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class LedgerConfig(AppConfig):
    name = "governance.ledger"
    label = "ledger"

    def ready(self) -> None:
        # Only now: the guards' module reads models.
        from governance.ledger import auditable, events, guards, triggers
        from governance.ledger.events import LedgerEvent
        from governance.ledger.models import Ending, SigningKey

        events.register(LedgerEvent)
        auditable.register(SigningKey)
        auditable.register(Ending)
        triggers.register_rule(triggers.Frozen(Ending, ("name", "reason", "by", "at"), unless={}))
        triggers.register_rule(triggers.Frozen(SigningKey, ("vkey", "since"), unless={}))
        triggers.register_rule(
            triggers.Moves(
                SigningKey,
                "state",
                {SigningKey.ACTIVE: (SigningKey.RETIRED, SigningKey.COMPROMISED)},
                initial=(SigningKey.ACTIVE,),
            )
        )
        connection_created.connect(guards.on_connection)
        pre_migrate.connect(guards.before_migration, sender=self)
        post_migrate.connect(guards.after_migration, sender=self)
        checks.register(guards.check_registered)
        checks.register(guards.check_placed, checks.Tags.database)
