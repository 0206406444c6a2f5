"""Every way of writing every auditable row, without an entry that explains it: the database refuses all of them."""

import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F

from governance.ledger import audit, auditable
from governance.ledger.models import Auditable, Entry
from governance.ledger.settle import settle
from tests.invariants.world import everything

UNEXPLAINED, PERMANENT = "changes only together with its ledger entry", "never deleted"
CHANGED = f"{UNEXPLAINED}|is frozen|is not allowed"
TAKEN = "with this key exists already"


def a_field(model: type[Auditable]) -> str:
    """Some text of the model."""
    return next(
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
    )


def other(value: object) -> object:
    """Another value of the same type."""
    match value:
        case str():
            return value[:-1] + ("y" if value.endswith("z") else "z")
        case UUID():
            return uuid4()
        case int():
            return value + 10**6
    raise TypeError(value)


def forged(row: Auditable) -> Auditable:
    setattr(row, a_field(type(row)), other(getattr(row, a_field(type(row)))))
    return row


def twin(row: Auditable) -> Auditable:
    """A copy of the row, in its first state, that no unique key stands in the way of."""
    fields = {field.name: field for field in type(row)._meta.concrete_fields}
    together = [constraint.fields[0] for constraint in type(row)._meta.constraints]
    for name in {*together, *(field.name for field in fields.values() if field.unique)}:
        setattr(row, fields[name].attname, other(getattr(row, fields[name].attname)))
    if "state" in fields:
        row.state = fields["state"].default
    row._state.adding = True
    return row


def rows(row: Auditable) -> models.QuerySet:
    return type(row)._base_manager.filter(pk=row.pk)


def sql(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def table(row: Auditable) -> str:
    return type(row)._meta.db_table


def key(row: Auditable) -> object:
    return type(row)._meta.pk.get_db_prep_value(row.pk, connection)


def another_head(row: Auditable) -> str:
    return Entry.objects.exclude(leaf_hash=row.ledger_head_id).values_list("leaf_hash", flat=True)[0]


WAYS: dict[str, tuple[Callable[[Auditable], object], str]] = {
    "save": (lambda row: forged(row).save(), CHANGED),
    "save of named fields": (lambda row: forged(row).save(update_fields=[a_field(type(row))]), CHANGED),
    "save without a change": (lambda row: row.save(), UNEXPLAINED),
    "update": (lambda row: rows(row).update(**{a_field(type(row)): "forged"}), CHANGED),
    "update of the revision": (lambda row: rows(row).update(ledger_rev=F("ledger_rev") + 1), UNEXPLAINED),
    "update to a stranger's entry": (
        lambda row: rows(row).update(ledger_rev=F("ledger_rev") + 1, ledger_head=another_head(row)),
        UNEXPLAINED,
    ),
    "update of the key": (lambda row: rows(row).update(id=uuid4()), CHANGED),
    "bulk_update": (
        lambda row: type(row)._base_manager.bulk_update([forged(row)], [a_field(type(row))]),
        CHANGED,
    ),
    "insert": (lambda row: twin(row).save(force_insert=True), UNEXPLAINED),
    "insert under the same key": (lambda row: forged(row).save(force_insert=True), f"{TAKEN}|{CHANGED}"),
    "bulk_create": (lambda row: type(row)._base_manager.bulk_create([twin(row)]), UNEXPLAINED),
    "bulk_create that updates": (
        lambda row: type(row)._base_manager.bulk_create(
            [forged(row)],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[a_field(type(row))],
        ),
        f"{TAKEN}|{CHANGED}",
    ),
    "delete": (lambda row: rows(row)._raw_delete("default"), PERMANENT),
    "delete by the row": (lambda row: row.delete(), f"{PERMANENT}|protected foreign keys"),
    "raw update": (lambda row: sql(f"UPDATE {table(row)} SET {a_field(type(row))} = 'forged'"), CHANGED),
    "raw delete": (lambda row: sql(f"DELETE FROM {table(row)} WHERE id = %s", key(row)), PERMANENT),
    "raw copy": (lambda row: sql(f"INSERT INTO {table(row)} SELECT * FROM {table(row)}"), f"{TAKEN}|{CHANGED}"),
}  # fmt: skip
OF_ONE_DATABASE: dict[str, dict[str, tuple[Callable[[Auditable], object], str]]] = {
    "sqlite": {
        "replace": (
            lambda row: sql(f"INSERT OR REPLACE INTO {table(row)} SELECT * FROM {table(row)} WHERE id = %s", key(row)),
            f"{TAKEN}|{CHANGED}|{PERMANENT}",
        ),
        "update or replace": (
            lambda row: sql(f"UPDATE OR REPLACE {table(row)} SET {a_field(type(row))} = 'forged'"),
            CHANGED,
        ),
    },
    "postgresql": {"truncate": (lambda row: sql(f"TRUNCATE {table(row)} CASCADE"), PERMANENT)},
}  # fmt: skip


def refusal(write: Callable[[Auditable], object], row: Auditable) -> str:
    """What the database says to it; empty when it lets it through."""
    try:
        with transaction.atomic():
            write(row)
    except IntegrityError as error:
        return str(error)
    return ""


def stored(model: type[Auditable]) -> list[tuple]:
    return list(model._base_manager.order_by("pk").values_list())


@pytest.mark.parametrize("model", auditable.registered(), ids=lambda model: model.ledger_type)
def test_nothing_is_written_without_an_entry(committed_db, tmp_path, model):
    everything(tmp_path)
    before, entries = stored(model), Entry.objects.count()
    assert before
    for name, (write, reason) in {**WAYS, **OF_ONE_DATABASE[connection.vendor]}.items():
        row = model._base_manager.order_by("pk").first()
        assert re.search(reason, refusal(write, row)), name
        assert stored(model) == before, name
    assert Entry.objects.count() == entries
    settle()
    assert audit.run().problems == []
