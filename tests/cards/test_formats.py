"""What holds for every format: who reads what, that nothing is blank, that no text acts, the same bytes, and all the doors."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest
from django.core.management import call_command
from django.test import Client
from markdown_it import MarkdownIt

from governance.cards.compose import STATES, NoCard
from governance.cards.formats import FORMATS, fitting, rendered
from governance.evidence.schema import ROOTS
from governance.people.models import User
from tests import cast as people
from tests.cards.held import NASTY, SUBJECTS, card, cards, empty, everything, lineage
from tests.evidence.world import settled

__all__ = ["cards"]
TEXTS = [name for name, one in FORMATS.items() if one.is_text]
"""What these tests read; test_pdf.py has the same for the PDF."""
JSON = [name for name, one in FORMATS.items() if "json" in one.media_type]
HEAD = re.compile(r"^---\n.*?^---\n", re.DOTALL | re.MULTILINE)


def texts(made):
    return [name for name in fitting(made.kind) if name in TEXTS]


@pytest.mark.parametrize("kind", ["model", "release", "dataset"])
def test_only_what_the_public_may_read_is_in_any_format(kind):
    made = everything(kind)
    for name in texts(made):
        text = rendered(made, name).decode()
        told = set(re.findall(r"marker\\?-([a-z\\_]+)\\?-end", text))
        shown = {root.replace("\\", "") for root in told}
        assert {root for root in shown if ROOTS[root].visibility != "P"} == set(), name
        if name in ("md", "json", "html"):
            assert shown == {root for root, field in ROOTS.items() if field.visibility == "P"}, name


@pytest.mark.parametrize("name", TEXTS)
def test_every_state_of_a_gap_is_written_out_and_nothing_is_blank(name):
    kind = "dataset" if "datasheet" in FORMATS[name].fits else "model"
    states = ["undisclosed", "not_recorded", "not_applicable", "withheld"]
    keys = ["crawlers", "processing", "synthetic", "user_data"]
    made = card([empty(key, state) for key, state in zip(keys, states, strict=True)], kind)
    text = rendered(made, name).decode()
    for state in states:
        assert (state if name == "json" else STATES[state]) in text, state
    assert "More Information Needed" not in text
    if name in JSON:
        assert not list(blanks(json.loads(text)))


def blanks(plain, at="$"):
    """Where texts are empty."""
    if isinstance(plain, dict):
        for key, item in plain.items():
            yield from blanks(item, f"{at}.{key}")
    elif isinstance(plain, list):
        for item in plain:
            yield from blanks(item, at)
    elif plain in ("", None) and not at.endswith((".owner", ".unit", ".value", ".assurance")):
        yield at


@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_no_text_acts_in_any_format(nasty, kind):
    made = lineage(nasty, kind=kind)
    for name in texts(made):
        text = rendered(made, name).decode()
        if name != "json":
            assert not re.search("[\u202e\u2066\u200b]", text), name
        if name in JSON and name != "json":
            plain = json.loads(text)
            assert "<" not in text, name
            assert "@graph" not in plain or name == "spdx"
            assert all(one.startswith("urn:") for one in identifiers(plain) if "evil" in one), name
        elif FORMATS[name].media_type.startswith("text/markdown"):
            assert acting(HEAD.sub("", text, count=1)) == set(), name
        elif name == "fmti":
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert len(cells) == 101 * 6
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def identifiers(plain):
    """Values that programs take for addresses of things."""
    if isinstance(plain, dict):
        for key, item in plain.items():
            if isinstance(item, str) and key in (
                "@id",
                "spdxId",
                "bom-ref",
                "ref",
                "url",
                "uri",
                "id",
                "contentUrl",
            ):
                yield item
            yield from identifiers(item)
    elif isinstance(plain, list):
        for item in plain:
            yield from identifiers(item)


def acting(text):
    """Kinds of tokens of a Markdown text that show what it is not ours to show."""
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    kinds = {token.type for token in tokens} | {
        child.type for token in tokens for child in token.children or []
    }
    return kinds & {"html_block", "html_inline", "link_open", "image", "hr", "blockquote_open"}


def test_the_html_file_has_no_tag_of_anybody_elses_and_no_address():
    seen, links = set(), []

    class Seen(HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.add(tag)
            links.extend(value for name, value in attributes if name in ("href", "src", "action"))

    for nasty in NASTY:
        Seen().feed(rendered(lineage(nasty), "html").decode())
    assert seen.isdisjoint({"script", "img", "iframe", "link", "form", "object"})
    assert links
    assert all(re.fullmatch(r"#e\d+", link) for link in links)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_format_of_the_world_is_written_twice_alike_and_read(cards, subject):
    made = cards[subject]
    for name in texts(made):
        data = rendered(made, name)
        assert data == rendered(made, name)
        assert "heliotrope" not in data.decode()
        if name in JSON:
            assert isinstance(json.loads(data), dict)


def test_a_model_without_runs_a_dangling_parent_and_a_long_table_are_rendered():
    for made in (card([]), lineage("plain"), lineage("plain", datasets=200)):
        for name in texts(made):
            assert rendered(made, name)


@pytest.mark.parametrize(
    ("subject", "name"), [("model:tuned", "croissant"), ("dataset:sums", "fmti"), ("dataset:sums", "slsa")]
)
def test_a_format_that_does_not_fit_is_refused_with_those_that_do(cards, subject, name):
    with pytest.raises(NoCard, match="its formats are md, json, html, pdf, cyclonedx"):
        rendered(cards[subject], name)


@pytest.fixture
def otto(world):
    """The outsider's client, once the world is settled."""
    people.gather()
    settled()
    client = Client()
    client.force_login(User.objects.get(username="otto"))
    return client


