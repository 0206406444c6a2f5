"""What the database itself refuses, whatever code runs; the same list on both databases."""

import pytest
from django.core import checks
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from governance.ledger import auditable, guards, triggers
from governance.ledger.append import append
from governance.ledger.models import Checkpoint, Entry, Head, Tile
from governance.ledger.settle import settle
from governance.registry.models import Artifact, Version
from tests.ledger.world import ADA, OP, execute, make, retitle

pytestmark = pytest.mark.usefixtures("database")


def refused(statement: str, reason: str) -> None:
    with pytest.raises(IntegrityError, match=reason):
        execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "body = leaf_hash_bytes",
        "actor = 'person:eve'",
        "op = 'x:y:z'",
        "object_id = 'other'",
        "rev = 9",
        "leaf_hash = 'aa'",
        "at = '2020-01-01 00:00:00+00:00'",
        "id = 99",
    ],
)
def test_an_entry_is_never_rewritten(change):
    make()
    body = "'\\x00'::bytea" if connection.vendor == "postgresql" else "x'00'"
    refused(f"UPDATE ledger_entry SET {change.replace('leaf_hash_bytes', body)}", "append-only")


def test_an_entry_is_never_deleted():
    make()
    refused("DELETE FROM ledger_entry", "never deleted")
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        Entry.objects.all()._raw_delete("default")


@pytest.mark.parametrize("model", [Entry, Tile, Head, Checkpoint, Artifact, Version])
def test_tables_are_never_emptied(model):
    make()
    settle()
    if connection.vendor == "postgresql":
        refused(f"TRUNCATE {model._meta.db_table} CASCADE", "never deleted")
    elif model.objects.exists():
        refused(f"DELETE FROM {model._meta.db_table}", "never deleted")


@pytest.mark.parametrize(
    "table", ["ledger_entry", "ledger_tile", "ledger_head", "ledger_checkpoint", "registry_artifact"]
)
def test_replacing_and_upserting_are_refused(table):
    make()
    settle()
    if connection.vendor == "sqlite":
        refused(
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
            "exists already|without a leaf index|follows",
        )
        refused("UPDATE OR REPLACE ledger_entry SET leaf_hash = 'aa'", "append-only")
    columns = "id, size, root" if table == "ledger_head" else None
    if columns:
        refused(
            "INSERT INTO ledger_head (id, size, root) VALUES (1, 0, '') ON CONFLICT (id) DO UPDATE SET size = 0",
            "exists already",
        )


def test_replace_is_refused_without_our_connection_settings():
    make()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA recursive_triggers = OFF")
        refused("INSERT OR REPLACE INTO ledger_entry SELECT * FROM ledger_entry", "exists already")
        refused("INSERT OR REPLACE INTO registry_artifact SELECT * FROM registry_artifact", "exists already")


def test_a_part_is_erased_once_and_never_rewritten():
    make()
    entry = Entry.objects.get()
    for parts in (
        {**entry.parts, "P": {"salt": "00", "payload": "{}"}},
        {"P": entry.parts["P"]},
        {**entry.parts, "X": None},
    ):
        with pytest.raises(IntegrityError, match="never rewritten"), transaction.atomic():
            Entry.objects.update(parts=parts)
    Entry.objects.update(parts={**entry.parts, "I": None})
    with pytest.raises(IntegrityError, match="never rewritten"), transaction.atomic():
        Entry.objects.update(parts=entry.parts)
    assert Entry.objects.get().parts == {**entry.parts, "I": None}


def test_the_leaf_index_is_the_next_one_and_given_once():
    make("a")
    make("b")
    refused("UPDATE ledger_entry SET leaf_index = 1", "next leaf index")
    settle()
    refused("UPDATE ledger_entry SET leaf_index = NULL", "next leaf index")
    refused("UPDATE ledger_entry SET leaf_index = 2 WHERE leaf_index = 0", "next leaf index")


def test_an_entry_continues_its_objects_revisions():
    make()
    entry = Entry.objects.get()
    entry.pk, entry.rev, entry.leaf_hash, entry.uuid = (
        None,
        3,
        "ab" * 32,
        "00000000-0000-0000-0000-000000000001",
    )
    with pytest.raises(IntegrityError, match="continues its object's revisions"), transaction.atomic():
        entry.save(force_insert=True)


def test_tree_and_checkpoints_only_grow():
    make()
    settle()
    zero = "'\\x00'::bytea" if connection.vendor == "postgresql" else "x'00'"
    refused(f"UPDATE ledger_tile SET data = {zero}", "only grows")
    refused("UPDATE ledger_tile SET idx = 4", "only grows")
    refused("UPDATE ledger_head SET size = 0", "only grows")
    refused("UPDATE ledger_head SET root = 'aa'", "only grows")
    refused("UPDATE ledger_checkpoint SET note = 'x'", "append-only")
    with pytest.raises(IntegrityError, match="follows"), transaction.atomic():
        Checkpoint.objects.create(size=0, note="old", at=timezone.now())


