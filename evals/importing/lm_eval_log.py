"""What lm-eval 0.4 writes with `--output_path` and `--log_samples`: results_DATE.json and samples_TASK_DATE.jsonl (pure)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from evals.harness.suite import Item
from evals.importing.log import (
    Chosen,
    Log,
    Row,
    TaskTold,
    asked,
    chosen_answer,
    document,
    json_lines,
    named_once,
    share,
    taken,
    task_name,
)
from governance.ledger.canonical import sha256_hex
from governance.registry.importers import BadFile
from governance.registry.kinds.base import plain
from governance.registry.kinds.eval_suite import Task

SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>[^_]+)\.jsonl")
DATED = re.compile(r".*_(?P<date>\d{4}-\d{2}-\d{2}T[^_]+)\.json")
ALIKE = "likeliest"
"""Charter's own filter of multiple choice: lm-eval's `acc` behind its filter `none` is the same rule."""


def read(files: Sequence[Path]) -> "LmEvalLog":
    """What the results file says, once every task has its samples file. Raises BadFile."""
    results = [path for path in files if path.suffix == ".json"]
    if len(results) != 1:
        raise BadFile(
            f"lm-eval's results are one results_*.json with its samples_*.jsonl files; these are {len(results)} .json files."
        )
    path, told = results[0], document(results[0])
    configs = taken(told, "configs", dict, path.name)
    named_once({own: task_name(own) for own in configs})
    tasks = {task_name(own): _task(told, own, path.name) for own in configs}
    for known in tasks.values():
        if not known.metrics:
            raise BadFile(f"{path.name} states no result of the task {known.name}.")
    return LmEvalLog(
        "lm-eval",
        _harness(told),
        tasks,
        _settings(told, path.name),
        told=told,
        samples=_samples(path, [one for one in files if one is not path], configs),
    )


def _samples(results: Path, files: Sequence[Path], configs: Mapping[str, Any]) -> dict[str, tuple[str, Path]]:
    """{task: (lm-eval's name of it, its samples file)}."""
    found: dict[str, tuple[str, Path]] = {}
    dated = DATED.fullmatch(results.name)
    for path in files:
        match = SAMPLES.fullmatch(path.name)
        if match is None or match["task"] not in configs:
            raise BadFile(
                f"{path.name} holds no samples of a task of {results.name}; they are called samples_TASK_DATE.jsonl."
            )
        if dated and match["date"] != dated["date"]:
            raise BadFile(f"{path.name} was written by another run than {results.name}: the dates differ.")
        if task_name(match["task"]) in found:
            raise BadFile(f"There are two files with samples of the task {match['task']}.")
        found[task_name(match["task"])] = match["task"], path
    if missing := sorted(own for own in configs if task_name(own) not in found):
        raise BadFile(
            f"The file samples_{missing[0]}_….jsonl is missing: {results.name} states results of {missing[0]}. "
            "Measure with --log_samples, and import all files of the run together."
        )
    return found


def _task(told: Mapping[str, Any], own: str, place: str) -> TaskTold:
    config = taken(told, "configs", dict, place)[own]
    if not isinstance(config, dict):
        raise BadFile(f"{place}: the field 'configs' says nothing of the task {own}.")
    metrics: dict[str | None, tuple[str, ...]] = {}
    for name in _of_task(told, "results", own, {}):
        metric, comma, filter = str(name).partition(",")
        if comma and not metric.endswith("_stderr"):
            metrics[filter] = (*metrics.get(filter, ()), metric)
    choices = config.get("output_type") == "multiple_choice"
    higher = _of_task(told, "higher_is_better", own, {})
    return TaskTold(
        task_name(own),
        metrics,
        kind="multiple_choice" if choices else "exact_match",
        n=_count(_of_task(told, "n-samples", own, {}), "effective", place),
        few_shot=_count(told.get("n-shot") or {}, own, place),
        generation=None if choices else plain(config.get("generation_kwargs")),
        lower_is_better=frozenset(metric for metric, is_higher in higher.items() if is_higher is False),
    )


def _of_task(told: Mapping[str, Any], name: str, own: str, default: Mapping[str, Any]) -> Mapping[str, Any]:
    found = told.get(name)
    inner = found.get(own) if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) else default


def _count(found: Any, name: str, place: str) -> int | None:
    if not isinstance(found, dict):
        return None
    value = found.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise BadFile(f"{place}: {name} is {str(value)[:40]!r}; a whole number stands there.")
    return value


def _harness(told: Mapping[str, Any]) -> dict[str, str]:
    given = told.get("versions")
    versions: Mapping[str, Any] = given if isinstance(given, dict) else {}
    said = {
        "name": "lm-eval",
        "version": told.get("lm_eval_version"),
        "task_versions": ", ".join(f"{task} {version}" for task, version in sorted(versions.items())),
    }
    return {name: str(value)[:200] for name, value in said.items() if value}


def _settings(told: Mapping[str, Any], place: str) -> dict[str, Any]:
    config = taken(told, "config", dict, place)
    found = {
        "chat_template_sha256": told.get("chat_template_sha"),
        "system_instruction_sha256": told.get("system_instruction_sha"),
        **{
            ours: plain(config[theirs])
            for ours, theirs in (("seed", "random_seed"), ("limit", "limit"), ("batch_size", "batch_size"), ("device", "device"))
            if theirs in config
        },
    }  # fmt: skip
    if config.get("model_dtype") is not None:
        found["dtype"] = str(config["model_dtype"]).removeprefix("torch.")
    if told.get("transformers_version"):
        found["libraries"] = {"transformers": str(told["transformers_version"])}
    return found


@dataclass(frozen=True)
class LmEvalLog(Log):
    """The results file as parsed, and the samples files behind it."""

    told: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, tuple[str, Path]] = field(default_factory=dict)

    def stated(self, task: str, filter: str | None, metric: str) -> Decimal | None:
        own = self.samples[task][0]
        value = self.told["results"][own].get(f"{metric},{filter}")
        return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None

    def rows(self, chosen: Mapping[str, Chosen]) -> Iterator[Row]:
        for task in sorted(self.samples):
            own, path = self.samples[task]
            reader = _Reader(self.tasks[task], self.told["configs"][own], chosen[task])
            for place, sample in json_lines(path):
                row = reader.row(sample, place)
                if row is not None:
                    yield row


