"""Text that a deployment puts before every conversation."""

from typing import Literal

from governance.registry.kinds.base import Kind, KindContent, Text, shown


class Content(KindContent):
    text: Text
    language: str = "en"
    visibility: Literal["public", "internal"] = "public"


def summary(content: Content) -> list[tuple[str, str]]:
    return shown(length=f"{len(content.text):,} characters", language=content.language, visibility=content.visibility)


KIND = Kind("system-prompt", "System prompt", "System prompts", "system-prompt/1", Content, summary, group="policy-editor")
