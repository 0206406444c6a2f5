"""What a scan found: checked when its job ends, summed up for the ledger, found again for a dataset's page."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from governance.cards.escaping import visible
from governance.ledger.actors import Actor
from governance.ledger.canonical import CanonicalError, loads_canonical
from governance.ledger.decimals import decimal_text
from governance.registry import blobs, lookup, states
from governance.registry.kinds.base import Hex, faults
from governance.registry.models import Activity, Version
from training import actions, waiting
from training.methods import scan
from training.methods.scan import SCANNED
from training.models import Run
from training.outcome import BadResult, Result
from training.spec import PinnedInput, SpecDraft
from training.stages import Finished, StageKind

FILE = "scan.json"
MOST_LANGUAGES = 8


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(_Part):
    n: int
    min: int
    median: int
    p95: int
    max: int


class Lengths(_Part):
    characters: Spread
    words: Spread


class Longer(_Part):
    n: int
    ties: int
    longer: int
    share: str | None


class Personal(_Part):
    matches: int
    rows: int
    first_rows: list[int]


class Languages(_Part):
    rows: int
    seed: int
    too_short: int
    shares: dict[str, str]


class Duplicates(_Part):
    exact: int
    near: int
    rows_compared: int
    seed: int
    threshold: str
    permutations: int
    shingle_words: int


class Principles(_Part):
    rows: int
    unreadable: int
    left_out: int
    cited: dict[str, int]


class Scan(_Part):
    """`scan.json`, as training/runner/scan.py writes it."""

    subject: str
    digest: Hex
    rows: int = Field(ge=1)
    format: str
    licence: str
    source_type: str
    columns: dict[str, Lengths]
    columns_left_out: int
    turns: Spread | None
    chosen_longer: dict[Literal["words", "characters"], Longer] | None
    personal_data: dict[str, Personal]
    languages: Languages
    duplicates: Duplicates
    principles: Principles | None = None
    """None of a scan that was made before principles were counted."""


def results_of(run: Run, result: Result, outputs: Path) -> Finished:
    """The summary of a scan: of each dataset its counts, of a restricted one only that it was scanned. Raises BadResult."""
    files = {row["path"]: row["sha256"] for row in result.manifest}
    told = []
    for pin in run.parsed.inputs[SCANNED]:
        name = f"{pin.subject.partition(':')[2].replace('@', '-')}/{FILE}"
        if name not in files:
            raise BadResult(f"The scan left no {name}. Retry the run.")
        found = _read(outputs / name, pin)
        told.append({**_counts(found, lookup.find(pin.subject)), "scan_sha256": files[name]})
    return Finished([], {"scans": told})


def _read(path: Path, pin: PinnedInput) -> Scan:
    try:
        found = Scan.model_validate(loads_canonical(path.read_bytes()))
    except (CanonicalError, OSError) as error:
        raise BadResult(f"The scan's {path.name} cannot be read: {error}.") from error
    except ValidationError as error:
        field, rule = next(iter(faults(error)))
        raise BadResult(f"The scan's {path.name} is not as agreed: {field}: {rule}.") from error
    if (found.subject, found.digest) != (pin.subject, pin.digest):
        raise BadResult(
            f"The scan speaks of {found.subject} with the digest {found.digest}, and the run asked for {pin.subject} with "
            f"{pin.digest}."
        )
    return found


def _counts(found: Scan, version: Version) -> dict[str, Any]:
    """What the ledger is told, which everybody may read: no name of a column, no number of a row."""
    named: dict[str, Any] = {"subject": found.subject, "digest": found.digest, "rows": found.rows}
    if version.restricted:
        return named
    kept = found.model_dump(mode="json", include={"turns", "chosen_longer", "languages", "duplicates"})
    personal = {name: {"matches": one.matches, "rows": one.rows} for name, one in found.personal_data.items()}
    return {**named, **kept, "personal_data": personal}


def newest(version: Version) -> tuple[Activity, Scan] | None:
    """The newest scan of a dataset with all that it found; None without one, or when its file is gone from the store."""
    ended = Activity.objects.filter(kind=STAGE.activity_kind, state=Activity.ENDED)
    activity = (
        ended.filter(usages__version=version, usages__role=SCANNED).order_by("-ended_at", "-id").first()
    )
    if activity is None:
        return None
    named = (version.subject, version.digest)
    entry = next(one for one in activity.summary["scans"] if (one["subject"], one["digest"]) == named)
    try:
        return activity, Scan.model_validate(json.loads(blobs.read(entry["scan_sha256"])))
    except blobs.MissingBlob:
        return None


def shown(activity: Activity, found: Scan) -> dict[str, Any]:
    """A scan as its template wants it: what is a share stands as a percentage."""
    shares = sorted(found.languages.shares.items(), key=lambda pair: (-Decimal(pair[1]), pair[0]))
    return {
        "activity": activity,
        "found": found,
        "columns": [(visible(name), column) for name, column in found.columns.items()],
        "languages": [(tag, percent(share)) for tag, share in shares[:MOST_LANGUAGES]],
        "further_languages": len(shares[MOST_LANGUAGES:]),
        "longer": [
            {"unit": unit, "n": one.n, "ties": one.ties, "longer": one.longer, "share": one.share}
            for unit, one in (found.chosen_longer or {}).items()
        ],
        "personal": [(name.replace("_", " "), one) for name, one in found.personal_data.items()],
    }


def percent(share: str) -> str:
    """A share as people read it: `0.4380` → `43.8%`."""
    return f"{decimal_text(Decimal(share) * 100)}%"


def after_registration(version: Version, actor: Actor) -> str | None:
    """Queue a scan of a dataset that has come in, unless it was scanned or is going to be. Says so in one sentence."""
    if not settings.CHARTER_SCAN_ON_REGISTER or not _can_be_scanned(version):
        return None
    if waiting.unfinished(STAGE.name, version) or newest(version):
        return None
    run = actions.queue(SpecDraft(**order(version.subject)), actor=actor)
    return f"A scan of {version.subject} is queued: run {str(run.pk)[:8]}."


def _can_be_scanned(version: Version) -> bool:
    return (
        version.kind == "dataset"
        and version.state in states.USABLE
        and bool((version.content or {}).get("files"))
    )


def order(*subjects: str, seed: int = 0) -> dict[str, Any]:
    """The spec of a scan with its default settings, as a person would write it."""
    return {"stage": STAGE.name, "inputs": {SCANNED: list(subjects)}, "seed": seed}


STAGE = StageKind(
    name="scan",
    title=scan.TITLE,
    params=scan.Params,
    roles=scan.ROLES,
    module="training.runner.scan",
    activity_kind="scan",
    finish=results_of,
    needs_device=lambda _: False,
)
