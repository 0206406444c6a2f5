"""Which rows share text with which items: the items' n-grams stand in an index, the rows go past it once (pure).

A row costs a few vector operations for each of its words. Only rows that share an n-gram with an item are looked at word by
word, so that every reported share is exact.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple
from unicodedata import is_normalized, normalize

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"\w+")
LETTERS = re.compile(r"[^\W_]+")
COMMON = 64
"""Items that share an n-gram from which on it is taken for a template: it alone makes a candidate of those items only that
consist of templates."""
SPAN = 160
"""Most characters of a shared span that are kept."""
BITS = 24
FACTOR = 0x9E3779B97F4A7C15

CHUNK = 2_000
"""Items that are coded at once."""

Hashes = NDArray[np.uint64]
Letters = NDArray[np.uint32]
Units = tuple[str, ...] | str
"""The words of a text, or its letters and digits as one text."""


class Match(NamedTuple):
    """An item that is contaminated by a row; both by their place in what was given."""

    row: int
    item: int
    matched: int
    """Units of the item inside shared runs."""
    length: int
    """Units of the item."""
    span: str
    """The longest shared run, at most `SPAN` characters of it."""


@dataclass(frozen=True)
class Measure:
    """What counts as shared. `n` units in a row, and more than `share` of an item's units inside such runs."""

    unit: Literal["word", "character"]
    n: int
    share: Decimal

    def plain(self, text: str) -> str:
        """The text as it is compared: composed characters (NFC), and words in lower case."""
        composed = text if is_normalized("NFC", text) else normalize("NFC", text)
        return composed.lower() if self.unit == "word" else composed

    def units(self, text: str) -> Units:
        """Runs of letters, digits and `_` in lower case; or all letters and digits."""
        plain = self.plain(text)
        return tuple(WORD.findall(plain)) if self.unit == "word" else "".join(LETTERS.findall(plain))

    def exceeds(self, matched: int, length: int) -> bool:
        return matched > self.share * length

    def shown(self, units: Units) -> str:
        text = units if isinstance(units, str) else " ".join(units)
        return text if len(text) <= SPAN else f"{text[: SPAN - 1]}…"


def short_key(units: Units, text: str) -> Units:
    """What a text of fewer than n units is compared by: its units, or where it has none, itself."""
    return units or text.strip().lower()


def rolling(values: Hashes, n: int) -> Hashes:
    """The hash of the `n` values from each place on, in about log2(n) steps; empty for fewer values."""
    count = len(values) - n + 1
    if count <= 0:
        return values[:0]
    block, width, found, size = values, 1, values[:0], 0
    rest = n
    while rest:
        if rest & 1:
            found = block if not size else _joined(block, width, found, size)
            size += width
        rest >>= 1
        if rest:
            block, width = _joined(block, width, block, width), 2 * width
    return found[:count]


def _joined(left: Hashes, width: int, right: Hashes, size: int) -> Hashes:
    """Hashes of `width + size` values, from those of the first `width` and of the `size` that follow."""
    tail = right[width:]
    return left[: len(tail)] * np.uint64(pow(FACTOR, size, 2**64)) + tail[: len(left)]


def _mixed(codes: Hashes) -> Hashes:
    """Codes as numbers without pattern. Source: Steele and others 2014, SplitMix64."""
    z = (codes + np.uint64(1)) * np.uint64(FACTOR)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@cache
def letters_and_digits() -> NDArray[np.bool_]:
    """Of each code point whether `\\w` fits it, but for `_`."""
    return np.array([chr(code).isalnum() for code in range(sys.maxunicode + 1)], dtype=bool)


