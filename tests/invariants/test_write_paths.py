"""Every way of writing every auditable row: without an entry that explains it the database refuses all of them, and what
comes in by the doors is refused or logged.
"""

import json
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.contrib import admin
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from evals.models import Study
from governance.ledger import audit, auditable
from governance.ledger.models import Auditable, Entry
from governance.ledger.settle import settle
from governance.people.actions import create_person
from governance.people.models import Account, Token
from governance.people.permissions import GROUPS
from governance.registry.models import Activity, Artifact
from governance.releases.models import GateReport
from tests.builders import ADA
from tests.cast import PASSWORD
from tests.invariants.world import everything
from tests.releases.world import World
from training.models import Run

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
    unique = [one for one in type(row)._meta.constraints if isinstance(one, models.UniqueConstraint)]
    together = [constraint.fields[0] for constraint in unique]
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


def values(row: Auditable) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in type(row)._meta.concrete_fields}


def created(row: Auditable, how: str) -> object:
    """By get_or_create or update_or_create, under a key that is not there yet."""
    made = values(twin(row))
    return getattr(type(row)._base_manager, how)(id=made.pop("id"), defaults=made)


def copied(row: Auditable) -> None:
    """The row again, under another key."""
    columns = [field.column for field in type(row)._meta.concrete_fields if field.column != "id"]
    listed = ", ".join(f'"{column}"' for column in columns)
    fresh = type(row)._meta.pk.get_db_prep_value(uuid4(), connection)
    sql(
        f"INSERT INTO {table(row)} (id, {listed}) SELECT %s, {listed} FROM {table(row)} WHERE id = %s",
        fresh,
        key(row),
    )


