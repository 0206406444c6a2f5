"""Files that people send over a browser or the API: kept in a folder while they are read, and read with every fault named."""

import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from governance.ledger.keepable import unkeepable
from governance.registry import importers
from governance.registry.importers import BadFile, Imported

WHOLE_FOLDER = {"model"}
"""Kinds whose files together are one folder; of the others the first file is the main one."""

log = logging.getLogger("charter.uploads")


def stored(file: Any, folder: Path) -> Path:
    """The uploaded file in `folder`, under its own name (Django has cut it down to a bare one). Raises OSError."""
    path = folder / str(file.name)
    with path.open("wb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    return path


def read(kind: str, paths: list[Path], meta: str | Mapping[str, Any]) -> Imported:
    """What the files say, together with `meta`, as YAML or JSON text or as named fields.

    Raises BadFile naming the file and the rule.
    """
    try:
        extra = fields(meta) if isinstance(meta, str) else dict(meta)
        if kind == "eval-suite":
            check_suite(paths, extra)
        found = importers.read(kind, main(kind, paths), extra)
    except BadFile:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # A stranger's file may hold anything; what it trips over in the reader is its fault until shown otherwise.
        log.warning("upload of a %s not readable", kind, exc_info=True)
        raise BadFile(f"The files and their metadata do not make a {kind}: {error}.") from error
    if fault := unkeepable(found.content):
        raise BadFile(f"The files and their metadata hold {fault}.")
    return found


def main(kind: str, paths: list[Path]) -> Path:
    """The folder, of a kind whose files are one unless a single text describes it; else the first file."""
    described = len(paths) == 1 and paths[0].suffix in {".yaml", ".yml", ".json"}
    return paths[0].parent if kind in WHOLE_FOLDER and not described else paths[0]


def fields(meta: str) -> dict[str, Any]:
    """The metadata as named fields. Raises BadFile."""
    found = parsed(meta, "meta") if meta.strip() else {}
    if not isinstance(found, dict):
        raise BadFile(f"The metadata must be named fields, not {type(found).__name__}.")
    return found


def parsed(text: str, name: str = "text") -> Any:
    """What YAML or JSON text says, fractions as they stand there. Raises BadFile."""
    with tempfile.TemporaryDirectory(prefix="charter-text-") as folder:
        path = Path(folder) / f"{name}{'.json' if is_json(text) else '.yaml'}"
        path.write_text(text, encoding="utf-8")
        try:
            return importers.parse_text(path)
        except (TypeError, ValueError, OverflowError) as error:
            # A date of the 31st of February, a mapping as a key: YAML's own constructors let these through.
            raise (
                error if isinstance(error, BadFile) else BadFile(f"The {name} cannot be read: {error}.")
            ) from error


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def check_suite(paths: list[Path], extra: dict[str, Any]) -> None:
    """Raise BadFile unless all that a suite names came with it: nothing else on this machine is read for it."""
    content = {**importers.mapping(paths[0]), **extra}
    if "items" in content:
        raise BadFile(
            "An uploaded suite brings its items files ready; `items:` works with manage.py register only."
        )
    tasks = content.get("tasks")
    names = {path.name for path in paths[1:]}
    for task in tasks if isinstance(tasks, list) else []:
        if isinstance(task, dict) and task.get("file") not in names:
            raise BadFile(
                f"A task names the items file {task.get('file')!r}, which is not among the uploaded files."
            )
