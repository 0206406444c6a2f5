"""What a model folder holds, read without loading it (pure): safetensors headers, tensor hashes, tokenizer, template."""

import hashlib
import json
import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from governance.ledger.canonical import canonical, sha256_hex

RUNS_CODE = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".h5", ".py", ".joblib", ".npy", ".npz"}
"""Formats that can run code when they are loaded, or that ask for a loader that does; such folders are known by hash alone."""
MAX_HEADER = 100 * 2**20

Row = tuple[str, str, list[int], str]
"""(name, dtype, shape, SHA-256 of the bytes) of a tensor."""


class BadModel(ValueError):
    """A folder that is no safe, complete model. The message names the file and the rule."""


def tensors(path: Path) -> Iterator[Row]:
    """(name, dtype, shape, SHA-256 of the bytes) of each tensor of a safetensors file. Raises BadModel."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if size < 8:
            raise BadModel(f"{path.name} is too short to be a safetensors file.")
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(MAX_HEADER, size - 8):
            raise BadModel(f"{path.name} is truncated, or no safetensors file.")
        header = _header(file.read(length), path)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for name, entry in sorted(header.items()):
                begin, end = entry["data_offsets"]
                if not 0 <= begin <= end <= size - 8 - length:
                    raise BadModel(f"{path.name}: tensor {name} lies outside the file; it is truncated.")
                view = memoryview(data)[8 + length + begin : 8 + length + end]
                digest = hashlib.sha256(view).hexdigest()
                view.release()
                yield name, entry["dtype"], entry["shape"], digest


def _header(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(raw)
        header.pop("__metadata__", None)
        for entry in header.values():
            entry["dtype"], entry["shape"], entry["data_offsets"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadModel(f"{path.name} has no valid safetensors header.") from error
    return dict(header)


def weights_digest(folder: Path) -> tuple[str, int, str]:
    """(digest, number of values, dtype) over all *.safetensors in `folder`: re-sharding changes none of them. Raises BadModel."""
    found = [row for path in sorted(folder.glob("*.safetensors")) for row in tensors(path)]
    if not found:
        raise BadModel(
            f"{folder.name} holds no *.safetensors file; convert the weights to safetensors first."
        )
    rows: list[Row] = sorted(
        (name, dtype, [int(side) for side in shape], digest) for name, dtype, shape, digest in found
    )
    if len({name for name, *_ in rows}) != len(rows):
        raise BadModel(f"{folder.name} holds one tensor name twice.")
    count = sum(math.prod(shape) for _, _, shape, _ in rows)
    dtypes = sorted({dtype for _, dtype, _, _ in rows})
    return sha256_hex(b"".join(canonical_row(row) for row in rows)), count, "/".join(dtypes)


def canonical_row(row: Row) -> bytes:
    """One line of the weights manifest: [name, dtype, shape, sha256] in canonical JSON and a newline."""
    return canonical(list(row)) + b"\n"


def describe(folder: Path) -> dict[str, Any]:
    """Content fields of kind `model` that can be read off `folder`. Raises BadModel."""
    if unsafe := runs_code(folder):
        raise BadModel(
            f"{unsafe[0]} can run code when it is loaded; keep only safetensors, JSON and text, "
            "or register the folder by its hashes alone with `held: manifest`"
        )
    _check_links(folder)
    config = _json(folder / "config.json")
    digest, count, dtype = weights_digest(folder)
    if not (folder / "tokenizer.json").is_file():
        raise BadModel(f"{folder.name} has no tokenizer.json.")
    return {
        **_configured(config),
        "parameters": count,
        "dtype": dtype,
        "weights_digest": digest,
        "tokenizer_digest": hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest(),
        "chat_template_digest": chat_template_digest(folder),
    }


def outline(folder: Path) -> dict[str, Any]:
    """What can be said of a folder that is known by its hashes alone: its config and texts are read, its weights are not.

    Raises BadModel.
    """
    _check_links(folder)
    found: dict[str, Any] = {}
    if (folder / "config.json").is_file():
        found |= _configured(_json(folder / "config.json"))
    if (folder / "tokenizer.json").is_file():
        found["tokenizer_digest"] = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    return {**found, "chat_template_digest": chat_template_digest(folder)}


def runs_code(folder: Path) -> list[str]:
    """Names of the files under `folder` in formats that can run code when they are loaded."""
    return sorted(path.name for path in folder.rglob("*") if path.suffix in RUNS_CODE)


def _check_links(folder: Path) -> None:
    links = [path.name for path in folder.rglob("*") if path.is_symlink()]
    if links:
        raise BadModel(f"{links[0]} is a symbolic link; put the file itself into the folder.")


def _configured(config: dict[str, Any]) -> dict[str, Any]:
    named = config.get("architectures")
    return {
        "architecture": str(named[0]) if isinstance(named, list) and named else "unknown",
        "context_length": config.get("max_position_embeddings"),
        "vocabulary": config.get("vocab_size"),
    }


def chat_template_digest(folder: Path) -> str | None:
    """SHA-256 of the chat template's text, wherever transformers keeps it, or None."""
    template = folder / "chat_template.jinja"
    if template.is_file():
        return hashlib.sha256(template.read_bytes()).hexdigest()
    path = folder / "tokenizer_config.json"
    text = _json(path).get("chat_template") if path.is_file() else None
    return hashlib.sha256(text.encode()).hexdigest() if isinstance(text, str) else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise BadModel(f"There is no {path.name} in {path.parent.name}.") from error
    except ValueError as error:
        raise BadModel(f"{path.name} is not JSON.") from error
    if not isinstance(found, dict):
        raise BadModel(f"{path.name} is no JSON object.")
    return found


def manifest(folder: Path) -> list[dict[str, Any]]:
    """`files` of a content: every file under `folder` with path, size in bytes and SHA-256, sorted by path."""
    entries = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                data.update(chunk)
        entries.append(
            {
                "path": path.relative_to(folder).as_posix(),
                "size": path.stat().st_size,
                "sha256": data.hexdigest(),
            }
        )
    return entries
