"""The manual as data: its pages, their fenced blocks, and the files that they tell a reader to write."""

import re
from typing import NamedTuple

from tests.docs.generated import ROOT

FENCE = re.compile(
    r"(?:^`(?P<name>[\w.-]+)`\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


class Block(NamedTuple):
    """A fenced block. `name` is the file that it is to be saved as, empty for commands and examples."""

    language: str
    text: str
    name: str


def pages() -> dict[str, str]:
    """Every page that users read: path from the root → text."""
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}


def blocks(page: str, after: str = "") -> list[Block]:
    """The fenced blocks of a page, in order; only those below the heading `after` when it is given."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = text[text.index(f"\n{after}\n") :] if after else text
    return [Block(found["language"], found["text"], found["name"] or "") for found in FENCE.finditer(text)]


def commands(page: str, after: str = "") -> list[str]:
    return [block.text for block in blocks(page, after) if block.language == "bash"]
