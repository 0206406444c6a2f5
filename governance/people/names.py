"""Names that cannot be taken for another's: no invisible characters, and no look of a name that there is.

The skeleton of a name follows UTS #39, section 4, with Unicode's table of confusable characters as the library
`confusable_homoglyphs` carries it.
"""

import unicodedata
from functools import cache

from django.core.exceptions import ValidationError

from governance.people.models import User

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""General categories that nobody sees or that turn the text around: control, format (bidi, zero width), separators."""
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show nothing, though their categories do not say so."""


def unseen(text: str) -> str | None:
    """The first invisible character of `text` as `U+200B`, or None."""
    found = (char for char in text if char in BLANKS or unicodedata.category(char) in UNSEEN)
    return next((f"U+{ord(char):04X}" for char in found), None)


def check_plain(**fields: str) -> None:
    """Raise ValidationError naming each field that holds a character which nobody sees."""
    faults = {
        name: f"The {name.replace('_', ' ')} holds the invisible character {found}."
        for name, text in fields.items()
        if (found := unseen(text))
    }
    if faults:
        raise ValidationError(faults)


def check_unlike(*, username: str, display_name: str) -> None:
    """Raise ValidationError when a new name looks like the user name or the display name of somebody there is."""
    wanted = {
        "username": looks(username),
        "display_name": looks(display_name) if display_name else frozenset(),
    }
    for own, shown in User.objects.values_list("username", "display_name").iterator():
        if own == username:
            # The unique key says so better.
            continue
        theirs = looks(own) | (looks(shown) if shown else frozenset())
        for field, mine in wanted.items():
            if mine & theirs:
                told = f"The {field.replace('_', ' ')} looks like the name of {shown or own} ({own}); choose another."
                raise ValidationError({field: told})


def looks(name: str) -> frozenset[str]:
    """What a name is compared by: its skeleton, and the name without regard to case and form."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return frozenset({" ".join(folded.split()), skeleton(name)})


def skeleton(name: str) -> str:
    """The same text for names that look the same: UTS #39's skeleton, in one case, without spaces and marks of choice."""
    table, text = _prototypes(), unicodedata.normalize("NFKD", name)
    for _ in range(2):
        # Case is folded in between: small and large letters have prototypes of their own.
        text = "".join(table.get(char, char) for char in text).casefold()
    seen = (char for char in unicodedata.normalize("NFKC", text) if not _is_selector(char))
    return "".join("".join(seen).split())


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


@cache
def _prototypes() -> dict[str, str]:
    """Character → what it is confused with. The library lists a prototype's look-alikes, and of these the prototype alone."""
    # Read when the first name is compared: no other command and no page waits for the table's megabyte.
    from confusable_homoglyphs.confusables import confusables_data

    made = {}
    for char, like in confusables_data.items():
        if len(char) != 1 or len(like) != 1:
            continue
        target = like[0]["c"]
        back = [one["c"] for one in confusables_data.get(target, [])]
        # Where two point at each other alone, the first in the code chart stands for both.
        made[char] = min(char, target) if back == [char] and len(target) == 1 else target
    return made
