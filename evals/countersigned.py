"""What somebody outside signs after running a suite themselves, and how its scores stand to ours. Pure: knows no database."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.statistics.decimals import text
from evals.statistics.intervals import wilson
from governance.ledger.canonical import CanonicalError, loads, sha256_hex
from governance.ledger.dsse import StatementError, open_envelope
from governance.ledger.note import NoteError, VerifierKey
from governance.registry.kinds.base import Hex, faults

SUITE, WEIGHTS = "suite", "weights"
MOST_TASKS = 200
AGREES, CONFLICTS = "agrees", "conflicts"


class BadStatement(ValueError):
    """An envelope that cannot be read, is not signed by the key, or holds another statement."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Digest(_Strict):
    sha256: Hex


class _Subject(_Strict):
    name: Literal["suite", "weights"]
    digest: _Digest


class Score(_Strict):
    """What they measured on one task."""

    task: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
    metric: Annotated[str, Field(min_length=1, max_length=200)]
    n: Annotated[int, Field(ge=1, le=10**9)]
    score: Annotated[str, Field(pattern=r"^(0(\.[0-9]{1,12})?|1(\.0{1,12})?)$")]


class _Predicate(_Strict):
    results: Annotated[list[Score], Field(min_length=1, max_length=MOST_TASKS)]


class _Statement(_Strict):
    type: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: Annotated[list[_Subject], Field(min_length=2, max_length=2)]
    kind: Annotated[Literal["urn:charter:countersignature:v1"], Field(alias="predicateType")]
    predicate: _Predicate


class Signed(BaseModel):
    """A statement whose signature was verified."""

    suite: str
    """Digest of the suite that they ran."""
    weights: str
    """Digest of the weights that they ran it on."""
    results: list[Score]


def key_of(vkey: str) -> VerifierKey:
    """A public key from `name+id+base64`. Raises BadStatement."""
    try:
        return VerifierKey.parse(vkey.strip())
    except NoteError as error:
        raise BadStatement(f"key: {error}.") from error


def fingerprint(key: VerifierKey) -> str:
    """SHA-256 of the public key's 32 bytes, to be read out to whoever owns it."""
    return sha256_hex(key.public)


def read(envelope: bytes, key: VerifierKey) -> Signed:
    """The statement in a DSSE envelope, once `key` is found to have signed it. Raises BadStatement."""
    try:
        found = _Statement.model_validate(loads(open_envelope(envelope, [key])))
    except (StatementError, NoteError, CanonicalError) as error:
        raise BadStatement(f"envelope: {error}.") from error
    except ValidationError as error:
        field, rule = next(iter(faults(error)))
        raise BadStatement(f"statement.{field}: {rule}.") from error
    digests: dict[str, str] = {one.name: one.digest.sha256 for one in found.subject}
    if set(digests) != {SUITE, WEIGHTS}:
        raise BadStatement("statement.subject: it names the suite and the weights, each once.")
    names = [one.task for one in found.predicate.results]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadStatement(f"statement.predicate.results: the task {twice} stands there twice.")
    return Signed(suite=digests[SUITE], weights=digests[WEIGHTS], results=found.predicate.results)


def held_against(theirs: Sequence[Score], ours: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each of their scores with ours and the word for both: they agree where one lies in the other's 95% interval.

    Raises BadStatement for a task or metric that ours does not have.
    """
    return [_held(one, ours.get(one.task)) for one in theirs]


def _held(one: Score, ours: Mapping[str, Any] | None) -> dict[str, Any]:
    if ours is None:
        raise BadStatement(
            f"statement.predicate.results: the evaluation has no task {one.task}; sign what it measured."
        )
    if ours["metric"] != one.metric:
        raise BadStatement(
            f"statement.predicate.results: {one.task} is measured by {ours['metric']}, not by {one.metric}."
        )
    score, theirs = Decimal(one.score), wilson(float(one.score) * one.n, one.n)
    low, high = text(theirs.lower), text(theirs.upper)
    inside = ours["ci_low"] is not None and Decimal(ours["ci_low"]) <= score <= Decimal(ours["ci_high"])
    agree = inside or Decimal(low) <= Decimal(ours["score"]) <= Decimal(high)
    return {
        "task": one.task, "metric": one.metric, "n": one.n, "score": one.score, "ci_low": low, "ci_high": high,
        "ours": ours["score"], "word": AGREES if agree else CONFLICTS,
    }  # fmt: skip
