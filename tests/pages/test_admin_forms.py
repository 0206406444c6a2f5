"""Forms made from schemas: every field of every kind, and of any schema that comes, has its place, label and help."""

from decimal import Decimal
from typing import Literal

import pytest
from django.contrib import admin
from pydantic import Field

from governance.admin.forms import ContentForm
from governance.admin.look import Look
from governance.admin.rules import plainly
from governance.admin.schema import NoField, form_for
from governance.registry.kinds import KINDS
from governance.registry.kinds.base import KindContent, Ref

EDITED = ("constitution", "guideline", "policy", "system-prompt", "card-text")


class Inner(KindContent):
    id: str = Field(pattern=r"^[a-z]+$")
    notes: list[str] = Field(default_factory=list)


class Everything(KindContent):
    name: str
    """What it is called."""
    size: int = 3
    share: Decimal | None = None
    ready: bool = False
    colour: Literal["dark_red", "blue"] = "blue"
    made_by: Literal["hand", "machine"] | None = None
    tags: list[str] = Field(default_factory=list)
    follows: list[Ref] = Field(default_factory=list)
    only: Inner | None = None
    rows: list[Inner] = Field(default_factory=list)
    named: dict[str, Inner] = Field(default_factory=dict)


NESTED = ("only", "rows", "named")


def places(form: type[ContentForm], above: str = "") -> set[str]:
    found = {f"{above}{name}" for name in form.base_fields if name != "KEY"}
    for name, part in form._shape.parts.items():
        found |= {f"{above}{name}"} | places(part.form, f"{above}{name}.")
    return found


def typed(form: type[ContentForm], **sent: str) -> ContentForm:
    lists = {f"c-{name}-{key}_FORMS": "0" for name in ("rows", "named") for key in ("TOTAL", "INITIAL")}
    return form(
        {**lists, **{f"c-{name.replace('__', '-')}": value for name, value in sent.items()}}, prefix="c"
    )


@pytest.mark.parametrize("kind", EDITED)
def test_every_field_of_a_kind_is_in_its_form(kind):
    made = next(
        one.content_form for one in admin.site._registry.values() if getattr(one, "kind", None) == kind
    )
    plain = form_for(KINDS[kind].content, Look())
    assert places(made) == places(plain)
    assert set(KINDS[kind].content.model_fields) == set(made._shape.order)


def test_a_field_that_a_schema_gains_appears_by_itself():
    form = form_for(Everything, Look(order=("size",)))
    assert places(form) == {
        *Everything.model_fields,
        *(f"{one}.{name}" for one in NESTED for name in Inner.model_fields),
    }
    assert form._shape.order[0] == "size"
    assert form.base_fields["name"].help_text == "What it is called."
    assert [label for _, label in form.base_fields["colour"].choices] == ["Dark red", "Blue"]
    assert form._shape.needed == {"name"}


def test_an_empty_form_has_the_defaults_of_the_schema():
    form = typed(form_for(Everything, Look()), name="A")
    assert form.is_valid()
    assert form.content() == {
        "name": "A", "size": 3, "share": None, "ready": False, "colour": "blue", "made_by": None, "tags": [],
        "follows": [], "only": None, "rows": [], "named": {},
    }  # fmt: skip


def test_what_is_typed_becomes_values():
    form = typed(
        form_for(Everything, Look()),
        name="A", size="7", share="0.5", ready="on", made_by="hand", tags="x\r\ny\r\n  z\r\n\r\n",
        follows="constitution:house@2", only__id="i", rows__TOTAL_FORMS="2", rows__0__id="b", rows__0__ORDER="2",
        rows__1__id="a", rows__1__ORDER="1", rows__1__notes="n", named__TOTAL_FORMS="1", named__0__KEY="k", named__0__id="v",
    )  # fmt: skip
    assert form.is_valid()
    found = form.content()
    assert Everything.model_validate({**found, "follows": []})
    assert (found["size"], found["share"], found["ready"], found["tags"]) == (7, "0.5", True, ["x", "y\nz"])
    assert found["follows"] == [{"subject": "constitution:house@2", "digest": ""}]
    assert [(one["id"], one["notes"]) for one in found["rows"]] == [("a", ["n"]), ("b", [])]
    assert (found["only"], found["named"]) == ({"id": "i", "notes": []}, {"k": {"id": "v", "notes": []}})


@pytest.mark.parametrize("size", ["9" * 5000, str(2**53), "1.5", "x", "٣٣x"])
def test_a_number_that_cannot_be_kept_is_told_at_its_field(size):
    form = typed(form_for(Everything, Look()), name="A", size=size)
    assert not form.is_valid()
    assert [problem.anchor for problem in form.problems()] == ["id_c-size"]


def test_faults_find_their_fields_and_what_has_none_its_surroundings():
    form = typed(
        form_for(Everything, Look()),
        name="A",
        rows__TOTAL_FORMS="1",
        rows__0__id="B",
        named__TOTAL_FORMS="1",
        named__0__KEY="a.b",
        tags="x\ny",
    )
    assert form.is_valid()
    for path in (
        "name",
        "rows.0.id",
        "rows.0",
        "rows.7.id",
        "rows",
        "named.a.b.id",
        "named.a.b.[key]",
        "tags.1",
        "gone.x",
        "",
    ):
        form.accuse(path.split(".") if path else [], "Field required")
    told = {(one.anchor, one.place) for one in form.problems()}
    assert told == {
        ("id_c-name", "Name"),
        ("id_c-rows-0-id", "Row 1, Id"),
        ("at-c-rows-0", "Row 1"),
        ("at-c-rows", "Rows"),
        ("id_c-named-0-id", "Named 1, Id"),
        ("id_c-named-0-KEY", "Named 1, Named"),
        ("id_c-tags", "Tags"),
        ("at-c", "Whole document"),
    }


def test_a_type_without_a_field_is_refused_when_the_form_is_made():
    class Odd(KindContent):
        pair: tuple[int, int]

    with pytest.raises(NoField, match="pair"):
        form_for(Odd, Look())


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ("Field required", None, "Fill this in."),
        ("Value error, principle id used twice: a", None, "Principle id used twice: a."),
        ("no_harm is no rule", None, "no_harm is no rule."),
        ("String should match pattern '^unheard$'", "x", "This is not written as the help text says."),
        ("String should match pattern '^[a-z][a-z0-9_-]*$'", "", "Fill this in."),
    ],
)
def test_rules_are_told_in_plain_words(rule, value, said):
    assert plainly(rule, value) == said
