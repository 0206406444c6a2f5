"""Which models are auditable: rows that change only together with a ledger entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.ledger.models import Auditable

_models: dict[str, type[Auditable]] = {}


class NotAuditable(LookupError):
    """A model or object type that no room has registered."""


def register(model: type[Auditable]) -> None:
    """Make `model` auditable under its `ledger_type`. Called by the room's AppConfig.ready().

    Raises ValueError when another model has taken the type.
    """
    other = _models.setdefault(model.ledger_type, model)
    if other is not model:
        raise ValueError(f"ledger type {model.ledger_type!r} already belongs to {other.__name__}")


def registered() -> list[type[Auditable]]:
    """Every auditable model, sorted by ledger type."""
    return [_models[name] for name in sorted(_models)]


def of_type(ledger_type: str) -> type[Auditable]:
    """The model that entries name by `ledger_type`. Raises NotAuditable."""
    if ledger_type not in _models:
        raise NotAuditable(
            f"There is no object type {ledger_type!r}; there are {', '.join(sorted(_models))}."
        )
    return _models[ledger_type]


def check(model: type[Auditable]) -> None:
    """Raise NotAuditable unless `model` is registered."""
    if _models.get(model.ledger_type) is not model:
        raise NotAuditable(
            f"{model.__name__} is not registered; call governance.ledger.auditable.register({model.__name__})"
            " in its AppConfig.ready()"
        )
