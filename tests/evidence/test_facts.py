import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from governance.evidence.facts import Absence, Derivation, Document, Fact, Pointer, Subject, TreeSize, weakest
from governance.ledger.canonical import loads_canonical
from governance.ledger.recompute import index_facts

SUBJECT = Subject(kind="model", slug="m", number=1, digest="ab" * 32)
AT = TreeSize(size=9, root="cd" * 32)
texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1)
values = st.one_of(
    texts, st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.lists(texts, min_size=1).map(tuple)
)


def recorded(key, value="x", *, entry=3, unit=None, assurance="observed"):
    source = Pointer(entry=entry, cls="P", pointer="/state/x")
    return Fact(
        key=key, label=key, value=value, unit=unit, state="recorded", assurance=assurance, source=source
    )


def derived(key, *inputs):
    source = Derivation(function="count", inputs=inputs)
    return Fact(key=key, label=key, value=len(inputs), state="derived", assurance="observed", source=source)


def empty(key, state="withheld"):
    return Fact(
        key=key, label=key, value=None, state=state, assurance=None, source=Absence(reason="r", owner="o")
    )


def document(*facts):
    return Document(subject=SUBJECT, at=AT, facts=tuple(sorted(facts, key=lambda fact: fact.key)))


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,9}(\.[A-Za-z0-9_-]{1,9}){0,2}", fullmatch=True), values, max_size=8
    )
)
def test_the_canonical_form_is_what_the_verifier_reads(found):
    made = document(*(recorded(key, value) for key, value in found.items()))
    plain = loads_canonical(made.canonical())
    facts = index_facts(plain)
    assert {key: facts[key]["value"] for key in facts} == {
        key: list(value) if isinstance(value, tuple) else value for key, value in found.items()
    }


def test_a_pointer_is_written_with_the_names_of_the_format():
    assert recorded("licence").plain()["source"] == {"entry": 3, "class": "P", "pointer": "/state/x"}
    assert empty("licence").plain()["source"] == {"reason": "r", "owner": "o"}


def test_two_facts_never_have_one_key():
    with pytest.raises(ValidationError, match="two facts have the key licence"):
        document(recorded("licence", "a"), recorded("licence", "b"))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "derived"},
        {"state": "withheld"},
        {"value": None},
        {"assurance": None},
        {"value": 0.5},
        {"key": "Licence"},
        {"key": "licence..x"},
        {"state": "unknown"},
    ],
)
def test_a_fact_that_contradicts_itself_is_refused(change):
    with pytest.raises(ValidationError):
        Fact.model_validate({**recorded("licence").model_dump(), **change})


def test_nothing_of_a_document_can_be_changed():
    made = document(recorded("licence"))
    with pytest.raises(ValidationError):
        made.facts[0].value = "MIT"


def test_a_derived_value_rests_on_the_entries_of_its_inputs():
    made = document(
        recorded("a", entry=1),
        recorded("b", entry=7),
        derived("c", "a", "b"),
        derived("d", "c", "a"),
        empty("e"),
    )
    assert made.entries_behind(made.get("d")) == [1, 7]
    assert made.entries_behind(made.get("e")) == []


def test_a_circle_of_derivations_ends():
    made = document(derived("a", "b"), derived("b", "a"))
    assert made.entries_behind(made.get("a")) == []


def test_what_is_derived_is_as_sure_as_its_weakest_input():
    assert weakest([recorded("a"), recorded("b", assurance="asserted"), empty("c")]) == "asserted"


def test_a_figure_is_a_whole_number_or_decimal_text_with_a_unit():
    assert str(recorded("a", "0.50", unit="share").number) == "0.50"
    assert recorded("a", 3).number == 3
    assert recorded("a", "0.5").number is None
    assert recorded("a", True).number is None
