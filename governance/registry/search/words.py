"""Words as search compares them (pure): one tokenizer for both databases, for any script.

Case, accents and compatibility forms are folded away (NFKD, case folding). Scripts that put no spaces between words are cut
into characters, so that `模型` is found inside a sentence as two characters side by side.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_QUERY = 200
LONGEST_WORD = 40
"""Characters of a word that are compared."""

# Thai, Lao, Burmese, Khmer, Japanese kana (also half-width), Han.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
# Combining marks, which Python's \w leaves out, and the two half-width signs that become some.
_MARKS = (
    "".join(chr(code) for code in range(0x300, 0x1E000) if unicodedata.category(chr(code)).startswith("M"))
    + "\uff9e\uff9f"
)
_LETTER = rf"[^\W_{_SPACELESS}\uff9e\uff9f]"
_WORD = re.compile(rf"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*|[{_SPACELESS}][{_MARKS}]*")
_FOLDED_AWAY = re.compile(rf"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]|(?![{_MARKS}])[\W_]")
"""Accents, the points of Hebrew and Arabic, and what decomposition leaves that is no part of a word."""


class BadQuery(ValueError):
    """What nobody can look for; the message says why."""


class Word(NamedTuple):
    start: int
    end: int
    text: str
    """Folded; `start` and `end` are places in the text as it was written."""


class Term(NamedTuple):
    """Words that must stand side by side. With `prefix` the last of them may go on."""

    words: tuple[str, ...]
    prefix: bool = False


def words(text: str) -> Iterator[Word]:
    """The words of a text in their order."""
    for found in _WORD.finditer(text):
        if word := _fold(found[0]):
            yield Word(found.start(), found.end(), word)


def folded(text: str) -> list[str]:
    """The words of a text without their places: several times as fast."""
    return [word for found in _WORD.findall(text) if (word := _fold(found))]


def terms(query: str) -> list[Term]:
    """What a person typed: words between spaces, all of which must be there; the last may be unfinished.

    Every other sign is only a gap between words: nothing is an operator. Raises BadQuery.
    """
    if "\0" in query:
        raise BadQuery("A search cannot hold a NUL character.")
    if len(query) > LONGEST_QUERY:
        raise BadQuery(f"Search for at most {LONGEST_QUERY} characters; these are {len(query):,}.")
    typed = [tuple(folded(part)) for part in query.split()]
    found = [Term(part) for part in typed if part]
    if query.strip() and not found:
        raise BadQuery("Search for letters or digits; there are none in this.")
    return [*found[:-1], *(last._replace(prefix=True) for last in found[-1:])]


def _fold(word: str) -> str:
    if word.isascii():
        return word.lower()[:LONGEST_WORD]
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return _FOLDED_AWAY.sub("", plain)[:LONGEST_WORD]
