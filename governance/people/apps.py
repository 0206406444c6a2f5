from django.apps import AppConfig
from django.core import checks


class PeopleConfig(AppConfig):
    name = "governance.people"
    label = "people"

    def ready(self) -> None:
        from governance.ledger import auditable, events
        from governance.people.events import PeopleEvent
        from governance.people.models import Account, Token
        from governance.people.permissions import ADMINISTRATOR, MONITOR, allow
        from governance.people.sso import check_settings
        from governance.people.throttle import check_rates

        events.register(PeopleEvent)
        for model in (Account, Token):
            auditable.register(model)
        allow("people:account:manage", ADMINISTRATOR, decides=True)
        # The ledger lies below and knows no groups.
        allow("ledger:monitor:report", MONITOR)
        allow("ledger:monitor:end", ADMINISTRATOR)
        checks.register(check_rates, checks.Tags.security)
        checks.register(check_settings, checks.Tags.security)
