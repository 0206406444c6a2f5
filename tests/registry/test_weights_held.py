"""Models whose weights are not copied: known by the hashes of their files, or held elsewhere; and what went into a base model."""

import hashlib
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from governance.registry import actions, importers, kinds, lookup, weights
from governance.registry.kinds.base import ContentError
from governance.registry.models import Blob, Version
from tests import builders
from tests.builders import ADA
from tests.cast import Cast, gather
from training.resolve import SpecRefused, resolve
from training.spec import SpecDraft

pytestmark = pytest.mark.django_db
PICKLE = b"\x80\x04cposix\nsystem\n(S'touch /tmp/owned'\ntR."
PLACE = "weights://old-store/llama-7b"


@pytest.fixture(autouse=True)
def cast() -> Cast:
    return gather()


def unsafe(folder: Path) -> Path:
    """A model of the time before safetensors, with code beside it."""
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "vocab_size": 32000}')
    (folder / "pytorch_model.bin").write_bytes(PICKLE)
    (folder / "modeling_llama.py").write_text("import os\nos.system('touch /tmp/owned')\n")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def meta(folder: Path, text: str) -> str:
    path = folder / "meta.yaml"
    path.write_text("description: A model.\n" + text)
    return str(path)


def register(slug: str, path: Path, about: str) -> Version:
    call_command("register", "model", slug, str(path), "--meta", about, "--as", "ada")
    return lookup.find(f"model:{slug}@1")


def elsewhere(folder: Path, text: str = "") -> Version:
    path = folder / "far.yaml"
    path.write_text(
        f"description: Published by others.\norigin: imported\nsource: hub.example/far\nrevision: abc123\n{text}"
    )
    call_command("register", "model", "far", str(path), "--as", "ada")
    return lookup.find("model:far@1")


def gaps(version: Version) -> dict[str, dict]:
    return {gap["field"]: gap for gap in version.content["gaps"]}


class TestManifest:
    def test_files_that_can_run_code_are_known_by_their_hashes_alone(self, tmp_path):
        folder = unsafe(tmp_path / "old")
        version = register("old", folder, meta(tmp_path, f"held: manifest\nplace: {PLACE}\n"))
        content = version.content
        listed = {entry["path"]: entry for entry in content["manifest"]}
        assert listed["pytorch_model.bin"] == {
            "path": "pytorch_model.bin", "size": len(PICKLE), "sha256": hashlib.sha256(PICKLE).hexdigest(),
        }  # fmt: skip
        assert set(listed) == {"config.json", "pytorch_model.bin", "modeling_llama.py", "tokenizer.json"}
        assert (content["files"], content["weights_digest"]) == ([], None)
        assert content["architecture"] == "LlamaForCausalLM"
        assert not Blob.objects.exists(), "nothing was copied"
        assert gaps(version)["weights_digest"]["reason"] == (
            "The files are known by their hashes alone and are never opened."
        )

    def test_without_saying_so_such_a_folder_is_refused(self, tmp_path, capsys):
        with pytest.raises(SystemExit):
            register("old", unsafe(tmp_path / "old"), meta(tmp_path, "licence: MIT\n"))
        assert "by its hashes alone with `held: manifest`" in capsys.readouterr().err
        assert not Version.objects.exists()

    def test_it_needs_a_place(self, tmp_path, capsys):
        with pytest.raises(SystemExit):
            register("old", unsafe(tmp_path / "old"), meta(tmp_path, "held: manifest\n"))
        assert "place is needed for a model that is held as 'manifest'" in capsys.readouterr().err

    def test_a_link_out_of_the_folder_is_refused(self, tmp_path, capsys):
        folder = unsafe(tmp_path / "old")
        (folder / "extra.bin").symlink_to("/etc/hostname")
        with pytest.raises(SystemExit):
            register("old", folder, meta(tmp_path, f"held: manifest\nplace: {PLACE}\n"))
        assert "is a symbolic link" in capsys.readouterr().err

    def test_its_page_says_what_is_known(self, tmp_path, cast):
        register("old", unsafe(tmp_path / "old"), meta(tmp_path, f"held: manifest\nplace: {PLACE}\n"))
        client = Client()
        client.force_login(cast.axel)
        html = client.get("/versions/model:old@1/").content.decode()
        for told in ("never loaded", PLACE, "pytorch_model.bin", "Undisclosed by upstream"):
            assert told in html, told


