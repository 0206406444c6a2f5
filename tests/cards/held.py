"""Cards for the tests of renderings: those of the small world, collected once, and ones made by hand for what no world holds."""

import pytest

from governance.cards.audience import shown_to
from governance.cards.compose import KIND_OF, card_of, compose
from governance.evidence.cited import CitedEntry
from governance.evidence.facts import Absence, Document, Fact, Pointer, Subject, TreeSize
from governance.evidence.schema import FIELDS, ROOTS
from governance.registry import lookup
from tests.evidence.world import settled

SUBJECTS = ("release:assistant", "model:tuned", "model:tiny-base", "dataset:sums")
DIGEST = "ab" * 32
AT = "2026-01-02T03:04:05Z"
NASTY = (
    "</script><script>alert(1)</script>",
    '"}],"@id":"https://evil.example/","@graph":[{"',
    "a | b\n| --- | --- |\n# Owned\n\n> quote `code` ```",
    "=cmd|' /C calc'!A0",
    "[x](javascript:alert(1)) ![y](https://evil.example/p.png) <img src=x onerror=alert(1)>",
    "\u202eright to left\u2066 zero\u200bwidth",
)
_cards = {}


@pytest.fixture
def cards(request):
    """Cards of the world by subject. They are frozen, so one world serves all tests of a process."""
    if not _cards:
        request.getfixturevalue("world")
        size = settled().size
        _cards.update({subject: card_of(lookup.find(subject), size) for subject in SUBJECTS})
    return _cards


def recorded(key, value, label="label", unit=None):
    source = Pointer(entry=7, cls="P", pointer="/state")
    return Fact(
        key=key, label=label, value=value, unit=unit, state="recorded", assurance="asserted", source=source
    )


def empty(key, state, reason="Nobody said.", owner="ada"):
    return Fact(
        key=key,
        label=key,
        value=None,
        state=state,
        assurance=None,
        source=Absence(reason=reason, owner=owner),
    )


def card(facts, kind="model", slug="x"):
    """The public card over these facts; every other field is not recorded, as evidence has it."""
    told = {ROOTS[fact.field].key for fact in facts}
    facts = [
        *facts,
        *(empty(key, "not_recorded", "No record holds it.", "") for key in FIELDS if key not in told),
    ]
    document = Document(
        subject=Subject(kind=kind, slug=slug, number=1, digest=DIGEST),
        at=TreeSize(size=9, root="cd" * 32),
        facts=tuple(sorted(facts, key=lambda fact: fact.key)),
    )
    entry = CitedEntry(7, "registry.version", "id", "registry:version:registered", "person:ada", AT, DIGEST)
    return compose(shown_to(document, "public", bytes(32)), KIND_OF[kind], [entry])


def everything(kind):
    """A card with a value of its own for every field of the schema: `marker`, then the field."""
    texts = [recorded(root, f"marker-{root}-end") for root in ROOTS]
    return card([*texts, *(recorded(f"{root}.1.text", f"marker-{root}-end") for root in ROOTS)], kind)


def lineage(text, datasets=1, kind="model"):
    """A card with a stage, parents, data, results and sheets, all of whose free texts are `text`."""
    subject = f"{kind}:x@1"
    facts = [
        recorded("model_name", text),
        recorded("model_name.model", subject),
        recorded("description", text),
        recorded("licence", text),
        recorded("limits.written", text),
        recorded("citation.written", text),
        recorded("intended_uses", text),
        recorded("hyperparameters.word", text),
        recorded("architecture_params.architecture", text),
        recorded("modalities.input", (text,)),
        recorded("stages.1.label", text),
        recorded("stages.1.method", text),
        recorded("stages.1.init_from", "model:gone@3"),
        recorded("stages.1.made_output", subject),
        recorded("stages.1.recorded_by", text),
        recorded("results.sums.task", text),
        recorded("results.sums.metric", text),
        recorded("results.sums.score", "0.5", unit="share"),
        recorded("suites.1.title", text),
        recorded("authorship.model.authors", (text,)),
        recorded("authorship.model.subject", subject),
    ]
    for number in range(1, datasets + 1):
        facts += [
            recorded(f"mixture.{number}.dataset", f"dataset:d{number}@1"),
            recorded(f"mixture.{number}.digest", DIGEST),
            recorded(f"mixture.{number}.rows", number, unit="rows"),
            recorded(f"mixture.{number}.licence", text),
            recorded(f"stages.1.trained_on_{number}", f"dataset:d{number}@1"),
            recorded(f"provenance.{number}.source", text),
            recorded(f"datasheet.{number}.description", text),
            recorded(f"processing.{number}.purpose", text),
        ]
    return card(facts, kind)
