"""Proof of what answered at a moment: inclusion proofs of the entries that say so, and all of them as one signed bundle."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from governance.evidence.build import resolve as at_pointer
from governance.evidence.build import valued
from governance.ledger import export, publish, tiles
from governance.ledger.append import timestamp
from governance.ledger.canonical import canonical, loads
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.note import TreeHead
from governance.ledger.proof import Proof
from governance.ledger.tiling import inclusion
from governance.ledger.verify import EVIDENCE
from governance.registry.models import Version
from governance.releases.models import Runtime
from governance.releases.resolve import Served

PREDICATE = "urn:charter:serving:v1"
SAID = (
    "subject",
    "digest",
    "identity",
    "share",
    "audience",
    "runtime",
    "started_at",
    "started_by",
    "reason",
    "state",
)
REVIEWED = ("subject", "digest", "verdict", "reviewer", "reason")


class NotSigned(LookupError):
    """No checkpoint covers what is to be proven yet."""


def proofs(entries: Sequence[Entry], checkpoint: Checkpoint | None) -> dict[int, str]:
    """Leaf index → its inclusion proof under `checkpoint` as a C2SP tlog-proof; none of what it does not cover."""
    if checkpoint is None:
        return {}
    read, note = tiles.cached(), publish.cosigned_note(checkpoint)
    covered = sorted(
        {one.leaf_index for one in entries if one.leaf_index is not None and one.leaf_index < checkpoint.size}
    )
    return {index: Proof(index, inclusion(read, index, checkpoint.size), note).text for index in covered}


def bundle(runtime: Runtime, moment: datetime, served: Sequence[Served]) -> bytes:
    """A zip that `python -m governance.ledger.verify` accepts: the runtime's entry, and of each release its start, approvals,
    end and own entry, with what anybody may read of the release's content.

    Raises NotSigned, keys.KeyUnavailable, NotSettled.
    """
    checkpoint = Checkpoint.objects.order_by("-size").first()
    cited = [
        (f"runtime.{runtime.slug}", "runtime", _newest(runtime.ledger_type, [runtime.pk])[str(runtime.pk)])
    ]
    for number, one in enumerate(served, 1):
        cited += [
            (f"served_{number}.{about}_{place}", about, entry)
            for place, (about, entry) in enumerate(one.entries, 1)
        ]
    releases = _newest(Version.ledger_type, [one.version.pk for one in served])
    entries = [*(entry for *_, entry in cited), *releases.values()]
    if checkpoint is None or any(
        one.leaf_index is None or one.leaf_index >= checkpoint.size for one in entries
    ):
        raise NotSigned(
            "Not all of it is under a signed checkpoint yet; the signer takes it within seconds while it runs."
        )
    head = TreeHead.of_note(checkpoint.note)
    at = {"size": head.size, "root": head.root.hex()}
    subject = {"type": runtime.ledger_type, "id": str(runtime.pk)}
    contents: dict[str, bytes] = {}
    facts = [fact for key, about, entry in cited for fact in _facts(key, about, entry)]
    for number, one in enumerate(served, 1):
        facts += _pins(f"served_{number}", one.version, releases[str(one.version.pk)], contents)
    evidence = {
        "schema": "evidence/1", "subject": subject, "at": at, "facts": sorted(facts, key=lambda fact: str(fact["key"])),
    }  # fmt: skip
    members = export.evidence_members({int(one.leaf_index or 0): ["P"] for one in entries}, checkpoint)
    predicate = {"runtime": runtime.slug, "moment": timestamp(moment), "at": at}
    return export.seal({**members, **contents, EVIDENCE: canonical(evidence)}, PREDICATE, predicate)


def _newest(kind: str, ids: Sequence[Any]) -> dict[str, Entry]:
    rows = Entry.objects.filter(object_type=kind, object_id__in=[str(one) for one in ids])
    return {entry.object_id: entry for entry in rows.order_by("rev")}


def _facts(key: str, about: str, entry: Entry) -> Iterator[dict[str, Any]]:
    for name in ("op", "actor", "at"):
        value = timestamp(entry.at) if name == "at" else getattr(entry, name)
        yield _fact(
            f"{key}.entry_{name}", value, {"entry": entry.leaf_index, "class": "body", "pointer": f"/{name}"}
        )
    part = entry.parts.get("P")
    state = loads(part["payload"].encode())["state"] if part else {}
    for name in REVIEWED if about == "approval" else SAID:
        if (value := valued(state.get(name))) is not None:
            yield _fact(
                f"{key}.{name}", value, {"entry": entry.leaf_index, "class": "P", "pointer": f"/state/{name}"}
            )


def _pins(key: str, version: Version, entry: Entry, contents: dict[str, bytes]) -> Iterator[dict[str, Any]]:
    """What the release pins, from the part of its content that anybody may read, which goes into `contents`."""
    public, digest = version.disclosed(), version.disclosed_digest()
    if public is None or digest is None or entry.parts.get("P") is None:
        return
    member = f"content/{digest}.json"
    contents[member] = canonical({"kind": version.kind, "schema": version.schema, "content": public})
    pointers = [
        f"/{name}" for name in ("model", "constitution", "system_prompt", "deployment") if public.get(name)
    ]
    pointers += [
        f"/{name}/{place}"
        for name in ("policies", "filters")
        for place, _ in enumerate(public.get(name) or ())
    ]
    for pointer in pointers:
        for name in ("subject", "digest"):
            at = f"{pointer}/{name}"
            source = {
                "entry": entry.leaf_index, "class": "P", "pointer": "/state/disclosed_digest", "content": member,
                "at": f"/content{at}",
            }  # fmt: skip
            yield _fact(f"{key}{at.replace('/', '.')}", at_pointer(public, at), source)


def _fact(key: str, value: Any, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": key, "label": key.rpartition(".")[2].replace("_", " "), "value": value, "unit": "", "state": "recorded",
        "assurance": "observed" if source["class"] == "body" else "asserted", "source": source,
    }  # fmt: skip
