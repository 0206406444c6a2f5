"""Data files as streams of rows (pure): JSON Lines, also gzipped, CSV and Parquet, in the formats that trainers read.

Nothing here loads a file whole, and nothing imports a framework; Parquet is read by a process of its own.
"""

from governance.registry.datasets.faults import BadData, place
from governance.registry.datasets.files import MAX_LINE, encoding_of, is_packed
from governance.registry.datasets.formats import FORMATS, OPTIONAL, check_row, recognise
from governance.registry.datasets.hashing import row_bytes
from governance.registry.datasets.inspection import Inspection, inspect, renamed
from governance.registry.datasets.rows import parse, rows_of

__all__ = [
    "FORMATS",
    "MAX_LINE",
    "OPTIONAL",
    "BadData",
    "Inspection",
    "check_row",
    "encoding_of",
    "inspect",
    "is_packed",
    "parse",
    "place",
    "recognise",
    "renamed",
    "row_bytes",
    "rows_of",
]