class TestElsewhere:
    def test_a_published_model_is_known_by_name_and_revision(self, tmp_path):
        version = elsewhere(tmp_path, "modalities_in: [text, image]\n")
        content = version.content
        assert (content["held"], content["source"], content["revision"]) == (
            "elsewhere", "hub.example/far", "abc123",
        )  # fmt: skip
        assert (content["parameters"], content["files"], content["manifest"]) == (None, [], [])
        assert content["modalities_in"] == ["text", "image"]
        assert gaps(version)["weights_digest"]["reason"] == "The weights are not held here."

    def test_it_needs_a_source(self, tmp_path, capsys):
        path = tmp_path / "far.yaml"
        path.write_text("description: Far.\norigin: imported\n")
        with pytest.raises(SystemExit):
            call_command("register", "model", "far", str(path), "--as", "ada")
        assert "source is needed for a model that is held as 'elsewhere'" in capsys.readouterr().err

    def test_a_file_that_is_no_description_is_refused(self, tmp_path, capsys):
        path = tmp_path / "model.safetensors"
        path.write_bytes(b"x")
        with pytest.raises(SystemExit):
            call_command("register", "model", "far", str(path), "--as", "ada")
        assert "a YAML that names weights held elsewhere" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "text", ["gaps: x\n", "gaps: [x]\n", "gaps: [{field: [a]}]\n", "held: [a]\n", "built_from: 3\n"]
    )
    def test_odd_descriptions_are_refused_and_never_crash(self, tmp_path, capsys, text):
        with pytest.raises(SystemExit) as stopped:
            elsewhere(tmp_path, text)
        assert stopped.value.code == 1
        assert not Version.objects.exists()


class TestCopied:
    def test_what_is_copied_is_as_strict_as_ever(self, tmp_path):
        model = builders.model(tmp_path)
        for name in ("architecture", "parameters", "dtype", "weights_digest", "tokenizer_digest", "files"):
            without = {key: value for key, value in model.content.items() if key != name}
            with pytest.raises(ContentError, match=name):
                kinds.get("model").parse(without)

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"manifest": [{"path": "a.bin", "size": 1, "sha256": "0" * 64}]}, "manifest must be empty"),
            ({"place": "somewhere"}, "place must be empty"),
            ({"held": "elsewhere"}, "source is needed"),
            ({"held": "elsewhere", "source": "x"}, "files must be empty"),
            ({"held": "lost"}, "held"),
            ({"modalities_in": []}, "modalities_in"),
            ({"modalities_out": ["smell"]}, "modalities_out"),
            ({"built_from": [{"what": "magic", "description": "x"}]}, r"built_from\.0\.what"),
        ],
    )
    def test_it_is_held_as_it_says(self, tmp_path, changes, says):
        model = builders.model(tmp_path)
        with pytest.raises(ContentError, match=says):
            kinds.get("model").parse({**model.content, **changes})

    def test_the_files_it_lists_must_be_in_the_store(self, tmp_path):
        content = importers.read("model", builders.write_model(tmp_path / "m"), {"description": "M."}).content
        with pytest.raises(actions.Refused, match="neither given nor stored before"):
            actions.register("model", "m", content, actor=ADA)


class TestBuiltFrom:
    def test_what_its_provider_does_not_say_is_undisclosed(self, tmp_path):
        version = builders.model(tmp_path)
        assert gaps(version)["built_from"]["state"] == "undisclosed"

    def test_what_is_said_is_kept_and_leaves_no_gap(self, tmp_path):
        told = [
            {"what": "instruction data", "description": "10 % of the last tokens.", "source": "their report"}
        ]
        version = builders.model(tmp_path, built_from=told)
        assert version.content["built_from"] == told
        assert "built_from" not in gaps(version)

    def test_both_at_once_are_refused(self, tmp_path):
        model = builders.model(tmp_path)
        told = [{"what": "other", "description": "x", "source": ""}]
        with pytest.raises(ContentError, match="built_from is filled and named as a gap"):
            kinds.get("model").parse({**model.content, "built_from": told})

    def test_a_gap_that_was_given_is_kept(self, tmp_path):
        given = {"field": "built_from", "state": "not_applicable", "reason": "The weights are random."}
        version = builders.model(tmp_path, gaps=[given])
        assert [gap["reason"] for gap in version.content["gaps"]] == ["The weights are random."]

    def test_what_was_trained_here_has_a_lineage_instead(self, tmp_path):
        base, data = builders.model(tmp_path), builders.dataset(tmp_path)
        assert "built_from" not in gaps(builders.trained(tmp_path, base, [data]))


class TestTraining:
    @pytest.mark.parametrize("held", ["manifest", "elsewhere"])
    def test_weights_that_are_not_held_are_refused(self, tmp_path, held):
        builders.dataset(tmp_path)
        if held == "manifest":
            model = register(
                "old", unsafe(tmp_path / "old"), meta(tmp_path, f"held: manifest\nplace: {PLACE}\n")
            )
        else:
            model = elsewhere(tmp_path)
        draft = SpecDraft(
            stage="sft",
            inputs={"init_from": [model.subject], "trained_on": ["dataset:chats"]},
            params={},
            output={"slug": "tuned", "title": "Tuned"},
        )
        with pytest.raises(SpecRefused) as refused:
            resolve(draft)
        assert refused.value.field == "inputs.init_from"
        assert "register its weights as safetensors first" in str(refused.value)


def test_a_config_that_names_no_architecture_is_unknown_and_no_crash(tmp_path):
    folder = builders.write_model(tmp_path / "m")
    for architectures in (5, [], {}, None):
        (folder / "config.json").write_text(json.dumps({"architectures": architectures}))
        assert weights.describe(folder)["architecture"] == "unknown"
