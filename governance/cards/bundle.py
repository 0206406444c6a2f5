"""The bundle: a card with all that proves it, for somebody who has no account here and trusts nobody."""

from collections.abc import Iterator

from governance.cards import as_json, markdown
from governance.cards.audience import AUDIENCES
from governance.cards.compose import Card, card_of
from governance.evidence.facts import Pointer
from governance.evidence.records import Inconsistent
from governance.ledger import export
from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.models import Checkpoint, Entry
from governance.ledger.verify import EVIDENCE
from governance.registry.models import Version

PREDICATE = "urn:charter:bundle:v1"
README = """\
{title}
{underline}

{mark}This file is signed evidence about {subject}, as recorded in the first {size} entries of the ledger {origin}.

What it holds
  card.md, card.json     what people and programs read
  evidence.json          every fact of the card, each with the place that it was recorded in
  entries/, proofs/      the ledger entries that the facts name, each with its proof of inclusion
  content/               what the entries name by digest and anybody may read
  checkpoint.txt         the signed head of the ledger
  policy.txt             the ledger's public key, and its witnesses
  statement.dsse.json    the signed list of all these files

How to check it, without an account and without a network
  1. Get Charter's source code, and Python 3.11 or newer with the package `cryptography`:
       pip install cryptography
  2. In the folder of the source code:
       python -m governance.ledger.verify THIS-FILE.zip
     It exits with 0 only if every signature, every proof and every fact holds, and prints each of them.
  3. The key above came with this file. Get the ledger's key from another place, and check with that one:
       python -m governance.ledger.verify THIS-FILE.zip --key THAT-KEY

A proof shows that something was recorded then and has not been changed since, never that it is true.
"""


def bundle_of(version: Version, checkpoint: Checkpoint, *, audience: str = "public") -> bytes:
    """The signed bundle about a model, release or dataset at `checkpoint`. The same three give the same bytes.

    It opens only what `audience` may read. Raises NoCard, what `collect` raises, and KeyUnavailable without the signing key.
    """
    card = card_of(version, checkpoint.size, audience=audience)
    document = card.document
    members = {
        EVIDENCE: document.canonical(),
        "card.md": markdown.render(card).encode(),
        "card.json": as_json.render(card),
        "README.txt": _readme(card, checkpoint).encode(),
        **dict(_contents(card)),
        **export.evidence_members({entry.index: AUDIENCES[audience] for entry in card.entries}, checkpoint),
    }
    predicate = {
        "subject": document.subject.model_dump(),
        "at": document.at.model_dump(),
        "audience": audience,
        "evidence": document.digest,
        "simulated": document.simulated,
    }
    return export.seal(members, PREDICATE, predicate)


def _readme(card: Card, checkpoint: Checkpoint) -> str:
    title = f"Evidence about {card.document.subject}"
    if card.document.simulated:
        title += " (simulated)"
    origin = checkpoint.note.split("\n", 1)[0]
    return README.format(
        title=title,
        mark=f"This bundle is {card.mark}.\n\n" if card.mark else "",
        underline="=" * len(title),
        subject=card.document.subject,
        size=checkpoint.size,
        origin=origin,
    )


def _contents(card: Card) -> Iterator[tuple[str, bytes]]:
    """Members that hold the disclosed contents which facts point into. Raises Inconsistent when one is not what was recorded."""
    cited = {
        fact.source.content: (fact.source.entry, fact.source.cls)
        for fact in card.document.facts
        if isinstance(fact.source, Pointer) and fact.source.content
    }
    versions = _versions({entry for entry, _ in cited.values()})
    for name, (entry, cls) in sorted(cited.items()):
        version = versions[entry]
        data = canonical({"kind": version.kind, "schema": version.schema, "content": version.disclosed(cls)})
        if name != f"content/{sha256_hex(data)}.json":
            raise Inconsistent(
                f"{version.subject}: its content is not what entry {entry} recorded; run `manage.py ledger verify`."
            )
        yield name, data


def _versions(indices: set[int]) -> dict[int, Version]:
    """The versions that these entries are about, by leaf index."""
    ids = dict(Entry.objects.filter(leaf_index__in=indices).values_list("leaf_index", "object_id"))
    rows = Version.objects.filter(id__in=ids.values()).select_related("artifact")
    found = {str(row.id): row for row in rows}
    return {index: found[object_id] for index, object_id in ids.items() if index is not None}
