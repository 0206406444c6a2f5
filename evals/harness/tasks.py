"""Writes a suite as lm-eval tasks: one YAML and one JSONL file each, in a folder of the job's own."""

import json
from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import yaml

from evals.harness.suite import Item, SuiteTask


def write_tasks(tasks: Sequence[SuiteTask], folder: Path, *, chat_template: bool) -> None:
    """Write every task below `folder`, for lm-eval's TaskManager to find."""
    for task in tasks:
        rows = folder / f"{task.task.name}.jsonl"
        rows.write_text("".join(json.dumps(_row(task, item)) + "\n" for item in task.items), encoding="utf-8")
        config = task_config(task, rows, folder / "cache", chat_template=chat_template)
        (folder / f"{task.task.name}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def task_config(task: SuiteTask, rows: Path, cache: Path, *, chat_template: bool) -> dict[str, Any]:
    """lm-eval's configuration of one task.

    `doc_to_*` name columns, never templates, so that braces in a prompt stay text. The data set's cache lies in
    the job's own folder: the shared one grows for ever and answers by path. Few-shot examples are the first
    items of the task other than the one asked, so that a prompt depends neither on a seed nor on the limit.
    """
    config = {
        "task": task.task.name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(rows)}, "cache_dir": str(cache)},
        "test_split": "test",
        "doc_to_text": "prompt",
        "doc_to_target": "target",
        "target_delimiter": "" if chat_template else " ",
        "num_fewshot": task.task.few_shot,
        "repeats": task.asking.samples,
        "metadata": {"version": task.version},
        **_by_kind(task),
    }
    if task.task.few_shot:
        config |= {"fewshot_split": "test", "fewshot_config": {"sampler": "first_n"}}
    return config


def generation_settings(task: SuiteTask) -> dict[str, Any] | None:
    """How responses are generated, as it is recorded: decimals as text; None where none are."""
    return task.asking.settings(task.task.max_new_tokens) if task.generates else None


def sent_settings(task: SuiteTask) -> dict[str, Any]:
    """The same as a model takes it. Nothing is cut off the distribution, whatever the model's own settings would."""
    settings = dict(generation_settings(task) or {})
    if settings.get("do_sample"):
        settings |= {"temperature": float(settings["temperature"]), "top_k": 0, "top_p": 1.0}
    return settings


def _by_kind(task: SuiteTask) -> dict[str, Any]:
    if not task.generates:
        return {
            "output_type": "multiple_choice",
            "doc_to_target": "answer",
            "doc_to_choice": "choices",
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        }
    return {
        "output_type": "generate_until",
        "generation_kwargs": sent_settings(task),
        "metric_list": [{"metric": "bypass", "aggregation": "bypass", "higher_is_better": True}],
    }


def _row(task: SuiteTask, item: Item) -> dict[str, Any]:
    if item.answer is not None and task.lettered:
        return {"item": item.id, "prompt": task.prompt(item), "target": ascii_uppercase[item.answer]}
    row: dict[str, Any] = {"item": item.id, "prompt": item.prompt, "target": item.target}
    return row | {"choices": list(item.choices), "answer": item.answer} if item.choices else row
