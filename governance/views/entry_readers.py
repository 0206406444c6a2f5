"""Who sees more of an entry than its public part, where what the entry is about is not for everybody."""

from collections.abc import Callable

from governance.ledger.models import Entry
from governance.people.models import User
from governance.registry.access import may_read
from governance.reviews.models import Comment

Reads = Callable[[User, str], bool]
"""(who, id of the object) → whether they may see all that its entries say of it, but for personal data."""

_reads: dict[str, Reads] = {}


def register(kind: str, reads: Reads) -> None:
    """Ask `reads` about entries of this ledger type; of types that nobody registered everybody reads. Called when a room starts."""
    _reads[kind] = reads


def may_see(user: User, found: Entry) -> bool:
    """Whether this person may see the internal parts of the entry."""
    reads = _reads.get(found.object_type)
    return reads is None or reads(user, found.object_id)


def _comments(user: User, key: str) -> bool:
    """What a comment says may quote the version that it is about."""
    row = Comment.objects.select_related("version__artifact").defer("version__content").filter(pk=key).first()
    return row is not None and may_read(user, row.version)


register(Comment.ledger_type, _comments)
