"""From files on disk to the content of a version: one function per kind of file, the rest of the kinds from YAML or JSON."""

import errno
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from governance.ledger.canonical import CanonicalError, loads
from governance.registry import datasets, kinds, markdown, rows, weights
from governance.registry.blobs import digest_file


class BadFile(ValueError):
    """A file that cannot be registered. The message names it and the rule."""


class Imported(NamedTuple):
    content: dict[str, Any]
    files: dict[str, Path]
    title: str
    notes: tuple[str, ...] = ()
    """What the reader decided by itself, such as the id of a heading that had none."""


class _Exact(yaml.SafeLoader):
    """YAML whose fractions stay as they were written, without aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None, None, "aliases (*name) are not read; write the value out", mark
            )
        return super().compose_node(parent, index)


AS_WRITTEN = {"tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp"}
"""Fractions and dates stay the text that stands in the file."""
_Exact.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag not in AS_WRITTEN]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_text(path: Path) -> Any:
    """What a YAML or JSON file says, with fractions as the text that stands there. Raises BadFile with the line."""
    try:
        text = path.read_text(encoding="utf-8")
        return loads(text) if path.suffix == ".json" else yaml.load(text, Loader=_Exact)  # noqa: S506
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is not UTF-8 (byte {error.start}).") from error
    except (CanonicalError, yaml.YAMLError) as error:
        raise BadFile(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise BadFile(f"{path.name} is nested too deeply.") from error
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error


def mapping(path: Path) -> dict[str, Any]:
    found = parse_text(path)
    if not isinstance(found, dict):
        raise BadFile(
            f"{path.name} must hold named fields, not {type(found).__name__ if found is not None else 'nothing'}."
        )
    return found


def read(kind: str, path: Path, meta: dict[str, Any]) -> Imported:
    """Content, files and title of a new version of `kind` from the file or folder at `path` and what `meta` adds.

    Raises UnknownKind, BadFile; the content itself is validated when it is registered.
    """
    kinds.get(kind)
    if not path.exists():
        raise BadFile(f"{path} does not exist.")
    meta = dict(meta)
    title = "" if "title" in kinds.get(kind).content.model_fields else str(meta.pop("title", ""))
    notes: tuple[str, ...] = ()
    try:
        if kind in markdown.PARTS and path.suffix in MARKDOWN:
            content, files, notes = _markdown(kind, path, meta)
        else:
            content, files = _READERS.get(kind, _plain)(path, meta)
    except (datasets.BadData, weights.BadModel) as error:
        raise BadFile(f"{str(error).rstrip('.')}.") from error
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.EISDIR, errno.EACCES, errno.ENOTDIR}:
            raise
        raise BadFile(f"{error.filename or path} cannot be read: {error.strerror}.") from error
    return Imported(content, files, title or str(content.get("title", "")), notes)


MARKDOWN = {".md", ".markdown"}
Read = tuple[dict[str, Any], dict[str, Path]]


class _Scratch:
    """Temporary files that live as long as this process."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def new(self, name: str) -> Path:
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="charter-items-")
        return Path(tempfile.mkdtemp(dir=self._folder.name)) / name


SCRATCH = _Scratch()


def _plain(path: Path, meta: dict[str, Any]) -> Read:
    return {**mapping(path), **meta}, {}


def _dataset(path: Path, meta: dict[str, Any]) -> Read:
    if path.suffix in DESCRIBED:
        return _described(path, meta)
    columns, format = meta.get("columns", {}), meta.pop("format", None)
    if not isinstance(columns, dict) or not all(
        isinstance(name, str) for pair in columns.items() for name in pair
    ):
        raise BadFile(
            "`columns` maps the format's column names to those in the file, such as {prompt: question}."
        )
    if format is not None and format not in datasets.FORMATS:
        raise BadFile(f"`format` is one of {', '.join(datasets.FORMATS)}, not {format!r}.")
    found = datasets.inspect(path, columns=columns, format=format)
    sha256, size = digest_file(path)
    rows.keep_index(sha256, path, found.offsets)
    content = {
        **meta,
        "format": found.format,
        "conversational": found.conversational,
        "rows": found.rows,
        "rows_digest": found.rows_digest,
        "files": [{"path": path.name, "size": size, "sha256": sha256}],
    }
    return content, {path.name: path}


