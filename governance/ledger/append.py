"""Append: the only writer of auditable rows. The change and its entry stand or fall in one transaction."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from governance.ledger import auditable, events, statements
from governance.ledger.actors import Actor
from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.models import Auditable, Entry
from governance.ledger.tree import leaf_hash

CLASSES = ("P", "D", "R", "I", "X")
SALT_BYTES = 32

Part = dict[str, str]
State = Mapping[str, Mapping[str, Any]]


class Stale(Exception):
    """Somebody else changed the row first."""


def append(
    obj: Auditable,
    *,
    op: events.EventKind,
    actor: Actor,
    summary: State | None = None,
    fields: Sequence[str] | None = None,
) -> Entry:
    """Write `obj` and the entry that explains it, inside the caller's transaction.

    A new row is inserted whole; of an existing one only the named `fields` are saved, and the entry records the
    row exactly as it is stored. `summary` maps visibility classes to what should be said beside the state.
    Raises Stale when the row moved on since `obj` was read, UnknownEvent for an `op` that no room registered,
    NotAuditable for a model that none did, CanonicalError for a state without canonical form, and RuntimeError
    outside a transaction.
    """
    events.check(op)
    auditable.check(type(obj))
    if not connection.in_atomic_block:
        raise RuntimeError("append must run inside transaction.atomic(), together with the change it records")
    row = obj if obj._state.adding else _locked(obj, fields or ())
    entry = _entry(row, op, actor, summary or {})
    _store(row, entry, fields or ())
    obj.ledger_rev, obj.ledger_head = entry.rev, entry
    return entry


def commitment(part: Mapping[str, str]) -> str:
    """What an entry's body says about a part: hex SHA-256 of its salt followed by its payload."""
    return sha256_hex(bytes.fromhex(part["salt"]) + part["payload"].encode())


def timestamp(moment: datetime) -> str:
    """An aware UTC `moment` as entries write it: `YYYY-MM-DDTHH:MM:SSZ`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _locked(obj: Auditable, fields: Sequence[str]) -> Auditable:
    """The stored row, locked, with the caller's values in `fields`: what it holds elsewhere was never asked for."""
    row: Auditable = statements.locked(obj)
    if (row.ledger_rev, row.ledger_head_id) != (obj.ledger_rev, obj.ledger_head_id):
        raise Stale(
            f"{obj.ledger_type} {obj.pk} was changed by somebody else (revision {row.ledger_rev}, yours is"
            f" {obj.ledger_rev}); read it again and repeat the change"
        )
    for name in fields:
        attribute = row._meta.get_field(name).attname  # type: ignore[union-attr]
        setattr(row, attribute, getattr(obj, attribute))
    return row


def _entry(row: Auditable, op: events.EventKind, actor: Actor, summary: State) -> Entry:
    created = row._state.adding
    moment = timezone.now().replace(microsecond=0)
    parts = _parts(row.ledger_state(), summary)
    columns = {
        "object_type": row.ledger_type,
        "object_id": str(row.pk),
        "rev": 1 if created else row.ledger_rev + 1,
        "op": str(op),
        "actor": str(actor),
    }
    body = canonical(
        {
            "v": 1,
            "type": columns["object_type"],
            "id": columns["object_id"],
            "rev": columns["rev"],
            "prev": None if created else row.ledger_head_id,
            "op": columns["op"],
            "actor": columns["actor"],
            "at": timestamp(moment),
            "payload": {name: commitment(part) for name, part in parts.items()},
        }
    )
    return Entry(**columns, at=moment, body=body, parts=parts, leaf_hash=leaf_hash(body).hex())


def _parts(state: State, summary: State) -> dict[str, Part]:
    unknown = sorted({*state, *summary} - set(CLASSES))
    if unknown:
        raise ValueError(f"unknown visibility class {unknown[0]!r}; there are {', '.join(CLASSES)}")
    return {
        name: _part({"state": state.get(name, {}), "summary": summary.get(name, {})})
        for name in CLASSES
        if name in state or name in summary
    }


def _part(payload: dict[str, Any]) -> Part:
    return {"salt": secrets.token_hex(SALT_BYTES), "payload": canonical(payload).decode()}


def _store(row: Auditable, entry: Entry, fields: Sequence[str]) -> None:
    row.ledger_rev, row.ledger_head = entry.rev, entry
    # Whoever catches the error inside the transaction cannot commit half of it.
    with transaction.mark_for_rollback_on_error(connection.alias):
        statements.write(entry, row, [*fields, "ledger_rev", "ledger_head"])
