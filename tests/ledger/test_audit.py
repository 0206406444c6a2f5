"""Tampering with the database file behind Charter's back: whatever is changed, `ledger verify` says what."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from governance.ledger import audit, keys, signer, triggers
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.ledger.tree import leaf_hash
from governance.registry import actions
from governance.registry.models import Version
from tests.ledger.world import ADA, make, make_many, retitle

CONSTITUTION = {
    "title": "House rules",
    "principles": [
        {"id": "help", "text": "Help with everything.", "kind": "other", "authority": "guideline"},
    ],
}


@pytest.fixture
def ledger(committed_db: Path) -> Path:
    """Artifacts, one of them changed twice, and a version with its activity; signed at two sizes."""
    keys.generate()
    artifacts = make_many(5)
    settle()
    retitle(artifacts[0], "Second title")
    retitle(artifacts[0], "Third title")
    with transaction.atomic():
        actions.register("constitution", "rules", CONSTITUTION, actor=ADA)
    settle()
    assert audit.run().problems == []
    return committed_db


def tamper(path: Path, *statements: str) -> list[str]:
    """Edit the file with plain sqlite3, guards taken down for it and put back; return what the audit then says."""
    connection.close()
    with closing(sqlite3.connect(path)) as raw:
        guards = raw.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            assert raw.execute(statement).rowcount, statement
        for _, sql in guards:
            raw.execute(sql)
        raw.commit()
    result = audit.run()
    assert not result.holds
    return [problem.sentence for problem in result.problems]


def says(sentences: list[str], *parts: str) -> bool:
    return any(all(part in sentence for part in parts) for sentence in sentences)


def test_all_is_well(ledger):
    result = audit.run()
    assert result.holds
    assert result.looked_at["entries"] == result.looked_at["tree"] == Entry.objects.count()
    assert result.looked_at["checkpoints"] == 2
    assert result.looked_at["rows"] == 8
    assert result.looked_at["guards"] > 20


def test_entries_that_are_not_sequenced_yet_are_audited_too(ledger):
    make("late")
    result = audit.run()
    assert result.holds
    assert result.looked_at["entries"] == result.looked_at["tree"] + 1


def test_a_changed_row(ledger):
    found = tamper(ledger, "UPDATE registry_artifact SET title = 'forged' WHERE slug = 'rules-1'")
    assert says(found, "artifact", "not in the state (class P)")
    assert len(found) == 1


def test_changed_content_under_an_unchanged_digest(ledger):
    found = tamper(ledger, "UPDATE registry_version SET content = replace(content, 'Help', 'Harm')")
    assert says(found, "constitution:rules@1", "digest")


def test_content_that_is_no_json_any_more(ledger):
    found = tamper(ledger, "UPDATE registry_version SET content = '{'")
    assert says(found, "version", "cannot be read")


def test_a_row_with_an_older_entry(ledger):
    found = tamper(
        ledger,
        "UPDATE registry_artifact SET title = 'Second title', ledger_rev = 2, ledger_head_id ="
        " (SELECT leaf_hash FROM ledger_entry e WHERE e.object_id LIKE substr(registry_artifact.id, 1, 8) || '%'"
        " AND rev = 2) WHERE slug = 'rules-0'",
    )
    assert says(found, "is at revision 2, its newest ledger entry is revision 3")


def test_a_deleted_row(ledger):
    found = tamper(ledger, "DELETE FROM registry_artifact WHERE slug = 'rules-1'")
    assert says(found, "registry.artifact", "its row is gone")


def test_an_added_row(ledger):
    found = tamper(
        ledger,
        "INSERT INTO registry_artifact (id, kind, slug, title, ledger_rev, ledger_head_id)"
        " SELECT '00000000000000000000000000000001', kind, 'smuggled', title, 1, ledger_head_id FROM registry_artifact"
        " WHERE slug = 'rules-1'",
    )
    assert says(found, "00000000-0000-0000-0000-000000000001", "has no ledger entry")


def test_a_changed_body(ledger):
    found = tamper(
        ledger,
        "UPDATE ledger_entry SET body = CAST(replace(CAST(body AS TEXT), 'person:ada', 'person:eve') AS BLOB)"
        " WHERE leaf_index = 2",
    )
    assert says(found, "leaf index 2", "does not have its leaf hash")
    assert says(found, "leaf index 2", "column for actor says 'person:ada', its body 'person:eve'")
    assert says(found, "the head's root")
    assert says(found, "tile/0/000")
    assert says(found, "checkpoint at 5", "rewritten")


def test_a_changed_body_with_its_hashes_made_to_fit(ledger):
    """Whoever rewrites entries, hashes and rows alike still cannot sign."""
    entry = Entry.objects.get(leaf_index=1)
    body = bytes(entry.body).replace(b"person:ada", b"person:eve")
    fresh, old = leaf_hash(body).hex(), entry.leaf_hash
    connection.close()
    found = tamper(
        ledger,
        f"UPDATE ledger_entry SET body = x'{body.hex()}', leaf_hash = '{fresh}', actor = 'person:eve' WHERE leaf_index = 1",
        f"UPDATE registry_artifact SET ledger_head_id = '{fresh}' WHERE ledger_head_id = '{old}'",
    )
    assert says(found, "checkpoint at 5", "rewritten")
    assert says(found, "the last note that the signer remembers", "rewritten")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "'person:eve'"),
        ("op", "'a:b:c'"),
        ("at", "'2020-01-01 00:00:00'"),
        ("object_type", "'registry.version'"),
    ],
)
def test_a_changed_column(ledger, column, value):
    found = tamper(ledger, f"UPDATE ledger_entry SET {column} = {value} WHERE leaf_index = 3")
    assert says(found, "leaf index 3", "column for")


def test_a_changed_part(ledger):
    found = tamper(
        ledger,
        "UPDATE ledger_entry SET parts = replace(parts, 'Third title', 'Other title') WHERE parts LIKE '%Third title%'",
    )
    assert says(found, "part of class P is not what its body commits to")


def test_a_removed_part_is_no_erasure(ledger):
    found = tamper(ledger, "UPDATE ledger_entry SET parts = json_remove(parts, '$.I') WHERE leaf_index = 1")
    assert says(found, "leaf index 1", "other classes")


def test_an_erased_part_is_no_tampering(ledger):
    entry = Entry.objects.get(leaf_index=1)
    Entry.objects.filter(pk=entry.pk).update(parts={**entry.parts, "I": None, "P": None})
    assert audit.run().holds


def test_a_deleted_entry(ledger):
    found = tamper(ledger, "DELETE FROM ledger_entry WHERE leaf_index = 5")
    assert says(found, "an entry is missing or was moved")
    assert says(found, "the head speaks of")
    assert says(found, "is revision 3", "after revision 1")


def test_the_newest_entry_deleted(ledger):
    found = tamper(
        ledger, "DELETE FROM ledger_entry WHERE leaf_index = (SELECT max(leaf_index) FROM ledger_entry)"
    )
    assert says(found, "the head speaks of")
    assert says(found, "covers", "holds only")


def test_reordered_leaves(ledger):
    found = tamper(
        ledger,
        "UPDATE ledger_entry SET leaf_index = -1 WHERE leaf_index = 1",
        "UPDATE ledger_entry SET leaf_index = 1 WHERE leaf_index = 2",
        "UPDATE ledger_entry SET leaf_index = 2 WHERE leaf_index = -1",
    )
    assert says(found, "the head's root")
    assert says(found, "tile/0/000")


def test_reordered_revisions(ledger):
    found = tamper(
        ledger,
        "UPDATE ledger_entry SET leaf_index = -1 WHERE leaf_index = 5",
        "UPDATE ledger_entry SET leaf_index = 5 WHERE leaf_index = 6",
        "UPDATE ledger_entry SET leaf_index = 6 WHERE leaf_index = -1",
    )
    assert says(found, "does not point at the entry before it")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_tile SET data = zeroblob(length(data))",
        "DELETE FROM ledger_tile",
        "INSERT INTO ledger_tile (level, idx, data) VALUES (1, 0, x'00')",
    ],
)
def test_a_changed_tile(ledger, statement):
    assert says(tamper(ledger, statement), "tile/", "is not made of the entries")


def test_a_changed_head(ledger):
    assert says(tamper(ledger, "UPDATE ledger_head SET root = replace(root, '0', '1')"), "the head's root")


def test_a_head_that_is_gone(ledger):
    assert says(tamper(ledger, "DELETE FROM ledger_head"), "the head speaks of no entries")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "UPDATE ledger_checkpoint SET note = replace(note, char(10) || '5' || char(10), char(10) || '4' || char(10))",
            "does not fit",
        ),
        ("UPDATE ledger_checkpoint SET size = 4 WHERE size = 5", "its note speaks of 5 entries"),
        ("UPDATE ledger_checkpoint SET note = 'x' WHERE size = 5", "cannot be read"),
    ],
)
def test_a_changed_checkpoint(ledger, statement, reason):
    assert says(tamper(ledger, statement), "checkpoint at", reason)


def test_a_checkpoint_by_another_key(ledger):
    connection.close()
    keys.private_path().unlink()
    with pytest.raises(keys.KeyUnavailable, match="restore the key"):
        keys.generate()
    keys.policy_path().unlink()
    keys.generate()
    assert says([problem.sentence for problem in audit.run().problems], "checkpoint at 5", "not signed by")


def test_no_key_at_all(ledger):
    keys.private_path().unlink()
    keys.policy_path().unlink()
    assert says([problem.sentence for problem in audit.run().problems], "no checkpoint can be verified")


def test_a_restored_old_backup(ledger):
    """The database is whole in itself; only the signer's memory outside it knows better."""
    backup = sqlite3.connect(":memory:")
    with closing(sqlite3.connect(ledger)) as raw:
        raw.backup(backup)
    make("late")
    settle()
    connection.close()
    with closing(sqlite3.connect(ledger)) as raw:
        backup.backup(raw)
    found = [problem.sentence for problem in audit.run().problems]
    assert len(found) == 1
    assert says(found, "the last note that the signer remembers covers", "holds only")


