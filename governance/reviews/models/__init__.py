"""What people said about versions."""

from governance.reviews.models.comments import Comment
from governance.reviews.models.impacts import Impact
from governance.reviews.models.reviews import Review

__all__ = ["Comment", "Impact", "Review"]
