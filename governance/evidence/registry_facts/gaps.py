"""Gaps that the records themselves name: what a model's or a dataset's authors say is missing, and why."""

import re
from collections.abc import Iterator
from typing import Any

from governance.evidence.build import gap
from governance.evidence.facts import KEY, Fact
from governance.evidence.records import Sealed
from governance.evidence.schema import FIELDS
from governance.evidence.view import View

PRETRAINING = ("mixture", "pretraining")
"""Named by a model where the recorded line begins: told with the data."""


def facts(view: View) -> Iterator[Fact]:
    """The subject's own gaps under the key that they name, those of its weight ancestors and datasets as `<field>.gap_<n>`.

    What a restricted version says of its gaps is as restricted as the rest of it.
    """
    number = 0
    for sealed in dict.fromkeys([*view.line.models, *view.datasets]):
        for item in (sealed.disclosed or {}).get("gaps", []):
            told = item["field"] in PRETRAINING and sealed in view.line.roots
            if item["field"].partition(".")[0] not in FIELDS or told:
                continue
            if sealed in (view.model, view.subject) and re.fullmatch(KEY, item["field"]):
                yield _gap(item["field"], sealed, item)
            else:
                number += 1
                yield _gap(f"{item['field'].partition('.')[0]}.gap_{number}", sealed, item)


def _gap(key: str, sealed: Sealed, item: dict[str, Any]) -> Fact:
    reason = item["reason"] or f"{sealed.subject} says no more."
    return gap(
        key, f"{item['field']} of {sealed.subject}", item["state"], reason, item["owner"] or sealed.owner
    )
