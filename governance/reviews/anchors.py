"""Where in a content a comment stands (pure): the whole, a part with an id, or a place by JSON pointer (RFC 6901)."""

import difflib
from collections.abc import Iterator
from typing import Any

LONGEST = 1000
MOST = 3


class UnknownAnchor(ValueError):
    """An anchor that names nothing in the content; the message names the nearest that do."""


def check(content: dict[str, Any], anchor: str) -> None:
    """Raise UnknownAnchor unless `anchor` is empty, a part's id, or a pointer to a place in `content`."""
    if not anchor:
        return
    if len(anchor) > LONGEST:
        raise UnknownAnchor(f"An anchor has at most {LONGEST} characters.")
    if anchor.startswith("/"):
        _follow(content, anchor)
    elif anchor not in (known := list(dict.fromkeys(ids(content)))):
        raise UnknownAnchor(f"Nothing here has the id {anchor!r}.{_nearest(anchor, known)}")


def ids(content: dict[str, Any]) -> Iterator[str]:
    """The ids of a content's parts, and of the headings that they stand under, in their order."""
    for value in content.values():
        for part in value if isinstance(value, list) else []:
            if isinstance(part, dict) and isinstance(part.get("id"), str):
                above = part.get("section")
                yield from (one for one in (above if isinstance(above, list) else []) if isinstance(one, str))
                yield part["id"]


def _follow(content: Any, pointer: str) -> None:
    here = ""
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        steps = _steps(content)
        if step not in steps:
            places = [f"{here}/{_written(one)}" for one in steps]
            raise UnknownAnchor(f"There is no {pointer!r} here.{_nearest(f'{here}/{token}', places)}")
        content = content[int(step)] if isinstance(content, list) else content[step]
        here = f"{here}/{token}"


def _steps(value: Any) -> dict[str, None]:
    if isinstance(value, list):
        return dict.fromkeys(str(place) for place in range(len(value)))
    return dict.fromkeys(value) if isinstance(value, dict) else {}


def _written(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _nearest(wanted: str, known: list[str]) -> str:
    near = difflib.get_close_matches(wanted[:200], known[:5000], n=MOST, cutoff=0.4) or known[:MOST]
    return f" Did you mean {' or '.join(near)}?" if near else ""
