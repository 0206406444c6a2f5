"""What scores answers in training: a trained model, a verifier that checks them, or a model that judges them."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from governance.registry.kinds.base import (
    Fraction,
    Gap,
    Hex,
    Kind,
    KindContent,
    Ref,
    Reference,
    Text,
    pinned,
    shown,
)
from governance.registry.kinds.fields import (
    Disclosure,
    FileList,
    Line,
    NamedCite,
    Prose,
    Statement,
    gaps_name_fields,
)

NEEDED: dict[str, tuple[str, ...]] = {
    "trained": (
        "base", "trained_on", "architecture", "parameters", "weights_digest", "tokenizer_digest", "files",
    ),
    "verifier": ("checks",),
    "judge": ("prompt", "order_swap"),
}  # fmt: skip
"""Type → fields that must be filled, or named as a gap."""
OWN: dict[str, frozenset[str]] = {
    "trained": frozenset(
        {
            "base", "trained_on", "architecture", "parameters", "dtype", "weights_digest", "tokenizer_digest",
            "chat_template_digest", "context_length", "vocabulary",
        }
    ),
    "verifier": frozenset({"checks", "implementation_digest"}),
    "judge": frozenset({"judge", "endpoint", "prompt", "order_swap"}),
}  # fmt: skip
"""Type → fields that no other type may fill."""


class Share(KindContent):
    """A share of pairs with Wilson's 95% interval."""

    n: int = Field(ge=1)
    """Pairs that were measured."""
    share: Fraction = Field(ge=0, le=1)
    """Share of them, between 0 and 1."""
    ci_low: Fraction | None = Field(default=None, ge=0, le=1)
    """Lower end of the interval."""
    ci_high: Fraction | None = Field(default=None, ge=0, le=1)
    """Upper end of the interval."""


class Accuracy(Share):
    """How often the preferred answer got the higher score, on pairs that it was not trained on."""

    margin: Fraction | None = None
    """Mean score of the preferred answer minus that of the other."""
    ties: int = Field(default=0, ge=0)
    """Pairs with equal scores; they count as wrong."""


class DomainAccuracy(Accuracy):
    domain: Line = Field(min_length=1)
    """Part of the pairs: a dataset, a language or a subject."""


class Reliability(KindContent):
    """How far its scores can be trusted, and on what this was measured."""

    accuracy: Accuracy
    """On all held-out pairs."""
    by_domain: list[DomainAccuracy] = Field(default_factory=list)
    """On the pairs of each domain."""
    measured_on: Statement
    """Which pairs, how they were chosen, and that none of them was trained on."""
    evaluated_on: list[Ref] = Field(default_factory=list)
    """Datasets of pairs of their own, where there are any."""