class Coder:
    """Texts as numbers, one for each unit, by a few vector operations: no word becomes an object of its own."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.counts = letters_and_digits().copy()
        self.counts[ord("_")] = measure.unit == "word"
        self.numbers = _mixed(np.arange(sys.maxunicode + 1, dtype=np.uint64))
        self.powers = self.inverses = np.ones(1, dtype=np.uint64)

    def code(self, texts: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
        """The numbers of all units of all texts, the number of no unit behind each text; and how many units each text has.

        `texts` as `Measure.plain` gives them.
        """
        letters = np.frombuffer("\0".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        ends = np.cumsum([len(text) + 1 for text in texts], dtype=np.int64)
        inside = self.counts[letters]
        places, values = (
            self._words(letters, inside) if self.measure.unit == "word" else self._letters(letters, inside)
        )
        text_of = np.searchsorted(ends, places, side="right")
        coded = np.zeros(len(places) + len(texts), dtype=np.uint64)
        coded[np.arange(len(places)) + text_of] = values
        return coded, np.bincount(text_of, minlength=len(texts))

    def _letters(self, letters: Letters, inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Hashes]:
        places = np.flatnonzero(inside)
        return places, self.numbers[letters[places]]

    def _words(self, letters: Letters, inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Hashes]:
        """Where each word begins, and its number: the sum of its letters' numbers times powers, which a running sum gives for
        all words at once (a word at another place differs by a power, and that has an inverse)."""
        edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2]
        self._grow(len(letters))
        sums = np.zeros(len(letters) + 1, dtype=np.uint64)
        np.cumsum(self.numbers[letters] * self.powers[: len(letters)], out=sums[1:])
        return starts, _mixed((sums[ends] - sums[starts]) * self.inverses[starts])

    def _grow(self, length: int) -> None:
        if len(self.powers) < length:
            length = 1 << length.bit_length()
            factors = np.full(length, FACTOR, dtype=np.uint64)
            inverses = np.full(length, pow(FACTOR, -1, 2**64), dtype=np.uint64)
            factors[0] = inverses[0] = 1
            self.powers, self.inverses = np.cumprod(factors), np.cumprod(inverses)


class Index:
    """The n-grams of items. `search` says which rows contaminate which of them, `sharing` which share an n-gram at all."""

    def __init__(self, items: Sequence[str], measure: Measure) -> None:
        self.measure, self.coder = measure, Coder(measure)
        self.units = [measure.units(text) for text in items]
        self.short: dict[Units, list[int]] = defaultdict(list)
        for place, (units, text) in enumerate(zip(self.units, items, strict=True)):
            if len(units) < measure.n:
                self.short[short_key(units, text)].append(place)
        self._index(items)

    def is_short(self, item: int) -> bool:
        """Whether an item has fewer than n units and is compared as a whole."""
        return len(self.units[item]) < self.measure.n

    def forget(self) -> None:
        """Begin again with no row seen: the next dataset."""
        self.seen[:] = False

    def sharing(self) -> set[int]:
        """Items that share at least one n-gram with a row since `forget`."""
        return set(np.unique(self.pair_items[self.seen[self.pair_grams]]).tolist())

    def search(self, rows: Sequence[Sequence[str]]) -> list[Match]:
        """Contaminated items by row, then by item. `rows` are the texts of each row; no run goes from one text to the next."""
        texts = [text for listed in rows for text in listed]
        if not texts:
            return []
        row_of = np.repeat(np.arange(len(rows)), [len(listed) for listed in rows])
        coded, lengths = self.coder.code([self.measure.plain(text) for text in texts])
        found = set(self._short(texts, lengths, row_of))
        for row, candidates in self._candidates(coded, lengths, row_of).items():
            windows = {window for text in rows[row] for window in self._windows(self.measure.units(text))}
            found |= {match for item in candidates if (match := self._exactly(row, item, windows))}
        return sorted(found)

    def _short(
        self, texts: Sequence[str], lengths: NDArray[np.int64], row_of: NDArray[np.int64]
    ) -> Iterator[Match]:
        for place in np.flatnonzero(lengths < self.measure.n).tolist() if self.short else ():
            units = self.measure.units(texts[place])
            for item in self.short.get(key := short_key(units, texts[place]), ()):
                length = max(1, len(units))
                yield Match(int(row_of[place]), item, length, length, self.measure.shown(key))

    def _windows(self, units: Units) -> Iterator[Units]:
        n = self.measure.n
        return (units[place : place + n] for place in range(len(units) - n + 1))

    def _exactly(self, row: int, item: int, windows: set[Units]) -> Match | None:
        units, n = self.units[item], self.measure.n
        inside = bytearray(len(units))
        for place, window in enumerate(self._windows(units)):
            if window in windows:
                inside[place : place + n] = b"\1" * n
        matched = sum(inside)
        if not self.measure.exceeds(matched, len(units)):
            return None
        start, end = max((run.span() for run in re.finditer(b"\1+", inside)), key=lambda run: run[1] - run[0])
        return Match(row, item, matched, len(units), self.measure.shown(units[start:end]))

    def _candidates(
        self, coded: Hashes, lengths: NDArray[np.int64], row_of: NDArray[np.int64]
    ) -> dict[int, set[int]]:
        """Row → items that it may contaminate, told by hashes alone."""
        hashes = rolling(coded, self.measure.n)
        suspects = np.flatnonzero(self.bits[hashes >> np.uint64(64 - BITS)])
        grams = np.searchsorted(self.grams, hashes[suspects])
        grams[grams == len(self.grams)] = 0
        hits = self.grams[grams] == hashes[suspects]
        grams, places = grams[hits], suspects[hits]
        self.seen[grams] = True
        rows = row_of[np.searchsorted(np.cumsum(lengths + 1), places, side="right")]
        found: dict[int, set[int]] = defaultdict(set)
        for row, gram in set(zip(rows.tolist(), grams.tolist(), strict=True)):
            if (listed := self.postings[self.starts[gram] : self.starts[gram + 1]]).size:
                found[row].update(listed.tolist())
        return found

    def _index(self, items: Sequence[str]) -> None:
        """Hashes of all n-grams (sorted), which items have each, and which of them make a candidate of an item."""
        hashes, owners = self._grams_of(items)
        self.grams, gram_at = np.unique(hashes, return_inverse=True)
        self.bits = np.zeros(1 << BITS, dtype=bool)
        self.bits[self.grams >> np.uint64(64 - BITS)] = True
        self.seen = np.zeros(len(self.grams), dtype=bool)
        total = max(1, len(self.units))
        pairs = np.unique(gram_at.astype(np.int64) * total + owners)
        self.pair_grams, self.pair_items = pairs // total, pairs % total
        is_common = np.bincount(self.pair_grams, minlength=len(self.grams)) > COMMON
        templates = self._templates(is_common[gram_at], owners)
        told = ~is_common[self.pair_grams] | np.isin(self.pair_items, templates)
        self.postings = self.pair_items[told]
        counts = np.bincount(self.pair_grams[told], minlength=len(self.grams))
        self.starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def _grams_of(self, items: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
        """The hash of each n-gram of each item, in order, and whose it is."""
        found: list[Hashes] = [np.zeros(0, dtype=np.uint64)]
        owners: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        for first in range(0, len(items), CHUNK):
            coded, lengths = self.coder.code(
                [self.measure.plain(text) for text in items[first : first + CHUNK]]
            )
            begins = np.cumsum(lengths + 1) - lengths - 1
            numbers = np.maximum(0, lengths - self.measure.n + 1)
            owner = np.repeat(np.arange(len(lengths)), numbers)
            within = np.arange(len(owner)) - np.repeat(np.cumsum(numbers) - numbers, numbers)
            found.append(rolling(coded, self.measure.n)[begins[owner] + within])
            owners.append(owner + first)
        return np.concatenate(found), np.concatenate(owners)

    def _templates(self, common: NDArray[np.bool_], owners: NDArray[np.int64]) -> list[int]:
        """Items that would be contaminated by their common n-grams alone; `common` is told for each n-gram of each item."""
        found, n = [], self.measure.n
        edges = np.flatnonzero(np.diff(owners)) + 1
        for flags, owned in zip(np.split(common, edges), np.split(owners, edges), strict=True):
            if flags.any():
                inside = np.convolve(flags.astype(np.int64), np.ones(n, dtype=np.int64)) > 0
                if self.measure.exceeds(int(inside.sum()), len(inside)):
                    found.append(int(owned[0]))
        return found
