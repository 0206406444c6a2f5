"""What people write finds one version, or says what is near."""

import pytest

from governance.registry import actions, lookup
from governance.registry.kinds import UnknownKind
from tests.builders import POLLY, constitution

pytestmark = pytest.mark.django_db


def test_the_newest_sealed_version_is_meant_when_no_number_is_given():
    constitution()
    newer = constitution(content={"title": "Two", "principles": [{"id": "a", "text": "A"}]})
    actions.save_draft("constitution", "house", {"title": "Three"}, actor=POLLY)
    assert lookup.find("constitution:house") == newer == lookup.find("house")
    assert lookup.find("constitution:house@1").number == 1
    assert lookup.find("house", drafts=True).number == 3


def test_a_wrong_name_gets_the_nearest():
    constitution()
    with pytest.raises(lookup.NotFound, match="Did you mean constitution:house"):
        lookup.find("constitution:hause")
    with pytest.raises(UnknownKind, match="Did you mean constitution"):
        lookup.find("constitutoin:house")
    with pytest.raises(lookup.NotFound, match="versions: 1"):
        lookup.find("constitution:house@7")


def test_a_bare_slug_must_be_unambiguous():
    constitution()
    actions.register("system-prompt", "house", {"text": "Hello."}, actor=POLLY)
    with pytest.raises(lookup.Ambiguous, match="constitution:house, system-prompt:house"):
        lookup.find("house")
