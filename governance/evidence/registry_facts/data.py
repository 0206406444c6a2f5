"""Data: what the model was trained on after pretraining, and what is known of each part of it."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from governance.evidence.build import count_withdrawn, derived, gap, in_content, recorded, withheld
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.schema import FIELDS
from governance.evidence.view import View
from governance.ledger.decimals import decimal_text

SHARE_PLACES = Decimal("0.000001")
SYNTHETIC = ("generator", "generator_version", "prompt_template", "sampling", "filter", "purpose")
SOURCES = {"crawlers": "crawled", "user_data": "user", "licensed_data": "licensed"}
"""Field of the card schema → source type of the datasets that it speaks about."""
PRETRAINING = "mixture.pretraining"
UNSAID = "Its record says nothing about the data that it was trained on."


def facts(view: View) -> Iterator[Fact]:
    """Facts of each dataset on the weight line, numbered in the order of the stages; of the dataset itself when it is the subject."""
    datasets = view.datasets
    yield from _mixture(datasets)
    if view.line.steps:
        yield from _standing(datasets)
    for number, dataset in enumerate(datasets, 1):
        yield from _about(number, dataset)
        yield from _sheet(f"datasheet.{number}", dataset)
    pretraining = list(_pretraining(view))
    yield from pretraining
    if datasets:
        yield from _absent_sources(datasets, pretraining)


def _mixture(datasets: Sequence[Sealed]) -> Iterator[Fact]:
    rows: list[Fact] = []
    for number, dataset in enumerate(datasets, 1):
        key = f"mixture.{number}"
        yield from recorded(
            f"{key}.dataset", "dataset", dataset.record, "/state/subject", assurance="observed"
        )
        yield from recorded(f"{key}.digest", "digest", dataset.record, "/state/digest", assurance="observed")
        rows += in_content(f"{key}.rows", "rows", dataset, "/rows", assurance="observed", unit="rows")
        yield from _or_gap(f"{key}.licence", "licence", dataset, "/licence")
        yield from in_content(f"{key}.source_type", "source type", dataset, "/source_type")
    yield from rows
    if rows and not any(row.is_empty for row in rows):
        yield from _shares(rows)


def _shares(rows: Sequence[Fact]) -> Iterator[Fact]:
    counts = [int(row.value) for row in rows if isinstance(row.value, int)]
    total = derived("mixture.rows", "rows in all", "sum", rows, sum(counts), "rows")
    yield total
    for row, count in zip(rows, counts, strict=True):
        share = (Decimal(count) / sum(counts)).quantize(SHARE_PLACES, ROUND_HALF_EVEN)
        key = row.key.replace(".rows", ".share")
        yield derived(key, "share of all rows", "ratio", [row, total], decimal_text(share), "share")


def _standing(datasets: Sequence[Sealed]) -> Iterator[Fact]:
    """How each dataset stands now: one may be revoked long after a model was trained on it."""
    found = [
        fact
        for number, dataset in enumerate(datasets, 1)
        for fact in recorded(
            f"mixture.{number}.state", "state", dataset.record, "/state/state", assurance="observed"
        )
    ]
    yield from found
    yield count_withdrawn("mixture.withdrawn", "datasets refused or revoked", found, "datasets")


def _about(number: int, dataset: Sealed) -> Iterator[Fact]:
    yield from in_content(f"provenance.{number}.source_type", "source type", dataset, "/source_type")
    yield from _or_gap(f"provenance.{number}.source", "source", dataset, "/source")
    for index, _ in enumerate((dataset.disclosed or {}).get("derived_from", [])):
        key, at = f"provenance.{number}.derived_from_{index + 1}", f"/derived_from/{index}/subject"
        yield from in_content(key, "derived from", dataset, at)
    yield from _or_gap(f"size_language_domain.{number}.languages", "languages", dataset, "/languages")
    yield from in_content(
        f"size_language_domain.{number}.rows", "rows", dataset, "/rows", assurance="observed", unit="rows"
    )
    yield from _or_gap(f"sensitive.{number}.personal_data", "personal data", dataset, "/personal_data")
    yield from _synthetic(f"synthetic.{number}", dataset)


def _or_gap(key: str, label: str, dataset: Sealed, at: str) -> Iterator[Fact]:
    """The value in the dataset's content, or that it says nothing; of a restricted one not even that."""
    if dataset.disclosed is None:
        yield withheld(key, label, dataset)
        return
    found = list(in_content(key, label, dataset, at))
    yield from found or [gap(key, label, "not_recorded", f"{dataset.subject} does not say.", dataset.owner)]


