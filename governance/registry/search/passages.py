"""The passage of a text that shows why it was found (pure): pieces that are marked or not, never markup."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from governance.registry.search.words import Term, Word, words

LENGTH = 240
"""Characters of a passage."""
BEFORE = 60
MOST_SPANS = 40


class Piece(NamedTuple):
    text: str
    marked: bool


class Span(NamedTuple):
    start: int
    end: int
    term: int


def passage(text: str, terms: Sequence[Term]) -> list[Piece]:
    """The piece of `text` in which most of the terms stand, and the earliest of these; its beginning where none does."""
    spans = list(islice(_spans(text, terms), MOST_SPANS))
    first = max(spans, key=lambda span: len(_near(span, spans)), default=None)
    start = _start(text, first.start) if first else 0
    end = _end(text, start, first.end if first else 0)
    inside = [span for span in spans if start <= span.start and span.end <= end]
    return list(_pieces(text, start, end, inside))


def _spans(text: str, terms: Sequence[Term]) -> Iterator[Span]:
    newest: deque[Word] = deque(maxlen=max((len(term.words) for term in terms), default=1))
    for word in words(text):
        newest.append(word)
        for number, term in enumerate(terms):
            run = list(newest)[-len(term.words) :]
            if _is(term, [one.text for one in run]):
                yield Span(run[0].start, word.end, number)


def _is(term: Term, run: list[str]) -> bool:
    if len(run) < len(term.words) or tuple(run[:-1]) != term.words[:-1]:
        return False
    return run[-1].startswith(term.words[-1]) if term.prefix else run[-1] == term.words[-1]


def _near(first: Span, spans: list[Span]) -> set[int]:
    """Terms that stand in a passage beginning at `first`."""
    return {span.term for span in spans if first.start <= span.start < first.start + LENGTH - BEFORE}


def _start(text: str, match: int) -> int:
    """Some words before a match, between two words where there are gaps."""
    start = match - BEFORE
    return 0 if start <= 0 else max(start, text.find(" ", start, match) + 1)


def _end(text: str, start: int, at_least: int) -> int:
    end = start + LENGTH
    return len(text) if end >= len(text) else max(text.rfind(" ", at_least, end), at_least, end - BEFORE)


def _pieces(text: str, start: int, end: int, spans: list[Span]) -> Iterator[Piece]:
    place = start
    before = "… " if start else ""
    for span in spans:
        if span.start >= place:
            yield Piece(before + _flat(text[place : span.start]), False)
            yield Piece(_flat(text[span.start : span.end]), True)
            before, place = "", span.end
    yield Piece(before + _flat(text[place:end]) + (" …" if end < len(text) else ""), False)


def _flat(text: str) -> str:
    return text.replace("\n", " · ")
