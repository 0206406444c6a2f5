"""What the record of a dataset tells field by field: components, processing, sources, sheet, sensitive content."""

from collections.abc import Iterator
from typing import Any

from governance.evidence.build import derived, human, in_content, resolve, scalars, unit_of, word
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.view import View
from governance.registry.kinds.dataset_parts import Component

TEXTS = {
    "size_language_domain": ("domains",),
    "sensitive": ("sensitive",),
    "illegal_content": ("illegal_content",),
    "unsuitable_bias": ("unsuitable_bias",),
    "access": ("access", "replicability"),
}
"""Field of the card schema → fields of a dataset's content that it prints."""
PARTS = {
    "crawlers": "crawlers",
    "user_data": "user_data",
    "licensed_data": "licensed",
    "processing": "processing",
    "human_vs_ai_labels": "label_source",
    "datasheet": "datasheet",
}
"""Field of the card schema → part of a dataset's content that it prints, item by item."""
COMPONENT = ("name", "rows", "used", "licence", "source_type", "source")


def facts(view: View) -> Iterator[Fact]:
    """Of every dataset on the weight line, or of the dataset itself, numbered as in the mixture."""
    for number, dataset in enumerate(view.datasets, 1):
        if dataset.disclosed is None:
            continue
        yield from _components(f"mixture.{number}", dataset)
        for field, names in TEXTS.items():
            for name in names:
                yield from in_content(f"{field}.{number}.{name}", human(name), dataset, f"/{name}")
        for field, part in PARTS.items():
            yield from inside(f"{field}.{number}", dataset, part)


def inside(key: str, sealed: Sealed, part: str) -> Iterator[Fact]:
    """A fact for everything that stands in one part of a content."""
    for name, pointer, value in scalars(resolve(sealed.content, f"/{part}")):
        yield from in_content(
            f"{key}.{name}" if name else f"{key}.{word(part)}",
            human(name or part),
            sealed,
            f"/{part}{pointer}",
            unit=unit_of(value),
        )


def _components(key: str, dataset: Sealed) -> Iterator[Fact]:
    """The parts of a mixture, what they add up to beside the total that is stated, and which forbid commercial use."""
    mixture: list[dict[str, Any]] = dataset.content["mixture"]
    rows: list[Fact] = []
    forbidding: list[tuple[int, Fact]] = []
    names: list[Fact] = []
    for place, part in enumerate(mixture):
        told = {
            name: list(
                in_content(
                    f"{key}.component_{place + 1}.{name}",
                    human(name),
                    dataset,
                    f"/mixture/{place}/{name}",
                    unit="rows" if name in ("rows", "used") else None,
                )
            )
            for name in COMPONENT
        }
        for found in told.values():
            yield from found
        names += told["name"]
        rows += told["rows"] if part["used"] is None else told["used"]
        if Component.model_validate(part).forbids_commercial_use:
            forbidding += [(place, fact) for fact in told["name"]]
    if mixture:
        yield derived(f"{key}.components", "components", "count", names, len(names), "components")
        total = sum(int(fact.value) for fact in rows if isinstance(fact.value, int))
        yield derived(f"{key}.components_rows", "rows of all components", "sum", rows, total, "rows")
        yield derived(
            f"{key}.non_commercial", "components that forbid commercial use", "count",
            [fact for _, fact in forbidding], len(forbidding), "components",
        )  # fmt: skip
    for number, (place, _) in enumerate(forbidding, 1):
        flag = f"licence.{word(key)}_non_commercial_{number}"
        yield from in_content(
            flag, "component that forbids commercial use", dataset, f"/mixture/{place}/name"
        )
    yield from in_content(
        f"{key}.stated_rows", "rows stated by its source", dataset, "/stated_rows", unit="rows"
    )
    yield from in_content(
        f"{key}.sum_difference_reason", "why the sum differs", dataset, "/sum_difference_reason"
    )
