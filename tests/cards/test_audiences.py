"""Bundles for audiences: what each opens, what none holds, and commitments that can be opened one by one."""

import json

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from governance.cards import disclosing, markdown
from governance.cards.audience import AUDIENCES
from governance.cards.bundle import bundle_of
from governance.cards.compose import NoCard, card_of
from governance.cards.formats import FORMATS, rendered
from governance.cards.models import Disclosure, Secret
from governance.ledger import bundle
from governance.ledger.canonical import canonical, sha256_hex
from governance.ledger.export import seal
from governance.ledger.models import Entry
from governance.ledger.opening import check_opening
from governance.ledger.verify import FAILS, main, verify
from governance.registry import lookup
from governance.registry.actions import Refused
from tests.builders import MARA
from tests.cards.planted import AUTHORITY, CLASSES, DOWNSTREAM, INTERNAL, planted
from tests.cast import person
from tests.evidence.world import settled

KEY = "rationale.written"


@pytest.fixture
def release(world, tmp_path):
    return planted(world, tmp_path)


def test_files_of_a_model_are_for_authorities(release):
    checkpoint = settled()
    fact = facts_of(bundle_of(release, checkpoint, audience="authority"))["authenticity.1.sha256"]
    for audience, shown in (("public", False), ("downstream", False), ("authority", True)):
        members = bundle.read(bundle_of(release, checkpoint, audience=audience)).values()
        assert any(f'"sha256":"{fact["value"]}"'.encode() in content for content in members) == shown


def facts_of(data):
    return {fact["key"]: fact for fact in json.loads(bundle.read(data)["evidence.json"])["facts"]}


def failures(data, opening=None):
    return [
        f"{line.what}: {line.detail}" for line in verify(data, None, opening).lines if line.outcome == FAILS
    ]


def opened(release, size, key=KEY, audience="public"):
    return disclosing.open_fact(release, size, key, audience=audience, recipient="Ms Auditor", actor=MARA)


def test_each_audience_reads_its_classes_and_nothing_above_is_anywhere_in_the_file(release):
    checkpoint = settled()
    for audience, open_to in CLASSES.items():
        data = bundle_of(release, checkpoint, audience=audience)
        assert failures(data) == []
        for secret in (*DOWNSTREAM, *AUTHORITY, *INTERNAL):
            found = [name for name, content in bundle.read(data).items() if secret.encode() in content]
            assert bool(found) == (secret in open_to), (audience, secret, found)
            assert (secret.encode() in data) == bool(found)
        assert bundle_of(release, checkpoint, audience=audience) == data


def test_only_withheld_values_have_commitments_and_equal_values_have_different_ones(release):
    facts = facts_of(bundle_of(release, settled()))
    committed = {key: fact["commitment"] for key, fact in facts.items() if "commitment" in fact}
    assert {KEY, "security.written", "integration.technical_means", "cost.written"} <= committed.keys()
    assert facts["rationale.written_by"]["state"] == "withheld"
    assert len(set(committed.values())) == len(committed)
    assert all(facts[key]["value"] is None and facts[key]["state"] == "withheld" for key in committed)
    # Both are "mara", in two fields: without the salts nobody sees that they are the same.
    assert committed["rationale.written_by"] != committed["security.written_by"]
    assert "commitment" not in facts["energy"]


def test_salts_of_two_versions_and_of_two_sizes_are_unrelated(release, world):
    first = settled()
    whole = card_of(release, first.size).document.get(KEY).commitment
    opened(release, first.size)
    later = settled()
    assert later.size > first.size
    assert card_of(release, later.size).document.get(KEY).commitment != whole
    card_of(world.tuned, later.size)
    salts = list(Secret.objects.values_list("salt", flat=True))
    assert len(set(salts)) == len(salts) == 2
    assert all(len(salt) == 64 for salt in salts)


def test_the_secret_never_leaves_nor_changes(release):
    checkpoint = settled()
    data = b"".join(bundle_of(release, checkpoint, audience=name) for name in AUDIENCES)
    secret = Secret.objects.get(version=release)
    assert secret.salt.encode() not in data + opened(release, checkpoint.size)
    assert not [entry for entry in Entry.objects.all() if secret.salt in json.dumps(entry.parts)]
    for change in (lambda: Secret.objects.update(salt="00" * 32), lambda: Secret.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert connection.vendor
    assert Secret.objects.get(version=release).salt == secret.salt


def test_an_opening_shows_one_fact_to_one_reader_and_is_an_entry(release):
    checkpoint = settled()
    data = bundle_of(release, checkpoint)
    opening = opened(release, checkpoint.size)
    report = verify(data, None, opening)
    assert report.holds
    assert [line.outcome for line in report.lines if line.what == "opening"] == ["opens commitment"]
    assert "cinnabar-why" in "".join(report.notes)
    assert json.loads(opening)["evidence"] == sha256_hex(bundle.read(data)["evidence.json"])
    entry = Disclosure.objects.get().ledger_head
    assert entry.op == "cards:fact:opened"
    parts = {name: json.loads(part["payload"])["state"] for name, part in entry.parts.items()}
    assert parts["P"]["key"] == KEY
    assert parts["P"]["sha256"] == sha256_hex(opening)
    assert parts["I"]["recipient"] == "Ms Auditor"


def test_no_flipped_bit_of_an_opening_is_accepted(release):
    checkpoint = settled()
    data, opening = bundle_of(release, checkpoint), opened(release, checkpoint.size)
    evidence = bundle.read(data)["evidence.json"]
    for place in range(len(opening) * 8):
        flipped = bytearray(opening)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(ValueError):
            check_opening(bytes(flipped), evidence)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"salt": "00" * 32}, "not what the evidence committed to"),
        ({"salt": "00"}, "32 bytes"),
        ({"key": "security.written"}, "no withheld fact"),
        ({"key": "model_name"}, "no withheld fact"),
        ({"commitment": "00" * 32}, "not what the evidence committed to"),
        ({"fact": []}, "an object"),
        ({"more": 1}, "exactly"),
    ],
)
def test_a_wrong_opening_is_refused(release, change, reason):
    checkpoint = settled()
    data, opening = bundle_of(release, checkpoint), json.loads(opened(release, checkpoint.size))
    found = failures(data, canonical({**opening, **change}))
    assert len(found) == 1
    assert reason in found[0]
    other = {**opening, "fact": {**opening["fact"], "value": "another"}}
    assert "not what the evidence" in failures(data, canonical(other))[0]