class Prompt(Disclosure):
    """What a judge is asked."""

    text: Statement
    """The instructions, word for word."""
    sha256: Hex
    """SHA-256 of the text in UTF-8; it may be left out and is then filled in."""

    @model_validator(mode="before")
    @classmethod
    def _has_its_digest(cls, raw: Any) -> Any:
        if isinstance(raw, Mapping) and isinstance(raw.get("text"), str) and "sha256" not in raw:
            return {**raw, "sha256": _sha256(raw["text"])}
        return raw

    @model_validator(mode="after")
    def _digest_is_of_the_text(self) -> "Prompt":
        if self.sha256 != _sha256(self.text):
            raise ValueError("sha256 is not the SHA-256 of the prompt's text")
        return self


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Content(KindContent):
    later: ClassVar[frozenset[str]] = frozenset({"cites"})

    type: Literal["trained", "verifier", "judge"]
    """A model trained on preferences, a program that checks answers, or a model that is asked which answer is better."""
    description: Text
    """What it scores, and what for."""
    cites: list[NamedCite] = Field(default_factory=list)
    """Principles and rules that it rewards or its prompt asks for, as `kind:slug#id` or `kind:slug@n#id`."""
    base: Ref | None = None
    """Trained: the model that its weights began from."""
    trained_on: list[Ref] = Field(default_factory=list)
    """Trained: the datasets of pairs."""
    architecture: Line = ""
    """Trained: class name in transformers, such as LlamaForSequenceClassification."""
    parameters: int | None = Field(default=None, ge=1)
    """Trained: number of values, tied ones counted once."""
    dtype: Line = ""
    """Trained: number format of the weights."""
    weights_digest: Hex | None = None
    """Trained: SHA-256 over the sorted (tensor name, dtype, shape, SHA-256 of bytes)."""
    tokenizer_digest: Hex | None = None
    """Trained: SHA-256 of the tokenizer's file."""
    chat_template_digest: Hex | None = None
    """Trained: SHA-256 of the chat template that conversations are written with."""
    context_length: int | None = Field(default=None, ge=1)
    """Trained: longest input, in tokens."""
    vocabulary: int | None = Field(default=None, ge=1)
    """Trained: number of tokens that it knows."""
    checks: Prose = ""
    """Verifier: what it checks, and which scores it gives."""
    implementation_digest: Hex | None = None
    """Verifier: SHA-256 of the program, where its files are not held here."""
    judge: Ref | None = None
    """Judge: the model that is asked, where it is registered."""
    endpoint: Line = ""
    """Judge: name and version of the service that is asked, where it is not."""
    prompt: Prompt | None = None
    """Judge: what it is asked."""
    order_swap: Literal["both-must-agree", "averaged", "drawn", "none"] | None = None
    """Judge: both orders of the two answers are asked and must agree, or are averaged; one order is drawn, or it never changes."""
    reliability: Reliability | None = None
    """Accuracy on pairs that it was not trained on."""
    order_consistency: Share | None = None
    """Share of pairs whose verdict stays when the two answers change places."""
    calibration: Prose = ""
    """How well its scores say how sure it is, and how that was found out."""
    intended_use: Prose = ""
    """What it may be used for: the steps of a training that it is meant for, and its weight among other rewards."""
    licence: Line = ""
    """SPDX identifier, or the licence's own name."""
    gaps: list[Gap] = Field(default_factory=list)
    """What is not told, and why."""
    files: FileList = Field(default_factory=list)
    """Trained: weights, tokenizer and configuration. Verifier: its program."""

    @model_validator(mode="after")
    def _is_of_its_type(self) -> "Content":
        gaps_name_fields(self, self.gaps)
        known = {gap.field for gap in self.gaps}
        for name in NEEDED[self.type]:
            if _is_empty(getattr(self, name)) and name not in known:
                raise ValueError(
                    f"{name}: a reward model of the type {self.type!r} needs it, or a gap that says why not"
                )
        for other in OWN.keys() - {self.type}:
            if filled := sorted(name for name in OWN[other] if not _is_empty(getattr(self, name))):
                raise ValueError(f"{filled[0]}: belongs to the type {other!r}, and this one is {self.type!r}")
        return self

    @model_validator(mode="after")
    def _says_what_decides(self) -> "Content":
        if self.type == "verifier" and not (self.files or self.implementation_digest):
            raise ValueError(
                "implementation_digest: a verifier holds its files, or the digest of its program"
            )
        if self.type == "judge" and (self.judge is None) == (not self.endpoint.strip()):
            raise ValueError("judge: name the model that is asked, or the endpoint, and not both")
        if self.type == "judge" and self.files:
            raise ValueError("files: a judge has none; its model has")
        return self


def _is_empty(value: object) -> bool:
    return value in (None, "", [])


def summary(content: Content) -> list[tuple[str, str]]:
    measured = content.reliability
    return shown(
        type=content.type,
        base=content.base and content.base.subject,
        trained_on=", ".join(ref.subject for ref in content.trained_on),
        checks=content.checks,
        judge=content.judge.subject if content.judge else content.endpoint,
        parameters=content.parameters and f"{content.parameters:,}",
        held_out_accuracy=measured and f"{measured.accuracy.share} of {measured.accuracy.n} pairs",
        licence=content.licence or "not recorded",
        weights=content.weights_digest,
    )


def references(content: Content) -> list[Reference]:
    apart = content.reliability.evaluated_on if content.reliability else []
    return [
        *pinned("init_from", content.base),
        *(one for ref in content.trained_on for one in pinned("trained_on", ref)),
        *pinned("judge", content.judge),
        *(one for ref in apart for one in pinned("evaluated_on", ref)),
    ]


def disclosed(content: dict[str, Any]) -> dict[str, Any]:
    """Without the text of an internal prompt; its digest stays, so that two can be told apart."""
    prompt = content["prompt"]
    if prompt is None or prompt["visibility"] != "internal":
        return content
    return {**content, "prompt": {name: value for name, value in prompt.items() if name != "text"}}


KIND = Kind(
    "reward-model", "Reward model", "Reward models", "reward-model/1", Content, summary, references,
    disclosed=disclosed,
)  # fmt: skip
