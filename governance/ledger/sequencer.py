"""The sequencer: gives pending entries their place in the tree. Any number may run; the head's row lock orders them."""

from django.db import connection, transaction
from django.db.models import Max

from governance.ledger import tiles
from governance.ledger.models import Entry, Head
from governance.ledger.tiling import integrate, root

BATCH = 4096


def pending(up_to: int | None = None) -> bool:
    """Whether an entry waits for its place; with `up_to`, whether one with that id or a lower one does."""
    waiting = Entry.objects.filter(leaf_index__isnull=True)
    return (waiting if up_to is None else waiting.filter(id__lte=up_to)).exists()


def newest_pending() -> int | None:
    """The highest id among the entries that wait for their place."""
    newest: int | None = Entry.objects.filter(leaf_index__isnull=True).aggregate(id=Max("id"))["id"]
    return newest


def sequence() -> int:
    """Sequence up to 4096 pending entries, oldest first, in one transaction of its own; return how many.

    Dying anywhere before the commit leaves everything as it was. Raises RuntimeError inside a transaction.
    """
    with transaction.atomic(durable=True):
        head = Head.objects.select_for_update().get()
        # By NULL, never by "id above the last": on PostgreSQL ids become visible out of order.
        waiting = Entry.objects.filter(leaf_index__isnull=True).order_by("id")
        rows = list(waiting.values_list("id", "leaf_hash")[:BATCH])
        if rows:
            _extend(head, rows)
    return len(rows)


def _extend(head: Head, rows: list[tuple[int, str]]) -> None:
    size, changed = integrate(tiles.read, head.size, [bytes.fromhex(leaf) for _, leaf in rows])
    tiles.write(changed)
    _number(head.size, [entry for entry, _ in rows])
    head.size, head.root = size, root(tiles.over(changed), size).hex()
    head.save(update_fields=["size", "root"])


def _number(first: int, entries: list[int]) -> None:
    table = connection.ops.quote_name(Entry._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET leaf_index = %s WHERE id = %s",  # noqa: S608 - the table's own name
            [(first + offset, entry) for offset, entry in enumerate(entries)],
        )
