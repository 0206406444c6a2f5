"""The PDF of a card: read back with another program's eyes, for who may read what, for what acts, and for its bytes."""

import io
import re
import unicodedata

import pypdf
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from governance.cards import pdf, typesetting
from governance.cards.as_paper import context
from governance.cards.compose import STATES, NoCard
from governance.cards.formats import rendered
from governance.cards.paper_values import runs
from governance.cards.reading import words
from governance.evidence.schema import ROOTS
from tests.cards.held import NASTY, card, cards, empty, everything, lineage, recorded

__all__ = ["cards"]
TYPST = (
    '#read("/etc/passwd")',
    '#image("card.typ") #eval("1+1") #sys.inputs #import "@preview/x:1.0.0"',
    "$x^2$ @entry-7 <entry-7> ] #] \\ *bold* _slanted_ = Heading",
    "// comment /* comment */ `raw` --- ~ '",
)
RUNNING = re.compile(
    r"Evidence[0-9a-f]{16}…in\d+ledgerentriespage\d+of\d+|Systemcard:Modeltunedrelease:assistant@1"
)


def read(data):
    return pypdf.PdfReader(io.BytesIO(data))


def spoken(reader):
    """All of its text without spaces and without what stands at the head and foot of each page."""
    pages = (re.sub(r"\s", "", page.extract_text()) for page in reader.pages)
    return "".join(RUNNING.sub("", page) for page in pages)


def tight(text):
    return re.sub(r"\s", "", text)


def objects(reader):
    """Every dictionary in the file."""
    for number in range(1, len(reader.xref[0]) + 1):
        found = reader.get_object(number)
        if isinstance(found, pypdf.generic.DictionaryObject):
            yield found


def test_every_fact_of_the_world_stands_in_it_and_its_numbers_lead_to_entries(cards):
    made = cards["release:assistant"]
    reader = read(rendered(made, "pdf"))
    text = spoken(reader)
    for fact in made.document.facts:
        assert tight(words(fact)) in text, fact.key
    for entry in made.entries:
        assert entry.leaf_hash in text
        assert f"[{entry.index}]" in text
    for section in made.sections:
        assert tight(f"{section.section.number} {section.section.title}") in text
    for known in (made.document.digest, made.document.at.root, made.document.subject.digest):
        assert known in text
    assert "heliotrope" not in text
    links = [one for one in objects(reader) if one.get("/Subtype") == "/Link"]
    assert len(links) > len(made.entries)
    assert all("/Dest" in one or one["/A"]["/S"] == "/GoTo" for one in links)
    last = len(reader.pages)
    assert f"page 2 of {last}" in reader.pages[1].extract_text()
    assert "release:assistant@1" in reader.pages[1].extract_text()


@pytest.mark.parametrize("kind", ["release", "dataset"])
def test_only_what_the_public_may_read_is_in_it(kind):
    told = set(re.findall(r"marker-([a-z_]+)-end", spoken(read(pdf.render(everything(kind))))))
    assert told == {root for root, field in ROOTS.items() if field.visibility == "P"}


