"""Markdown from records as HTML that cannot act: no script, no raw HTML, no picture, no heading (pure)."""

from functools import cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "strong", "sub", "sup",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
MANY = 5_000
"""Opening brackets from which on a text is shown as it stands: looking for their ends takes time with the square of them."""
SCHEMES = {"http", "https", "mailto"}


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def render(text: str, anchor: str = "") -> str:
    """`text` (Markdown) as HTML with an allow-list of tags. Raw HTML shows as text; pictures leave their description, headings become paragraphs.

    Links within the document, `#id`, go to `#<anchor>id`, where the page puts its parts.
    """
    if text.count("[") > MANY:
        return f"<pre>{escape(text)}</pre>"
    parser = _markdown()
    tokens = parser.parse(text)
    for token in tokens:
        _mend(token.children or [], anchor)
    made = parser.renderer.render(_as_paragraphs(tokens), parser.options, {})
    return nh3.clean(
        made, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="nofollow noopener noreferrer"
    )


def _as_paragraphs(tokens: list[Token]) -> list[Token]:
    """The page's own headings make its outline, so those inside a text become paragraphs."""
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.type, token.tag = token.type.replace("heading", "paragraph"), "p"
    return tokens


def _mend(children: list[Token], anchor: str) -> None:
    """Point inner links to the page's anchors, name those called `?`, and leave of a picture what it shows in words."""
    for place, token in enumerate(children):
        if token.type == "image":
            token.type, token.content = "text", token.content or "picture"
        href: Any = token.attrGet("href") if token.type == "link_open" else None
        if isinstance(href, str) and href.startswith("#"):
            token.attrSet("href", f"#{anchor}{href[1:]}")
            below = children[place + 1] if place + 1 < len(children) else None
            if below is not None and below.content == "?":
                below.content = href[1:].replace("_", " ")
