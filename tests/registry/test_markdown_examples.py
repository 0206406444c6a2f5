"""Worked examples in a guideline's Markdown: what is one, what it becomes, and what is refused with its line."""

import re

import pytest
from django.core.management import call_command

from governance.registry import kinds, lookup
from governance.registry.markdown import BadMarkdown, content
from tests.cast import gather

REST = {"purpose": "Pairs.", "task": "comparison"}
GUIDE = """# For raters

## Truth {#truth cites=no-harm}

Prefer what is true.

### Example: a sum {#sum}

Prompt: 1 + 1?
Response: 3, of course!

And proud of it.
Response:
```
Why: not a label in here
```
Preferred: 2
Why: The second is *right*,
and modest.

### Example {#rated}

Prompt: Say hello.
Response: Hello.
Rating: 5

## Example 2

Prompt: At the top.
"""


def test_they_become_examples_of_the_section_they_stand_in():
    found, notes = content("guideline", GUIDE)
    assert [part["id"] for part in found["sections"]] == ["truth"]
    assert found["sections"][0]["text"] == "Prefer what is true."
    assert found["examples"] == [
        {
            "id": "sum",
            "section": "truth",
            "prompt": "1 + 1?",
            "responses": ["3, of course!\n\nAnd proud of it.", "```\nWhy: not a label in here\n```"],
            "preferred": 2,
            "explanation": "The second is *right*,\nand modest.",
        },
        {"id": "rated", "section": "truth", "prompt": "Say hello.", "responses": ["Hello."], "label": "5"},
        {"id": "example_2", "prompt": "At the top."},
    ]
    assert notes == ["Line 27: the heading 'Example 2' has no id and is called example_2."]
    assert kinds.get("guideline").parse({**found, **REST}).examples[0].preferred == 2


@pytest.mark.parametrize(
    "text",
    [
        "## Example\n\nA section that tells of one.\n",
        "## Examples\n\nPrompt: Not named so.\n",
        "## For example\n\nPrompt: Neither.\n",
        "## Example\n\n```\nPrompt: only in code\n```\n",
    ],
)
def test_other_headings_stay_sections(text):
    found, _ = content("guideline", text)
    assert "examples" not in found
    assert len(found["sections"]) == 1


@pytest.mark.parametrize("kind", ["constitution", "policy"])
def test_other_kinds_have_none(kind):
    found, _ = content(kind, "## Example {#e}\n\nPrompt: A word.\n")
    assert "examples" not in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Response: Yes.\n", "line 5: the example 'e' has no 'Prompt:'"),
        ("Some text.\nPrompt: A?\n", "line 5: an example begins with 'Prompt:', this says 'Some text.'"),
        ("Prompt: A?\n\nPrompt: B?\n", "line 7: the example 'e' gives its 'Prompt' twice"),
        ("Prompt: A?\nWhy: x\nWhy: y\n", "line 7: the example 'e' gives its 'Why' twice"),
        ("Prompt: A?\nResponse:\nRating: 5\n", "line 6: 'Response' of the example 'e' says nothing"),
        ("Prompt: A?\nResponse: B\nPreferred: 2\n", "line 5: the example 'e' prefers response 2 of 1"),
        ("Prompt: A?\nPreferred: the first\n", "line 6: 'Preferred' of the example 'e' is the number of a response, not 'the first'"),
        ("Prompt: A?\nPreferred: 0\n", "line 6: 'Preferred' of the example 'e'"),
        ("Prompt: A?\n\n#### Deeper {#d}\n\nText.\n", "line 7: the heading 'Deeper' stands within the example 'e'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(text, says):
    with pytest.raises(BadMarkdown, match=re.escape(says)):
        content("guideline", f"## Truth {{#truth}}\n\n### Example {{#e}}\n\n{text}")


def test_an_example_carries_no_attributes():
    with pytest.raises(BadMarkdown, match="line 1: the example 'e' has an id and no 'cites'"):
        content("guideline", "### Example {#e cites=a}\n\nPrompt: A?\n")


@pytest.mark.django_db
def test_the_command_registers_them_and_names_the_line(tmp_path, capsys):
    gather()
    path, meta = tmp_path / "guide.md", tmp_path / "meta.yaml"
    path.write_text(GUIDE)
    meta.write_text("purpose: Pairs.\ntask: comparison\n")
    call_command("register", "guideline", "raters", str(path), "--meta", str(meta), "--as", "polly")
    assert len(lookup.find("guideline:raters").content["examples"]) == 3
    for text, rest, says in (
        (
            GUIDE.replace("Prompt: Say hello.\n", ""),
            "",
            "guide.md: line 23: the example 'rated' has no 'Prompt:'",
        ),
        (GUIDE, "examples: []\n", "The examples come from guide.md"),
    ):
        path.write_text(text)
        meta.write_text(f"purpose: Pairs.\ntask: comparison\n{rest}")
        with pytest.raises(SystemExit):
            call_command("register", "guideline", "raters", str(path), "--meta", str(meta), "--as", "polly")
        assert says in " ".join(capsys.readouterr().err.split())
