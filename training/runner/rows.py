"""Dataset versions as the rows a trainer reads: columns renamed, prompts taken out of pairs, formats not mixed."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from governance.registry.datasets import FORMATS, OPTIONAL, BadData, check_row, renamed, rows_of
from governance.registry.datasets.transcripts import Pair, alternating, split_conversations, split_transcripts
from training.runner.failures import BadInput
from training.runner.job import JobInput

Row = dict[str, Any]
Shape = Callable[[Row], Row]

READ_AS = {"implicit-preference": "preference", "hh-rlhf": "preference"}
"""Format of a file → format of the rows that are made of it; the others stay what they are."""


def read_rows(inputs: Sequence[JobInput], formats: Sequence[str]) -> tuple[str, list[Row]]:
    """(format, rows) of all the inputs together, in order, with the columns of the format alone.

    `formats` are those that the method can train on; pairs with an implicit prompt and HH-RLHF's transcripts come as
    conversational `preference`. Raises BadInput for any other, for a mix of several, and for a line that does not fit, named.
    """
    if not inputs:
        raise BadInput("The run names no dataset to train on.")
    found = {_format(item, formats) for item in inputs}
    if len(found) != 1:
        raise BadInput(
            f"The datasets have several formats ({', '.join(sorted(found))}); train on one format at a time."
        )
    rows = [row for item in inputs for row in rows_in(item)]
    if not rows:
        raise BadInput(f"There are no rows to train on in {', '.join(item.subject for item in inputs)}.")
    return found.pop(), rows


def _format(item: JobInput, formats: Sequence[str]) -> str:
    format = str(item.content["format"])
    if READ_AS.get(format, format) not in formats:
        raise BadInput(
            f"{item.subject} holds rows of format {format}; this method reads {', '.join(readable(formats))}."
        )
    return READ_AS.get(format, format)


def readable(formats: Sequence[str]) -> list[str]:
    """`formats` and those that are read as one of them."""
    return [*formats, *(format for format, becomes in READ_AS.items() if becomes in formats)]


def rows_in(item: JobInput) -> Iterator[Row]:
    """The rows of one dataset, one at a time, with the columns of the format that they are read as. Raises BadInput."""
    return (read for _, read in both(item))


def both(item: JobInput) -> Iterator[tuple[Row, Row]]:
    """(row as it stands in the file, row as `rows_in` gives it). Raises BadInput."""
    format, columns = item.content["format"], item.content.get("columns", {})
    path = item.files_at()
    try:
        for number, row in rows_of(path):
            named = renamed(row, columns)
            check_row(named, format, number, path.name)
            yield row, _SHAPES.get(format, _same)(_known(named, format))
    except BadData as error:
        raise BadInput(f"{item.subject}: {error}.") from error


def _known(row: Row, format: str) -> Row:
    """The columns of the format, and of the optional ones those that the row fills."""
    optional = {column: row[column] for column in OPTIONAL.get(format, ()) if row.get(column) is not None}
    if "tools" in optional and not isinstance(optional["tools"], str):
        # As text: Arrow would give every tool the parameters of all the others, empty.
        optional["tools"] = json.dumps(optional["tools"], ensure_ascii=False)
    return {column: row[column] for column in FORMATS[format]} | optional


def _same(row: Row) -> Row:
    return row


def _prompted(format: str) -> Shape:
    def shape(row: Row) -> Row:
        pair = Pair(*map(alternating, pair_in(row, format))) if format == "hh-rlhf" else pair_in(row, format)
        return {**row, **pair._asdict()}

    return shape


def pair_in(row: Row, format: str) -> Pair:
    """Prompt and answers of a pair whose prompt is implicit, turn by turn as they were written. Raises ValueError."""
    split = split_transcripts if format == "hh-rlhf" else split_conversations
    return split(row["chosen"], row["rejected"])


_SHAPES: dict[str, Shape] = {format: _prompted(format) for format in READ_AS}


def conversation(row: Row) -> Row:
    """A prompt-completion row, of text or of messages, as one conversation."""
    tools = {"tools": row["tools"]} if "tools" in row else {}
    return {"messages": _turns(row["prompt"], "user") + _turns(row["completion"], "assistant"), **tools}


def _turns(said: str | list[Row], role: str) -> list[Row]:
    return [{"role": role, "content": said}] if isinstance(said, str) else said
