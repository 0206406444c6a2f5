"""Erasing under a legal request: the words are nowhere afterwards, and everything that was proved still holds."""

import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from governance.cards.bundle import bundle_of
from governance.evidence.collect import collect
from governance.ledger import audit, verify
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.ledger.models import Entry
from governance.ledger.settle import settle
from governance.people.actions import create_person, create_token
from governance.people.models import KeptAnswer
from governance.registry import actions, blobs, erasure, importers, index, scrub, search
from governance.registry.actions import Refused
from governance.registry.events import RegistryEvent
from governance.registry.kinds.base import ContentError
from governance.registry.lookup import NotFound, find
from governance.registry.models import Blob, Erasure, Version
from governance.releases.components import faults_of, resolve_refs
from governance.releases.events import ReleaseEvent
from governance.releases.models import GateReport
from tests import databases
from tests.builders import ADA, POLLY, trained, write_lines
from tests.evidence import world
from tests.training import faking
from training import actions as run_actions
from training import folder, recipes, resolve
from training.actions import queue
from training.management.commands.recipe import newest as newest_recipes
from training.spec import SpecDraft

ROOT, RITA = Actor.person("root"), Actor.person("rita")
GROUND = {"authority": "GDPR Art. 17, request 2026/14", "reason": "A person withdrew consent."}
WORDS = ["Zebedee Quillfeather", "zebedee", "quillfeather", "Quillfeather"]
"""A name that stands nowhere else, and how the search index may hold it."""


def secret(slug: str = "diary", *, format: str = "jsonl", text: str = WORDS[0], **meta) -> Version:
    """A dataset that names a person in its rows and in its description."""
    path = Path(settings.CHARTER_HOME).parent / f"{slug}.{format}"
    chats = [{"prompt": f"Who is {text}?", "completion": f"A baker, row {n}."} for n in range(5)]
    if format == "csv":
        path.write_text("prompt,completion\n" + "".join(f"{row['prompt']},x\n" for row in chats))
    else:
        write_lines(path, chats)
    about = {
        "description": f"About {text}.",
        "licence": "CC0-1.0",
        "source_type": "human",
        "source": "x",
        **meta,
    }
    read = importers.read("dataset", path, about)
    version = actions.register("dataset", slug, read.content, files=read.files, actor=ADA)
    path.unlink()
    return version


def erase(target, *, classes=erasure.PERSONAL, whole=True) -> erasure.Outcome:
    asked = erasure.ask(target, classes=classes, whole=whole, **GROUND, actor=ROOT)
    return erasure.confirm(asked, actor=RITA)


def places_of(text: str) -> list[str]:
    """Every file of the installation, and on PostgreSQL every table and its files, in which `text` stands."""
    wanted = text.encode()
    folders = {Path(settings.CHARTER_HOME), Path(settings.CHARTER_CACHE) / "rows"}
    files = [path for one in folders for path in one.rglob("*") if path.is_file()]
    found = [str(path) for path in files if wanted in path.read_bytes()]
    return found + (_in_postgres(text) if databases.on_postgres() else [])


def _in_postgres(text: str) -> list[str]:
    """Read as the superuser that owns the test's database: every row as text, and every file of every relation."""
    found = []
    url = databases.SERVER.rpartition("/")[0] + "/" + str(connection.settings_dict["NAME"])
    with psycopg.connect(url, autocommit=True) as control, control.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT oid::regclass::text, relkind FROM pg_class WHERE relkind IN ('r', 't', 'i', 'm')"
        )
        for name, kind in cursor.fetchall():
            if kind in ("r", "m"):
                cursor.execute(f"SELECT 1 FROM {name} t WHERE strpos(t::text, %s) > 0 LIMIT 1", [text])
                found += [f"rows of {name}"] * len(cursor.fetchall())
            cursor.execute(
                "SELECT position(%s::bytea in pg_read_binary_file(pg_relation_filepath(%s::regclass))) > 0",
                [text.encode(), name],
            )
            found += [f"file of {name}"] if cursor.fetchone()[0] else []
    return found


@pytest.fixture
def cache(tmp_path, settings) -> Path:
    settings.CHARTER_CACHE = tmp_path / "cache"
    return settings.CHARTER_CACHE


@pytest.fixture
def installation(committed_db, cache, tmp_path) -> world.World:
    return world.build(tmp_path)


def holds() -> None:
    found = audit.run()
    assert found.problems == []


