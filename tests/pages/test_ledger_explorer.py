"""The ledger explorer: what is asked for is found, page by page; an entry is checked while it is shown."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.ledger import bundle, keys
from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Entry
from governance.ledger.policy import Policy
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey
from governance.registry import actions
from governance.registry.models import Version
from governance.views import ledger as view
from governance.views import proofs
from tests.builders import ADA, POLLY, approved
from tests.cast import Cast, gather
from tests.registry.test_neighbourhood import made, prompt

REPO = Path(__file__).resolve().parents[2]


@dataclass
class Explored:
    cast: Cast
    rules: Version
    """Registered, submitted and approved: three revisions, and a review."""
    base: Version
    tuned: Version
    """Made from `base` by an activity."""
    draft: Version

    def client(self, name: str = "otto") -> Client:
        found = Client()
        found.force_login(self.cast.users[name])
        return found

    def get(self, address: str, name: str = "otto", status: int = 200, **query: str) -> str:
        response = self.client(name).get(address, query)
        assert response.status_code == status, address
        return response.content.decode()


@pytest.fixture
def explored(committed_db) -> Explored:
    keys.generate()
    cast = gather()
    rules = approved(prompt("rules"))
    base, tuned = prompt("base"), prompt("tuned")
    made([("init_from", base)], tuned, label="SFT of tuned")
    draft = actions.save_draft("system-prompt", "sketch", {"text": "One."}, actor=POLLY)
    actions.edit_draft(draft, {"text": "Two."}, actor=ADA)
    settle()
    return Explored(cast, rules, base, tuned, draft)


def rows(page: str) -> list[int]:
    """Leaf indices of the entries listed, in order."""
    table = page.split('id="entries"')[1]
    return [int(index) for index in re.findall(r'<a class="entry"\s+href="/ledger/entries/(\d+)/"', table)]


def indices(**where: object) -> list[int]:
    found = Entry.objects.filter(**where).order_by("-leaf_index")
    return [index for index in found.values_list("leaf_index", flat=True) if index is not None]


class TestFilters:
    def test_by_type_event_and_actor(self, explored):
        assert rows(explored.get("/ledger/", type="reviews.review")) == indices(object_type="reviews.review")
        assert rows(explored.get("/ledger/", op="submitted")) == indices(op="reviews:version:submitted")
        assert rows(explored.get("/ledger/", actor="ada")) == indices(actor="person:ada")
        both = explored.get("/ledger/", actor="polly", type="registry.version")
        assert rows(both) == indices(actor="person:polly", object_type="registry.version")
        assert f"{len(rows(both))} match" in both

    def test_about_a_version_are_its_own_its_reviews_and_its_activities(self, explored):
        found = rows(explored.get("/ledger/", subject="system-prompt:rules@1"))
        types = set(Entry.objects.filter(leaf_index__in=found).values_list("object_type", flat=True))
        assert types == {"registry.version", "reviews.review", "registry.activity"}
        page = explored.get("/ledger/", subject="system-prompt:base@1")
        assert "SFT of tuned" in page
        assert "rules@1" not in page.split('id="entries"')[1]

    def test_about_an_artifact_are_all_its_versions_and_itself(self, explored):
        found = rows(explored.get("/ledger/", subject="system-prompt:sketch"))
        assert found == sorted(
            indices(object_id=str(explored.draft.pk)) + indices(object_id=str(explored.draft.artifact_id)),
            reverse=True,
        )

    def test_a_name_that_does_not_exist_is_told_what_is_near(self, explored):
        page = explored.get("/ledger/", status=400, subject="system-prompt:rule")
        assert "Did you mean system-prompt:rules" in page
        assert 'aria-invalid="true"' in page
        assert "Nothing was looked for" in page

    def test_between_days(self, explored):
        today = timezone.now().date()
        day = timedelta(days=1)
        everything = Entry.objects.count()
        with_all = explored.get("/ledger/", since=str(today - day), until=str(today + day))
        assert f"{everything} match" in with_all
        assert "No entry matches" in explored.get("/ledger/", since=str(today + 2 * day))
        assert "No entry matches" in explored.get("/ledger/", until=str(today - 2 * day))

    @pytest.mark.parametrize("day", ["yesterday", "2026-02-31", "9999-12-31x", "٢٠٢٦-٠١-٠١"])
    def test_a_day_that_is_none_is_said_to_be(self, explored, day):
        assert "Write a day as 2026-01-31." in explored.get("/ledger/", status=400, until=day)

    def test_the_last_day_there_is_is_no_fault(self, explored):
        explored.get("/ledger/", status=400, until="9999-12-31")
        explored.get("/ledger/", since="0001-01-01")

    def test_by_number_hash_and_object(self, explored):
        entry = Entry.objects.get(leaf_index=7)
        for q in ("7", "#7", entry.leaf_hash[:20].upper()):
            assert rows(explored.get("/ledger/", q=q)) == [7]
        assert 7 in rows(explored.get("/ledger/", q=entry.object_id))

    def test_every_event_and_type_is_offered(self, explored):
        page = explored.get("/ledger/")
        for text in ("reviews:version:submitted", "registry.activity", "people.account"):
            assert f'<option value="{text}">' in page


class TestPages:
    def test_pages_go_down_and_up_by_index(self, explored, monkeypatch):
        monkeypatch.setattr(view, "PAGE", 4)
        newest = Entry.objects.count() - 1
        first = rows(explored.get("/ledger/"))
        assert first == [newest, newest - 1, newest - 2, newest - 3]
        page = explored.get("/ledger/", before=str(first[-1]))
        assert rows(page) == [newest - 4, newest - 5, newest - 6, newest - 7]
        assert f"Entries {newest - 4} down to {newest - 7}" in page
        assert rows(explored.get("/ledger/", after=str(newest - 4))) == first
        last = explored.get("/ledger/", before="3")
        assert rows(last) == [2, 1, 0]
        assert 'rel="next"' not in last
        assert 'rel="prev"' in last

    def test_a_filter_goes_with_the_pages(self, explored, monkeypatch):
        monkeypatch.setattr(view, "PAGE", 2)
        wanted = indices(object_type="registry.version")
        page = explored.get("/ledger/", type="registry.version")
        assert f"?type=registry.version&amp;before={wanted[1]}" in page
        assert rows(explored.get("/ledger/", type="registry.version", before=str(wanted[1]))) == wanted[2:4]
        assert rows(explored.get("/ledger/", type="registry.version", after=str(wanted[2]))) == wanted[:2]

    @pytest.mark.parametrize("odd", ["-1", "x", "9" * 400, "٣", ""])
    def test_an_index_that_is_none_is_left_out(self, explored, odd):
        assert rows(explored.get("/ledger/", before=odd, after=odd)) == rows(explored.get("/ledger/"))

    def test_beyond_the_end_there_is_nothing_and_a_way_back(self, explored):
        page = explored.get("/ledger/", after="999999")
        assert "No entry lies there" in page
        assert "Show the newest entries" in page

    def test_what_waits_for_a_place_comes_first(self, explored):
        prompt("late")
        page = explored.get("/ledger/")
        assert page.split('id="entries"')[1].count(">pending<") == 4
        assert len(rows(page)) > 4
        assert ">pending<" not in explored.get("/ledger/", before="10")

    def test_a_page_costs_the_same_however_long_the_ledger_is(self, explored):
        def queries() -> int:
            with CaptureQueriesContext(connection) as found:
                explored.get("/ledger/", subject="system-prompt:rules", actor="p")
            return len(found)

        few = queries()
        with transaction.atomic():
            for number in range(60):
                actions.register("system-prompt", "rules", {"text": f"{number}"}, actor=POLLY)
        assert queries() == few <= 50


class TestEntry:
    def test_an_entry_is_checked_while_it_is_shown(self, explored):
        index = indices(object_id=str(explored.draft.pk))[0]
        page = explored.get(f"/ledger/entries/{index}/")
        assert page.count('data-holds="yes"') == 4
        assert 'data-state="verified"' in page
        assert "What changed since revision 1" in page
        assert f"/ledger/objects/registry.version/{explored.draft.pk}/" in page
        assert f"python -m governance.ledger.verify entry-{index}.zip" in page
        assert keys.verifiers()[0].text in page

    def test_a_proof_that_another_key_signed_does_not_hold(self, explored, monkeypatch):
        stranger = SignerKey.generate(settings.LEDGER_ORIGIN).verifier
        monkeypatch.setattr(keys, "policy", lambda: Policy.of(stranger))
        page = explored.get("/ledger/entries/3/")
        assert page.count('data-holds="no"') == 1
        assert "Does not hold" in page
        assert 'data-state="verified"' not in page

    def test_a_part_that_the_body_does_not_commit_to_does_not_hold(self, explored, monkeypatch):
        monkeypatch.setattr(proofs, "commitment", lambda _: "0" * 64)
        page = explored.get("/ledger/entries/3/")
        (failed,) = re.findall(r'data-holds="no">.*?<span>([^<]*)</span>', page, re.DOTALL)
        assert failed == "Each part is what the body commits to"

    def test_a_key_that_cannot_be_read_is_said(self, explored, monkeypatch):
        def gone():
            raise KeyUnavailable("there is none")

        monkeypatch.setattr(keys, "policy", gone)
        assert "not checked, there is none" in explored.get("/ledger/entries/3/")

    def test_its_bundle_is_verified_offline_by_the_verifier(self, explored, tmp_path):
        index = indices(object_id=str(explored.rules.pk))[0]
        response = explored.client().get(f"/ledger/entries/{index}/bundle/")
        assert f'filename="entry-{index}.zip"' in response["Content-Disposition"]
        path = tmp_path / "entry.zip"
        path.write_bytes(response.content)
        command = [
            sys.executable,
            "-m",
            "governance.ledger.verify",
            str(path),
            "--key",
            keys.policy().text.split()[1],
        ]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, cwd=REPO, check=False)
        report = json.loads(done.stdout)
        assert done.returncode == 0, report
        outcomes = {check["what"]: check["outcome"] for check in report["checks"]}
        assert outcomes[f"entry {index}"] == "holds"
        assert outcomes["fact actor"] == "recorded"
        assert set(json.loads(bundle.read(response.content)[f"entries/{index}.json"])["parts"]) == {"P"}

    def test_a_bundle_needs_a_checkpoint_and_a_key(self, explored, monkeypatch):
        version = prompt("late")
        actions.revoke(version, reason="Wrong.", actor=ADA)
        from governance.ledger import sequencer

        sequencer.sequence()
        index = indices(object_id=str(version.pk))[0]
        assert "No checkpoint covers entry" in explored.get(f"/ledger/entries/{index}/bundle/", status=404)
        assert "no checkpoint covers it yet" in explored.get(f"/ledger/entries/{index}/")

        def gone():
            raise KeyUnavailable("this process cannot sign")

        monkeypatch.setattr(keys, "signer", gone)
        text = explored.get("/ledger/entries/3/bundle/", status=503)
        assert "manage.py ledger prove 3" in text

    def test_numbers_that_no_entry_has(self, explored):
        for index in (99999, 10**18, 10**30):
            assert "has no entry" in explored.get(f"/ledger/entries/{index}/", status=404)
            assert "has no entry" in explored.get(f"/ledger/entries/{index}/bundle/", status=404)


class TestHistory:
    def address(self, version: Version) -> str:
        return f"/ledger/objects/registry.version/{version.pk}/"

    def test_every_revision_with_what_changed(self, explored):
        page = explored.get(self.address(explored.rules))
        assert re.findall(r"<strong>Revision (\d)</strong>", page) == ["3", "2", "1"]
        assert "<del>sealed</del>" in page
        assert "<ins>in_review</ins>" in page
        assert "<ins>approved</ins>" in page
        assert page.index("<ins>approved</ins>") < page.index("<ins>in_review</ins>")
        assert "The first: the object was created." in page

    def test_a_revision_that_changed_nothing_visible_says_so(self, explored):
        page = explored.get(self.address(explored.draft))
        assert "authors.0" in page, "ada was added to the authors"

    def test_long_histories_have_pages_and_know_what_came_before(self, explored, monkeypatch):
        monkeypatch.setattr(proofs, "PAGE", 2)
        page = explored.get(self.address(explored.rules))
        assert re.findall(r"<strong>Revision (\d)</strong>", page) == ["3", "2"]
        assert "<ins>in_review</ins>" in page, "held against revision 1, which is on the next page"
        assert "1 to 2 of 3 revisions" in page

    @pytest.mark.parametrize(
        "key", ["registry.version/x", "no.such/1", "registry.version/%00", "a/" + "9" * 300]
    )
    def test_an_object_that_is_not_there(self, explored, key):
        explored.get(f"/ledger/objects/{key}/", status=404)

    def test_personal_parts_are_for_auditors_and_administrators(self, explored, monkeypatch):
        plain = Version.ledger_state

        def with_name(version: Version) -> dict[str, dict[str, object]]:
            return {**plain(version), "X": {"name": f"Ada Lovelace, {version.state}"}}

        monkeypatch.setattr(Version, "ledger_state", with_name)
        version = prompt("personal")
        actions.revoke(version, reason="Wrong.", actor=ADA)
        settle()
        addresses = [self.address(version), f"/ledger/entries/{indices(object_id=str(version.pk))[0]}/"]
        for address in addresses:
            for name, sees in (("otto", False), ("ravi", False), ("axel", True), ("root", True)):
                assert ("Ada Lovelace" in explored.get(address, name=name)) is sees, (address, name)
        assert "Not shown to your groups." in explored.get(addresses[1])
