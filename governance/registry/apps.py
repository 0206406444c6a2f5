from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RegistryConfig(AppConfig):
    name = "governance.registry"
    label = "registry"

    def ready(self) -> None:
        from governance.ledger import audit, auditable, events, triggers
        from governance.people.permissions import (
            ADMINISTRATOR,
            ENGINEER,
            POLICY_EDITOR,
            RELEASE_MANAGER,
            REVIEWER,
            allow,
        )
        from governance.registry import access, checks, citations, kinds, proxies, search, states  # noqa: F401  (proxies are models too)
        from governance.registry.citations import own
        from governance.registry.events import RegistryEvent
        from governance.registry.models import Activity, Artifact, Erasure, Version
        from governance.registry.search.own import SOURCES

        events.register(RegistryEvent)
        audit.register("files", checks.files)
        audit.register("starts", checks.starts)
        audit.register("erasures", checks.erasures)
        for model in (Artifact, Version, Activity, Erasure):
            auditable.register(model)
        for action in ("registry:version:register", "registry:version:draft"):
            allow(action, ENGINEER, POLICY_EDITOR, RELEASE_MANAGER)
        for kind in kinds.KINDS.values():
            allow(access.write_action(kind.name), kind.group, *kind.other_groups)
        allow("registry:version:revoke", REVIEWER, RELEASE_MANAGER)
        allow("registry:erasure:manage", ADMINISTRATOR)
        post_migrate.connect(search.after_migration, sender=self)
        for source in SOURCES:
            search.register(source)
        citations.register(own.of_version)
        allow("registry:activity:record", ENGINEER)
        triggers.register_rule(
            triggers.Moves(Version, "state", states.table(), initial=(states.DRAFT, states.SEALED))
        )
        triggers.register_rule(
            triggers.Frozen(
                Version,
                (
                    "artifact",
                    "number",
                    "schema",
                    "content",
                    "digest",
                    "restricted",
                    "based_on",
                    "created_by",
                    "created_at",
                    "sealed_at",
                ),
                unless={"state": (states.DRAFT,)},
                erasable=("content",),
            )
        )
        triggers.register_rule(triggers.Frozen(Artifact, ("kind", "slug"), unless={}))
        triggers.register_rule(
            triggers.Moves(
                Activity,
                "state",
                {Activity.STARTED: (Activity.ENDED, Activity.FAILED, Activity.CANCELLED)},
                initial=(Activity.STARTED,),
            )
        )
        triggers.register_rule(
            triggers.Frozen(
                Activity,
                ("produced", "summary", "ended_at"),
                unless={"state": (Activity.STARTED,)},
            )
        )
        triggers.register_rule(
            triggers.Moves(Erasure, "state", {Erasure.ASKED: (Erasure.DONE,)}, initial=(Erasure.ASKED,))
        )
        triggers.register_rule(triggers.Frozen(Erasure, Erasure.ASKED_FOR, unless={}))
        triggers.register_rule(triggers.Frozen(Erasure, Erasure.OUTCOME, unless={"state": (Erasure.ASKED,)}))
        triggers.register_rule(
            triggers.Frozen(Activity, ("kind", "label", "used", "started_at", "by"), unless={})
        )
