"""Formats of rows: TRL's, HH-RLHF's transcripts, K-wise rankings and evaluation items; recognised by columns, checked row by row."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from governance.registry.datasets.faults import BadData, place
from governance.registry.datasets.transcripts import OPENING, split_conversations, split_transcripts

FORMATS: dict[str, tuple[str, ...]] = {
    "ranking": ("prompt", "responses", "ranks"),
    "unpaired-preference": ("prompt", "completion", "label"),
    "preference": ("prompt", "chosen", "rejected"),
    "messages": ("messages",),
    "prompt-completion": ("prompt", "completion"),
    "implicit-preference": ("chosen", "rejected"),
    "hh-rlhf": ("chosen", "rejected"),
    "items": ("id", "prompt"),
    "prompt-only": ("prompt",),
    "text": ("text",),
}
"""Format → columns that each of its rows has, most demanding first."""

OPTIONAL: dict[str, tuple[str, ...]] = {
    "unpaired-preference": ("tools",),
    "preference": ("tools",),
    "messages": ("tools",),
    "prompt-completion": ("tools",),
    "implicit-preference": ("tools",),
    "items": ("target",),
    "prompt-only": ("target", "tools"),
}
"""Format → columns that its rows may have and that are read where they stand."""

Row = Mapping[str, Any]
Check = Callable[[Row], bool]
"""Whether the row's texts are conversations; raises ValueError in words for what does not fit."""


def recognise(row: Row, number: int, name: str) -> str:
    """The format of a row, by its columns. Raises BadData naming the columns and what is known."""
    for found, needed in FORMATS.items():
        if all(column in row for column in needed):
            return _pairs(row, number, name) if "chosen" in needed else found
    known = "; ".join(f"{found}: {', '.join(needed)}" for found, needed in FORMATS.items())
    raise BadData(
        f"{place(number, name)} has the columns {', '.join(sorted(row)) or '(none)'}, which is no known format ({known}). "
        "Name the columns with `columns:` in the metadata, such as {prompt: question, completion: answer}"
    )


def _pairs(row: Row, number: int, name: str) -> str:
    """Which kind of preference pair. A prompt of text beside whole conversations repeats their first turn (as TRL reads it)."""
    if isinstance(row["chosen"], list):
        return "preference" if isinstance(row.get("prompt"), list) else "implicit-preference"
    if "prompt" in row:
        return "preference"
    if isinstance(row["chosen"], str) and row["chosen"].startswith(OPENING):
        return "hh-rlhf"
    raise BadData(
        f"{place(number, name)} has 'chosen' and 'rejected' as text without a 'prompt': add that column, or write both as "
        f"conversations or as transcripts that begin with {OPENING!r}"
    )


def check_row(row: Row, format: str, number: int, name: str) -> bool:
    """Whether the row's texts are conversations. Raises BadData unless it has the format's columns with the right things in them."""
    check_columns(row, format, number, name)
    return check_values(row, format, number, name)


def check_columns(row: Row, format: str, number: int, name: str) -> None:
    """Raise BadData unless the row has the format's columns."""
    for column in FORMATS[format]:
        if column not in row:
            raise BadData(f"{place(number, name)} has no {column!r}, but the file's format is {format}")


def check_values(row: Row, format: str, number: int, name: str) -> bool:
    """As `check_row`, for a row that is known to have the columns."""
    try:
        return _CHECKS[format](row)
    except ValueError as error:
        raise BadData(f"{place(number, name)}: {error}") from error


def _text(row: Row) -> bool:
    if type(row["text"]) is not str:
        raise ValueError("'text' is no text")
    return False


def _messages(row: Row) -> bool:
    if type(row["messages"]) is not list:
        raise ValueError("'messages' is no list of messages with role and content")
    _check_turns("messages", row["messages"])
    _check_tools(row)
    return True


def _said(*columns: str) -> Check:
    """A check that these columns are all text, or all conversations."""

    def check(row: Row) -> bool:
        spoken = type(row[columns[0]]) is list
        for column in columns:
            value = row[column]
            if spoken and type(value) is list:
                _check_turns(column, value)
            elif spoken or type(value) is not str:
                raise ValueError(_unlike(column, value, columns[0], spoken))
        _check_tools(row)
        return spoken

    return check


