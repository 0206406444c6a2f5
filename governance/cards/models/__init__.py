"""What was published, handed out, and what was said against it."""

from governance.cards.models.disclosures import Disclosure
from governance.cards.models.objections import Objection
from governance.cards.models.publications import Publication
from governance.cards.models.secrets import Secret

__all__ = ["Disclosure", "Objection", "Publication", "Secret"]
