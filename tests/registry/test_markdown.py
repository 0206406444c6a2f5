"""Markdown into parts with stable ids, and what is refused."""

import re

import pytest

from governance.registry import kinds, markdown
from governance.registry.markdown import BadMarkdown, content, slug

DEEP = [
    ">" * 200_000,
    "- " * 100_000,
    "[" * 200_000,
    "`" * 100_001 + "a",
    "|" * 100_000 + "\n" + "|-" * 50_000,
]
HOUSE = """# House rules

Be *brief*.

## Truth {#truth authority=root motive=norm}

Say what is **true**.

### Sources {#sources authority=guideline tags=web,press}

Name them.

## Kindness

> ## no heading
> in a quote

```
## nor in code {#code}
```
"""


def parts(text: str, kind: str = "policy") -> dict[str, dict]:
    found, _ = content(kind, text)
    return {part["id"]: part for part in found[markdown.PARTS[kind]]}


def test_title_preamble_parts_and_their_attributes():
    found, notes = content("policy", HOUSE)
    assert (found["title"], found["preamble"]) == ("House rules", "Be *brief*.")
    assert found["rules"][0] == {
        "id": "truth", "heading": "Truth", "section": "", "text": "Say what is **true**.", "authority": "root",
        "motive": "norm",
    }  # fmt: skip
    assert parts(HOUSE)["sources"]["section"] == "truth"
    assert parts(HOUSE)["sources"]["tags"] == ["web", "press"]
    assert notes == ["Line 13: the heading 'Kindness' has no id and is called kindness."]


def test_headings_in_quotes_and_code_are_text():
    assert list(parts(HOUSE)) == ["truth", "sources", "kindness"]
    assert parts(HOUSE)["kindness"]["text"].startswith("> ## no heading")
    assert parts(HOUSE)["kindness"]["text"].endswith("## nor in code {#code}\n```")


@pytest.mark.parametrize("kind", markdown.PARTS)
def test_what_is_read_is_valid_once_the_rest_is_given(kind):
    rest = {"policy": {"type": "behaviour"}, "guideline": {"purpose": "Pairs.", "task": "comparison"}}
    text = HOUSE if kind != "guideline" else "# House\n\n## Truth {#truth cites=no-harm,help}\n\nYes.\n"
    found = kinds.get(kind).parse({**content(kind, text)[0], **rest.get(kind, {})})
    assert found.title


def test_a_constitution_has_no_principle_without_words():
    text = "# Ours\n\n## Group {#group}\n\n### Be kind {#kind}\n\n### Be true\n\nAlways.\n"
    assert [(one["id"], one["section"], one["text"]) for one in parts(text, "constitution").values()] == [
        ("kind", "group", "Be kind"),
        ("be_true", "group", "Always."),
    ]


def test_a_first_heading_with_an_id_or_company_is_no_title():
    assert list(parts("# One {#one}\n\n## Two\n\ntext\n")) == ["one", "two"]
    found, _ = content("policy", "# One\n\na\n\n# Two\n\nb\n")
    assert "title" not in found
    assert [rule["id"] for rule in found["rules"]] == ["one", "two"]


def test_ids_made_from_text_are_unique_and_never_take_a_given_one():
    text = "# T\n\n## Truth\n\na\n\n## Truth\n\nb\n\n## Other {#truth}\n\nc\n"
    assert list(parts(text)) == ["truth_2", "truth_3", "truth"]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("Don't lie!", "dont_lie"),
        ("Naïve café", "naive_cafe"),
        ("1. First", "section_1_first"),
        ("обещание", "section"),
        ("Аvoid", "void"),
        ("x" * 200, "x" * 70),
        ("", "section"),
    ],
)
def test_ids_are_ascii(text, made):
    assert slug(text) == made


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no heading below its title"),
        ("# Only a title\n\ntext\n", "has no heading below its title"),
        ("## A {#аvoid}\n", "line 1: the id 'аvoid' is not made of a-z"),
        ("## A {#Avoid}\n", "line 1: the id 'Avoid' is not made of a-z"),
        ("## A {#1}\n", "line 1: the id '1'"),
        ("## A {#a}\n\nx\n\n## B {#a}\n", "line 5: the id 'a' was given in line 1 already"),
        ("## A {#a colour=red}\n", "line 1: there is no attribute 'colour'"),
        ("## A {#a authority=root authority=user}\n", "gives its authority twice"),
        ("## A {#a authority}\n", "'#a authority' cannot be read"),
        ('## A {#a reason="open}\n', "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text, says):
    with pytest.raises(BadMarkdown, match=re.escape(says)):
        content("policy", text)


def test_quoted_attributes_may_hold_spaces():
    rule = parts('## A {#a visibility=internal reason="legal review" owner="the board"}\n\nquiet\n')["a"]
    assert (rule["reason"], rule["owner"]) == ("legal review", "the board")


def test_braces_that_are_no_attributes_stay_in_the_heading():
    assert [one["heading"] for one in parts("## Set {x, y}\n\n## Say {}\n").values()] == [
        "Set {x, y}",
        "Say {}",
    ]


def test_other_line_ends_and_setext_headings_are_read():
    assert list(parts("Rules\r\n=====\r\n\r\nFirst {#one}\r\n-----\r\n\r\ntext\r\n")) == ["one"]


def test_a_document_of_ten_megabytes_is_refused_at_once():
    with pytest.raises(BadMarkdown, match="longer than 4 MiB"):
        content("policy", "## A\n\n" + "word " * 2_000_000)


@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:6].strip())
def test_deep_nesting_neither_hangs_nor_recurses(text):
    found, _ = content("policy", f"## A {{#a}}\n\n{text}\n")
    assert found["rules"][0]["id"] == "a"


def test_script_and_html_stay_text():
    text = "## A {#a}\n\n<script>alert(1)</script>\n\n<h2>no heading</h2>\n"
    assert parts(text)["a"]["text"] == "<script>alert(1)</script>\n\n<h2>no heading</h2>"
