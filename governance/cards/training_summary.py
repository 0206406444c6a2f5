"""A card as the public summary of training content that the European Commission's template asks for."""

from governance.cards import forms
from governance.cards.compose import Card


def render(card: Card) -> bytes:
    """The summary as Markdown. The same card gives the same bytes."""
    return forms.render(card, "training_summary")