class TestVersion:
    def test_its_words_are_nowhere_afterwards(self, installation, cache):
        version = secret(format="csv")
        copy = erasure.copies.make(cache, _laid_out(version), version.content["files"][0]["sha256"])
        assert copy.exists()
        _sample()
        assert places_of(WORDS[0])
        assert len(search.find("quillfeather")) == 1
        outcome = erase(version)
        assert outcome.left == []
        assert {word: places_of(word) for word in WORDS} == {word: [] for word in WORDS}
        index.rebuild()
        assert len(search.find("quillfeather")) == 0
        assert [hit.shown.name for hit in search.find("diary", type="version")] == [version.subject]

    def test_what_stays_says_who_when_and_why(self, installation):
        version = secret()
        before = list(Entry.objects.order_by("id").values_list("leaf_hash", "body"))
        digest, sha256 = version.digest, version.content["files"][0]["sha256"]
        erase(version)
        version.refresh_from_db()
        done = Erasure.objects.get()
        assert (version.content, version.digest) == (None, digest)
        assert (done.state, done.asked_by, done.confirmed_by) == ("done", "root", "rita")
        assert (done.authority, done.reason, done.blobs) == (*GROUND.values(), [sha256])
        after = list(Entry.objects.order_by("id").values_list("leaf_hash", "body", "op", "actor"))
        assert [row[:2] for row in after[: len(before)]] == before
        assert [row[2:] for row in after[len(before) :]] == [
            ("registry:erasure:asked", "person:root"),
            ("registry:version:erased", "person:rita"),
            ("registry:erasure:done", "person:rita"),
        ]
        assert Blob.objects.get(sha256=sha256).erased
        assert erasure.told(version) in json.dumps(
            [fact.plain()["source"] for fact in collect_of(version).facts], ensure_ascii=False
        )

    def test_every_proof_holds_before_and_after(self, installation, tmp_path):
        version = secret()
        model = trained(tmp_path, installation.base, [version], "of-diary")
        old = tmp_path / "old.zip"
        old.write_bytes(bundle_of(model, settle()))
        erase(version)
        new = tmp_path / "new.zip"
        checkpoint = settle()
        new.write_bytes(bundle_of(model, checkpoint))
        for path in (old, new):
            assert verify.main([str(path)]) == 0
        assert WORDS[0].encode() in old.read_bytes()
        assert WORDS[0].encode() not in new.read_bytes()
        holds()

    def test_a_file_that_another_version_holds_stays(self, installation):
        one, other = secret("one"), secret("other", languages=["en"])
        plan = erasure.preview(one, erasure.PERSONAL, whole=True)
        sha256 = one.content["files"][0]["sha256"]
        assert (plan.blobs, plan.shared) == ([], {sha256: other.subject})
        erase(one)
        assert blobs.read(sha256)
        erase(other)
        with pytest.raises(blobs.MissingBlob, match="erased under a legal request"):
            blobs.read(sha256)
        assert places_of(WORDS[0]) == []
        holds()

    def test_what_was_erased_does_not_come_back(self, installation):
        version = secret()
        erase(version)
        with pytest.raises(Refused, match="was erased as dataset:diary@1"):
            secret()
        with pytest.raises(Refused, match="are not taken again"):
            secret("other-name", languages=["en"])
        assert places_of(WORDS[0]) == []
        assert Version.objects.filter(artifact__slug__in=["diary", "other-name"]).count() == 1

    def test_an_answer_that_is_kept_for_repeats_goes(self, installation):
        version = secret()
        account = _administrator().account
        KeptAnswer.objects.create(
            account=account, key="k", fingerprint="f", claim=version.pk, claimed_at=version.created_at,
            status=201, body=json.dumps({"subject": version.subject, "of": WORDS[0]}),
        )  # fmt: skip
        erase(version)
        assert not KeptAnswer.objects.exists()

    def test_runs_refuse_it_and_their_folders_go(self, installation):
        version = secret()
        run = queue(_spec(version), actor=ADA)
        with pytest.raises(Refused, match="has not ended; cancel it first"):
            erasure.preview(version, erasure.PERSONAL, whole=True)
        job = folder.prepare(run, resolve.inputs_of(run.parsed))
        assert WORDS[0] in (job / "job.json").read_text()
        run_actions.cancel(run, actor=ADA)
        erase(version)
        assert not job.exists()
        assert places_of(WORDS[0]) == []
        with pytest.raises(resolve.SpecRefused, match=r"was erased on .* Use another version"):
            queue(_spec(version), actor=ADA)

    def test_a_gate_report_that_quotes_it_is_named(self, installation):
        said = "Zebedee may not ask."
        row = GateReport(
            version=installation.release, digest="0" * 64, policy="release-policy:strict@1", policy_digest="0" * 64,
            evidence_size=3, evidence_root="0" * 64, evidence_digest="0" * 64, verdict="passed", at=timezone.now(), by="x",
            report={"rules": [{"facts": [{"value": said}, {"value": 3}]}]}, report_sha256="0" * 64,
        )  # fmt: skip
        with erasure.transaction.atomic():
            append(row, op=ReleaseEvent.GATE_RUN, actor=ADA)
        prompt = actions.register("system-prompt", "quoted", {"text": said}, actor=POLLY)
        told = "The gate report of release:assistant@1 at 3 entries quotes it, and stays."
        assert told in erasure.preview(prompt, erasure.PERSONAL, whole=True).stays
        assert told not in erasure.preview(installation.chats, erasure.PERSONAL, whole=True).stays

    def test_a_recipe_is_not_launched_any_more(self, installation):
        content = {
            "title": "Two steps", "source": "x",
            "stages": [{"name": "first", "stage": "fake", "inputs": {"init_from": ["model:tiny-base"]}, "output": "y"}],
        }  # fmt: skip
        recipe = actions.register("recipe", "two", content, actor=ADA)
        assert recipe in newest_recipes()
        erase(recipe)
        assert newest_recipes() == []
        faking.install()
        with pytest.raises(Refused, match="was erased on"):
            recipes.start(find("recipe:two@1"), actor=ADA)

    def test_a_release_with_an_erased_part_is_refused(self, installation):
        erase(installation.constitution)
        assert any("was erased on" in why for why in faults_of(installation.release))
        with pytest.raises(
            ContentError, match="constitution: The content of constitution:house@1 was erased"
        ):
            resolve_refs({**installation.release.content, "constitution": "constitution:house@1"})

    def test_a_draft_is_edited_instead(self, committed_db):
        draft = actions.save_draft("system-prompt", "plain", {"text": WORDS[0]}, actor=POLLY)
        with pytest.raises(Refused, match="is a draft: edit the words out of it"):
            erasure.ask(draft, whole=True, **GROUND, actor=ROOT)


