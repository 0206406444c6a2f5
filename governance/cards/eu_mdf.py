"""A card as the Model Documentation Form of the General-Purpose AI Code of Practice, each item marked with its readers."""

from governance.cards import forms
from governance.cards.compose import Card


def render(card: Card) -> bytes:
    """The form as Markdown. The same card gives the same bytes."""
    return forms.render(card, "eu_mdf")
