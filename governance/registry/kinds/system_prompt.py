"""Text that a deployment puts before every conversation."""

from typing import Any, Literal

from governance.registry.kinds.base import Kind, KindContent, Text, shown


class Content(KindContent):
    text: Text
    language: str = "en"
    visibility: Literal["public", "internal"] = "public"


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(
        length=f"{len(content.text):,} characters", language=content.language, visibility=content.visibility
    )


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text of an internal prompt."""
    hidden = {"text"} if content["visibility"] == "internal" else set()
    return {name: value for name, value in content.items() if name not in hidden}


KIND = Kind(
    "system-prompt", "System prompt", "System prompts", "system-prompt/1", Content, summary,
    group="policy-editor", disclosed=disclosed,
)  # fmt: skip
