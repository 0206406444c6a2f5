"""Metadata that the Hugging Face Hub reads: the YAML at the head of a card, from facts alone."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from governance.cards.compose import Card, natural
from governance.cards.escaping import visible
from governance.evidence.facts import Document, Fact

HUB_LICENCES = frozenset(
    (
        "apache-2.0", "mit", "openrail", "bigscience-bloom-rail-1.0", "bsd", "bsd-2-clause", "bsd-3-clause", "cc", "cc0-1.0",
        "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0",
        "cc-by-nd-4.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-4.0", "cdla-permissive-2.0", "gpl", "gpl-2.0", "gpl-3.0", "agpl-3.0",
        "lgpl", "lgpl-3.0", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "gemma", "mpl-2.0", "odbl", "odc-by",
        "unlicense", "wtfpl", "zlib", "isc", "ms-pl", "eupl-1.1", "eupl-1.2", "pddl",
    )
)  # fmt: skip
"""Identifiers that the Hub knows; any other licence goes under `license: other` with its own name."""
RELATIONS = {"init_from": "finetune", "merged_from": "merge"}
MEASURED = ("score", "estimate")


class _Dumper(yaml.SafeDumper):
    """YAML whose decimals stand as they were recorded."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.Node:
    text = f"{value:f}"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text if "." in text else f"{text}.0")


_Dumper.add_representer(Decimal, _decimal)


def render(card: Card) -> str:
    """The block between its two `---` lines. The same card gives the same text."""
    data = {key: value for key, value in _metadata(card) if value not in (None, [], "")}
    # One line a value: a line of a folded text could look like the block's end.
    text = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**9)
    return f"---\n{text}---\n"


def _metadata(card: Card) -> Iterator[tuple[str, Any]]:
    document = card.document
    yield from _licence(document)
    yield "language", languages(document)
    if card.kind == "datasheet":
        yield "pretty_name", plain(card.title)
    else:
        yield from _model(card)
    yield "tags", _tags(card)


def _model(card: Card) -> Iterator[tuple[str, Any]]:
    document = card.document
    architecture = text_of(document, "architecture_params.architecture") or ""
    if architecture:
        yield "library_name", "transformers"
    if architecture.endswith("ForCausalLM"):
        yield "pipeline_tag", "text-generation"
    yield from _base_model(document)
    yield "datasets", [slug(fact) for fact in _numbered(document, "mixture", "dataset")]
    if results := list(_results(document)):
        yield "model-index", [{"name": plain(card.title), "results": results}]


def _licence(document: Document) -> Iterator[tuple[str, Any]]:
    own = text_of(document, "licence") or text_of(document, "mixture.1.licence") or ""
    if own.lower() in HUB_LICENCES:
        yield "license", own.lower()
    elif own:
        yield "license", "other"
        yield "license_name", plain(own)


def _base_model(document: Document) -> Iterator[tuple[str, Any]]:
    """The direct parents: those of the newest stage come first among the dependencies."""
    roles = {fact.key.split(".")[1]: fact.value for fact in _numbered(document, "dependencies", "role")}
    parents = [
        fact
        for fact in _numbered(document, "dependencies", "subject")
        if roles.get(fact.key.split(".")[1]) in RELATIONS
    ]
    if parents:
        relation = RELATIONS[str(roles[parents[0].key.split(".")[1]])]
        direct = parents if relation == "merge" else parents[:1]
        yield "base_model", [slug(fact) for fact in direct]
        yield "base_model_relation", relation


def _results(document: Document) -> Iterator[dict[str, Any]]:
    tasks = sorted(
        {fact.key.split(".")[1] for fact in document.within("results") if fact.key.count(".") == 2},
        key=natural,
    )
    for task in tasks:
        score = next(
            (
                fact
                for name in MEASURED
                if (fact := document.get(f"results.{task}.{name}")) and fact.number is not None
            ),
            None,
        )
        if score is not None:
            yield _result(document, task, score)


def _result(document: Document, task: str, score: Fact) -> dict[str, Any]:
    beside = {
        name: document.get(f"results.{task}.{name}")
        for name in ("n", "ci_low", "ci_high", "stderr", "direction", "margin")
    }
    metric = plain(text_of(document, f"results.{task}.metric") or "score")
    args = {name: _figure(fact) for name, fact in beside.items() if fact and not fact.is_empty}
    return {
        "task": {"type": "text-generation"},
        "dataset": {"type": task, "name": plain(text_of(document, f"results.{task}.task") or task)},
        "metrics": [{"type": metric, "value": score.number, "name": metric, "args": args}],
    }


def _figure(fact: Fact) -> Any:
    return fact.value if isinstance(fact.value, int) or fact.number is None else fact.number


def _tags(card: Card) -> list[str]:
    methods = [plain(str(fact.value)) for fact in _numbered(card.document, "stages", "method")]
    return [*dict.fromkeys(["charter", *methods]), *(["simulated"] if card.document.simulated else [])]


def _numbered(document: Document, field: str, last: str) -> list[Fact]:
    """The facts `<field>.<n>.<last>` that have a value, in the order of their numbers."""
    pattern = re.compile(rf"{field}\.\d+\.{last}")
    found = [fact for fact in document.within(field) if pattern.fullmatch(fact.key) and not fact.is_empty]
    return sorted(found, key=lambda fact: natural(fact.key))


def languages(document: Document) -> list[str]:
    """Language tags of all datasets, in alphabetical order."""
    found = [fact.value for fact in _numbered(document, "size_language_domain", "languages")]
    return sorted({tag for tags in found if isinstance(tags, tuple) for tag in tags})


def slug(fact: Fact) -> str:
    """A subject without its kind, as the Hub names repositories: `tiny-base@1`."""
    return str(fact.value).partition(":")[2]


def text_of(document: Document, key: str) -> str | None:
    fact = document.get(key)
    return str(fact.value) if fact and not fact.is_empty else None


def plain(value: str) -> str:
    """One line, without characters that hide or reorder others."""
    return " ".join(visible(value).split())
