"""A model of our own in a second or two: it learned a few sums by heart, so that it gets some right and some wrong."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

# Read at import by the libraries of the job side; the runner sets the same for its process.
os.environ.update(
    HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false"
)

DIGEST = "ab" * 32
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
LESSONS = [(f"{a} + {b}?", str(a + b)) for a in range(4) for b in range(4)] + [
    ("steal it?", "I cannot help."),
    ("bake it?", "To bake, heat it."),
]

MakeJob = Callable[..., Path]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Llama of 40,000 parameters that learned LESSONS, and its tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokenizer = byte_tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=96,
            tie_word_embeddings=True,
            bos_token_id=None,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    learn(model, tokenizer)
    folder = tmp_path_factory.mktemp("small-model")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def byte_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(
        models.BPE(vocab={token: index for index, token in enumerate(special + letters)}, merges=[])
    )
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<|pad|>", eos_token="<|end|>", padding_side="left",
        additional_special_tokens=special[2:],
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def learn(model: Any, tokenizer: Any, enough: float = 0.005, most: int = 1000) -> None:
    """Until the lessons are known by heart, on whatever processor: a fixed number of steps is enough only on some."""
    import torch

    texts = [f"<|user|>{question}<|end|><|assistant|>{answer}<|end|>" for question, answer in LESSONS]
    batch = tokenizer(texts, return_tensors="pt", padding=True, padding_side="right")
    answered = (batch["input_ids"] == tokenizer.convert_tokens_to_ids("<|assistant|>")).cumsum(-1)
    asked = (answered == 0) | (batch["input_ids"] == tokenizer.convert_tokens_to_ids("<|assistant|>"))
    labels = batch["input_ids"].masked_fill((batch["attention_mask"] == 0) | asked, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(most):
        optimizer.zero_grad()
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        if loss.item() < enough:
            return
        loss.backward()
        optimizer.step()
    raise AssertionError(f"the lessons are not learned after {most} steps")


@pytest.fixture
def make_job(tmp_path: Path, small_model: Path) -> MakeJob:
    """`make_job(tasks, files, **params)`: a job folder that evaluates the small model."""

    def make(
        tasks: Sequence[Mapping[str, Any]],
        files: Mapping[str, Sequence[Mapping[str, Any]] | bytes],
        **params: Any,
    ) -> Path:
        folder = tmp_path / f"job-{len(list(tmp_path.glob('job-*')))}"
        suite = write_suite(folder / "suite", tasks, files)
        spec = {
            "run": "run-1", "stage": "evaluate", "module": "evals.harness.job", "seed": 7, "params": params,
            "inputs": {
                "evaluated": [pinned("model:small@1", "model", small_model, {"weights_digest": DIGEST})],
                "evaluated_on": [pinned("eval-suite:sums@1", "eval-suite", folder / "suite", suite)],
            },
        }  # fmt: skip
        (folder / "job.json").write_text(json.dumps(spec))
        return folder

    return make


def write_suite(
    folder: Path, tasks: Sequence[Mapping[str, Any]], files: Mapping[str, Sequence[Mapping[str, Any]] | bytes]
) -> dict[str, Any]:
    """Write the item files and return the suite's content."""
    folder.mkdir(parents=True)
    for name, rows in files.items():
        data = rows if isinstance(rows, bytes) else "".join(json.dumps(row) + "\n" for row in rows).encode()
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    entries = [
        {
            "path": name,
            "size": (folder / name).stat().st_size,
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in files
    ]
    return {"title": "Sums", "status": "dev", "tasks": [dict(task) for task in tasks], "files": entries}


def pinned(subject: str, kind: str, path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"subject": subject, "digest": DIGEST, "kind": kind, "path": str(path), "content": content}
