from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "governance.people"
    label = "people"

    def ready(self) -> None:
        from governance.ledger import auditable, events
        from governance.people.events import PeopleEvent
        from governance.people.models import Account, Token
        from governance.people.permissions import ADMINISTRATOR, allow

        events.register(PeopleEvent)
        for model in (Account, Token):
            auditable.register(model)
        allow("people:account:manage", ADMINISTRATOR)
