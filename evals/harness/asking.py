"""How the items of a suite are asked in one run: how often, how freely, how long, and choices by letter or by likelihood."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evals.harness.params import Params
from governance.ledger.decimals import decimal_text

ONE_ANSWER = {
    "multiple_choice": "compares how likely the choices are, so there is nothing to draw; set `letters` to ask for the letter",
    "tool_use": "follows one conversation an item",
}
"""Kind of a task that cannot be sampled → why not."""


@dataclass(frozen=True)
class Asking:
    """`temperature` is decimal text; `told` is whether the model can be told one at all. Without `budget` a task's own length."""

    samples: int = 1
    temperature: str = "0"
    budget: int | None = None
    letters: bool = False
    told: bool = True

    def settings(self, max_new_tokens: int) -> dict[str, Any]:
        """How responses are generated, as a record holds it: up to so many tokens and to the end-of-turn token."""
        length: dict[str, Any] = {"max_gen_toks": self.budget or max_new_tokens, "until": []}
        if not self.told:
            return {"do_sample": None, **length}
        if self.temperature == "0":
            return {"do_sample": False, **length}
        return {"do_sample": True, "temperature": self.temperature, **length}


def asking(params: Params, endpoint: Mapping[str, Any] | None) -> Asking:
    """How a run with these parameters asks; `endpoint` is that part of the model's content."""
    return Asking(
        samples=params.samples,
        temperature=decimal_text(params.temperature),
        budget=params.max_new_tokens,
        letters=params.letters or bool(endpoint),
        told=not (endpoint or {}).get("no_temperature"),
    )


def why_not(params: Params, tasks: Sequence[Mapping[str, Any]], endpoint: Mapping[str, Any] | None) -> str:
    """Why these tasks cannot be sampled so; empty when they can, or when nothing is drawn."""
    how = asking(params, endpoint)
    if params.temperature == 0:
        return ""
    if not how.told and params.temperature != Decimal(1):
        return (
            f"a temperature of {how.temperature} cannot be sent: the model's endpoint takes none (no_temperature), and answers "
            "at its own, mostly 1. Write 1 to sample there."
        )
    for task in tasks:
        kind = str(task["kind"])
        if kind in ONE_ANSWER and not (kind == "multiple_choice" and how.letters):
            return f"the task {task['name']} cannot be sampled: {kind} {ONE_ANSWER[kind]}."
    return ""
