"""An anchor names the whole, a part by its id, or a place by JSON pointer; what names nothing is told the nearest."""

import pytest

from governance.reviews.anchors import UnknownAnchor, check
from tests.builders import CONSTITUTION

CONTENT = {**CONSTITUTION, "odd/key": {"~": [1]}, "rules": [{"id": "inner", "section": ["top", "under"]}]}


@pytest.mark.parametrize(
    "anchor", ["", "no-harm", "inner", "under", "/title", "/principles/1/text", "/odd~1key/~0/0"]
)
def test_what_is_there_is_taken(anchor):
    check(CONTENT, anchor)


@pytest.mark.parametrize(
    ("anchor", "near"),
    [
        ("no-ham", "no-harm"),
        ("zzz", "no-harm"),
        ("/titel", "/title"),
        ("/principles/2", "/principles/"),
        ("/principles/01", "/principles/"),
        ("/principles/-1", "/principles/"),
        ("/principles/0/txt", "/principles/0/text"),
        ("/title/0", "There is no"),
        ("/", "/title"),
        ("x" * 1001, "at most 1000"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest(anchor, near):
    with pytest.raises(UnknownAnchor) as refusal:
        check(CONTENT, anchor)
    assert near in str(refusal.value)