def test_an_auditable_row_changes_only_with_its_entry():
    artifact = make()
    other = make("other")
    reason = "only together with its ledger entry"
    refused("UPDATE registry_artifact SET title = 'smuggled'", reason)
    refused("UPDATE registry_artifact SET title = 'smuggled', ledger_rev = 2", reason)
    with pytest.raises(IntegrityError, match=reason), transaction.atomic():
        Artifact.objects.filter(pk=artifact.pk).update(
            title="x", ledger_head=other.ledger_head_id, ledger_rev=2
        )
    with pytest.raises(IntegrityError, match=reason), transaction.atomic():
        Artifact(kind="model", slug="new", title="", ledger_rev=1, ledger_head=other.ledger_head).save(
            force_insert=True
        )
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        artifact.delete()
    retitle(artifact, "The proper way")


def version(**fields: object) -> Version:
    made = Version(
        artifact=make(),
        number=1,
        schema="constitution/1",
        created_by="ada",
        created_at=timezone.now(),
        **fields,
    )
    with transaction.atomic():
        append(made, op=OP, actor=ADA)
    return made


def change(made: Version, **fields: object) -> None:
    for name, value in fields.items():
        setattr(made, name, value)
    with transaction.atomic():
        append(made, op=OP, actor=ADA, fields=list(fields))


def test_content_is_frozen_once_sealed_and_erased_once():
    made = version(content={"title": "1", "principles": []})
    change(made, content={"title": "2", "principles": []})
    change(made, state="sealed", digest="ab" * 32, sealed_at=timezone.now())
    for fields in (
        {"content": {"title": "3", "principles": []}},
        {"digest": "cd" * 32},
        {"number": 2},
        {"schema": "constitution/2"},
    ):
        with pytest.raises(IntegrityError, match="frozen"):
            change(Version.objects.get(), **fields)
    erased = Version.objects.get()
    change(erased, content=None)
    with pytest.raises(IntegrityError, match="frozen"):
        change(erased, content={"title": "2", "principles": []})


def test_states_move_only_along_the_table():
    made = version(content={"principles": []})
    for state in ("approved", "superseded", "revoked"):
        with pytest.raises(IntegrityError, match="move of state"):
            change(Version.objects.get(), state=state)
    change(made, state="sealed", digest="ab" * 32)
    with pytest.raises(IntegrityError, match="move of state"):
        change(made, state="draft")


def test_states_start_at_the_beginning():
    with pytest.raises(IntegrityError, match="move of state"):
        version(content={"principles": []}, state="approved")


def test_guards_that_fell_are_named_and_put_back():
    assert triggers.missing(connection) == []
    names = triggers.expected(connection)
    name = "guard_ledger_entry_stays_delete"
    on = " ON ledger_entry" if connection.vendor == "postgresql" else ""
    execute(f"DROP TRIGGER {name}{on}")
    assert triggers.missing(connection) == [name]
    warnings = checks.run_checks(tags=["database"], databases=["default"])
    assert [warning.id for warning in warnings] == ["ledger.W001"]
    call_command("migrate", verbosity=0)
    assert triggers.missing(connection) == []
    triggers.remove(connection)
    assert sorted(triggers.missing(connection)) == sorted(names)
    triggers.install(connection)
    assert triggers.missing(connection) == []


def test_altered_or_disabled_guards_are_named():
    name = "guard_ledger_entry_stays_delete"
    if connection.vendor == "postgresql":
        execute(f"ALTER TABLE ledger_entry DISABLE TRIGGER {name}")
        assert triggers.missing(connection) == [name]
        execute(f"ALTER TABLE ledger_entry ENABLE TRIGGER {name}")
        assert triggers.missing(connection) == [name]
    else:
        execute(f"DROP TRIGGER {name}")
        execute(f"CREATE TRIGGER {name} BEFORE DELETE ON ledger_entry WHEN 1 = 0 BEGIN SELECT 1; END")
        assert triggers.missing(connection) == [name]
    triggers.install(connection)
    assert triggers.missing(connection) == []


def test_a_session_that_poses_as_a_replica_is_refused_too():
    make()
    if connection.vendor == "postgresql":
        refused("SET LOCAL session_replication_role = replica; DELETE FROM ledger_entry", "never deleted")


def test_names_fit_postgresql():
    assert all(len(name) <= 63 for name in triggers.expected(connection))


def test_a_table_rebuilt_by_a_migration_gets_its_guards_back():
    """Django rebuilds SQLite's tables on some alterations, which drops their triggers and trips over others'."""
    make()
    guards.before_migration(using="default", plan=["something"])
    assert bool(triggers.missing(connection)) == (connection.vendor == "sqlite")
    old, new = Artifact._meta.get_field("title"), models.CharField(max_length=999)
    new.set_attributes_from_name("title")
    with connection.schema_editor() as editor:
        editor.alter_field(Artifact, old, new)
    guards.after_migration(using="default")
    assert triggers.missing(connection) == []
    refused("UPDATE registry_artifact SET title = 'smuggled'", "only together")


def test_a_migration_without_work_leaves_the_guards_alone():
    guards.before_migration(using="default", plan=[])
    assert triggers.missing(connection) == []


def test_an_auditable_model_that_nobody_registered_is_an_error(monkeypatch):
    assert guards.check_registered() == []
    monkeypatch.setattr(auditable, "_models", {})
    assert "ledger.E001" in {error.id for error in guards.check_registered()}