DESCRIBED = {".yaml", ".yml"}
"""Endings of files that describe a dataset whose rows lie elsewhere."""


def _described(path: Path, meta: dict[str, Any]) -> Read:
    content = {**mapping(path), **meta}
    if content.get("held") != "elsewhere":
        raise BadFile(
            f"{path.name} holds no rows. Name the file that does (.jsonl, .jsonl.gz, .csv or .parquet) and give this one as its "
            "metadata; or say `held: elsewhere`, if the rows are not here."
        )
    return content, {}


def _markdown(
    kind: str, path: Path, meta: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Path], tuple[str, ...]]:
    """A document whose headings are its parts; `meta` adds the rest, and its title wins."""
    parts = markdown.PARTS[kind]
    if parts in meta:
        raise BadFile(f"The {parts} come from {path.name}; leave `{parts}` out of the metadata.")
    if path.stat().st_size > markdown.MAX_BYTES:
        raise BadFile(f"{path.name} is longer than {markdown.MAX_BYTES // 2**20} MiB.")
    try:
        content, notes = markdown.content(kind, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is not UTF-8 (byte {error.start}).") from error
    except markdown.BadMarkdown as error:
        raise BadFile(f"{path.name}: {error}.") from error
    if "examples" in content and "examples" in meta:
        raise BadFile(f"The examples come from {path.name}; leave `examples` out of the metadata.")
    return {**content, **meta}, {}, tuple(notes)


def _model(path: Path, meta: dict[str, Any]) -> Read:
    """A folder: copied, or with `held: manifest` known by its hashes alone. A YAML or JSON: weights held elsewhere, or an endpoint."""
    if not path.is_dir():
        if path.suffix not in {".yaml", ".yml", ".json"}:
            raise BadFile(
                f"{path.name} is no folder; a model is a folder with config.json, tokenizer.json and *.safetensors, "
                "or a YAML that names weights held elsewhere or an `endpoint`."
            )
        told = {**mapping(path), **meta}
        return _with_gaps({"held": "endpoint" if told.get("endpoint") else "elsewhere", **told}), {}
    if meta.get("held") == "manifest":
        listed = weights.manifest(path)
        return _with_gaps({"origin": "imported", **meta, **weights.outline(path), "manifest": listed}), {}
    content = {"origin": "imported", **meta, **weights.describe(path), "files": weights.manifest(path)}
    return _with_gaps(content), {entry["path"]: path / entry["path"] for entry in content["files"]}


WHY_NO_DIGEST = {
    "manifest": ("not_applicable", "The files are known by their hashes alone and are never opened."),
    "elsewhere": ("not_applicable", "The weights are not held here."),
    "endpoint": ("undisclosed", "The model is asked at an address; which weights answer there is not told."),
}


def _with_gaps(content: dict[str, Any]) -> dict[str, Any]:
    """`content` with a gap for what a model from outside leaves unsaid: what went into it, and the digest of its weights."""
    gaps = content.get("gaps", [])
    if not isinstance(gaps, list):
        return content
    named = [gap.get("field") for gap in gaps if isinstance(gap, dict)]
    missing = []
    if content.get("origin") != "post-trained" and not content.get("built_from"):
        missing.append(("built_from", "undisclosed", "Nothing was said of it when the model was registered."))
    why = WHY_NO_DIGEST.get(str(content.get("held")))
    if why and not content.get("weights_digest"):
        missing.append(("weights_digest", *why))
    added = [
        {"field": field, "state": state, "reason": reason}
        for field, state, reason in missing
        if field not in named
    ]
    return {**content, "gaps": [*gaps, *added]}


def _system_prompt(path: Path, meta: dict[str, Any]) -> Read:
    if path.suffix in {".yaml", ".yml", ".json"}:
        return _plain(path, meta)
    try:
        return {**meta, "text": path.read_text(encoding="utf-8")}, {}
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is not UTF-8 (byte {error.start}).") from error


def _eval_suite(path: Path, meta: dict[str, Any]) -> Read:
    """A YAML with tasks; `items` says which files hold their items, and how foreign files become items."""
    content = {**mapping(path), **meta}
    items = content.pop("items", {})
    if not isinstance(items, dict) or not all(
        isinstance(how, dict) and "from" in how for how in items.values()
    ):
        raise BadFile(
            "`items` maps the name of an items file to {from: FILE, …}, the file that it is made from."
        )
    files = {name: items_file(path.parent, name, how) for name, how in items.items()}
    for task in content.get("tasks") or []:
        if isinstance(task, dict) and isinstance(task.get("file"), str) and task["file"] not in files:
            files[task["file"]] = path.parent / task["file"]
    for name, place in files.items():
        _check_items(name, place)
    content["files"] = [
        {"path": name, "size": digest_file(place)[1], "sha256": digest_file(place)[0]}
        for name, place in sorted(files.items())
    ]
    return content, files


def items_file(folder: Path, name: str, how: dict[str, Any]) -> Path:
    """Items made from a JSON Lines file: `from`, `limit`, `id` (prefix), `prompt` and `target` (columns), `target_pattern`.

    The result is a temporary file that the blob store copies; it goes when this process ends.
    """
    known = {"from", "limit", "id", "prompt", "target", "target_pattern"}
    if unknown := set(how) - known:
        raise BadFile(f"items {name}: unknown key {min(unknown)!r}; there are {', '.join(sorted(known))}.")
    source = folder / str(how["from"])
    limit, out = how.get("limit", 10**9), SCRATCH.new(Path(name).name)
    if not isinstance(limit, int):
        raise BadFile(f"items {name}: `limit` is a number of rows, not {limit!r}.")
    with out.open("w", encoding="utf-8") as file:
        for count, (number, row) in enumerate(datasets.rows_of(source)):
            if count >= limit:
                break
            file.write(
                json.dumps(_item(row, number, how, source.name), ensure_ascii=False, sort_keys=True) + "\n"
            )
    return out


def _item(row: dict[str, Any], number: int, how: dict[str, Any], source: str) -> dict[str, Any]:
    try:
        prompt, target = row[str(how.get("prompt", "prompt"))], row[str(how.get("target", "target"))]
    except KeyError as error:
        raise BadFile(f"line {number} of {source} has no column {error}.") from error
    if pattern := how.get("target_pattern"):
        match = re.search(str(pattern), str(target))
        if not match:
            raise BadFile(f"line {number} of {source}: {pattern!r} does not match its target.")
        target = match[1]
    return {
        "id": f"{how.get('id', 'item')}-{number}",
        "prompt": prompt,
        "target": str(target).replace(",", "").strip(),
    }


def _check_items(name: str, path: Path) -> None:
    if not path.is_file():
        raise BadFile(f"The suite names the items file {name}, which does not exist beside it.")
    seen: set[str] = set()
    for number, row in datasets.rows_of(path):
        if not isinstance(row.get("id"), str) or not row["id"]:
            raise BadFile(f"line {number} of {name} has no `id` (text).")
        if row["id"] in seen:
            raise BadFile(f"line {number} of {name}: the id {row['id']!r} stands twice.")
        seen.add(row["id"])
    if not seen:
        raise BadFile(f"{name} holds no items.")


_READERS: dict[str, Callable[[Path, dict[str, Any]], Read]] = {
    "dataset": _dataset,
    "model": _model,
    "system-prompt": _system_prompt,
    "eval-suite": _eval_suite,
}
