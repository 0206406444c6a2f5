"""A card as a tagged PDF (PDF/A-2a and PDF/UA-1): typeset from plain data by a template that treats all of it as text."""

import json
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from governance.cards.as_paper import context
from governance.cards.compose import Card
from governance.cards.reading import newest

FOLDER = Path(__file__).with_name("typeset")
"""All that the template can read."""
STANDARDS = ["a-2a", "ua-1"]
SPACES = "\n "


def render(card: Card) -> bytes:
    """The document. The same card gives the same bytes: its time is the ledger's, its fonts are those of the typst package."""
    import typst  # large: only whoever asks for a PDF loads it

    made = typst.compile(
        FOLDER / "card.typ",
        root=FOLDER,
        format="pdf",
        ignore_system_fonts=True,
        package_path=FOLDER,
        package_cache_path=FOLDER,
        sys_inputs={"card": json.dumps(printable(context(card)), ensure_ascii=False, sort_keys=True)},
        pdf_standards=STANDARDS,
        timestamp=int(datetime.fromisoformat(newest(card)).timestamp()),
    )
    assert isinstance(made, bytes)  # noqa: S101 - one file, since it is a PDF
    return made


def printable(plain: Any) -> Any:
    """`plain` with the characters of its texts that no font draws, or that nobody sees, written as `U+65E5`."""
    if isinstance(plain, dict):
        return {key: printable(item) for key, item in plain.items()}
    if isinstance(plain, list | tuple):
        return [printable(item) for item in plain]
    return _drawn(plain) if isinstance(plain, str) else plain


def _drawn(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    whole = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", "    "))
    return "".join(one if one in SPACES or ord(one) in characters() else f"U+{ord(one):04X}" for one in whole)


@cache
def characters() -> frozenset[int]:
    """Code points that the fonts draw: `typeset/characters.txt`."""
    found: set[int] = set()
    for line in (FOLDER / "characters.txt").read_text(encoding="ascii").splitlines():
        for run in () if line.startswith("#") else line.split():
            first, _, last = run.partition("-")
            found.update(range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(found)
