from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "governance.reviews"
    label = "reviews"

    def ready(self) -> None:
        from django.core import checks

        from governance.ledger import auditable, events, triggers
        from governance.people.permissions import (
            ADMINISTRATOR,
            ENGINEER,
            POLICY_EDITOR,
            RED_TEAMER,
            RELEASE_MANAGER,
            REVIEWER,
            allow,
        )
        from governance.registry import erasure, search
        from governance.reviews import comments, copies, decisions_wiring, impact, seats
        from governance.reviews.events import ReviewEvent
        from governance.reviews.found import SOURCE
        from governance.reviews.models import Comment, Impact, Review

        events.register(ReviewEvent)
        for model in (Review, Comment, Impact):
            auditable.register(model)
        search.register(SOURCE)
        decisions_wiring.connect()
        allow("reviews:version:submit", ENGINEER, POLICY_EDITOR, RELEASE_MANAGER)
        allow(seats.REVIEW, REVIEWER, RED_TEAMER, decides=True)
        allow(impact.ACTION, ENGINEER, POLICY_EDITOR, RELEASE_MANAGER, REVIEWER, decides=True)
        allow(comments.ACTION, ENGINEER, POLICY_EDITOR, REVIEWER, RELEASE_MANAGER, ADMINISTRATOR, RED_TEAMER)
        checks.register(seats.check)
        erasure.register_copies(copies.of_version)
        triggers.register_rule(triggers.Frozen(Review, Review.FROZEN, unless={}))
        triggers.register_rule(triggers.Frozen(Impact, Impact.FROZEN, unless={}))
        triggers.register_rule(triggers.Frozen(Comment, Comment.FROZEN, unless={}, erasable=("text",)))
        triggers.register_rule(triggers.Frozen(Comment, Comment.RESOLVED, unless={"resolved_by": ("",)}))
