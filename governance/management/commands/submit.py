"""`manage.py submit SUBJECT`: send a draft or a sealed version to review."""

from argparse import ArgumentParser
from typing import Any

from governance.management.acting import ActingCommand
from governance.registry import lookup
from governance.registry.access import require_read, require_write
from governance.reviews import actions


class Command(ActingCommand):
    help = "Send a version to review. A draft is sealed by it. Approving happens in the browser or the API, by somebody else."
    example = "manage.py submit constitution:house@1 --as polly"
    action = "reviews:version:submit"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subject", help="kind:slug or kind:slug@number")

    def act(self, *, subject: str, **_: Any) -> None:
        version = lookup.find(subject, drafts=True)
        # Whoever submits becomes an author, and authors read what is restricted.
        require_read(self.person, version)
        if not version.is_sealed:
            require_write(self.person, version.kind)
        actions.submit(version, actor=self.actor)
        self.stdout.write(f"{version.subject} is in review with the digest {version.digest}.")