class TestObject:
    def test_class_x_goes_from_every_entry(self, installation):
        activity = _with_personal_part(WORDS[0])
        assert places_of(WORDS[0])
        salts = [entry.parts["X"]["salt"] for entry in _entries(activity) if "X" in entry.parts]
        outcome = erase(activity, whole=False)
        assert outcome.left == []
        assert [places_of(text) for text in (WORDS[0], *salts)] == [[], []]
        done = Erasure.objects.get()
        erased = [entry for entry in _entries(activity) if "X" in entry.parts]
        assert [part["entry"] for part in done.parts] == [entry.leaf_hash for entry in erased]
        for part, entry in zip(done.parts, erased, strict=True):
            assert entry.parts["X"] is None
            assert part["commitment"] == json.loads(bytes(entry.body))["payload"]["X"]
        settle()
        holds()

    @pytest.mark.skipif(not databases.on_postgres(), reason="SQLite's VACUUM waits for no reader's snapshot")
    def test_a_transaction_that_still_sees_the_words_is_named(self, installation, monkeypatch):
        monkeypatch.setattr(scrub, "PATIENCE_SECONDS", 1.0)
        expiry = timezone.now() + timedelta(days=1)
        token, _ = create_token(
            _administrator().account, label=WORDS[0], scopes=[], expires_at=expiry, actor=ROOT
        )
        url = databases.SERVER.rpartition("/")[0] + "/" + str(connection.settings_dict["NAME"])
        with psycopg.connect(url) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1")
            outcome = erase(token, classes=["I"], whole=False)
        assert any("erased rows of ledger_entry are still in its file" in one for one in outcome.left)
        assert erasure.finish([Erasure.objects.get()]).left == []
        assert places_of(WORDS[0]) == []

    def test_what_the_row_repeats_is_blanked(self, installation):
        expiry = timezone.now() + timedelta(days=1)
        account = _administrator().account
        token, _ = create_token(account, label=WORDS[0], scopes=[], expires_at=expiry, actor=ROOT)
        assert places_of(WORDS[0])
        erase(token, classes=["I"], whole=False)
        token.refresh_from_db()
        assert token.label == "erased"
        assert places_of(WORDS[0]) == []
        settle()
        holds()

    def test_what_the_row_cannot_do_without_is_told_before(self, installation):
        plan = erasure.preview(installation.chats, ["P"], whole=False)
        assert any(
            "goes on holding of class P" in sentence and "created_by" in sentence for sentence in plan.stays
        )

    def test_evidence_goes_on_after_the_public_parts_went(self, installation):
        before = settle()
        erase(installation.chats, classes=["P"], whole=False)
        settle()
        assert collect_of(installation.tuned).get("mixture.1.dataset").value == "dataset:chats@1"
        assert collect_of(installation.tuned, before.size).subject.slug == "tuned"
        holds()


