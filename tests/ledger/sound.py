"""What must hold after every fault."""

import pytest

from governance.ledger import audit, auditable
from governance.ledger.models import Alarm, Checkpoint, Cosignature, Entry, Head, Tile
from governance.ledger.witness.memory import Memory
from tests.torture import checks

SIDES = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
"""A fault comes before what it befalls persists, or after."""


def sound(*witnesses: Memory) -> None:
    """Settled and witnessed, everything holds."""
    assert list(checks.problems(checks.Seen(), witnesses)) == []
    assert audit.run().problems == []


def stored() -> list[list[tuple]]:
    models = [*auditable.registered(), Entry, Tile, Head, Checkpoint, Cosignature, Alarm]
    return [list(model._base_manager.order_by("pk").values_list()) for model in models]