def _unlike(column: str, value: object, first: str, spoken: bool) -> str:
    if type(value) in (str, list) and column != first:
        is_, was = ("text", "a list of messages") if spoken else ("a list of messages", "text")
        return f"{column!r} is {is_}, and {first!r} is {was}"
    return f"{column!r} is neither text nor a list of messages with role and content"


def _check_turns(column: str, turns: list[Any]) -> None:
    if not turns:
        raise ValueError(f"{column!r} is an empty list of messages")
    for turn in turns:
        # The common case first: this runs once for each message of millions of rows.
        if type(turn) is dict and type(turn.get("role")) is str and type(turn.get("content")) is str:
            if "tool_calls" not in turn:
                continue
        elif not (type(turn) is dict and type(turn.get("role")) is str and _only_calls(turn)):
            raise ValueError(f"{column!r} is neither text nor a list of messages with role and content")
        _check_calls(column, turn["tool_calls"])


def _only_calls(turn: dict[str, Any]) -> bool:
    """An assistant that calls a tool need not say anything."""
    return turn.get("content") is None and bool(turn.get("tool_calls"))


def _check_calls(column: str, calls: object) -> None:
    if calls is None:
        return
    if type(calls) is not list or not all(_is_call(call) for call in calls):
        raise ValueError(f"{column!r} has `tool_calls` that are no list of {{function: {{name, arguments}}}}")


def _is_call(call: object) -> bool:
    function = call.get("function", call) if type(call) is dict else None
    return (
        type(function) is dict
        and type(function.get("name")) is str
        and isinstance(function.get("arguments"), str | dict | None)
    )


def _check_tools(row: Row) -> None:
    tools = row.get("tools")
    if type(tools) is str:
        try:
            tools = json.loads(tools)
        except ValueError as error:
            raise ValueError("'tools' is text that is not JSON") from error
    if tools is not None and not (type(tools) is list and all(type(tool) is dict for tool in tools)):
        raise ValueError("'tools' is no list of function descriptions (objects), nor JSON text of one")


_prompt_and_completion = _said("prompt", "completion")
_prompt = _said("prompt")


def _unpaired(row: Row) -> bool:
    if type(row["label"]) is not bool:
        raise ValueError("'label' is neither true nor false (in CSV every cell is text; use JSON Lines)")
    return _prompt_and_completion(row)


def _items(row: Row) -> bool:
    if type(row["id"]) not in (str, int):
        raise ValueError("'id' is neither text nor a whole number")
    return _prompt(row)


def _implicit(row: Row) -> bool:
    for column in ("chosen", "rejected"):
        if type(row[column]) is not list:
            raise ValueError(
                f"{column!r} is no list of messages, but the file's format is implicit-preference"
            )
        _check_turns(column, row[column])
    split_conversations(row["chosen"], row["rejected"])
    _check_tools(row)
    return True


def _transcripts(row: Row) -> bool:
    for column in ("chosen", "rejected"):
        if type(row[column]) is not str:
            raise ValueError(f"{column!r} is no text, but the file's format is hh-rlhf")
    split_transcripts(row["chosen"], row["rejected"])
    return True


def _ranking(row: Row) -> bool:
    responses, ranks = row["responses"], row["ranks"]
    if type(responses) is not list or len(responses) < 2:
        raise ValueError("'responses' is no list of at least two answers")
    if type(ranks) is not list or not all(type(rank) is int for rank in ranks):
        raise ValueError("'ranks' is no list of whole numbers (1 is the best; equal numbers are ties)")
    if len(ranks) != len(responses):
        raise ValueError(f"there are {len(responses)} responses and {len(ranks)} ranks")
    names = [f"responses[{place}]" for place in range(len(responses))]
    return bool(
        _said("prompt", *names)({"prompt": row["prompt"], **dict(zip(names, responses, strict=True))})
    )


_CHECKS: dict[str, Check] = {
    "ranking": _ranking,
    "unpaired-preference": _unpaired,
    "preference": _said("prompt", "chosen", "rejected"),
    "messages": _messages,
    "prompt-completion": _prompt_and_completion,
    "implicit-preference": _implicit,
    "hh-rlhf": _transcripts,
    "items": _items,
    "prompt-only": _prompt,
    "text": _text,
}
