"""The admin: accounts for administrators, texts for policy editors. All is written through actions; nothing is deleted."""

from governance.admin import accounts, kinds

__all__ = ["accounts", "kinds"]
