"""What a model makes of given texts, in small batches and without gradients: rewards, log probabilities, answers."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from trl.trainer.utils import pad, selective_log_softmax

from training.runner.rows import Row

Tokens = list[int]


def rewards(model: Any, pad_token: int, texts: Sequence[Tokens], size: int) -> list[float]:
    """The reward of each text, `size` texts at once."""
    return [
        reward
        for batch in _batches(texts, size)
        for reward in _forward(model, pad_token, batch)[0][:, 0].float().tolist()
    ]


def log_probabilities(
    model: Any, pad_token: int, texts: Sequence[tuple[Tokens, Tokens]], size: int
) -> list[float]:
    """Log probability, in nats, of each answer after its prompt."""
    return [
        total
        for batch in _batches(texts, size)
        for total in _answer_log_probabilities(model, pad_token, batch)
    ]


def answers(model: Any, tokenizer: Any, rows: Sequence[Row], longest: int, size: int) -> list[str]:
    """The model's greedy answer to the prompt of each row, of at most `longest` tokens."""
    texts = [_encoded(tokenizer, row["prompt"], row.get("tools"), opened=True) for row in rows]
    return [
        text
        for batch in _batches(texts, size)
        for text in tokenizer.batch_decode(
            _generated(model, tokenizer, batch, longest), skip_special_tokens=True
        )
    ]


def length(tokenizer: Any, prompt: str | list[Row]) -> int:
    """Tokens of a prompt, ready to be answered."""
    return len(_encoded(tokenizer, prompt, None, opened=True))


def whole_text(tokenizer: Any, row: Row, answer: str | list[Row]) -> Tokens:
    """Tokens of the row's prompt with an answer, as TRL's reward trainer writes them."""
    if isinstance(row["prompt"], str):
        end = "" if str(answer).endswith(tokenizer.eos_token) else tokenizer.eos_token
        return _encoded(tokenizer, f"{row['prompt']}{answer}{end}", None, opened=False)
    said = [{"role": "assistant", "content": answer}] if isinstance(answer, str) else answer
    return _encoded(tokenizer, [*row["prompt"], *said], row.get("tools"), opened=False)


def _encoded(tokenizer: Any, text: str | list[Row], tools: str | None, *, opened: bool) -> Tokens:
    if isinstance(text, str):
        return list(tokenizer(text)["input_ids"])
    found = tokenizer.apply_chat_template(
        text,
        tools=json.loads(tools) if tools else None,
        tokenize=True,
        return_dict=True,
        add_generation_prompt=opened,
    )
    return list(found["input_ids"])


def _batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def _padded(texts: Sequence[Tokens], pad_token: int, side: str, device: Any) -> tuple[Any, Any]:
    tokens = [torch.tensor(text) for text in texts]
    ids = pad(tokens, padding_value=pad_token, padding_side=side)
    mask = pad([torch.ones_like(text) for text in tokens], padding_value=0, padding_side=side)
    return ids.to(device), mask.to(device)


def _forward(model: Any, pad_token: int, texts: Sequence[Tokens]) -> tuple[Any, Any]:
    ids, mask = _padded(texts, pad_token, "right", model.device)
    with torch.no_grad():
        return model.eval()(input_ids=ids, attention_mask=mask, use_cache=False).logits, ids


def _answer_log_probabilities(
    model: Any, pad_token: int, batch: Sequence[tuple[Tokens, Tokens]]
) -> list[float]:
    logits, ids = _forward(model, pad_token, [[*prompt, *answer] for prompt, answer in batch])
    each = selective_log_softmax(logits[:, :-1], ids[:, 1:]).float()
    # Position t of `each` is the log probability of token t + 1.
    spans = [(len(prompt) - 1, len(prompt) + len(answer) - 1) for prompt, answer in batch]
    return [float(row[begin:end].sum()) for row, (begin, end) in zip(each, spans, strict=True)]


def _generated(model: Any, tokenizer: Any, texts: Sequence[Tokens], longest: int) -> Any:
    ids, mask = _padded(texts, tokenizer.pad_token_id, "left", model.device)
    with torch.no_grad():
        made = model.eval().generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=longest,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )
    return made[:, ids.shape[1] :]
