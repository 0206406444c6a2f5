"""A card as a tagged PDF: typeset from plain data by a template that treats all of it as text."""

import json
import unicodedata
from datetime import datetime
from functools import cache
from typing import Any

from governance.cards.as_paper import context
from governance.cards.compose import Card, NoCard
from governance.cards.reading import newest
from governance.cards.typesetting import FOLDER, NotTypeset, typeset

SPACES = "\n "


def render(card: Card) -> bytes:
    """The document, whose time is the newest entry's. The same card gives the same bytes. Raises NoCard for one too large."""
    data = json.dumps(printable(context(card)), ensure_ascii=False, sort_keys=True)
    try:
        return typeset(data, int(datetime.fromisoformat(newest(card)).timestamp()))
    except NotTypeset as error:
        raise NoCard(
            f"The card of {card.document.subject} cannot be written as a PDF: {error}; every other format has all of it."
        ) from error


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
