"""A card as one HTML file that needs nothing else: no script, no picture, no font and no address outside of it."""

from typing import Any

from django.template.loader import render_to_string

from governance.cards import as_page
from governance.cards.compose import Card
from governance.cards.escaping import visible


def render(card: Card) -> bytes:
    """The file. The same card gives the same bytes."""
    context = {**as_page.context(card), "entries": [vars(entry) for entry in card.entries]}
    return render_to_string("governance/card_file.html", _visible(context)).lstrip().encode()


def _visible(plain: Any) -> Any:
    """Texts with the characters that reorder or hide others shown by their number."""
    if isinstance(plain, dict):
        return {key: _visible(item) for key, item in plain.items()}
    if isinstance(plain, list | tuple):
        return [_visible(item) for item in plain]
    return visible(plain) if isinstance(plain, str) else plain