def test_guards_that_fell(ledger):
    triggers.remove(connection)
    result = audit.run()
    assert {problem.check for problem in result.problems} == {"guards"}
    assert len(result.problems) == result.looked_at["guards"]


def test_values_of_the_wrong_type_are_found_not_crashed_on(ledger):
    for statement in (
        "UPDATE ledger_entry SET parts = '[1' WHERE leaf_index = 2",
        "UPDATE ledger_entry SET body = x'ff' WHERE leaf_index = 3",
        "UPDATE ledger_entry SET parts = '7' WHERE leaf_index = 4",
        "UPDATE ledger_entry SET at = 'never' WHERE leaf_index = 1",
    ):
        assert says(tamper(ledger, statement), "cannot be read")


def test_the_same_on_both_databases(database):
    artifacts = make_many(3)
    retitle(artifacts[1], "Other")
    settle()
    result = audit.run()
    assert result.problems == []
    assert result.looked_at["rows"] == 3


def test_the_command(ledger, capsys):
    call_command("ledger", "verify")
    assert "Everything holds." in capsys.readouterr().out
    tamper(ledger, "UPDATE registry_artifact SET title = 'forged' WHERE slug = 'rules-1'")
    with pytest.raises(SystemExit) as stopped:
        call_command("ledger", "verify", "--json")
    assert stopped.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert report["holds"] is False
    assert report["problems"][0]["check"] == "rows"
    with pytest.raises(SystemExit):
        call_command("ledger", "verify")
    assert "not in the state" in capsys.readouterr().out


def test_reading_takes_no_write_lock(ledger):
    with closing(sqlite3.connect(ledger, timeout=0, isolation_level=None)) as other:
        seen = []

        def meanwhile(*_: object) -> None:
            if not seen:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
                seen.append(True)

        assert audit.run(meanwhile).holds
    assert seen


def test_versions_are_in_the_ledger(ledger):
    assert Version.objects.get().ledger_faults() == []
    assert signer.memory_path().exists()
