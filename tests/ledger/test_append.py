import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from governance.ledger.actors import Actor
from governance.ledger.append import Stale, append, commitment
from governance.ledger.auditable import NotAuditable
from governance.ledger.canonical import CanonicalError, loads_canonical
from governance.ledger.events import EventKind, UnknownEvent, register
from governance.ledger.models import Auditable, Entry
from governance.ledger.tree import leaf_hash
from governance.registry.models import Artifact, Version
from tests.ledger.world import ADA, OP, make, retitle


class Unregistered(EventKind):
    THING = "nobody:knows:this"


def test_a_new_row_and_its_entry(database):
    artifact = make()
    entry = Entry.objects.get()
    body = loads_canonical(bytes(entry.body))
    assert body == {
        "v": 1,
        "type": "registry.artifact",
        "id": str(artifact.pk),
        "rev": 1,
        "prev": None,
        "op": "registry:artifact:created",
        "actor": "person:ada",
        "at": entry.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "payload": {name: commitment(part) for name, part in entry.parts.items()},
    }
    assert entry.leaf_hash == leaf_hash(bytes(entry.body)).hex()
    assert loads_canonical(entry.parts["P"]["payload"].encode()) == {
        "state": {"kind": "constitution", "slug": "house", "title": "House rules"},
        "summary": {},
    }
    assert loads_canonical(entry.parts["I"]["payload"].encode())["summary"] == {"why": "a test"}
    assert len({part["salt"] for part in entry.parts.values()}) == 2
    stored = Artifact.objects.get()
    assert (stored.ledger_rev, stored.ledger_head_id) == (1, entry.leaf_hash)


def test_a_change_points_at_the_entry_before_it(database):
    artifact = make()
    first = artifact.ledger_head_id
    second = retitle(artifact, "Rules of the house")
    assert loads_canonical(bytes(second.body))["prev"] == first
    assert second.rev == artifact.ledger_rev == Artifact.objects.get().ledger_rev == 2


def test_only_the_named_fields_are_saved_and_recorded(database):
    artifact = make()
    artifact.title, artifact.slug = "New title", "smuggled"
    with transaction.atomic():
        entry = append(artifact, op=OP, actor=ADA, fields=["title"])
    assert Artifact.objects.get().slug == "house"
    assert loads_canonical(entry.parts["P"]["payload"].encode())["state"]["slug"] == "house"


def test_an_event_without_a_change(database):
    artifact = make()
    with transaction.atomic():
        append(artifact, op=OP, actor=ADA, summary={"P": {"again": True}})
    assert Artifact.objects.get().title == "House rules"
    assert Entry.objects.count() == 2


def test_the_second_of_two_readers_is_stale(database):
    first = make()
    second = Artifact.objects.get()
    retitle(first, "First")
    with pytest.raises(Stale, match="changed by somebody else"):
        retitle(second, "Second")
    assert Artifact.objects.get().title == "First"
    assert Entry.objects.count() == 2


def test_concurrent_appends_have_one_winner(database):
    artifact = make()
    copies = [Artifact.objects.get(pk=artifact.pk) for _ in range(4)]
    start, outcomes = threading.Barrier(len(copies)), []

    def change(copy: Artifact, title: str) -> None:
        start.wait()
        try:
            retitle(copy, title)
            outcomes.append("won")
        except Stale:
            outcomes.append("stale")
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(copy, str(n))) for n, copy in enumerate(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["stale", "stale", "stale", "won"]
    assert list(Entry.objects.order_by("id").values_list("rev", flat=True)) == [1, 2]


def test_nothing_stays_when_the_transaction_fails(database):
    artifact = make()

    @transaction.atomic
    def change_then_fail() -> None:
        artifact.title = "Other"
        append(artifact, op=OP, actor=ADA, fields=["title"])
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        change_then_fail()
    assert Entry.objects.count() == 1
    assert Artifact.objects.get().title == "House rules"


def test_outside_a_transaction(database):
    with pytest.raises(RuntimeError, match="atomic"):
        append(Artifact(kind="model", slug="a", title=""), op=OP, actor=ADA)


def test_unknown_events_are_refused(database):
    with pytest.raises(UnknownEvent, match="nobody:knows:this"), transaction.atomic():
        append(Artifact(kind="model", slug="a", title=""), op=Unregistered.THING, actor=ADA)
    with pytest.raises(UnknownEvent), transaction.atomic():
        append(Artifact(kind="model", slug="a", title=""), op="registry:artifact:created", actor=ADA)
    assert not Entry.objects.exists()


def test_models_that_nobody_registered_are_refused():
    class Ghost(Auditable):
        ledger_type = "tests.ghost"

        class Meta:
            app_label = "ghosts"

        def ledger_state(self):
            return {}

    with pytest.raises(NotAuditable, match="Ghost is not registered"):
        append(Ghost(), op=OP, actor=ADA)


def test_a_model_that_does_not_say_its_state_cannot_be_made():
    class Mute(Auditable):
        ledger_type = "tests.mute"

        class Meta:
            app_label = "ghosts"

    with pytest.raises(TypeError, match="ledger_state"):
        Mute()


def test_states_without_canonical_form_are_refused(database):
    with pytest.raises(CanonicalError, match=r"\$.state.title"), transaction.atomic():
        append(Artifact(kind="model", slug="a", title=1.5), op=OP, actor=ADA)
    with pytest.raises(ValueError, match="visibility class 'Q'"), transaction.atomic():
        append(Artifact(kind="model", slug="a", title=""), op=OP, actor=ADA, summary={"Q": {}})
    assert not Entry.objects.exists()


def test_actors():
    assert str(Actor.person("ada")) == "person:ada"
    assert Actor.person("ada").handle == "ada"
    assert str(Actor.system("reaper")) == "system:reaper"
    assert str(Actor.command("root", "ada")) == "cli:root for person:ada"
    assert Actor.command("root", None) == Actor("cli:root", None)
    assert Actor.person("ada").demo() == Actor("demo person:ada", "ada")
    for name in ("", "a\nb", "x" * 201):
        with pytest.raises(ValueError, match="printable"):
            Actor(name, None)


def test_event_kinds_have_one_form_and_one_owner():
    class Shapeless(EventKind):
        THING = "thing"

    class Thief(EventKind):
        THING = "registry:artifact:created"

    with pytest.raises(ValueError, match="scope:subject:action"):
        register(Shapeless)
    with pytest.raises(ValueError, match="already registered"):
        register(Thief)


def test_a_version_is_appended_with_times_as_text(database):
    artifact = make()
    now = timezone.now()
    version = Version(artifact=artifact, number=1, schema="constitution/1", created_by="ada", created_at=now)
    with transaction.atomic():
        entry = append(version, op=OP, actor=ADA)
    assert loads_canonical(entry.parts["P"]["payload"].encode())["state"]["created_at"].endswith("Z")
