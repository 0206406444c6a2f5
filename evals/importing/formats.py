"""The formats that are imported, and which one a person's files are in."""

from collections.abc import Callable, Sequence
from pathlib import Path

from evals.importing import csv_log, inspect_log, lm_eval_log
from evals.importing.log import MOST_FILES, Log, document
from governance.registry.importers import BadFile

FORMATS: dict[str, Callable[[Sequence[Path]], Log]] = {
    "lm-eval": lm_eval_log.read,
    "inspect": inspect_log.read,
    "csv": csv_log.read,
}


def read(files: Sequence[Path], format: str | None = None) -> Log:
    """What the files say, in that format or in the one that their names and fields show. Raises BadFile."""
    if not 0 < len(files) <= MOST_FILES:
        raise BadFile(f"An import takes 1 to {MOST_FILES} files, these are {len(files)}.")
    if missing := [path.name for path in files if not path.is_file()]:
        raise BadFile(f"There is no file {missing[0]}.")
    if len({path.name for path in files}) < len(files):
        raise BadFile("Two of the files have the same name.")
    format = format or guessed(files)
    if format not in FORMATS:
        raise BadFile(f"There is no format {format!r}; formats are {', '.join(FORMATS)}.")
    return FORMATS[format](files)


def guessed(files: Sequence[Path]) -> str:
    """The format by the files' endings; of `.json` files alone, by their fields. Raises BadFile."""
    endings = {path.suffix for path in files}
    if endings == {".csv"}:
        return "csv"
    if ".eval" in endings:
        return "inspect"
    if endings <= {".json", ".jsonl"}:
        alone = endings == {".json"} and "eval" in document(files[0])
        return "inspect" if alone else "lm-eval"
    raise BadFile(f"The format of {files[0].name} does not show; say --format {', '.join(FORMATS)}.")
