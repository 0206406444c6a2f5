"""The log's side of its witnesses: collect cosignatures, keep them, and say which witness is late or disagrees."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Subquery
from django.utils import timezone

from governance.ledger import keys, publish, tiles
from governance.ledger.models import Alarm, Checkpoint, Cosignature
from governance.ledger.policy import Witness
from governance.ledger.settle import NotSettled
from governance.ledger.tiling import consistency
from governance.ledger.witness.client import Cosigned, Disagrees, Unreachable, ask

LATE = timedelta(minutes=10)
"""A witness is late when it has not cosigned a checkpoint that is older than this."""

log = logging.getLogger("charter.ledger")


@dataclass(frozen=True)
class Standing:
    """How a witness stands to the newest checkpoint: the size it cosigned last, when, and what is wrong, if anything."""

    witness: Witness
    size: int | None
    at: datetime | None
    trouble: str


def collect(checkpoint: Checkpoint) -> int:
    """Ask every witness of the policy that has not cosigned `checkpoint`; return how many have now.

    One that does not answer is passed over, one that disagrees raises an alarm; neither stops the others.
    """
    have = set(checkpoint.cosignatures.values_list("witness", flat=True))
    for witness in keys.policy().witnesses:
        if witness.key.name not in have and witness.address:
            _ask(witness, checkpoint)
    return checkpoint.cosignatures.count()


def witnessed_note(checkpoint: Checkpoint) -> str:
    """The note with all its cosignatures, once there are as many as the policy needs; asks for them where they lack.

    Raises NotSettled when too few witnesses answer.
    """
    wanted = keys.policy().quorum
    if checkpoint.cosignatures.count() < wanted and (have := collect(checkpoint)) < wanted:
        raise NotSettled(
            f"{have} of the {wanted} witnesses needed have cosigned {checkpoint}; see which of them is away or"
            " disagrees on the ledger's page, and try again"
        )
    return publish.cosigned_note(checkpoint)


def standings() -> list[Standing]:
    """Every witness of the policy, for the dashboard, in three queries at most. Raises keys.KeyUnavailable."""
    newest = Checkpoint.objects.order_by("-size").first()
    witnesses = keys.policy().witnesses
    if not witnesses:
        return []
    last = _newest_of([witness.key.name for witness in witnesses], newest)
    alarms = dict(Alarm.objects.filter(over=None).order_by("-since").values_list("source", "sentence"))
    return [
        _standing(witness, newest, last.get(witness.key.name), alarms.get(f"witness {witness.key.name}", ""))
        for witness in witnesses
    ]


def _ask(witness: Witness, checkpoint: Checkpoint) -> None:
    head = keys.policy_without_quorum().open(checkpoint.note).head
    last = _last(witness)
    try:
        found = ask(
            witness,
            checkpoint.note,
            head,
            partial(consistency, tiles.cached()),
            last.checkpoint_id if last else 0,
        )
    except Unreachable as error:
        log.warning("witness", extra={"trouble": str(error)})
    except Disagrees as error:
        if Checkpoint.objects.filter(size=error.seen, size__gt=checkpoint.size).exists():
            # Another process had it cosign that one meanwhile; whether they agree, the newest checkpoint tells.
            return
        Alarm.objects.get_or_create(source=f"witness {witness.key.name}", sentence=str(error), over=None)
        log.error("witness", extra={"trouble": str(error)})  # noqa: TRY400 - the sentence says it all
    else:
        _keep(witness, checkpoint, found)


def _keep(witness: Witness, checkpoint: Checkpoint, found: Cosigned) -> None:
    moment = datetime.fromtimestamp(found.moment, UTC)
    try:
        with transaction.atomic():
            Cosignature.objects.create(
                checkpoint=checkpoint, witness=witness.key.name, line=found.line, at=moment
            )
            Alarm.objects.filter(source=f"witness {witness.key.name}", over=None).update(over=timezone.now())
    except IntegrityError:
        # Another signer asked at the same time; one cosignature is enough.
        return


def _last(witness: Witness) -> Cosignature | None:
    return Cosignature.objects.filter(witness=witness.key.name).order_by("-checkpoint_id").first()


def _newest_of(names: list[str], newest: Checkpoint | None) -> dict[str, Cosignature]:
    """Name → the newest cosignature of each of these witnesses that has any."""
    if newest is None:
        return {}
    newest_ids = {
        f"witness_{number}": Subquery(
            Cosignature.objects.filter(witness=name).order_by("-checkpoint_id").values("pk")[:1]
        )
        for number, name in enumerate(names)
    }
    # One row with a column for each witness: a query each would grow with them, a grouping reads every cosignature.
    ids = Checkpoint.objects.filter(pk=newest.pk).annotate(**newest_ids).values_list(*newest_ids).get()
    return {one.witness: one for one in Cosignature.objects.filter(pk__in=filter(None, ids))}


def _standing(
    witness: Witness, newest: Checkpoint | None, last: Cosignature | None, trouble: str
) -> Standing:
    if (
        not trouble
        and newest
        and timezone.now() - newest.at > LATE
        and (not last or last.checkpoint_id < newest.size)
    ):
        trouble = f"has not cosigned {newest}, which is older than {LATE.seconds // 60} minutes"
    return Standing(witness, last.checkpoint_id if last else None, last.at if last else None, trouble)
