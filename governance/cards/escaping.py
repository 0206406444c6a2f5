"""Text from records, made harmless: nothing that somebody registered may become markup of a card (pure)."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$!^@])")
_LINK = re.compile(r"(?i)(://|\bwww\.)")
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_CODE = re.compile(r"[0-9a-f]{64}|[a-z-]+:[a-z0-9][a-z0-9._-]*@[0-9]+")
SHORT = 12


def text(value: str) -> str:
    """`value` on one line as Markdown text that renders as itself: no markup, no HTML, no web link.

    Characters that nobody sees but that reorder or hide others are shown by their number.
    """
    flat = " ".join(visible(value).split())
    escaped = _MARKUP.sub(r"\\\1", flat)
    return _LINK.sub(lambda match: match[1].replace(":", "\\:").replace(".", "\\."), escaped)


def visible(value: str) -> str:
    """`value` with control and direction characters written as `U+202E`."""
    return _INVISIBLE.sub(lambda match: f"U+{ord(match[0]):04X}", value)


def name(value: str) -> str:
    """A digest or a subject as code, all else as text."""
    return f"`{value}`" if _CODE.fullmatch(value) else text(value)


def short(value: str) -> str:
    """As `name`, with only the beginning of a digest: for narrow columns beside the whole one elsewhere."""
    return f"`{value[:SHORT]}…`" if re.fullmatch(r"[0-9a-f]{64}", value) else name(value)


def block(value: str) -> str:
    """Text of several lines, word for word, as a code block that nothing inside can close."""
    longest = max((len(run) for run in re.findall(r"`+", value)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible(value)}\n{fence}"
