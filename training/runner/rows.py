"""Dataset versions as the rows a trainer reads: columns renamed, plain prompts made conversations, formats not mixed."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from governance.registry.datasets import FORMATS, BadData, check_row, rows_of
from training.runner.failures import BadInput
from training.runner.job import JobInput

Row = dict[str, Any]
Shape = Callable[[Row], Row]


def read_rows(inputs: Sequence[JobInput], formats: Sequence[str]) -> tuple[str, list[Row]]:
    """(format, rows) of all the inputs together, in order, with the columns of the format alone.

    `formats` are those that the method can train on. Raises BadInput for any other, for a mix of several, and for a
    line that does not fit, named.
    """
    found = {str(item.content["format"]) for item in inputs}
    for item in inputs:
        if item.content["format"] not in formats:
            known = ", ".join(formats)
            raise BadInput(
                f"{item.subject} holds rows of format {item.content['format']}; this method reads {known}."
            )
    if not inputs:
        raise BadInput("The run names no dataset to train on.")
    if len(found) != 1:
        raise BadInput(
            f"The datasets have several formats ({', '.join(sorted(found))}); train on one format at a time."
        )
    rows = [row for item in inputs for row in _rows(item)]
    if not rows:
        raise BadInput(f"There are no rows to train on in {', '.join(item.subject for item in inputs)}.")
    return found.pop(), rows


def _rows(item: JobInput) -> Iterator[Row]:
    format, columns = item.content["format"], item.content.get("columns", {})
    path = item.files_at()
    try:
        for number, row in rows_of(path):
            named = {column: row.get(columns.get(column, column)) for column in FORMATS[format]}
            check_row(named, format, number, path.name)
            yield named
    except BadData as error:
        raise BadInput(f"{item.subject}: {error}.") from error


def conversation(row: Row) -> Row:
    """A prompt-completion row, of text or of messages, as one conversation."""
    return {"messages": _turns(row["prompt"], "user") + _turns(row["completion"], "assistant")}


def _turns(said: str | list[Row], role: str) -> list[Row]:
    return [{"role": role, "content": said}] if isinstance(said, str) else said
