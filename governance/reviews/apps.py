from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "governance.reviews"
    label = "reviews"

    def ready(self) -> None:
        from governance.ledger import auditable, events, triggers
        from governance.people.permissions import ENGINEER, POLICY_EDITOR, RELEASE_MANAGER, REVIEWER, allow
        from governance.registry import search
        from governance.reviews.events import ReviewEvent
        from governance.reviews.found import SOURCE
        from governance.reviews.models import Review

        events.register(ReviewEvent)
        auditable.register(Review)
        search.register(SOURCE)
        allow("reviews:version:submit", ENGINEER, POLICY_EDITOR, RELEASE_MANAGER)
        allow("reviews:version:review", REVIEWER)
        triggers.register_rule(
            triggers.Frozen(Review, ("version", "digest", "verdict", "reason", "reviewer", "at"), unless={})
        )
