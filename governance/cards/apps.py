from django.apps import AppConfig


class CardsConfig(AppConfig):
    name = "governance.cards"
    label = "cards"

    def ready(self) -> None:
        from governance.cards import copies, disclosing, objections, publication
        from governance.cards.events import CardEvent
        from governance.cards.found import SOURCES
        from governance.cards.models import Disclosure, Objection, Publication, Secret
        from governance.ledger import auditable, events, triggers
        from governance.people.permissions import RELEASE_MANAGER, REVIEWER, allow
        from governance.registry import erasure, search
        from governance.reviews import decisions
        from governance.reviews.decisions import Decides

        events.register(CardEvent)
        triggers.register_rule(triggers.Kept(Secret))
        triggers.register_rule(triggers.Frozen(Secret, Secret.FROZEN, unless={}))
        for model in (Publication, Objection, Disclosure):
            auditable.register(model)
            triggers.register_rule(triggers.Frozen(model, model.FROZEN, unless={}))
        triggers.register_rule(
            triggers.Frozen(Publication, Publication.WITHDRAWAL, unless={"state": (Publication.PUBLISHED,)})
        )
        triggers.register_rule(
            triggers.Moves(
                Publication,
                "state",
                allowed={Publication.PUBLISHED: (Publication.WITHDRAWN,)},
                initial=(Publication.PUBLISHED,),
            )
        )
        triggers.register_rule(
            triggers.Frozen(Objection, Objection.ANSWER, unless={"state": (Objection.OPEN,)})
        )
        triggers.register_rule(
            triggers.Moves(
                Objection,
                "state",
                allowed={Objection.OPEN: (Objection.ANSWERED, Objection.REJECTED)},
                initial=(Objection.OPEN,),
            )
        )
        allow(publication.ACTION, RELEASE_MANAGER)
        allow(disclosing.ACTION, RELEASE_MANAGER)
        allow(objections.ACTION, REVIEWER, RELEASE_MANAGER)
        erasure.register_copies(copies.of_version)
        for source in SOURCES:
            search.register(source)
        decisions.register(CardEvent.PUBLISHED, Decides("publication", Publication, publication.ACTION))
        decisions.register(CardEvent.WITHDRAWN, Decides("withdrawal", Publication, publication.ACTION))
        decisions.register(
            CardEvent.OBJECTION_ANSWERED, Decides("objection answered", Objection, objections.ACTION)
        )
        decisions.register(
            CardEvent.OBJECTION_REJECTED, Decides("objection rejected", Objection, objections.ACTION)
        )
