"""Whatever somebody registered, a card shows it as text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from governance.cards import escaping

MARKDOWN = MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable("table")
NASTY = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "a | b\n| --- | --- |\n# Heading\n\n> quote",
    "`code` *bold* __under__ ~~gone~~ $math$",
    "&lt;b&gt; &#x3c;",
    "[^e1]: not a footnote[^e2]",
    "https://evil.example www.evil.example a@evil.example @everyone",
    "---\nlicense: mit\n---",
    "\u202eright to left\u2066 zero\u200bwidth",
    "\\*already escaped\\*",
    "- list\n1. list\n    code",
    "Zażółć gęślą jaźń 日本語 عربى 🎉",
]
anything = st.one_of(
    st.sampled_from(NASTY), st.text(st.characters(blacklist_categories=("Cs",)), max_size=60)
)


def spoken(markdown):
    """The text of a one-item list, and the kinds of tokens that are not text."""
    tokens = MARKDOWN.parse(f"- label: {markdown}\n")
    inline = [child for token in tokens for child in token.children or []]
    return "".join(child.content for child in inline), {child.type for child in inline} - {
        "text",
        "text_special",
    }


@given(anything)
def test_text_renders_as_itself_and_nothing_else(value):
    words, markup = spoken(escaping.text(value))
    assert markup == set()
    flat = " ".join(escaping.visible(value).split())
    assert words.removeprefix("label:").strip() == flat


@pytest.mark.parametrize("value", NASTY)
def test_text_makes_no_web_link(value):
    escaped = escaping.text(value)
    assert not re.search(r"(?<!\\)://", escaped)
    assert not re.search(r"(?<!\\)[<`@[|]", escaped)


@given(anything)
def test_a_cell_stays_one_cell(value):
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {escaping.text(value)} | end |\n")
    assert [token.type for token in tokens].count("td_open") == 2
    assert [token.content for token in tokens if token.type == "inline"][-1] == "end"


@given(
    st.lists(st.sampled_from(["```", "````", "~~~", "text", "# no heading", "</code>", ""]), min_size=1).map(
        "\n".join
    )
)
def test_a_block_is_closed_by_nothing_inside_it(value):
    tokens = MARKDOWN.parse(escaping.block(value) + "\n\nafter\n")
    assert [token.type for token in tokens][:1] == ["fence"]
    assert tokens[0].content == value + "\n"
    assert tokens[-2].content == "after"


def test_digests_and_subjects_are_code_and_other_text_is_not():
    digest = "ab" * 32
    assert escaping.name(digest) == f"`{digest}`"
    assert escaping.name("model:tuned@1") == "`model:tuned@1`"
    assert escaping.name("model:tuned@1 `x`") == "model:tuned\\@1 \\`x\\`"
    assert escaping.short(digest) == "`abababababab…`"
