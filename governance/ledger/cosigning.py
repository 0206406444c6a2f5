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
from governance.ledger.policy import Policy, Witness
from governance.ledger.settle import NotSettled
from governance.ledger.tiling import consistency
from governance.ledger.web import Unreachable
from governance.ledger.witness.client import Cosigned, Disagrees, ask

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
    late: bool
    """Whether the trouble is no more than that it is late; otherwise it is what an alarm says."""


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


def standings(policy: Policy, newest: Checkpoint | None) -> list[Standing]:
    """Every witness of `policy`, as it stands to the newest checkpoint: two queries, however many there are."""
    known = _newest_of([witness.key.name for witness in policy.witnesses], newest)
    return [
        _standing(witness, newest, *known.get(witness.key.name, (None, ""))) for witness in policy.witnesses
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


def _newest_of(names: list[str], newest: Checkpoint | None) -> dict[str, tuple[Cosignature | None, str]]:
    """Name → the newest cosignature of each of these witnesses, and the newest of its open alarms."""
    if newest is None or not names:
        return {}
    asked: dict[str, Subquery] = {}
    for number, name in enumerate(names):
        made = Cosignature.objects.filter(witness=name).order_by("-checkpoint_id").values("pk")
        alarms = Alarm.objects.filter(source=f"witness {name}", over=None).order_by("-since")
        asked |= {
            f"made_{number}": Subquery(made[:1]),
            f"alarm_{number}": Subquery(alarms.values("sentence")[:1]),
        }
    # One row with two columns for each witness: a query each would grow with them, a grouping reads every cosignature.
    row = Checkpoint.objects.filter(pk=newest.pk).annotate(**asked).values(*asked).get()
    ids = [row[f"made_{number}"] for number in range(len(names))]
    found = Cosignature.objects.in_bulk([one for one in ids if one is not None])
    return {name: (found.get(ids[number]), row[f"alarm_{number}"] or "") for number, name in enumerate(names)}


def _standing(witness: Witness, newest: Checkpoint | None, last: Cosignature | None, alarm: str) -> Standing:
    size, at = (last.checkpoint_id, last.at) if last else (None, None)
    late = (
        not alarm
        and newest is not None
        and timezone.now() - newest.at > LATE
        and (size is None or size < newest.size)
    )
    trouble = (
        f"has not cosigned {newest}, which is older than {LATE.seconds // 60} minutes" if late else alarm
    )
    return Standing(witness, size, at, trouble, late)
