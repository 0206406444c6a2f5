"""Notices by e-mail: what waits for whom, and what became of it. They leave once the change is committed.

They name versions and people, never what stands in a version or why somebody decided: mail leaves the house.
"""

import logging
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.core import mail
from django.db import transaction

from governance.people.models import Account
from governance.registry.models import Version
from governance.reviews import seats
from governance.reviews.models import Review

log = logging.getLogger("charter.reviews")

# A thread of its own: a worker may be busy for hours with a job, and whoever acts waits for no mail server.
post = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charter-mail")
WORDS = {Review.APPROVE: "is approved", Review.REFUSE: "is refused", Review.CHANGES: "needs changes"}


def waits(version: Version) -> None:
    """Tell everybody who may fill an open seat of `version` that it waits for them."""
    transaction.on_commit(lambda: _tell_reviewers(version), robust=True)


def decided(version: Version, review: Review) -> None:
    """Tell the authors of `version` what became of it."""
    transaction.on_commit(lambda: _tell_authors(version, review), robust=True)


def _tell_reviewers(version: Version) -> None:
    standing = seats.standing(version)
    to = [
        account
        for account in _reachable()
        if standing.takes(frozenset(account.groups)) and account.handle not in version.authors
    ]
    body = f"{', '.join(version.authors) or version.created_by} sent {version.subject} to review. {standing.wanted()}"
    _send(to, f"{version.subject} waits for a review", body, version)


def _tell_authors(version: Version, review: Review) -> None:
    to = [account for account in _reachable() if account.handle in version.authors]
    what = f"{version.subject} {WORDS[review.verdict]}"
    draft = f" Go on in {review.draft.subject}, which has the same content." if review.draft else ""
    _send(to, what, f"{what}: {review.reviewer} decided, and says why on its page.{draft}", version)


def _reachable() -> list[Account]:
    """Active accounts with an address."""
    active = Account.objects.filter(active=True, user__is_active=True).exclude(user__email="")
    return list(active.select_related("user"))


def _send(to: list[Account], about: str, body: str, version: Version) -> None:
    page = f"{settings.CHARTER_URL}/versions/{version.subject}/" if settings.CHARTER_URL else version.subject
    letters = [
        mail.EmailMessage(f"[Charter] {about}", f"{body}\n\n{page}\n", None, [account.user.email])
        for account in to
    ]
    if letters:
        post.submit(_deliver, letters, version.subject)


def _deliver(letters: list[mail.EmailMessage], subject: str) -> None:
    try:
        mail.get_connection().send_messages(letters)
    except Exception:
        log.exception("no notices about %s could be sent to %s people", subject, len(letters))
