"""Logs of Inspect: `.eval`, a zip of header.json and samples/*.json, or the same as one `.json` (pure).

Source: https://inspect.aisi.org.uk/eval-logs.html and the fields of EvalLog, version 2.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from evals.harness.suite import Item
from evals.importing.archive import Archive
from evals.importing.log import (
    Chosen,
    Log,
    Row,
    TaskTold,
    asked,
    chosen_answer,
    document,
    named_once,
    parsed,
    share,
    taken,
    task_name,
)
from governance.ledger.canonical import CanonicalError, canonical, sha256_hex
from governance.registry.importers import BadFile
from governance.registry.kinds.base import plain

VALUES = {"C": 1, "I": 0, "P": Decimal("0.5"), "N": 0}
"""Inspect's marks (correct, incorrect, partial, no answer) as shares, as its `value_to_float` has them."""
SPREAD = frozenset({"stderr", "std", "var", "bootstrap_stderr"})
GENERATION = ("temperature", "top_p", "top_k", "max_tokens", "stop_seqs")
ATTACHED = "attachment://"

Sample = Mapping[str, Any]


def read(files: Sequence[Path]) -> "InspectLog":
    """What the headers say, a task a file. Raises BadFile."""
    headers = {path: _header(path) for path in files}
    named_once(
        {_own_name(header, path): task_name(_own_name(header, path)) for path, header in headers.items()}
    )
    if len(names := {task_name(_own_name(header, path)) for path, header in headers.items()}) < len(files):
        raise BadFile(
            f"Two of the logs are of one task; the tasks are {', '.join(sorted(names))}. Import them apart."
        )
    tasks = {task_name(_own_name(header, path)): (path, header) for path, header in headers.items()}
    return InspectLog(
        "inspect",
        _harness([header for _, header in tasks.values()]),
        {name: _task(name, header, path.name) for name, (path, header) in tasks.items()},
        _settings(list(tasks.values())),
        logs=tasks,
    )


def _header(path: Path) -> dict[str, Any]:
    if path.suffix == ".json":
        header = document(path)
    else:
        with Archive(path) as archive:
            if "header.json" not in archive:
                raise BadFile(
                    f"{path.name} has no header.json: it is no Inspect log, or its evaluation has not ended."
                )
            header = parsed(archive.read("header.json"), f"{path.name}, header.json")
    if header.get("status") != "success" or header.get("invalidated"):
        raise BadFile(
            f"{path.name} is the log of an evaluation that is {'invalidated' if header.get('invalidated') else header.get('status')}; "
            "only those that succeeded are imported."
        )
    if (epochs := taken(header, "eval.config.epochs", int, path.name, 1)) != 1:
        raise BadFile(f"{path.name} asked every sample {epochs} times; only logs of one epoch are imported.")
    return header


def _own_name(header: Sample, path: Path) -> str:
    # A package's tasks are called package/task.
    return str(taken(header, "eval.task", str, path.name)).rpartition("/")[2]


def _task(name: str, header: Sample, place: str) -> TaskTold:
    scores = taken(header, "results.scores", list, place)
    metrics: dict[str | None, tuple[str, ...]] = {}
    for score in scores:
        found = taken(score, "metrics", dict, place)
        metrics[taken(score, "name", str, place)] = tuple(one for one in found if one not in SPREAD)
    if not metrics:
        raise BadFile(f"{place} holds no scores.")
    return TaskTold(
        name,
        metrics,
        n=taken(header, "results.completed_samples", int, place, None),
        generation=_generation(header),
    )


def _generation(header: Sample) -> dict[str, Any] | None:
    given = {**_object(header, "eval.model_generate_config"), **_object(header, "plan.config")}
    told = {name: plain(given[name]) for name in GENERATION if given.get(name) is not None}
    return told or None


def _object(found: Sample, name: str) -> Sample:
    value: Any = found
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _harness(headers: Sequence[Sample]) -> dict[str, str]:
    versions = {str(_object(header, "eval.packages").get("inspect_ai")) for header in headers}
    tasks = {
        f"{_object(header, 'eval').get('task')} {_object(header, 'eval').get('task_version')}"
        for header in headers
    }
    said = {"name": "inspect-ai", "task_versions": ", ".join(sorted(tasks))[:200]}
    return said if versions == {"None"} else {**said, "version": ", ".join(sorted(versions))[:200]}


def _settings(logs: Sequence[tuple[Path, Sample]]) -> dict[str, Any]:
    """Limit and seed, which every log of one import must share. Raises BadFile."""
    found: list[dict[str, Any]] = []
    for path, header in logs:
        limit = _object(header, "eval.config").get("limit")
        seed = {**_object(header, "eval.model_generate_config"), **_object(header, "plan.config")}.get("seed")
        found.append({"limit": plain(limit)} | ({} if seed is None else {"seed": plain(seed)}))
        if found[-1] != found[0]:
            raise BadFile(f"{path.name} has another limit or seed than {logs[0][0].name}; import them apart.")
    return found[0]


