"""What was published, and what was said against it."""

from governance.cards.models.objections import Objection
from governance.cards.models.publications import Publication

__all__ = ["Objection", "Publication"]