class TestRefusals:
    def test_it_takes_two_people_and_no_command(self, installation):
        asked = erasure.ask(installation.chats, whole=True, **GROUND, actor=ROOT)
        for actor, why in (
            (ROOT, "another administrator must confirm it"),
            (Actor.command("ops", "rita"), "commands cannot"),
        ):
            with pytest.raises(Refused, match=why):
                erasure.confirm(asked, actor=actor)
        installation.chats.refresh_from_db()
        assert installation.chats.content is not None
        assert Entry.objects.filter(op=RegistryEvent.ERASED).count() == 0

    def test_twice_is_refused(self, installation):
        erasure.ask(installation.chats, whole=True, **GROUND, actor=ROOT)
        with pytest.raises(Refused, match="root asked for this already"):
            erasure.ask(installation.chats, whole=True, **GROUND, actor=RITA)
        erasure.confirm(Erasure.objects.get(), actor=RITA)
        with pytest.raises(Refused, match="was erased on"):
            erasure.ask(find("dataset:chats@1"), whole=True, **GROUND, actor=ROOT)
        with pytest.raises(Refused, match="is done"):
            erasure.confirm(Erasure.objects.get(), actor=RITA)

    @pytest.mark.parametrize("empty", ["authority", "reason"])
    def test_a_ground_is_needed(self, installation, empty):
        with pytest.raises(Refused, match=f"Say the {empty}"):
            erasure.ask(installation.chats, whole=True, **{**GROUND, empty: " "}, actor=ROOT)

    def test_classes_and_objects_must_exist(self, installation):
        with pytest.raises(Refused, match="no class 'Y'"):
            erasure.ask(installation.chats, classes=["Y"], **GROUND, actor=ROOT)
        with pytest.raises(Refused, match="has a part of class X"):
            erasure.ask(installation.chats, **GROUND, actor=ROOT)
        with pytest.raises(NotFound, match="no object type 'nothing'"):
            erasure.target_of("nothing", "1")
        with pytest.raises(NotFound, match=r"no training\.run 12"):
            erasure.target_of("training.run", "12")

    def test_the_record_of_an_erasure_stays(self, installation):
        erase(installation.chats)
        with pytest.raises(Refused, match="it is what explains what is missing"):
            erasure.ask(Erasure.objects.get(), classes=["P"], **GROUND, actor=ROOT)


class TestCrash:
    def test_dying_before_the_commit_changes_nothing(self, installation, monkeypatch):
        version = secret()
        asked = erasure.ask(version, whole=True, **GROUND, actor=ROOT)
        entries = Entry.objects.count()
        monkeypatch.setattr(erasure.search, "forget", _die)
        with pytest.raises(Died):
            erasure.confirm(asked, actor=RITA)
        version.refresh_from_db()
        assert version.content is not None
        assert Entry.objects.count() == entries
        assert not Blob.objects.filter(erased=True).exists()
        assert blobs.read(version.content["files"][0]["sha256"])

    def test_dying_after_it_is_found_and_finished(self, installation, monkeypatch, capsys):
        version = secret()
        asked = erasure.ask(version, whole=True, **GROUND, actor=ROOT)
        with monkeypatch.context() as patched:
            patched.setattr(erasure, "finish", _die)
            with pytest.raises(Died):
                erasure.confirm(asked, actor=RITA)
        settle()
        assert places_of(WORDS[0])
        problem = next(one for one in audit.run().problems if one.check == "erasures")
        assert "run manage.py erase --finish" in problem.sentence
        _administrator()
        for _ in range(2):
            call_command("erase", "--finish", "--as", "root")
        assert {word: places_of(word) for word in WORDS} == {word: [] for word in WORDS}
        holds()


