"""The base model that Charter makes: loadable, cached by content, the same bytes for the same sources."""

import json
import threading
from pathlib import Path

import pytest

from governance.registry.weights import describe
from tests.training.greedy import scores
from training.runner import base
from training.runner.job import file_hashes
from training.tiny import world


def test_the_base_is_a_safe_model_folder(tiny_base):
    about = describe(tiny_base)
    assert about["architecture"] == "LlamaForCausalLM"
    assert about["parameters"] == 727_680
    assert about["context_length"] == 512
    assert about["chat_template_digest"]


def test_digits_are_single_tokens_and_any_text_survives():
    tokenizer = base.make_tokenizer([row["messages"] for row in world.pretraining(0, 200)])
    assert len(tokenizer("2026")["input_ids"]) == 4
    text = "Ⅳ 漢字 and 👍 1234"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_only_what_the_assistant_says_is_learnt():
    rows = [row["messages"] for row in world.pretraining(0, 50)]
    tokenizer = base.make_tokenizer(rows)
    tokens, labels = next(base._blocks(tokenizer, rows))
    assert len(tokens) == len(labels) == base.BLOCK_TOKENS
    learnt = tokenizer.decode([label for label in labels if label != base.IGNORED])
    assert "<|im_start|>" not in learnt
    assert "<|im_end|>" in learnt


def test_builders_at_the_same_time_build_once(tmp_path, monkeypatch):
    built = []

    def build(out: Path, progress) -> None:
        out.mkdir()
        built.append(out)
        progress(1, 1)

    monkeypatch.setattr(base, "build", build)
    found: list[Path] = []
    builders = [
        threading.Thread(target=lambda: found.append(base.cached_base(tmp_path, lambda *_: None)))
        for _ in range(4)
    ]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert len(built) == 1
    assert len(set(found)) == 1
    assert not list(tmp_path.glob("*.part"))


def test_a_build_that_died_leaves_nothing_that_looks_finished(tmp_path, monkeypatch):
    def build(out: Path, progress) -> None:
        out.mkdir()
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(base, "build", build)
        with pytest.raises(RuntimeError):
            base.cached_base(tmp_path, lambda *_: None)
    monkeypatch.setattr(base, "build", lambda out, progress: out.mkdir())
    assert base.cached_base(tmp_path, lambda *_: None).is_dir()


def test_other_sources_or_libraries_are_another_base(monkeypatch):
    before = base.source_digest()
    monkeypatch.setattr(base, "version", lambda name: "0")
    assert base.source_digest() != before


def test_the_command_prints_progress_and_the_folder_last(tmp_path, monkeypatch, capsys):
    def build(out: Path, progress) -> None:
        out.mkdir()
        progress(1, 2)
        progress(2, 2)

    monkeypatch.setattr(base, "build", build)
    assert base.main([str(tmp_path)]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[:2] == [{"done": 1, "total": 2}, {"done": 2, "total": 2}]
    assert Path(told[2]["path"]).is_dir()
    assert base.main([]) == 2


@pytest.mark.slow
def test_the_base_adds_but_has_no_principles(tiny_base):
    told = scores(tiny_base)
    assert 0.6 < told["sums"] < 0.98
    assert told["refuses_harmful"] <= 0.02
    assert told["answers_harmless"] >= 0.97


@pytest.mark.slow
def test_two_builds_are_the_same_bytes(tiny_base, tmp_path):
    base.build(tmp_path / "again", lambda *_: None)
    assert file_hashes(tmp_path / "again") == file_hashes(tiny_base)
