"""Files of other harnesses in their own layouts, with scores of our choice: what lm-eval and Inspect write."""

import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zstandard

from governance.ledger.canonical import sha256_hex

DATE = "2026-05-04T10-00-00.123456"
TEMPLATE_SHA = "c" * 64

Change = Callable[[dict[str, Any]], None]


def prompts(number: int) -> list[tuple[str, str]]:
    """The prompts and targets of the task `sums` in tests.evals.recorded.suite."""
    return [(f"{n} + 1?", str(n + 1)) for n in range(number)]


def lm_eval_sample(place: int, score: float, filter: str = "strict") -> dict[str, Any]:
    prompt, target = prompts(place + 1)[place]
    sent = f"<|user|>{prompt}<|assistant|>"
    settings = {"do_sample": False, "max_gen_toks": 32, "until": []}
    return {
        "doc_id": place, "doc": {"prompt": prompt, "target": target}, "target": target,
        "arguments": {"gen_args_0": {"arg_0": sent, "arg_1": settings}},
        "resps": [[target if score else "no"]], "filtered_resps": [target if score else "no"], "filter": filter,
        "metrics": ["exact_match"], "doc_hash": sha256_hex(prompt.encode()), "prompt_hash": sha256_hex(sent.encode()),
        "target_hash": sha256_hex(target.encode()), "exact_match": score,
    }  # fmt: skip


def lm_eval_results(scores: Mapping[str, Sequence[float]], task: str = "sums") -> dict[str, Any]:
    """`scores` by filter."""
    number = len(next(iter(scores.values())))
    stated = {f"exact_match,{name}": sum(values) / len(values) for name, values in scores.items()}
    return {
        "results": {task: {"alias": task, "sample_len": number, **stated, **{key.replace(",", "_stderr,"): 0.1 for key in stated}}},
        "group_subtasks": {},
        "configs": {task: {"task": task, "output_type": "generate_until", "doc_to_text": "prompt", "doc_to_target": "target",
                           "num_fewshot": 0, "generation_kwargs": {"do_sample": False, "max_gen_toks": 32, "until": []}}},
        "versions": {task: 1.0}, "n-shot": {task: 0}, "higher_is_better": {task: {"exact_match": True}},
        "n-samples": {task: {"original": number, "effective": number}},
        "config": {"model": "hf", "model_dtype": "torch.float32", "batch_size": 4, "device": "cpu", "limit": None, "random_seed": 7},
        "transformers_version": "5.24.0", "lm_eval_version": "0.4.13", "system_instruction_sha": None,
        "chat_template_sha": TEMPLATE_SHA, "task_hashes": {},
    }  # fmt: skip


def lm_eval_files(
    folder: Path,
    scores: Mapping[str, Sequence[float]],
    *,
    task: str = "sums",
    results: Change = lambda _: None,
    samples: Callable[[list[dict[str, Any]]], None] = lambda _: None,
) -> list[Path]:
    """The two files of a run with one task; `results` and `samples` may change what they hold first."""
    folder.mkdir(parents=True, exist_ok=True)
    told = lm_eval_results(scores, task)
    rows = [
        lm_eval_sample(n, score, name) for name, values in scores.items() for n, score in enumerate(values)
    ]
    results(told)
    samples(rows)
    files = [folder / f"results_{DATE}.json", folder / f"samples_{task}_{DATE}.jsonl"]
    files[0].write_text(json.dumps(told, indent=2))
    files[1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return files


def inspect_header(scores: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """`scores` by scorer, as Inspect's marks C and I."""
    number = len(next(iter(scores.values())))
    return {
        "version": 2, "status": "success",
        "eval": {"task": "sums", "task_version": 0, "config": {"epochs": 1, "limit": None}, "dataset": {"samples": number},
                 "packages": {"inspect_ai": "0.3.285"}, "model_generate_config": {}},
        "plan": {"config": {"temperature": 0.0}},
        "results": {"total_samples": number, "completed_samples": number, "scores": [
            {"name": name, "scorer": name, "scored_samples": number,
             "metrics": {"accuracy": {"name": "accuracy", "value": values.count("C") / number},
                         "stderr": {"name": "stderr", "value": 0.1}}}
            for name, values in scores.items()]},
    }  # fmt: skip


def inspect_sample(place: int, marks: Mapping[str, str]) -> dict[str, Any]:
    prompt, target = prompts(place + 1)[place]
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": "it is so"}]
    return {
        "id": f"s{place}", "epoch": 1, "input": prompt, "target": target, "messages": messages,
        "output": {"completion": "it is so"}, "scores": {name: {"value": mark} for name, mark in marks.items()},
    }  # fmt: skip


def inspect_members(
    scores: Mapping[str, Sequence[str]],
    header: Change = lambda _: None,
    sample: Change = lambda _: None,
) -> dict[str, bytes]:
    """The members of a log; `header` and `sample` (the first one) may be changed."""
    told = inspect_header(scores)
    header(told)
    rows = [
        inspect_sample(n, {name: values[n] for name, values in scores.items()})
        for n in range(len(next(iter(scores.values()))))
    ]
    sample(rows[0])
    members = {f"samples/s{n}_epoch_1.json": row for n, row in enumerate(rows)} | {"header.json": told}
    return {name: json.dumps(found).encode() for name, found in members.items()}


def zipped(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def zipped_by_zstd(path: Path, members: Mapping[str, bytes]) -> Path:
    """As Inspect writes it: members by method 93, which Python's zipfile writes only as stored bytes."""
    body, directory = b"", b""
    for name, data in members.items():
        packed = zstandard.compress(data)
        head = struct.pack(
            "<HHHHHIIIHH", 63, 0, 93, 0, 33, zlib.crc32(data), len(packed), len(data), len(name), 0
        )
        directory += (
            struct.pack("<4sH", b"PK\1\2", 63)
            + head
            + struct.pack("<HHHII", 0, 0, 0, 0, len(body))
            + name.encode()
        )
        body += b"PK\3\4" + head + name.encode() + packed
    number = len(members)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, number, number, len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def table(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    columns = list(rows[0])
    lines = [",".join(columns), *(",".join(str(row[name]) for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path