def test_an_opening_of_another_bundle_is_refused(release, world):
    checkpoint = settled()
    opening = opened(release, checkpoint.size)
    assert "another bundle" in failures(bundle_of(world.tuned, checkpoint), opening)[0]
    assert "another bundle" in failures(bundle_of(release, checkpoint, audience="downstream"), opening)[0]
    assert (
        failures(
            bundle_of(release, checkpoint, audience="downstream"),
            opened(release, checkpoint.size, audience="downstream"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("key", "said"),
    [("model_name", "no withheld fact"), ("nonsense", "no withheld fact"), ("energy", "no withheld fact"),
     ("cost.written", "kept inside"), ("policy_public.canary.text", "no withheld fact")],
)  # fmt: skip
def test_what_cannot_be_opened_is_refused_and_leaves_no_entry(release, key, said):
    size = settled().size
    with pytest.raises(Refused, match=said):
        opened(release, size, key)
    assert not Disclosure.objects.exists()


@pytest.mark.parametrize("wrong", ["", "00", "zz" * 32, "AB" * 32, 7, None])
def test_a_malformed_commitment_and_one_of_a_fact_with_a_value_are_refused(release, wrong):
    data = bundle_of(release, settled())

    def forged(key, value):
        plain = json.loads(bundle.read(data)["evidence.json"])
        next(fact for fact in plain["facts"] if fact["key"] == key)["commitment"] = value
        members = {name: item for name, item in bundle.read(data).items() if name != "statement.dsse.json"}
        return seal({**members, "evidence.json": canonical(plain)}, "urn:charter:bundle:v1", {})

    assert any("64 lowercase hex" in failure for failure in failures(forged(KEY, wrong)))
    assert any("is not withheld" in failure for failure in failures(forged("model_name", "ab" * 32)))


def test_heads_say_whom_a_card_is_for_and_formats_without_such_a_place_refuse(release):
    size = settled().size
    card = card_of(release, size, audience="authority")
    assert "This card is for authorities" in markdown.render(card)
    assert "for authorities" in rendered(card, "html").decode()
    assert json.loads(rendered(card, "json"))["audience"] == "authority"
    assert rendered(card, "pdf").startswith(b"%PDF")
    assert "This card is" not in markdown.render(card_of(release, size))
    for name, form in FORMATS.items():
        if not form.marked and card.kind in form.fits:
            with pytest.raises(NoCard, match="for authorities"):
                rendered(card, name)


def run(*arguments):
    call_command(*arguments)


def refused(capsys, *arguments, code=1):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == code
    return capsys.readouterr().err


def test_the_commands_hand_out_record_and_check(release, tmp_path, capsys):
    person("mara"), person("ada")
    public, whole, fact = tmp_path / "p.zip", tmp_path / "a.zip", tmp_path / "f.json"
    run("bundle", "release:planted", "--out", str(public))
    size = json.loads(bundle.read(public.read_bytes())["evidence.json"])["at"]["size"]
    hand = ["bundle", "release:planted", "--out", str(whole), "--audience", "authority"]
    assert "release-manager" in refused(capsys, *hand, "--to", "AI Office", "--as", "ada")
    assert "to whom" in refused(capsys, *hand, "--as", "mara")
    assert not whole.exists()
    assert not Disclosure.objects.exists()
    run(*hand, "--to", "AI Office", "--as", "mara")
    entry = Disclosure.objects.get().ledger_head
    assert entry.op == "cards:bundle:made"
    told = json.loads(entry.parts["P"]["payload"])["state"]
    assert (told["audience"], told["sha256"]) == ("authority", sha256_hex(whole.read_bytes()))
    open_it = ["bundle", "--open", "release:planted", "--fact", KEY, "--at", str(size), "--out", str(fact)]
    assert "release-manager" in refused(capsys, *open_it, "--to", "Ms Auditor", "--as", "ada")
    run(*open_it, "--to", "Ms Auditor", "--as", "mara")
    capsys.readouterr()
    assert main([str(public), "--opening", str(fact)]) == 0
    said = capsys.readouterr().out
    assert "opens commitment" in said
    assert "cinnabar-why" in said
    assert main([str(whole), "--opening", str(fact)]) == 1
    card = tmp_path / "card.md"
    run(
        "card",
        "release:planted",
        "--audience",
        "downstream",
        "--to",
        "Acme",
        "--as",
        "mara",
        "--out",
        str(card),
    )
    assert "for downstream providers" in card.read_text()
    assert Disclosure.objects.filter(what="md").get().ledger_head.op == "cards:card:made"
    assert lookup.find("release:planted").subject == told["subject"]
