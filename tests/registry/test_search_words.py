"""Words, queries and passages, without a database."""

import unicodedata

import pytest

from governance.registry.search.passages import LENGTH, passage
from governance.registry.search.words import BadQuery, Term, folded, terms, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Privacy — don't max_steps=0.5", ["privacy", "don", "t", "max", "steps", "0", "5"]),
        ("Ünïcode u\u0308ber Straße ﬁne x²", ["unicode", "uber", "strasse", "fine", "x2"]),
        ("ΣΊΣΥΦΟΣ Ёлка", ["σισυφοσ", "елка"]),
        ("מוּסָר مُحَمَّد", ["מוסר", "محمد"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("模型评估 RLHF", ["模", "型", "评", "估", "rlhf"]),
        ("データ ﾃﾞｰﾀ", ["デ", "ー", "タ", "デ", "ー", "タ"]),
        ("ภาษาที่", ["ภ", "า", "ษ", "า", "ที่"]),
        ("a" * 60, ["a" * 40]),
        ("🤖 ++ -- _", []),
    ],
)
def test_words_are_folded_and_cut_by_their_script(text, expected):
    # Folding leaves words decomposed.
    assert folded(text) == [word.text for word in words(text)]
    assert folded(text) == [unicodedata.normalize("NFKD", word) for word in expected]


def test_a_word_knows_its_place_in_the_text():
    text = "— Straße 模型"
    assert [text[word.start : word.end] for word in words(text)] == ["Straße", "模", "型"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("two words", [Term(("two",)), Term(("words",), prefix=True)]),
        ('C++ "x', [Term(("c",)), Term(("x",), prefix=True)]),
        ("no-harm", [Term(("no", "harm"), prefix=True)]),
        ("a OR b NOT (c* : ^d", [Term((w,)) for w in ("a", "or", "b", "not", "c")] + [Term(("d",), True)]),
        ("模型", [Term(("模", "型"), prefix=True)]),
        ("  ", []),
    ],
)
def test_a_query_is_words_and_nothing_is_an_operator(query, expected):
    assert terms(query) == expected


@pytest.mark.parametrize(
    ("query", "said"), [("a\0b", "NUL"), ("x" * 10_240, "10,240"), ('"++"', "letters or digits")]
)
def test_what_nobody_can_look_for_is_refused(query, said):
    with pytest.raises(BadQuery, match=said):
        terms(query)


def marked(text: str, query: str) -> list[str]:
    return [piece.text for piece in passage(text, terms(query)) if piece.marked]


def joined(text: str, query: str) -> str:
    return "".join(piece.text for piece in passage(text, terms(query)))


def test_a_passage_marks_what_was_looked_for_as_it_was_written():
    assert marked("The Straße is no STRASSE.", "strasse") == ["Straße", "STRASSE"]
    assert marked("Models, modelling, remodel", "mod") == ["Models", "modelling"]
    assert marked("no harm, but harm-no; no-harm", "no-harm") == ["no harm", "no-harm"]
    assert marked("这个模型是大模", "模型") == ["模型"]


def test_a_passage_is_the_text_again_and_short():
    assert joined("A short text.", "text") == "A short text."
    long = "word " * 500 + "needle " + "word " * 500
    told = joined(long, "needle")
    assert told.startswith("… word")
    assert told.endswith(" …")
    assert "needle" in told
    assert len(told) <= LENGTH + 4


def test_a_passage_is_where_most_of_the_words_stand():
    text = "alpha " + "x " * 400 + "beta " + "y " * 400 + "alpha and beta"
    assert marked(text, "alpha beta") == ["alpha", "beta"]


def test_a_text_in_which_nothing_is_found_shows_its_beginning():
    assert joined("Only the name matched.", "zebra") == "Only the name matched."
    assert joined("", "zebra") == ""


def test_markup_in_a_text_stays_text():
    assert passage("<b>bold</b>", terms("bold"))[0].text == "<b>"
