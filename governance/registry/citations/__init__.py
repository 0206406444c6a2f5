"""What cites a principle: found in sealed content and by sources that rooms above register, kept in the index `Citation`."""

from governance.registry.citations.indexing import index, rebuild
from governance.registry.citations.sources import AREAS, Found, register

__all__ = ["AREAS", "Found", "index", "rebuild", "register"]
