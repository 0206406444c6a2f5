"""How versions of each kind come in through a form: which file, which text, and which fields are asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance.registry import lookup, markdown, uploads
from governance.registry.importers import BadFile, Imported
from governance.registry.kinds import UnknownKind
from governance.registry.kinds.base import Kind, Ref
from governance.views.inputs import CHOICE, LONG, YAML, BadInput, Form, Group, Input
from governance.views.naming import naming
from governance.views.schema import groups_of

TEXT, WRITTEN, BESIDE = "content", "written", "beside"
NAMING = frozenset({"slug", "title"})
FROM_WEIGHTS = frozenset(
    {"architecture", "parameters", "dtype", "weights_digest", "tokenizer_digest", "chat_template_digest", "context_length",
     "vocabulary", "files", "held", "place", "manifest", "endpoint"}
)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """How versions of one kind come in."""

    files: str = ""
    """What the file input asks for; empty where there is none."""
    accept: str = ""
    many: bool = False
    files_needed: bool = False
    document: str = ""
    """What the text area asks for; empty where the fields of the kind are asked for one by one."""
    from_files: frozenset[str] = field(default_factory=frozenset)
    """Fields that are read off the files."""
    optional: frozenset[str] = field(default_factory=frozenset)
    """Fields that the files may say."""
    first: tuple[str, ...] = ()
    """Fields that stand open; the rest is folded away. Empty: all stand open."""


DOCUMENT = Way("or a file", ".yaml,.yml,.json,.md,.markdown", document="Text")
WAYS = {
    "dataset": Way(
        "File with the rows: JSON Lines (also gzipped), CSV or Parquet",
        ".jsonl,.gz,.csv,.parquet,.yaml,.yml",
        files_needed=True,
        from_files=frozenset({"rows", "rows_digest", "files", "held", "conversational"}),
        optional=frozenset({"format"}),
        first=(
            "description",
            "source_type",
            "licence",
            "source",
            "languages",
            "personal_data",
            "format",
            "columns",
        ),
    ),
    "model": Way(
        "Files of the model's folder: config.json, tokenizer.json, *.safetensors and what lies beside them",
        many=True,
        files_needed=True,
        from_files=FROM_WEIGHTS,
        first=("description", "origin", "licence", "source", "revision"),
    ),
    "eval-suite": Way(
        "Items files that the tasks name, and the suite itself unless it stands above",
        ".jsonl,.yaml,.yml,.json",
        many=True,
        document="The suite, in YAML or JSON",
    ),
    "system-prompt": Way(),
    "deployment": Way(first=("engine", "engine_version", "context_length", "filters", "audience")),
}


def way_of(kind: Kind) -> Way:
    return WAYS.get(kind.name, DOCUMENT)


def form_for(kind: Kind, places: Mapping[str, int] | None = None) -> Form:
    """Name and title, and then the text, or the fields of the kind that no file says."""
    way = way_of(kind)
    if way.document:
        return Form(naming(kind.name), *_document(kind, way))
    groups = groups_of(kind.content, leave_out=way.from_files, optional=way.optional, places=places)
    return Form(naming(kind.name), *_arranged(groups, way.first))


def _document(kind: Kind, way: Way) -> list[Group]:
    text = Input(TEXT, way.document, LONG, help="The fields of the kind, as YAML or JSON.")
    if kind.name not in markdown.PARTS:
        return [Group("", [text])]
    text.help = f"YAML or JSON with the fields of the kind, or Markdown, whose headings become the {markdown.PARTS[kind.name]}."
    choices = [("yaml", "YAML or JSON"), ("markdown", "Markdown")]
    written = Input(WRITTEN, "The text is", CHOICE, default="yaml", value="yaml", choices=choices)
    beside = Input(BESIDE, "What Markdown does not say", YAML, hint="YAML, such as licence: CC0-1.0")
    return [Group("", [text, written, beside])]


def _arranged(groups: list[Group], first: tuple[str, ...]) -> list[Group]:
    """The fields that are asked for first, then the others, folded away."""
    inputs = groups[0].inputs
    ahead = [one for one in inputs if not first or one.required or one.name in first]
    ahead.sort(key=lambda one: first.index(one.name) if one.name in first else len(first))
    others = [one for one in inputs if one not in ahead]
    more = [Group("More that can be told", others, required=False, folded=True)] if others else []
    return [Group("", ahead), *(group for group in groups[1:] if group.required), *more,
            *(group for group in groups[1:] if not group.required)]  # fmt: skip


def read(kind: Kind, form: Form, sent: list[Any], folder: Path) -> Imported | None:
    """What the form and its files say, or None once the complaints stand in the form. Raises BadFile, OSError."""
    way = way_of(kind)
    names = [str(file.name) for file in sent]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadFile(f"Two files are named {twice[0]}.")
    if way.files_needed and not sent:
        form.errors.append("Choose the files." if way.many else "Choose the file.")
    if way.document and not form[TEXT].value and not sent:
        form[TEXT].errors.append("Write the text here, or choose a file.")
    raw = {name: value for name, value in form.raw(pinned).items() if name not in NAMING}
    if not form.is_good:
        return None
    if not (way.document or way.files):
        return Imported(raw, {}, form["title"].value)
    paths = [uploads.stored(file, folder) for file in sent]
    if way.document:
        return uploads.read(kind.name, _with_text(form, paths, folder), raw.get(BESIDE) or {})
    return uploads.read(kind.name, paths, raw)


def _with_text(form: Form, paths: list[Path], folder: Path) -> list[Path]:
    """The files with the main one first: the typed text, or the file that is no table of items."""
    text = form[TEXT].value
    if not text:
        return sorted(paths, key=lambda path: path.suffix == ".jsonl")
    is_markdown = any(one.name == WRITTEN and one.value == "markdown" for one in form.inputs)
    suffix = ".md" if is_markdown else ".json" if uploads.is_json(text) else ".yaml"
    path = folder / f"typed{suffix}"
    path.write_text(text, encoding="utf-8")
    return [path, *paths]


def pinned(subject: str) -> dict[str, str]:
    """The version that a name means, with its digest. Raises BadInput."""
    try:
        version = lookup.find(subject)
    except (lookup.NotFound, lookup.Ambiguous, UnknownKind) as error:
        raise BadInput(str(error)) from error
    if version.digest is None:
        raise BadInput(f"{version.subject} is a draft; seal it or send it to review first.")
    return Ref(subject=version.subject, digest=str(version.digest)).model_dump()