@dataclass(frozen=True)
class _Reader:
    """Reads the samples of one task."""

    told: TaskTold
    config: Mapping[str, Any]
    chosen: Chosen

    def row(self, sample: Mapping[str, Any], place: str) -> Row | None:
        """The sample as a row; None behind another filter. Raises BadFile."""
        number = taken(sample, "doc_id", int, place)
        filter = taken(sample, "filter", str, place)
        if filter not in self.told.metrics:
            known = ", ".join(map(str, self.told.metrics))
            raise BadFile(
                f"{place}: the results state nothing behind the filter {filter!r}, only behind {known}."
            )
        if filter != self.chosen.filter:
            return None
        metric = self.chosen.task.metric
        if metric not in sample:
            raise BadFile(f"{place}: the metric {metric!r} is missing.")
        sent = _sent(sample)
        found = self._asked(sample, sent)
        return Row(
            task=self.told.name, item=f"doc-{number:06}", place=place, score=share(sample[metric], place),
            filter=self._filter(filter, metric), response=_response(sample, found), cluster=None,
            target=found.target if found else _text(sample.get("target")),
            prompt_hash=_prompt_hash(sample, sent, place), asked=found,
        )  # fmt: skip

    def _filter(self, filter: str, metric: str) -> str:
        """The filter's name; that of Charter's own rule where it is the same one."""
        both = self.told.kind == self.chosen.task.kind == "multiple_choice"
        return ALIKE if both and filter == "none" and metric == "acc" else filter

    def _asked(self, sample: Mapping[str, Any], sent: str | None) -> Item | None:
        """What was asked: by the suite's field names where the document has them, else by the task's own configuration."""
        given = sample.get("doc")
        doc: Mapping[str, Any] = given if isinstance(given, dict) else {}
        return _by_suite(self.chosen.task, doc) or self._by_config(doc, sample, sent)

    def _by_config(self, doc: Mapping[str, Any], sample: Mapping[str, Any], sent: str | None) -> Item | None:
        prompt = _text(doc.get(str(self.config.get("doc_to_text")))) or sent
        if self.told.kind == "multiple_choice":
            choices = _choices(doc.get(str(self.config.get("doc_to_choice")))) or _continuations(sample)
            return chosen_answer(prompt, choices, sample.get("target"))
        return asked(prompt, _text(sample.get("target")))


def _by_suite(task: Task, doc: Mapping[str, Any]) -> Item | None:
    prompt = _text(doc.get(task.prompt_field))
    if task.choices_field is not None:
        return chosen_answer(prompt, _choices(doc.get(task.choices_field)), doc.get(task.target_field))
    return asked(prompt, _text(doc.get(task.target_field)))


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return str(value) or None


def _choices(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    return ()


def _arguments(sample: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The requests of a sample, in their order."""
    found = sample.get("arguments")
    given = found if isinstance(found, dict) else {}
    numbered = [given.get(f"gen_args_{place}") for place in range(len(given))]
    return [one for one in numbered if isinstance(one, dict)]


def _sent(sample: Mapping[str, Any]) -> str | None:
    """The prompt as the model got it, template and examples included."""
    requests = _arguments(sample)
    sent = requests[0].get("arg_0") if requests else None
    return sent if isinstance(sent, str) else None


def _continuations(sample: Mapping[str, Any]) -> tuple[str, ...]:
    return _choices([str(one.get("arg_1")).strip() for one in _arguments(sample)])


def _prompt_hash(sample: Mapping[str, Any], sent: str | None, place: str) -> str | None:
    """SHA-256 of the prompt as sent, as the harness computes it. Raises BadFile where the file says another."""
    said = taken(sample, "prompt_hash", str, place, None)
    made = None if sent is None else sha256_hex(sent.encode("utf-8", "surrogatepass"))
    if said and made and said != made:
        raise BadFile(
            f"{place}: the prompt does not have the prompt_hash that stands there; the line was changed."
        )
    return made or said


def _response(sample: Mapping[str, Any], found: Item | None) -> str | None:
    """The first response as the model gave it; of choices, the likeliest one."""
    responses = sample.get("resps")
    first = (
        [one[0] for one in responses if isinstance(one, list) and one] if isinstance(responses, list) else []
    )
    if found is not None and found.choices and len(first) == len(found.choices):
        likely = [_likelihood(one) for one in first]
        return found.choices[max(range(len(likely)), key=lambda place: (likely[place], -place))]
    return _text(first[0]) if first and isinstance(first[0], str) else None


def _likelihood(response: object) -> Decimal:
    text = response[0] if isinstance(response, list) and response else None
    try:
        return Decimal(str(text))
    except ArithmeticError:
        return Decimal("-Infinity")