def test_it_is_tagged_titled_and_needs_nothing_from_outside():
    made = lineage("plain words")
    reader = read(pdf.render(made))
    root = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("en", True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712 - its own class
    assert reader.metadata.title == "Model card: plain words"
    assert reader.metadata.creation_date.isoformat() == "2026-01-02T03:04:05+00:00"
    claims = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in claims
    assert "<pdfuaid:part>1</pdfuaid:part>" in claims
    whole = list(objects(reader))
    tags = {one["/S"] for one in whole if one.get("/Type") == "/StructElem"}
    assert tags >= {"/H1", "/H2", "/Table", "/TR", "/TH", "/TD", "/Link", "/TOC", "/P"}
    files = [one for one in whole if one.get("/Type") == "/FontDescriptor"]
    assert files
    assert all({"/FontFile2", "/FontFile3"} & set(one) for one in files)
    assert not any(
        {"/URI", "/JS", "/Launch", "/EmbeddedFile"} & {one.get("/S"), one.get("/Type")} for one in whole
    )
    assert [line["/Title"] for line in reader.outline if not isinstance(line, list)][-2:] == [
        "How to check this card",
        "Entries",
    ]


def test_the_same_card_gives_the_same_bytes_whatever_the_process_around_it(monkeypatch):
    made = lineage(NASTY[2])
    once = pdf.render(made)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setattr(typesetting, "FEW_THREADS", {"RAYON_NUM_THREADS": "1"})
    assert pdf.render(made) == once


def test_no_text_acts():
    texts = (*TYPST, *NASTY)
    fields = [root for root, field in ROOTS.items() if field.visibility == "P"][: len(texts)]
    made = card([recorded(f"{root}.words", text, text) for root, text in zip(fields, texts, strict=True)])
    reader = read(pdf.render(made))
    text = spoken(reader)
    for one in texts:
        assert text.count(tight(pdf.printable(one))) >= 2, one
    assert "root:x:0" not in text
    assert not [one for one in objects(reader) if one.get("/S") == "/URI"]
    for one in (TYPST[2], NASTY[0], NASTY[5]):
        titled = read(pdf.render(card([recorded("model_name", one)])))
        assert titled.metadata.title == f"Model card: {' '.join(pdf.printable(one).split())}"
        assert f"page 1 of {len(titled.pages)}" in titled.pages[0].extract_text()


@pytest.mark.slow
def test_every_character_is_drawn_or_told_by_its_number():
    drawn = [chr(one) for one in sorted(pdf.characters())]
    assert not [one for one in drawn if unicodedata.category(one)[0] in "CMZ"]
    lines = [" ".join(drawn[start : start + 16]) for start in range(0, len(drawn), 16)]
    facts = [
        recorded("model_name", " ".join(lines)),
        recorded("description", "\n".join(lines)),
        recorded("intended_uses", " ".join(lines), " ".join(lines)),
        empty("crawlers", "withheld", " ".join(lines)),
    ]
    assert pdf.render(card(facts)).startswith(b"%PDF-1.7")

    nasty = "Zażółć Ελληνικά Ж 日本 🎉 e\u0301 q\u0323 soft\u00adhyphen \u202eturned\x07 שלום سلام"
    text = spoken(
        read(pdf.render(card([recorded("licence", nasty), empty("crawlers", "withheld", "日 𝔘 \ufeff")])))
    )
    for one in (
        "ZażółćΕλληνικάЖ",
        "U+65E5U+672CU+1F389é",
        "qU+0323",
        "softU+00ADhyphen",
        "U+202Eturned",
        "U+0007",
    ):
        assert one in text
    assert "withheld:U+65E5U+1D518U+FEFF" in text


@pytest.mark.parametrize("word", ["Q" * 10_000, "W" * 10_000 + "\nend"])
def test_a_word_without_an_end_stays_on_its_page(word):
    reader = read(pdf.render(card([recorded("description", word), recorded("mixture.1.licence", word)])))
    lines = [line for page in reader.pages for line in page.extract_text().splitlines()]
    found = [run for line in lines for run in re.findall(f"{word[0]}+", line)]
    assert 20_000 <= sum(map(len, found)) < 20_010
    assert max(map(len, found)) < 160


@pytest.mark.slow
def test_two_hundred_datasets_and_a_thousand_tasks_are_all_there():
    results = []
    for number in range(1000):
        for part, said, unit in (
            ("score", "0.5", "share"),
            ("ci_low", "0.4", "share"),
            ("ci_high", "0.6", "share"),
        ):
            results.append(recorded(f"results.task_{number}.{part}", said, part, unit))
    datasets = [recorded(f"mixture.{number}.dataset", f"dataset:d{number}@1") for number in range(1, 201)]
    text = "".join(page.extract_text() for page in read(pdf.render(card([*results, *datasets]))).pages)
    assert set(re.findall(r"task (\d+) 0\.5 0\.4 0\.6", text)) == set(map(str, range(1000)))
    assert set(re.findall(r"dataset:d(\d+)@1", text)) == set(map(str, range(1, 201)))


def test_gaps_and_a_demonstration_say_so_in_words():
    states = dict(zip(("crawlers", "processing", "synthetic", "user_data"), STATES, strict=True))
    facts = [empty(key, state) for key, state in states.items()]
    reader = read(pdf.render(card([*facts, recorded("card_snapshot.simulated", True)])))
    text = spoken(reader)
    for state in STATES.values():
        assert tight(f"{state}: Nobody said. (owner: ada)") in text
    assert "Simulated: made for a demonstration" in reader.pages[0].extract_text()
    assert all("simulated · model:x@1" in page.extract_text() for page in reader.pages[1:])


def test_a_table_has_the_columns_that_fit_and_all_else_below():
    rows = [("sums", "0.5", "0.25", "0.75"), ("prose", "1", "0.75", "1")]
    facts = [recorded("results.prose.note", "one\ntwo", "note"), empty("results.sums.margin", "withheld")]
    for task, *numbers in rows:
        facts.append(recorded(f"results.{task}.task", task, "task"))
        for part, said in zip(("score", "ci_low", "ci_high"), numbers, strict=True):
            facts.append(recorded(f"results.{task}.{part}", said, part, "share"))
    sections = context(card(facts))["sections"]
    made = next(field["table"] for field in sections[7]["fields"] if field["title"] == "Results")
    assert made["named"] is None
    assert [column["label"] for column in made["columns"]] == ["task", "score", "ci_low", "ci_high"]
    assert made["axis"] == {"from": "0", "to": "1"}
    prose, sums = made["rows"]
    assert [cell["value"] for cell in sums["cells"]] == ["sums", "0.5", "0.25", "0.75"]
    assert sums["interval"] == {"at": 0.5, "low": 0.25, "high": 0.75, "zero": 0.0}
    assert [(one["label"], one["value"]) for one in prose["more"]] == [("note", "one\ntwo")]
    assert [one["gap"]["state"] for one in sums["more"]] == ["withheld"]
    assert sums["refs"] == [{"text": "7", "to": 7}]
    assert list(runs([1, 2, 3, 7, 9, 10])) == [(1, 3), (7, 7), (9, 10)]


def test_what_cannot_be_typeset_is_refused_and_not_cut(monkeypatch):
    with pytest.raises(typesetting.NotTypeset, match="dictionary does not contain key"):
        typesetting.typeset("{}", 0)
    monkeypatch.setattr(typesetting, "WALL_SECONDS", 0.01)
    with pytest.raises(
        NoCard, match=r"model:x@1 cannot be written as a PDF: it takes longer than 0\.01 seconds"
    ):
        pdf.render(card([]))


def test_the_command_needs_a_file_for_it(db):
    with pytest.raises(CommandError, match="write --out FILE") as stop:
        call_command("card", "model:tuned", "--format", "pdf")
    assert stop.value.returncode == 2
