"""An answer to "what answered then?" as doors tell it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from governance.ledger.append import timestamp
from governance.ledger.models import Entry
from governance.releases.resolve import Served


def as_told(one: Served, proofs: Mapping[int, str]) -> dict[str, Any]:
    """One release of an answer, in the ledger's words of then, with its entries and what proves them (`proofs` by leaf index)."""
    return {
        "release": one.said["subject"],
        "state": one.version.state,
        **{name: one.said[name] for name in ("digest", "share", "audience", "identity", "reason")},
        **{name: one.said[name] for name in ("started_by", "started_at")},
        **one.named(),
        "parts": one.parts,
        "hidden": one.hidden,
        "approved_by": [
            {"reviewer": review.reviewer, "at": timestamp(review.at), "reason": review.reason}
            for review in one.approvals
        ],
        "entries": list(_cited(one.entries, proofs)),
    }


def _cited(entries: Sequence[tuple[str, Entry]], proofs: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    for shows, entry in entries:
        yield {
            "shows": shows, "index": entry.leaf_index, "leaf_hash": entry.leaf_hash, "op": entry.op, "actor": entry.actor,
            "at": timestamp(entry.at), "proof": proofs.get(entry.leaf_index) if entry.leaf_index is not None else None,
        }  # fmt: skip
