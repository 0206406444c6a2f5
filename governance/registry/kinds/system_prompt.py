"""Text that a deployment puts before every conversation."""

from typing import Any, Literal

from pydantic import Field

from governance.registry.kinds.base import Kind, KindContent, Text, shown
from governance.registry.kinds.fields import Language, Line

HIDDEN = frozenset({"text", "channel"})


class Content(KindContent):
    text: Text
    """The prompt, word for word."""
    language: Language = "en"
    """BCP 47 tag."""
    channel: Line = ""
    """Where it is used, such as app, API or voice; empty for everywhere."""
    placeholders: list[Line] = Field(default_factory=list)
    """Names in the text that are filled in when it is used, such as the date."""
    visibility: Literal["public", "internal"] = "public"
    """Whether anybody may read the text."""
    reason: Line = ""
    """Why it is not public."""
    owner: Line = ""
    """Who answers for keeping it internal."""


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        length=f"{len(content.text):,} characters",
        language=content.language,
        channel=content.channel,
        visibility=content.visibility,
    )


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text of an internal prompt."""
    hidden = HIDDEN if content["visibility"] == "internal" else frozenset()
    return {name: value for name, value in content.items() if name not in hidden}


KIND = Kind(
    "system-prompt", "System prompt", "System prompts", "system-prompt/1", Content, summary,
    group="policy-editor", disclosed=disclosed,
)  # fmt: skip