def test_the_command_the_page_and_the_api_write_the_same_bytes(otto, tmp_path, capsys):
    page = otto.get("/cards/release:assistant@1/").content.decode()
    for name, one in fitting("system").items():
        out = tmp_path / name
        call_command("card", "release:assistant@1", format=name, out=out)
        response = otto.get(f"/cards/release:assistant@1/?format={name}")
        assert (response.status_code, response["Content-Type"]) == (200, one.media_type)
        assert response["Content-Disposition"] == f'attachment; filename="release-assistant-1.{one.suffix}"'
        answer = otto.get(f"/api/v1/versions/release/assistant/1/card/?format={name}")
        assert (answer.status_code, answer["Content-Type"]) == (200, one.media_type)
        assert response.content == answer.content == out.read_bytes()
        assert f'href="/cards/release:assistant@1/?format={name}"' in page
    assert "format=croissant" not in page
    assert "GPAI Code of Practice, Model Documentation Form" in page


def test_the_api_answers_in_the_form_that_is_accepted_and_every_door_refuses_what_does_not_fit(otto, capsys):
    for accepted, name in (
        ("application/vnd.cyclonedx+json", "cyclonedx"),
        ("text/csv", "fmti"),
        ("*/*", "md"),
    ):
        answer = otto.get("/api/v1/versions/model/tuned/1/card/", headers={"accept": accepted})
        assert answer["Content-Type"] == FORMATS[name].media_type
    assert (
        otto.get("/api/v1/versions/model/tuned/1/card/", headers={"accept": "image/png"}).status_code == 406
    )

    for url in (
        "/cards/model:tuned@1/?format=croissant",
        "/api/v1/versions/model/tuned/1/card/?format=croissant",
    ):
        assert otto.get(url).status_code == 404
    assert otto.get("/api/v1/versions/model/tuned/1/card/?format=docx").status_code == 400
    with pytest.raises(SystemExit) as stop:
        call_command("card", "model:tuned", "--format", "croissant")
    assert stop.value.code == 1
    assert "its formats are md, json" in capsys.readouterr().err
