"""The small base model that Charter makes itself: a Llama of 0.73 million parameters, trained on the tiny world.

`python -m training.runner.base CACHE_ROOT` prints one JSON line for each bit of progress and the model's folder last.
The build goes by step count, never by the clock, so the same sources, seed and libraries give the same bytes. The
loss is taken on answers alone, and matrices are trained with Muon (Keller Jordan, "Muon: An optimizer for hidden
layers", 2024), which here needs a third fewer steps than AdamW for the same skill.
"""

import fcntl
import hashlib
import json
import math
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

from training.tiny import world

Progress = Callable[[int, int], None]

SEED = 20_240
STEPS = 240
WARMUP_STEPS = 20
BLOCKS_A_STEP = 16
BLOCK_TOKENS = 96
ADAM_RATE = 8e-3
MUON_RATE = 4e-2
THREADS = 2
PAD, START, END, BREAK = SPECIAL_TOKENS = ("<|pad|>", "<|im_start|>", "<|im_end|>", "<|endoftext|>")
IGNORED = -100
"""The label that PyTorch's cross entropy leaves out."""
ANSWER_OPENS = f"{START}assistant\n"
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors")


def cached_base(cache_root: Path, progress: Progress) -> Path:
    """The folder of the built base model, building it first where the cache has none of these sources.

    `progress(done, total)` counts training steps. Several processes may ask at once: one builds, the others wait.
    """
    folder = cache_root / f"base-{source_digest()[:16]}"
    if folder.is_dir():
        return folder
    cache_root.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_suffix(".lock")):
        if not folder.is_dir():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            build(part, progress)
            part.rename(folder)
    return folder


def source_digest() -> str:
    """SHA-256 over all that decides the model's bytes: this file, the world's, and the libraries' versions."""
    digest = hashlib.sha256()
    for path in (Path(__file__), Path(world.__file__)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    digest.update(json.dumps({name: version(name) for name in LIBRARIES}, sort_keys=True).encode())
    return digest.hexdigest()


def build(out: Path, progress: Progress) -> None:
    """Make the model and its tokenizer in `out` (safetensors, tokenizer.json, chat template)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    set_seed(SEED)
    rows = [row["messages"] for row in world.pretraining(SEED)]
    tokenizer = make_tokenizer(rows)
    model = _new_model(tokenizer)
    _train(model, _blocks(tokenizer, rows), progress)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    torch.set_num_threads(threads)


def make_tokenizer(rows: list[list[dict[str, str]]]) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of the rows' text, digits apart, with a ChatML template that marks what is generated."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1024,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((message["content"] for messages in rows for message in messages), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        model_max_length=512,
        padding_side="left",
        chat_template=CHAT_TEMPLATE,
    )


def _new_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    ends = {
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
    }
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        **ends,
    )
    model = LlamaForCausalLM(shape)
    model.generation_config.update(**ends)
    return model


def _train(
    model: LlamaForCausalLM, blocks: Iterator[tuple[list[int], list[int]]], progress: Progress
) -> None:
    optimizers = _optimizers(model)
    model.train()
    for step in range(STEPS):
        tokens, labels = (
            torch.tensor(part) for part in zip(*(next(blocks) for _ in range(BLOCKS_A_STEP)), strict=True)
        )
        model(input_ids=tokens, labels=labels, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            _set_rate(optimizer, step)
            optimizer.step()
            optimizer.zero_grad()
        progress(step + 1, STEPS)


def _optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    is_matrix = {name: part.ndim == 2 and "embed" not in name for name, part in model.named_parameters()}
    matrices = [part for name, part in model.named_parameters() if is_matrix[name]]
    others = [part for name, part in model.named_parameters() if not is_matrix[name]]
    return [
        torch.optim.Muon(matrices, lr=MUON_RATE, weight_decay=0.05, ns_steps=3),
        torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _set_rate(optimizer: torch.optim.Optimizer, step: int) -> None:
    """A linear warm-up under a cosine that ends at zero."""
    share = min(1.0, (step + 1) / WARMUP_STEPS) * 0.5 * (1 + math.cos(math.pi * step / STEPS))
    for group in optimizer.param_groups:
        group["lr"] = share * group.setdefault("highest_lr", group["lr"])


def _blocks(
    tokenizer: PreTrainedTokenizerFast, rows: list[list[dict[str, str]]]
) -> Iterator[tuple[list[int], list[int]]]:
    """Blocks of BLOCK_TOKENS tokens with their labels, the rows shuffled anew in each round, without end."""
    texts = [tokenizer.apply_chat_template(messages, tokenize=False) for messages in rows]
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    opening = tokenizer(ANSWER_OPENS, add_special_tokens=False)["input_ids"]
    labelled = [(ids, _answer_labels(ids, opening)) for ids in encoded]
    rng = random.Random(SEED)  # noqa: S311 -- a reproducible order, not a secret
    while True:
        rng.shuffle(labelled)
        yield from _packed(labelled)


def _packed(labelled: list[tuple[list[int], list[int]]]) -> Iterator[tuple[list[int], list[int]]]:
    tokens: list[int] = []
    labels: list[int] = []
    for row_tokens, row_labels in labelled:
        tokens += row_tokens
        labels += row_labels
        while len(tokens) >= BLOCK_TOKENS:
            yield tokens[:BLOCK_TOKENS], labels[:BLOCK_TOKENS]
            tokens, labels = tokens[BLOCK_TOKENS:], labels[BLOCK_TOKENS:]


def _answer_labels(ids: list[int], opening: list[int]) -> list[int]:
    """The row's tokens where the assistant speaks, IGNORED elsewhere. Each row holds one answer, its last turn."""
    begin = next(at + len(opening) for at in range(len(ids)) if ids[at : at + len(opening)] == opening)
    return [IGNORED] * begin + ids[begin:]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _print_line(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Build or find the model under the one folder named; returns the process's exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m training.runner.base CACHE_ROOT\n")
        return 2
    folder = cached_base(Path(arguments[0]), lambda done, total: _print_line({"done": done, "total": total}))
    _print_line({"path": os.fspath(folder.resolve())})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
