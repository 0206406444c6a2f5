"""How a data file is refused: always with its name, and with the line (or row) where there is one (pure)."""


class BadData(ValueError):
    """A file that is no dataset. The message names the line and the rule."""


def place(number: int, name: str) -> str:
    """Where something stands: Parquet has rows, everything else lines."""
    return f"{'row' if name.lower().endswith('.parquet') else 'line'} {number} of {name}"
