"""What people said about versions."""

from governance.reviews.models.reviews import Review

__all__ = ["Review"]