def upserted(row: Auditable, does: str) -> None:
    sql(
        f"INSERT INTO {table(row)} SELECT * FROM {table(row)} WHERE id = %s ON CONFLICT (id) DO {does}",
        key(row),
    )


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
    "get_or_create": (lambda row: created(row, "get_or_create"), UNEXPLAINED),
    "update_or_create": (lambda row: created(row, "update_or_create"), UNEXPLAINED),
    "update_or_create that updates": (
        lambda row: type(row)._base_manager.update_or_create(id=row.pk, defaults={a_field(type(row)): "forged"}),
        CHANGED,
    ),
    "delete": (lambda row: rows(row)._raw_delete("default"), PERMANENT),
    "delete by the row": (lambda row: row.delete(), f"{PERMANENT}|protected foreign keys"),
    "raw update": (lambda row: sql(f"UPDATE {table(row)} SET {a_field(type(row))} = 'forged'"), CHANGED),
    "raw delete": (lambda row: sql(f"DELETE FROM {table(row)} WHERE id = %s", key(row)), PERMANENT),
    "raw insert": (copied, f"{TAKEN}|{CHANGED}"),
    "raw upsert": (lambda row: upserted(row, f"UPDATE SET {a_field(type(row))} = 'forged'"), f"{TAKEN}|{CHANGED}"),
    "raw upsert that does nothing": (lambda row: upserted(row, "NOTHING"), f"{TAKEN}|{CHANGED}"),
    "raw copy": (lambda row: sql(f"INSERT INTO {table(row)} SELECT * FROM {table(row)}"), f"{TAKEN}|{CHANGED}"),
}  # fmt: skip
OF_ONE_DATABASE: dict[str, dict[str, tuple[Callable[[Auditable], object], str]]] = {
    "sqlite": {
        "replace": (
            lambda row: sql(f"INSERT OR REPLACE INTO {table(row)} SELECT * FROM {table(row)} WHERE id = %s", key(row)),
            f"{TAKEN}|{CHANGED}|{PERMANENT}",
        ),
        "replace, in short": (
            lambda row: sql(f"REPLACE INTO {table(row)} SELECT * FROM {table(row)} WHERE id = %s", key(row)),
            f"{TAKEN}|{CHANGED}|{PERMANENT}",
        ),
        "insert or ignore": (
            lambda row: sql(f"INSERT OR IGNORE INTO {table(row)} SELECT * FROM {table(row)} WHERE id = %s", key(row)),
            f"{TAKEN}|{CHANGED}",
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


def stored(model: type[models.Model]) -> list[tuple]:
    return list(model._base_manager.order_by("pk").values_list())


@pytest.mark.parametrize("model", auditable.registered(), ids=lambda model: model.ledger_type)
def test_nothing_is_written_without_an_entry(committed_db, tmp_path, model):
    everything(tmp_path)
    before, entries = stored(model), stored(Entry)
    assert before
    for name, (write, reason) in {**WAYS, **OF_ONE_DATABASE[connection.vendor]}.items():
        row = model._base_manager.order_by("pk").first()
        assert re.search(reason, refusal(write, row)), name
        assert (stored(model), stored(Entry)) == (before, entries), name
    settle()
    assert audit.run().problems == []


# The doors


FORGED = {
    "title": "forged",
    "state": "approved",
    "slug": "forged",
    "handle": "forged",
    "ledger_rev": 9,
    "digest": "0" * 64,
}
"""What a request says that would like to write columns."""
SENT = [
    *((method, FORGED) for method in ("PUT", "PATCH", "DELETE", "POST")),
    ("POST", {}),
    ("POST", {"reason": "A test."}),
]


class Onlooker:
    """Sees whether rows changed, and whether entries came with it."""

    def __init__(self) -> None:
        self.logged = self.refused = 0
        self.before = self.look()

    def look(self) -> tuple[list[list[tuple]], int]:
        return [stored(model) for model in auditable.registered()], Entry.objects.count()

    def after(self, address: str) -> None:
        """Rows change with an entry, and entries come with a row, or nothing happens."""
        now = self.look()
        changed, grew = (one != other for one, other in zip(now, self.before, strict=True))
        assert changed == grew, address
        self.logged, self.refused = self.logged + changed, self.refused + (not changed)
        self.before = now


@pytest.fixture
def almighty(committed_db, tmp_path, settings) -> tuple[APIClient, World]:
    """Somebody who is in every group, and the world that they would like to change."""
    settings.CHARTER_API_RATE = "100000/m"
    world = everything(tmp_path)
    person = create_person("zoe", handle="zoe", password=PASSWORD, groups=list(GROUPS), actor=ADA)
    person.is_staff = person.is_superuser = True
    person.save(update_fields=["is_staff", "is_superuser"])
    client = APIClient()
    client.force_login(person)
    return client, world


def test_whatever_is_posted_to_the_admin_is_refused_or_logged(almighty):
    client, _ = almighty
    onlooker, unlisted = Onlooker(), []
    for model in auditable.registered():
        editors = [one for one in admin.site._registry if one._meta.concrete_model is model]
        if not editors:
            unlisted.append(model)
        for editor in editors or [model]:
            place = f"/admin/{editor._meta.app_label}/{editor._meta.model_name}/"
            row = editor._base_manager.order_by("pk").first()
            chosen = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
            for address, sent in (
                (f"{place}add/", FORGED),
                (f"{place}{row.pk}/change/", FORGED),
                (f"{place}{row.pk}/delete/", {"post": "yes"}),
                (place, chosen),
            ):
                answer = client.post(address, sent)
                onlooker.after(address)
                if not editors:
                    assert answer.status_code == 404, address
    assert onlooker.refused > 30
    assert {model.ledger_type for model in unlisted} == {
        model.ledger_type for model in auditable.registered() if model not in (Account, Artifact)
    }
    settle()
    assert audit.run().problems == []


def test_whatever_is_sent_to_the_api_is_refused_or_logged(almighty):
    client, world = almighty
    onlooker = Onlooker()
    for address, allowed in addresses(world).items():
        for method, body in SENT:
            answer = client.generic(method, address, json.dumps(body), content_type="application/json")
            assert answer.status_code < 500, (method, address)
            assert answer.status_code != 429, (method, address)
            if method not in allowed:
                assert answer.status_code == 405, (method, address)
        onlooker.after(address)
    assert onlooker.refused > 30
    assert onlooker.logged >= 3
    settle()
    assert audit.run().problems == []


KEYED = {
    "activities": Activity, "evaluations": Activity, "reports": GateReport, "runs": Run, "studies": Study, "tokens": Token,
}  # fmt: skip
"""Part of an address before `{id}` → whose keys stand there."""


def addresses(world: World) -> dict[str, set[str]]:
    """Every address of the API, with names that the world has → the methods that it takes."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    return {filled(path, world): {method.upper() for method in paths[path]} for path in paths}


def filled(path: str, world: World) -> str:
    names = {
        "handle": "ada", "kind": "constitution", "number": "1", "size": "1", "place": "0", "sha256": "0" * 64,
        "slug": "assistant" if "/releases/" in path else "house", "digest": str(world.base.digest),
    }  # fmt: skip
    if keyed := re.search(r"([a-z-]+)/{id}", path):
        model = KEYED.get(keyed[1])
        names["id"] = str(model.objects.order_by("pk").first().pk if model else uuid4())
    return path.format_map(names)