class TestCommand:
    def test_a_dry_run_lists_and_changes_nothing(self, installation, capsys):
        version = secret()
        _administrator()
        entries = Entry.objects.count()
        call_command("erase", version.subject, "--dry-run", "--as", "root")
        told = capsys.readouterr().out
        assert version.content["files"][0]["sha256"] in told
        assert "Backups of the database" in told
        assert ("write-ahead log up to position" in told) == databases.on_postgres()
        assert Entry.objects.count() == entries
        assert not Erasure.objects.exists()

    def test_it_asks_and_says_who_must_confirm(self, installation, capsys):
        activity = _with_personal_part(WORDS[0])
        _administrator()
        call_command(
            "erase", "--object", "registry.activity", str(activity.pk), "--class", "X", "--as", "root",
            "--authority", GROUND["authority"], "--reason", GROUND["reason"], "--json",
        )  # fmt: skip
        told = json.loads(capsys.readouterr().out)
        asked = Erasure.objects.get(pk=told["id"])
        assert (asked.state, asked.classes, asked.version) == ("asked", ["X"], None)
        assert [part["class"] for part in told["parts"]] == ["X"]

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [([], "Name a version"), (["dataset:chats@1", "--authority", "GDPR"], "Say the reason")],
    )
    def test_it_refuses_in_a_sentence(self, installation, capsys, arguments, why):
        _administrator()
        with pytest.raises(SystemExit) as left:
            call_command("erase", *arguments, "--as", "root")
        assert left.value.code == 1
        assert why in capsys.readouterr().err

    def test_others_than_administrators_may_not(self, installation, capsys):
        _administrator(name="ada", groups=["engineer"])
        with pytest.raises(SystemExit):
            call_command("erase", "dataset:chats@1", "--dry-run", "--as", "ada")
        assert "needs the group administrator" in capsys.readouterr().err


def test_evidence_and_cards_of_all_subjects_stand_whichever_version_was_erased(installation, tmp_path):
    """Each version of the world in turn, all of them gone at the end; the database's files are not looked at here."""
    subjects = [
        installation.tuned,
        installation.release,
        installation.chats,
        installation.sums,
        installation.base,
    ]
    for version in (
        Version.objects.exclude(digest=None).select_related("artifact").order_by("created_at", "pk")
    ):
        asked = erasure.ask(version, whole=True, **GROUND, actor=ROOT)
        with erasure.transaction.atomic():
            erasure._carry_out(asked, RITA)
        checkpoint = settle()
        for subject in subjects:
            current = find(subject.subject)
            path = tmp_path / "bundle.zip"
            path.write_bytes(bundle_of(current, checkpoint))
            assert verify.main([str(path)]) == 0
            if current.content is None:
                document = collect_of(current)
                told = [fact for fact in document.facts if fact.state == "withheld"]
                assert told
                assert all(fact.source.owner for fact in told)
    erasure.finish(list(Erasure.objects.all()))
    holds()


def collect_of(version: Version, size: int | None = None):
    settle()
    return collect(find(version.subject), size)


class Died(Exception):
    pass


def _die(*_, **__):
    raise Died


def _laid_out(version: Version) -> Path:
    place = Path(settings.CHARTER_HOME) / "laid-out"
    files = version.content["files"]
    blobs.lay_out(files, place)
    path = Path(settings.CHARTER_HOME).parent / files[0]["path"]
    (place / files[0]["path"]).replace(path)
    return path


def _sample() -> None:
    """Have the planner sample the columns, as autovacuum does sooner or later."""
    if databases.on_postgres():
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _administrator(name: str = "root", groups: list[str] | None = None):
    return create_person(name, handle=name, groups=groups or ["administrator"], actor=Actor.system("test"))


def _entries(obj) -> list[Entry]:
    return list(Entry.objects.filter(object_id=str(obj.pk)).order_by("rev"))


def _with_personal_part(text: str):
    """An activity whose end said something about a person."""
    activity = actions.start_activity("labelling", "Labelling", [], summary={}, actor=ADA)
    with erasure.transaction.atomic():
        activity.state = activity.ENDED
        append(
            activity,
            op=RegistryEvent.ACTIVITY_ENDED,
            actor=ADA,
            fields=["state"],
            summary={"X": {"annotator": text}},
        )
    return activity


def _spec(version: Version) -> SpecDraft:
    faking.install()
    inputs = {"init_from": ["model:tiny-base"], "trained_on": [version.subject]}
    return SpecDraft(stage="fake", inputs=inputs, seed=7, output={"slug": "later", "title": "Later"})
