"""Every page, read by those who may and refused to those who may not."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.ledger.models import Entry
from governance.ledger.settle import settle
from tests.pages.world import SECRET, restricted_dataset

MOST_QUERIES = 50


def test_every_page_answers_an_auditor_with_few_queries(world, signed_in):
    client = signed_in("axel")
    for name, address in world.addresses.items():
        with CaptureQueriesContext(connection) as queries:
            response = client.get(address)
        assert response.status_code == 200, name
        assert len(queries) <= MOST_QUERIES, name
        assert "default-src" in response["Content-Security-Policy"], name


def test_whoever_is_signed_in_reads_every_page(world, signed_in):
    for name in ("otto", "mara", "ravi"):
        client = signed_in(name)
        assert {client.get(address).status_code for address in world.addresses.values()} == {200}, name


def test_strangers_are_sent_to_the_door_and_back_to_the_page(world):
    for name, address in world.addresses.items():
        response = Client().get(address)
        assert response.status_code == 302, name
        assert response["Location"].startswith("/accounts/login/?next=/"), name
    assert Client().get(f"/runs/{world.run.pk}/stream/").status_code == 403


def test_health_is_told_to_anybody(world):
    assert Client().get("/healthz").json() == {"status": "ok"}
    assert Client().get("/readyz").json() == {"status": "ready", "reasons": [], "alarms": []}


def test_what_is_restricted_is_for_its_authors_reviewers_and_auditors(world, signed_in, tmp_path):
    rows = restricted_dataset(tmp_path)
    settle()
    prompt = f"/versions/{world.restricted.subject}/"
    data = [f"/versions/{rows.subject}/", f"/cards/{rows.subject}/", f"/cards/{rows.subject}/bundle/"]
    for name, author_of in (("otto", ""), ("mara", ""), ("root", ""), ("ada", "data"), ("polly", "prompt")):
        client = signed_in(name)
        assert client.get(prompt).status_code == (200 if author_of == "prompt" else 403), name
        assert {client.get(address).status_code for address in data} == {
            200 if author_of == "data" else 403
        }, name
    for name in ("ravi", "axel"):
        assert {signed_in(name).get(address).status_code for address in (prompt, *data)} == {200}, name


def test_a_refusal_says_who_may(world, signed_in):
    text = signed_in("otto").get(f"/versions/{world.restricted.subject}/").content.decode()
    assert "system-prompt:secret@1 is restricted to its authors and the groups auditor, reviewer." in text


def test_no_page_tells_a_stranger_to_it_what_is_restricted(world, signed_in, tmp_path):
    restricted_dataset(tmp_path)
    settle()
    client = signed_in("otto")
    entries = [f"/ledger/entries/{index}/" for index in range(Entry.objects.count())]
    for address in (*world.addresses.values(), *entries, f"/ledger/?q={world.restricted.pk}"):
        assert SECRET not in client.get(address).content.decode(), address


def test_lists_find_what_is_asked_for(world, signed_in):
    client = signed_in("axel")

    def shown(address: str) -> str:
        return client.get(address).content.decode()

    assert "dataset:chats" in shown("/artifacts/?kind=dataset")
    assert "model:tuned" not in shown("/artifacts/?kind=dataset")
    assert "constitution:garden" in shown("/artifacts/?state=in_review&q=gard")
    assert "No artifact matches" in shown("/artifacts/?state=revoked")
    assert str(world.run.pk)[:8] in shown("/runs/?state=running")
    assert "No run matches" in shown("/runs/?state=failed")
    assert "<code>releases:gate:run</code>" in shown("/ledger/?op=gate")
    assert "<code>reviews:version:submitted</code>" in shown("/ledger/?q=ravi&type=registry.version")
    assert "<code>releases:gate:run</code>" not in shown("/ledger/?q=ravi&type=registry.version")


def test_a_list_longer_than_a_page_goes_on_with_its_filter(world, signed_in, monkeypatch):
    monkeypatch.setattr("governance.views.artifacts.PAGE", 2)
    text = signed_in("axel").get("/artifacts/?state=sealed").content.decode()
    assert "1 to 2 of" in text
    assert "?state=sealed&amp;page=2" in text


def test_the_gate_report_names_reasons_facts_and_their_entries(world, signed_in):
    text = signed_in("ravi").get(f"/releases/{world.release.subject}/").content.decode()
    assert "This release may not go out" in text
    refused, passed = text.index("Every training set has a licence"), text.index("The weights have a licence")
    assert refused < passed, "what stands in the way comes first"
    row = text[text.index("mixture.1.dataset") :][:900]
    assert "dataset:chats@1" in row
    assert 'href="/ledger/entries/' in row
    assert "[&#x27;" not in text, "a list is shown as words"


def test_a_reader_who_is_no_reviewer_is_told_whose_turn_it_is(world, signed_in):
    text = signed_in("polly").get(f"/versions/{world.waiting.subject}/").content.decode()
    assert "It waits for somebody who did not write it. 1 seat of 1 open, for reviewer." in text
    assert 'name="verdict"' not in text


def test_a_draft_a_run_that_failed_and_odd_metrics_have_pages(world, signed_in):
    client = signed_in("ada")
    assert client.get("/versions/system-prompt:sketch@1/").status_code == 200
    for seq, value in enumerate(("NaN", "1.2.3", "Infinity", "")):
        world.run.metrics.create(
            seq=10 + seq, step=10 + seq, at="2026-01-01T00:00:00Z", values={"loss": value}
        )
    text = client.get(f"/runs/{world.run.pk}/").content.decode()
    assert '"y": [2.5, 2.25]' in text
    assert "1.2.3" in text
