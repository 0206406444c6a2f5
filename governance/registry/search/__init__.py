"""Search over what is registered and decided. It is derived: never ledgered, and rebuilt by `manage.py reindex`.

Only what every signed-in person may read is in the index (docs/search.md says why). Rooms above register sources.
"""

from governance.registry.search.query import Result, Results, find
from governance.registry.search.rows import MOST
from governance.registry.search.sources import Document, Shown, Source, known, register
from governance.registry.search.store import after_migration, forget, index, rebuild
from governance.registry.search.words import LONGEST_QUERY, BadQuery

__all__ = [
    "LONGEST_QUERY", "MOST", "BadQuery", "Document", "Result", "Results", "Shown", "Source",
    "after_migration", "find", "forget", "index", "known", "rebuild", "register",
]  # fmt: skip