@dataclass(frozen=True)
class InspectLog(Log):
    """Headers of the logs, and where their samples are."""

    logs: Mapping[str, tuple[Path, Sample]] = field(default_factory=dict)

    def stated(self, task: str, filter: str | None, metric: str) -> Decimal | None:
        path, header = self.logs[task]
        for score in header["results"]["scores"]:
            if score["name"] == filter and metric in score["metrics"]:
                return Decimal(taken(score, f"metrics.{metric}.value", (int, Decimal), path.name))
        return None

    def rows(self, chosen: Mapping[str, Chosen]) -> Iterator[Row]:
        for task in sorted(self.logs):
            path, header = self.logs[task]
            for place, sample in _samples(path, header):
                yield _row(task, chosen[task], sample, place)


def _samples(path: Path, header: Sample) -> Iterator[tuple[str, Sample]]:
    if path.suffix == ".json":
        for number, sample in enumerate(taken(header, "samples", list, path.name), 1):
            if not isinstance(sample, dict):
                raise BadFile(f"{path.name}, sample {number}: this must be a JSON object.")
            yield f"{path.name}, sample {number}", sample
        return
    with Archive(path) as archive:
        for name in archive.within("samples"):
            place = f"{path.name}, {name}"
            yield place, parsed(archive.read(name), place)


def _row(task: str, chosen: Chosen, sample: Sample, place: str) -> Row:
    item = str(taken(sample, "id", (str, int), place))
    if not item.strip():
        raise BadFile(f"{place}: the sample has no id.")
    scores = taken(sample, "scores", dict, place)
    if not isinstance(scores.get(chosen.filter), dict):
        raise BadFile(f"{place}: the sample has no score by {chosen.filter!r}.")
    value = scores[chosen.filter].get("value")
    found = _asked(sample)
    response = _object(sample, "output").get("completion")
    return Row(
        task=task, item=item, place=place, filter=chosen.filter,
        score=share(VALUES.get(value, value) if isinstance(value, str) else value, place),
        response=_whole(response, sample) if isinstance(response, str) else None,
        target=found.target if found else _target(sample), prompt_hash=_prompt_hash(sample, place), asked=found,
    )  # fmt: skip


def _asked(sample: Sample) -> Item | None:
    prompt, choices = _prompt(sample), sample.get("choices")
    if isinstance(choices, list) and choices and all(isinstance(one, str) for one in choices):
        target = sample.get("target")
        letter = target if isinstance(target, str) and len(target) == 1 else ""
        place = ord(letter) - ord("A") if letter.isascii() and letter.isupper() else target
        return chosen_answer(prompt, tuple(choices), place)
    return asked(prompt, _target(sample))


def _prompt(sample: Sample) -> str | None:
    """The sample's input; of a conversation, what its users say."""
    given = sample.get("input")
    if isinstance(given, str):
        return _whole(given, sample) or None
    if not isinstance(given, list):
        return None
    said = [_content(one, sample) for one in given if isinstance(one, dict) and one.get("role") == "user"]
    return "\n\n".join(said) or None


def _target(sample: Sample) -> str | None:
    target = sample.get("target")
    if isinstance(target, list) and all(isinstance(one, str) for one in target):
        return "\n".join(target) or None
    return target or None if isinstance(target, str) else None


def _prompt_hash(sample: Sample, place: str) -> str | None:
    """SHA-256 of the messages before the first answer, as canonical JSON: Inspect keeps no text as sent."""
    sent = []
    for message in sample["messages"] if isinstance(sample.get("messages"), list) else []:
        if not isinstance(message, dict) or message.get("role") == "assistant":
            break
        sent.append({"role": str(message.get("role")), "content": _content(message, sample)})
    try:
        return sha256_hex(canonical(sent)) if sent else None
    except CanonicalError as error:
        raise BadFile(f"{place}: the messages cannot be kept: {error}.") from error


def _content(message: Sample, sample: Sample) -> str:
    """A message's text; of its parts, those that are text."""
    content = message.get("content")
    if isinstance(content, str):
        return _whole(content, sample)
    parts = content if isinstance(content, list) else []
    return "\n".join(
        _whole(str(part["text"]), sample) for part in parts if isinstance(part, dict) and "text" in part
    )


def _whole(text: str, sample: Sample) -> str:
    """The text itself, where the log keeps it apart under its hash."""
    if not text.startswith(ATTACHED):
        return text
    kept = _object(sample, "attachments").get(text.removeprefix(ATTACHED))
    return kept if isinstance(kept, str) else text
