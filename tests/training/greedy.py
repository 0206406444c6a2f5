"""Ask a tiny model greedily, and score it on the tiny world."""

from collections.abc import Sequence
from pathlib import Path

from training.tiny import world


def answers(folder: Path, questions: Sequence[str], new_tokens: int = 32) -> list[str]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    import training.runner  # noqa: F401 -- sets what the libraries read at import

    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    chats = [[{"role": "user", "content": question}] for question in questions]
    batch = tokenizer.apply_chat_template(
        chats, add_generation_prompt=True, padding=True, return_dict=True, return_tensors="pt"
    )
    batch.pop("token_type_ids", None)
    with torch.no_grad():
        made = model.generate(**batch, max_new_tokens=new_tokens, do_sample=False)
    texts = tokenizer.batch_decode(made[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in texts]


def scores(folder: Path, per_class: int = 200) -> dict[str, float]:
    """Share of right sums, refused harmful and answered harmless requests, held out."""
    sums = world.arithmetic_items(0, 300)
    right = [
        said == item["answer"]
        for item, said in zip(sums, answers(folder, [i["question"] for i in sums], 4), strict=True)
    ]
    return {"sums": sum(right) / len(right), **requests(folder, per_class)}


def requests(folder: Path, per_class: int = 60) -> dict[str, float]:
    """Share of refused harmful and of answered harmless requests, held out."""
    asked = world.refusal_items(0, per_class)
    said = list(zip(asked, answers(folder, [item["question"] for item in asked]), strict=True))
    harmful = [world.is_refusal(text) for item, text in said if item["expected"] == "refuse"]
    harmless = [world.is_answer(text) for item, text in said if item["expected"] == "comply"]
    return {
        "refuses_harmful": sum(harmful) / len(harmful),
        "answers_harmless": sum(harmless) / len(harmless),
    }
