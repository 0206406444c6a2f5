"""For load balancers and operators: is the process alive, and can it do its work?"""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse

from governance.ledger import triggers, watch


def healthz(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(_: HttpRequest) -> JsonResponse:
    """200 when the database answers, is migrated, and every trigger stands; 503 with the reasons otherwise.

    `alarms` names what its witnesses and monitors find wrong with the log. They never make it unready: people must be
    able to read them here, and one report of an outsider would otherwise take the site away from everybody.
    """
    try:
        reasons = faults()
    except DatabaseError:
        reasons = ["the database does not answer"]
    status = "ready" if not reasons else "not ready"
    told = {"status": status, "reasons": reasons, "alarms": alarms()}
    return JsonResponse(told, status=503 if reasons else 200)


def alarms() -> list[str]:
    """Whose alarms are open, and who is late or silent, without the sentences, which are for people who signed in."""
    try:
        troubles = watch.glance().troubles()
    except DatabaseError:
        # It does not answer, or is not migrated: the reasons say so.
        return []
    return list(dict.fromkeys(f"{one.source} {one.what}" for one in troubles))


def faults() -> list[str]:
    executor = MigrationExecutor(connection)
    reasons = []
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        reasons.append("migrations are missing; run manage.py migrate")
    if gone := triggers.missing(connection):
        reasons.append(f"{len(gone)} database triggers are missing or altered; run manage.py migrate")
    return reasons