def _synthetic(key: str, dataset: Sealed) -> Iterator[Fact]:
    if dataset.disclosed is None:
        yield withheld(f"{key}.generator", "generator", dataset)
    elif made := dataset.content["synthetic"]:
        for place in range(len(made)):
            more = f"_{place + 1}" if place else ""
            for name in SYNTHETIC:
                at = f"/synthetic/{place}/{name}"
                yield from in_content(f"{key}.{name}{more}", name.replace("_", " "), dataset, at)
    elif dataset.content["source_type"] == "synthetic":
        yield gap(
            f"{key}.generator", "generator", "not_recorded", f"{dataset.subject} does not say.", dataset.owner
        )
    else:
        reason = f"{dataset.subject} has the source type {dataset.content['source_type']}."
        yield gap(f"{key}.generator", "generator", "not_applicable", reason)


def _sheet(key: str, dataset: Sealed) -> Iterator[Fact]:
    yield from recorded(f"{key}.dataset", "dataset", dataset.record, "/state/subject", assurance="observed")
    yield from in_content(f"{key}.description", "description", dataset, "/description")
    yield from in_content(f"{key}.format", "format of a row", dataset, "/format", assurance="observed")
    yield from in_content(
        f"{key}.rows_digest", "digest of the rows", dataset, "/rows_digest", assurance="observed"
    )
    for index, _ in enumerate((dataset.disclosed or {}).get("files", [])):
        at = f"/files/{index}/sha256"
        yield from in_content(
            f"{key}.file_{index + 1}", "digest of a file", dataset, at, assurance="observed"
        )


def _pretraining(view: View) -> Iterator[Fact]:
    """What is known of the data before the recorded line begins: undisclosed unless the model's record says otherwise."""
    for number, root in enumerate(view.line.roots, 1):
        key = PRETRAINING if number == 1 else f"{PRETRAINING}_{number}"
        label = f"training data of {root.subject}"
        if root.disclosed is None:
            yield withheld(key, label, root)
            continue
        said = [item for item in root.content["gaps"] if item["field"] in ("mixture", "pretraining")]
        if said:
            yield gap(key, label, said[0]["state"], said[0]["reason"], said[0]["owner"])
        else:
            yield gap(key, label, "undisclosed", UNSAID, root.content["source"])


def _absent_sources(datasets: Sequence[Sealed], pretraining: Sequence[Fact]) -> Iterator[Fact]:
    """That no dataset has a source type is certain; whether the field applies depends on what came before.

    With a restricted dataset among them it is not even said which of them are absent.
    """
    if hidden := next((dataset for dataset in datasets if dataset.disclosed is None), None):
        yield from (withheld(field, FIELDS[field].title, hidden) for field in SOURCES)
        return
    unknown = any(fact.state != "not_applicable" for fact in pretraining)
    types = {dataset.content["source_type"] for dataset in datasets}
    for field, source_type in SOURCES.items():
        if source_type not in types:
            title, reason = FIELDS[field].title, f"No recorded dataset has the source type {source_type}"
            if unknown:
                yield gap(
                    field,
                    title,
                    "undisclosed",
                    f"{reason}; the data before the recorded stages is not disclosed.",
                )
            else:
                yield gap(field, title, "not_applicable", f"{reason}.")
