"""The same rows on the other database give the same bytes."""

import pytest
from django.core.management import call_command
from django.db import connection

from governance.cards import as_json, markdown
from governance.cards.bundle import bundle_of
from governance.cards.compose import card_of
from governance.evidence.collect import collect
from governance.ledger import triggers
from governance.ledger.models import Checkpoint
from governance.registry import lookup
from tests.evidence.world import settled

SUBJECTS = ("release:assistant", "model:tuned", "model:tiny-base", "dataset:sums")


def everything(size):
    checkpoint = Checkpoint.objects.get(size=size)
    for subject in SUBJECTS:
        version = lookup.find(subject)
        card = card_of(version, size)
        yield collect(version, size).canonical()
        yield markdown.render(card).encode()
        yield as_json.render(card)
        yield bundle_of(version, checkpoint)


@pytest.mark.service
def test_evidence_cards_and_bundles_have_the_same_bytes_on_both_databases(world, request, tmp_path):
    size = settled().size
    # First, since the first card of a version makes the secret that its commitments are salted with.
    on_sqlite = list(everything(size))
    dump = tmp_path / "rows.json"
    call_command("dumpdata", exclude=["contenttypes", "auth.permission"], output=str(dump), verbosity=0)

    request.getfixturevalue("postgres_db")
    assert connection.vendor == "postgresql"
    triggers.remove(connection)
    call_command("loaddata", str(dump), verbosity=0)
    triggers.install(connection)

    assert list(everything(size)) == on_sqlite
