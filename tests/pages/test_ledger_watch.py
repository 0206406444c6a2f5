"""Who watches the log, where people look: the ledger's page, the first page, `/readyz`, and the checkpoint for strangers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.ledger import keys, monitors, rotation
from governance.ledger.actors import Actor
from governance.ledger.models import Alarm, Checkpoint, Cosignature, Entry, Monitor, Timestamp
from governance.ledger.note import COSIGNATURE, encode64
from governance.ledger.policy import Policy, Witness
from governance.ledger.settle import settle
from governance.ledger.signing import SignerKey
from governance.ledger.signing import cosign as cosign_line
from tests.builders import constitution
from tests.cast import gather

WENDY, WADE = (SignerKey.generate(f"{name}.example", COSIGNATURE) for name in ("wendy", "wade"))
ROOT = Actor.person("root")
LATER = timedelta(minutes=11)
numbers = count()


@pytest.fixture
def otto(committed_db, settings) -> Client:
    """A client of somebody in no group, over a signed log."""
    keys.generate()
    cast = gather()
    grown()
    client = Client()
    client.force_login(cast.otto)
    return client


def grown() -> Checkpoint:
    constitution(f"rules-{next(numbers)}")
    return settle()


def name_witnesses(*signers: SignerKey, quorum: int = 0) -> None:
    witnesses = tuple(Witness(one.verifier, f"https://{one.name}") for one in signers)
    text = Policy(keys.policy().log, witnesses, quorum).text
    keys.replace(keys.policy_path(), text)


def cosign(checkpoint: Checkpoint, *signers: SignerKey) -> None:
    """The rows that `cosigning.collect` writes once these witnesses have answered."""
    for signer in signers:
        moment = int(timezone.now().timestamp())
        Cosignature.objects.create(
            checkpoint=checkpoint,
            witness=signer.name,
            line=cosign_line(checkpoint.note.partition("\n\n")[0] + "\n", moment, signer),
            at=datetime.fromtimestamp(moment, UTC),
        )


def look(*findings: str, every: int = 300, size: int = 3) -> monitors.Look:
    return monitors.Look(timezone.now(), size, every, findings)


def page_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, address
    return response.content.decode()


def section(client: Client) -> str:
    page = page_of(client, "/ledger/")
    return page.split('aria-labelledby="watch"')[1].split("</section>")[0]


def warning(client: Client) -> str:
    """What the first page warns of; empty when it is quiet."""
    page = page_of(client, "/")
    return page.split('role="alert"')[1].split("<dl")[0] if 'role="alert"' in page else ""


def alarms() -> list[str]:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    return answer.json()["alarms"]


def test_an_installation_that_nobody_watches_says_how_to_change_that(otto):
    shown = section(otto)
    for text in (
        "Nobody watches",
        "manage.py ledger witness add VKEY ADDRESS --quorum 1",
        "--report NAME",
        "LEDGER_TSA_URL",
        keys.verifiers()[0].text,
    ):
        assert text in shown
    assert "Past alarms" not in shown
    assert warning(otto) == ""
    assert "nobody yet" in page_of(otto, "/")
    assert alarms() == []


def test_witnesses_show_what_they_cosigned_and_whether_that_is_enough(otto):
    name_witnesses(WENDY, WADE, quorum=2)
    first = grown()
    cosign(first, WENDY)
    assert "A checkpoint needs 2 of 2; the newest has 1, so nobody outside is shown it yet." in section(otto)
    cosign(first, WADE)
    shown = section(otto)
    assert "A checkpoint needs 2 of 2; the newest has 2." in shown
    assert shown.count(f"cosigned {first.size} entries") == 2
    assert shown.count("Agrees") == 2
    assert "All agree" in shown
    page = page_of(otto, "/")
    assert "2 witnesses, 0 monitors</a>; all agree" in page
    assert (warning(otto), alarms()) == ("", [])
    grown()
    assert section(otto).count("Is asked") == 2
    assert (warning(otto), alarms()) == ("", [])


def test_a_cosignature_that_does_not_fit_is_no_agreement(otto):
    name_witnesses(WENDY, quorum=1)
    newest = grown()
    forged = WENDY.verifier.id + bytes(8) + bytes(64)
    line = f"— {WENDY.name} {encode64(forged)}\n"
    Cosignature.objects.create(checkpoint=newest, witness=WENDY.name, line=line, at=timezone.now())
    assert "the newest has 0" in section(otto)
    assert "The newest checkpoint does not hold under the log&#x27;s own policy" in warning(otto)
    assert alarms() == ["checkpoint does not hold"]


def test_a_late_witness_and_a_quorum_that_is_not_met_are_warned_of(otto):
    name_witnesses(WENDY, WADE, quorum=1)
    cosign(grown(), WENDY)
    with time_machine.travel(timezone.now() + LATER, tick=False):
        assert "Witness wade.example is late." in warning(otto)
        assert "wendy.example" not in warning(otto)
        assert alarms() == ["witness wade.example is late"]
        assert "1 to look at" in section(otto)
    newest = grown()
    with time_machine.travel(timezone.now() + LATER, tick=False):
        assert alarms() == [
            "checkpoint lacks cosignatures",
            "witness wendy.example is late",
            "witness wade.example is late",
        ]
        assert f"0 of the 1 witnesses needed have cosigned checkpoint at {newest.size}" in section(otto)


def test_a_witness_that_disagrees_is_an_alarm_until_it_agrees(otto):
    name_witnesses(WENDY)
    cosign(grown(), WENDY)
    alarm = Alarm.objects.create(source="witness wendy.example", sentence="saw <b>another</b> history")
    assert "saw &lt;b&gt;another&lt;/b&gt; history" in warning(otto)
    assert "saw &lt;b&gt;another&lt;/b&gt; history" in section(otto)
    assert alarms() == ["witness wendy.example disagrees"]
    with time_machine.travel(timezone.now() + LATER, tick=False):
        grown()
        assert alarms() == ["witness wendy.example disagrees"], "told once, not also as late"
    alarm.over = timezone.now()
    alarm.save()
    assert (warning(otto), alarms()) == ("", [])
    assert "another" in section(otto).split("Past alarms")[1]


def test_monitors_show_their_last_look_and_what_they_find(otto):
    monitors.report("outside", look(size=3), reporter="meg")
    shown = section(otto)
    assert "meg reports, every 5 minutes" in shown
    assert "followed 3 entries" in shown
    assert "Nothing wrong" in shown
    assert "0 witnesses, 1 monitor</a>; all agree" in page_of(otto, "/")
    monitors.report("outside", look("The log forked: <i>look</i>.", "Another."), reporter="meg")
    assert "Monitor outside found something wrong." in warning(otto)
    assert "The log forked: &lt;i&gt;look&lt;/i&gt;." in warning(otto)
    assert "Found something" in section(otto)
    assert alarms() == ["monitor outside found something wrong"]
    monitors.report("outside", look("Another."), reporter="meg")
    assert list(Alarm.objects.filter(over=None).values_list("sentence", flat=True)) == ["Another."]
    monitors.report("outside", look(), reporter="meg")
    assert (warning(otto), alarms(), Alarm.objects.count()) == ("", [], 2)


def test_a_monitor_that_misses_three_looks_is_silent_until_it_is_heard_or_ended(otto):
    monitors.report("outside", look(every=300), reporter="meg")
    with time_machine.travel(timezone.now() + timedelta(minutes=14), tick=False):
        assert (warning(otto), alarms()) == ("", [])
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
        assert "Monitor outside is silent." in warning(otto)
        assert "although it said that it looks every 5 minutes" in warning(otto)
        assert alarms() == ["monitor outside is silent"]
        assert "Silent" in section(otto)
        monitors.report("outside", look(), reporter="meg")
        assert (warning(otto), alarms()) == ("", [])
    monitors.end("outside", reason="It moved.", actor=ROOT)
    settle()
    with time_machine.travel(timezone.now() + timedelta(hours=5), tick=False):
        assert (warning(otto), alarms()) == ("", [])
        assert "by root (It moved.)" in section(otto)


def test_an_alarm_that_somebody_ended_stays_with_who_and_why(otto):
    monitors.report("outside", look("One."), reporter="meg")
    monitors.report("outside", look("The log forked."), reporter="meg")
    monitors.end("outside", reason="It <b>lies</b>.", actor=ROOT)
    assert (warning(otto), alarms()) == ("", [])
    righted, ended = sorted(section(otto).split("Past alarms")[1].split("<li>")[1:], key=len)
    assert ("One." in righted, "ended by" in righted) == (True, False)
    assert "The log forked." in ended
    assert "ended by root: It &lt;b&gt;lies&lt;/b&gt;." in ended
    monitors.report("outside", look("The log forked."), reporter="meg")
    assert alarms() == ["monitor outside found something wrong"]
    assert "ended by root" in section(otto).split("Past alarms")[1]


def test_a_stale_checkpoint_is_warned_of(otto):
    constitution("unsigned")
    assert (warning(otto), alarms()) == ("", [])
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        assert "Checkpoint is stale." in warning(otto)
        assert "manage.py ledger run" in page_of(otto, "/")
        assert alarms() == ["checkpoint is stale"]


def test_timestamps_and_keys_with_their_sizes_are_shown(otto):
    old = keys.verifiers()[0]
    rotation.rotate(actor=Actor.system("test"))
    rotation.retire(actor=Actor.system("test"))
    newest = settle()
    Timestamp.objects.create(
        checkpoint=newest, authority="http://tsa.example", token=b"token", at=timezone.now()
    )
    shown = section(otto)
    assert f"<span>{newest.size} entries</span>" in shown
    assert "http://tsa.example" in shown
    until = keys.policy().log[0].until
    assert old.text in shown
    assert f"signs 0 to {until} entries; <strong>retired</strong>" in " ".join(shown.split())
    assert keys.verifiers()[1].text in shown


def garbled() -> None:
    keys.policy_path().write_bytes(b"log \xff\xfe\n")


def in_the_way() -> None:
    keys.policy_path().unlink()
    keys.policy_path().mkdir()


def gone_with_a_garbled_key() -> None:
    keys.policy_path().unlink()
    keys.private_path().write_bytes(b"\xff\xfe secret")


UNREADABLE = pytest.mark.parametrize(
    "spoil",
    [
        lambda: keys.policy_path().write_text("nonsense here and there\n"),
        garbled,
        in_the_way,
        gone_with_a_garbled_key,
    ],
    ids=["nonsense", "garbled", "a folder", "gone, the key garbled"],
)


@UNREADABLE
def test_a_policy_that_cannot_be_read_is_a_trouble_at_every_door(otto, spoil):
    name_witnesses(WENDY, quorum=1)
    cosign(grown(), WENDY)
    spoil()
    for shown in (warning(otto), section(otto)):
        assert "Policy cannot be read." in shown
        assert "This server cannot read the log&#x27;s policy" in shown
        assert "secret" not in shown
    assert "1 to look at" in section(otto)
    assert "all agree" not in page_of(otto, "/")
    assert alarms() == ["policy cannot be read"]
    told = otto.get("/api/v1/ledger/watch/").json()
    assert (told["meets_quorum"], told["witnesses"], told["keys"]) == (False, [], [])
    assert [(one["source"], one["what"]) for one in told["troubles"]] == [("policy", "cannot be read")]
    assert otto.get("/api/v1/ledger/trust/").status_code == 503


def test_many_troubles_are_few_on_the_first_page(otto):
    monitors.report("outside", look(*(f"Finding {number}." for number in range(80))), reporter="meg")
    assert warning(otto).count("found something wrong") == 5
    assert "45 more" in warning(otto)
    assert "30 more are open." in section(otto)


def test_it_is_not_repeated_on_further_pages_and_under_filters(otto):
    for query in ("?before=3", "?after=1", "?q=2"):
        assert 'id="watch"' not in page_of(otto, f"/ledger/{query}")


def test_queries_do_not_grow_with_witnesses_monitors_or_alarms(otto):
    places: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("/", otto.get),
        ("/ledger/", otto.get),
        ("/readyz", Client().get),
    )

    def queries() -> list[int]:
        found = []
        for place, get in places:
            get(place)
            with CaptureQueriesContext(connection) as made:
                get(place)
            found.append(len(made))
        return found

    def fill(number: int) -> None:
        signers = [SignerKey.generate(f"w{one}.example", COSIGNATURE) for one in range(number)]
        name_witnesses(*signers)
        cosign(grown(), *signers)
        for one in range(number):
            monitors.report(f"m{number}-{one}", look(f"Finding {one}."), reporter="meg")
            monitors.report(f"m{number}-{one}", look(f"Finding {one + 1}."), reporter="meg")

    fill(2)
    few = queries()
    fill(12)
    assert queries() == few
    assert max(few) <= 30


class TestCheckpointForStrangers:
    @pytest.fixture(autouse=True)
    def public(self, otto, settings):
        settings.LEDGER_PUBLIC = True

    def served(self, status: int = 200) -> str:
        answer = Client().get("/ledger/checkpoint")
        assert answer.status_code == status
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        return answer.content.decode()

    def test_without_a_quorum_it_is_the_newest_with_whatever_stands_under_it(self):
        name_witnesses(WENDY)
        newest = grown()
        assert self.served() == newest.note
        cosign(newest, WENDY)
        assert keys.policy().open(self.served()).cosigned.keys() == {"wendy.example"}

    def test_with_one_it_is_the_newest_that_satisfies_it(self):
        name_witnesses(WENDY, WADE, quorum=2)
        first, second, third = grown(), grown(), grown()
        assert "No checkpoint has the 2 cosignatures" in self.served(503)
        cosign(first, WENDY, WADE)
        cosign(second, WENDY, WADE)
        cosign(third, WENDY)
        seen = keys.policy().open(self.served())
        assert (seen.head.size, len(seen.cosigned)) == (second.size, 2)
        cosign(third, WADE)
        assert keys.policy().open(self.served()).head.size == third.size

    def test_a_cosignature_by_a_witness_that_is_none_any_more_does_not_count(self):
        name_witnesses(WENDY, WADE, quorum=1)
        first, second = grown(), grown()
        cosign(first, WENDY)
        cosign(second, WADE)
        assert keys.policy().open(self.served()).head.size == second.size
        name_witnesses(WENDY, quorum=1)
        assert keys.policy().open(self.served()).head.size == first.size

    def test_a_witness_with_a_new_key_voids_what_the_old_one_signed(self):
        name_witnesses(WENDY, quorum=1)
        cosign(grown(), WENDY)
        self.served()
        fresh = SignerKey.generate(WENDY.name, COSIGNATURE)
        name_witnesses(fresh, quorum=1)
        self.served(503)
        cosign(grown(), fresh)
        self.served()

    def test_a_new_quorum_that_no_checkpoint_has_yet_is_said_whatever_stands_under_old_ones(self):
        name_witnesses(WENDY, WADE, quorum=1)
        for checkpoint in (grown(), grown()):
            cosign(checkpoint, WENDY)
        name_witnesses(WENDY, WADE, quorum=2)
        assert "No checkpoint has the 2 cosignatures" in self.served(503)

    @UNREADABLE
    def test_without_a_policy_nothing_is_served(self, spoil):
        spoil()
        text = self.served(503)
        assert "cannot read the log's policy" in text
        assert str(django_settings.LEDGER_DIR) not in text


def test_a_report_is_no_entry(otto):
    before = Entry.objects.count()
    monitors.report("outside", look("Wrong."), reporter="meg")
    monitors.report("outside", look(), reporter="meg")
    assert (Entry.objects.count(), Monitor.objects.count()) == (before, 1)
