"""What parsed JSON or YAML may hold if the ledger is to keep it (pure)."""

from collections.abc import Mapping

from governance.ledger.canonical import MAX_DEPTH


def unkeepable(value: object) -> str | None:
    """What in parsed JSON or YAML the ledger cannot keep, in words, or None. Never recurses."""
    queue: list[tuple[object, int]] = [(value, 0)]
    while queue:
        item, depth = queue.pop()
        if depth > MAX_DEPTH:
            return f"something nested deeper than {MAX_DEPTH}"
        if isinstance(item, str):
            if "\0" in item:
                return "text with a NUL character"
            if not item.isascii() and any("\ud800" <= char <= "\udfff" for char in item):
                return "text with a lone surrogate"
        elif isinstance(item, Mapping):
            queue += [(part, depth + 1) for pair in item.items() for part in pair]
        elif isinstance(item, list | tuple):
            queue += [(part, depth + 1) for part in item]
    return None
