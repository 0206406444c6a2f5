"""A first draft from a file: read, shown in the form, refused with the line or the field that is wrong."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from governance.admin import adding
from governance.registry.models import Artifact
from tests.cast import gather
from tests.pages.desk import Desk, text
from tests.realdata import REAL, requires

pytestmark = pytest.mark.django_db

MARKDOWN = """# House rules

What stands above all.

## Do no harm {#no-harm}

Refuse to help with what hurts people.

## Help {#help}

Help with everything else.
"""
YAML = """title: House rules
principles:
  - {id: no-harm, text: Refuse to help with what hurts people., authority: law}
"""


@pytest.fixture
def polly(client):
    client.force_login(gather().polly)
    return Desk(client)


def sent(desk: Desk, name: str, content: str | bytes, **more: str):
    data = content.encode() if isinstance(content, str) else content
    return desk.add(file=SimpleUploadedFile(name, data), **more)


def test_markdown_becomes_a_draft(polly):
    assert sent(polly, "house.md", MARKDOWN).status_code == 302
    assert [one["id"] for one in polly.version.content["principles"]] == ["no-harm", "help"]
    assert polly.version.artifact.title == "House rules"
    form = polly.form()
    assert form["content-principles-0-text"] == "Refuse to help with what hurts people."
    assert polly.press("_submit", form).status_code == 302
    assert polly.version.state == "in_review"


def test_how_a_file_was_read_is_told(polly):
    told = polly.client.post(
        "/admin/registry/constitution/add/",
        {"slug": "house", "file": SimpleUploadedFile("house.md", MARKDOWN.replace(" {#help}", "").encode())},
        follow=True,
    )
    assert "has no id and is called help" in text(told)
    assert polly.version.content["principles"][1]["id"] == "help"


@pytest.mark.parametrize("name", ["house.yaml", "house.YML"])
def test_yaml_becomes_a_draft_under_the_title_that_was_typed(polly, name):
    assert sent(polly, name, YAML, title="Ours").status_code == 302
    version = polly.version
    assert (version.artifact.title, version.content["title"]) == ("Ours", "House rules")
    assert version.content["principles"][0]["authority"] == "law"


def test_an_unfinished_file_is_finished_in_the_form(polly):
    assert sent(polly, "house.yaml", "principles: [{id: Not An Id, text: ''}]").status_code == 302
    assert "Fill this in." in text(polly.type("_check"))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("house.yaml", "title: [", "house.yaml cannot be read"),
        ("house.yaml", "- a\n- b\n", "must hold named fields"),
        ("house.yaml", "", "must hold named fields"),
        ("house.yaml", "title: A\ncolour: red\n", "colour: Extra inputs are not permitted"),
        ("house.yaml", "title: A\nprinciples: none\n", "principles: Input should be a valid list"),
        ("house.yaml", 'title: "a\\0b"\n', "NUL"),
        ("house.json", '{"title": NaN}', "NaN is not JSON"),
        ("house.json", "[" * 100_000, "nested too deeply"),
        ("house.json", '{"title": ' + '{"a":' * 400 + "1" + "}" * 401, "nested deeper"),
        ("house.md", b"\xff\xfe# A", "UTF-8"),
        ("house.md", "no heading at all", "heading"),
        ("house.docx", "PK", "Choose a file that ends in"),
        ("house", "title: A", "Choose a file that ends in"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(polly, name, content, told):
    response = sent(polly, name, content)
    assert response.status_code == 422
    page = text(response)
    assert told in page.split('id="id_file_error"')[1]
    assert 'value="house"' in page
    assert not Artifact.objects.exists()


def test_a_file_that_is_too_large_is_not_read(polly, monkeypatch):
    monkeypatch.setattr(adding, "LARGEST_FILE", 10)
    assert "The file is larger than" in text(sent(polly, "house.md", MARKDOWN))
    assert not Artifact.objects.exists()


def test_a_file_keeps_to_its_folder(polly):
    assert sent(polly, "../../../etc/house.md", MARKDOWN).status_code == 302
    assert sent(Desk(polly.client, slug="odd"), "a\0b\n.md", MARKDOWN).status_code == 302


@requires("openai_model_spec")
@pytest.mark.parametrize("kind", ["constitution", "policy"])
def test_a_real_specification_is_imported_and_edited(polly, kind):
    desk = Desk(polly.client, kind, "spec")
    path = REAL / "openai_model_spec" / "model_spec_2025-12-18.md"
    assert sent(desk, path.name, path.read_bytes(), title="Model Spec").status_code == 302
    name = "principles" if kind == "constitution" else "rules"
    before = desk.version.content
    assert len(before[name]) > 50
    typed = {
        f"content-{name}-0-heading": "Ours",
        **({"content-type": "behaviour"} if kind == "policy" else {}),
    }
    assert desk.press("_save", desk.form() | typed).status_code == 302
    after = desk.version.content
    assert after[name][0]["heading"] == "Ours"
    kept = [{key: one.get(key) for key in row} for one, row in zip(after[name], before[name], strict=True)]
    assert kept[1:] == before[name][1:], "nothing else has changed on the way through the form"
