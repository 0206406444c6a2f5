"""For load balancers and operators: is the process alive, and can it do its work?"""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse

from governance.ledger import triggers


def healthz(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(_: HttpRequest) -> JsonResponse:
    """200 when the database answers, is migrated, and every trigger stands; 503 with the reasons otherwise."""
    try:
        reasons = faults()
    except DatabaseError:
        reasons = ["the database does not answer"]
    status = "ready" if not reasons else "not ready"
    return JsonResponse({"status": status, "reasons": reasons}, status=503 if reasons else 200)


def faults() -> list[str]:
    executor = MigrationExecutor(connection)
    reasons = []
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        reasons.append("migrations are missing; run manage.py migrate")
    if gone := triggers.missing(connection):
        reasons.append(f"{len(gone)} database triggers are missing or altered; run manage.py migrate")
    return reasons
