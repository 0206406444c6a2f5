"""The form that opens a study, and what was typed into it."""

from typing import Any

from evals.human.plan import MARGIN, MOST_NEEDED, NEEDED, QUESTION
from governance.views import suggestions
from governance.views.inputs import NUMBER, VERSION, Form, Group, Input

NUMBERS = ("needed", "items", "seed")


def form_for(user: object) -> Form:
    """The fields of a study; versions are suggested that `user` may read."""
    pair = [
        Input("a", "First model", VERSION, "A model, or the id of an evaluation.", required=True),
        Input(
            "b", "Second model", VERSION, "The model that it is held against.", required=True, suggests="id_a"
        ),
        Input("suite", "Suite", VERSION, "What both answered.", "default: what both were evaluated on last"),
        Input("task", "Task", help="Only items of this task.", hint="default: all tasks"),
        Input("items", "Items", NUMBER, "How many to draw by the seed.", "default: all, at most 1000"),
    ]
    raters = [
        Input("pool", "Rater pool", VERSION, "Who compares; the version says how many people it has.", required=True),
        Input("guideline", "Guideline", VERSION, "What they go by.", required=True),
        Input("needed", "Raters for each item", NUMBER, hint=f"1 to {MOST_NEEDED}", default=str(NEEDED), value=str(NEEDED)),
        Input("dimension", "Groups by", help="What the pool's people are counted by, such as country.", hint="default: no groups"),
    ]  # fmt: skip
    asked = [
        Input("question", "Question", help="Stands above each pair.", default=QUESTION, value=QUESTION),
        Input(
            "margin", "Margin", NUMBER, "Share of wins away from a half that would matter, fixed before anybody judges.",
            "0.01 to below 0.5", default=MARGIN, value=MARGIN,
        ),
        Input("seed", "Seed", NUMBER, "Draws the items and decides which answer stands first.", "default: drawn now, and recorded"),
    ]  # fmt: skip
    form = Form(
        Group("", [*pair, *raters]), Group("Question, margin and seed", asked, required=False, folded=True)
    )
    for name, kind in (
        ("a", "model"),
        ("suite", "eval-suite"),
        ("pool", "annotator-pool"),
        ("guideline", "guideline"),
    ):
        form[name].choices = suggestions.versions([kind], user)
    return form


def typed(form: Form) -> dict[str, Any]:
    """What the form holds, as plan_of() takes it; complaints about numbers go to their fields."""
    given: dict[str, Any] = {one.name: one.value for one in form.inputs if one.name not in NUMBERS}
    for name in NUMBERS:
        text = form[name].value
        if text and not (text.isascii() and text.isdecimal() and len(text) <= 12):
            form[name].errors.append("Write a whole number.")
        elif text:
            given[name] = int(text)
    return given


def prefilled(form: Form, asked: dict[str, str]) -> None:
    """Fill in the two sides that a link names; evaluations keep their ids."""
    for name in ("a", "b"):
        form[name].value = asked.get(name, "").replace("\0", "")[:200]
