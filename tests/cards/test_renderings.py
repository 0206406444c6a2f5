"""The card as JSON and as the context of its page: the same facts again."""

from governance.cards import as_json, as_page
from governance.cards.compose import card_of, natural
from governance.evidence.schema import FIELDS
from governance.ledger.canonical import loads_canonical
from governance.registry import lookup
from tests.evidence.world import settled


def card(subject="release:assistant"):
    return card_of(lookup.find(subject), settled().size)


def test_json_holds_every_fact_of_the_evidence(world):
    made = card()
    plain = loads_canonical(as_json.render(made))
    assert plain["schema"] == "card/1"
    assert plain["at"] == made.document.at.model_dump()
    fields = [field for section in plain["sections"] for field in section["fields"]]
    assert [field["key"] for field in fields] == list(FIELDS)
    facts = sorted((fact for field in fields for fact in field["facts"]), key=lambda fact: fact["key"])
    assert facts == made.document.plain()["facts"]
    assert [entry["index"] for entry in plain["entries"]] == sorted(
        entry["index"] for entry in plain["entries"]
    )


def test_the_page_tells_every_field(world):
    made = card()
    context = as_page.context(made)
    assert [section["number"] for section in context["sections"]] == list(range(10))
    titles = {field.title for field in FIELDS.values()}
    told = {fact["field"] for section in context["sections"] for fact in section["facts"]}
    tables = {table["caption"] for section in context["sections"] for table in section["tables"]}
    assert told | tables == titles
    for section in context["sections"]:
        for table in section["tables"]:
            assert {len(row["cells"]) for row in table["rows"]} == {len(table["columns"])}
            assert all(row["entries"] for row in table["rows"])
        for fact in section["facts"]:
            assert fact.get("empty") or fact["entries"] or fact["derived"]


def test_numbers_in_names_count():
    assert sorted(["mixture.10", "mixture.2", "mixture.a", "mixture.1"], key=natural) == [
        "mixture.1",
        "mixture.2",
        "mixture.10",
        "mixture.a",
    ]
