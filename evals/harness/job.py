"""The stage `evaluate`: ask a model every item of a suite, score it, keep all of it."""

import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval.tasks import TaskManager
from pydantic import ValidationError

from evals.harness import agentic, endpoint
from evals.harness.asking import asking, why_not
from evals.harness.endpoint import EndpointModel
from evals.harness.model import EvaluatedModel, Report, load
from evals.harness.params import Params
from evals.harness.results import item_rows, jsonl, task_result
from evals.harness.suite import SuiteTask, read_suite
from evals.harness.tasks import write_tasks
from governance.ledger.canonical import canonical, sha256_hex
from training.runner.failures import BadInput
from training.runner.job import Job

Evaluated = EvaluatedModel | EndpointModel


def run(job: Job) -> dict[str, Any]:
    """Evaluate the input `evaluated` on the input `evaluated_on`; returns the results in compact form.

    Writes `items.jsonl` (one canonical JSON object an item, sorted by task and item) and `results.json` into
    the job's outputs; the same inputs on the same machine give the same bytes. Raises BadInput naming what
    cannot be used.
    """
    params, suite_input = _params(job), job.the_input("evaluated_on")
    served = job.the_input("evaluated").content.get("endpoint")
    if reason := why_not(params, suite_input.content["tasks"], served):
        raise BadInput(f"The evaluation cannot be made: {reason}")
    job.phase("load")
    how = asking(params, served)
    suite = read_suite(suite_input.content, suite_input.files_at(), how)
    chat_template = _uses_template(suite_input.content)
    total = sum(_requests(task, params.limit) for task in suite)
    model = _model(job, params, _reporter(job, total), chat_template=chat_template)
    job.write_json(
        "config.json", {"params": params.model_dump(), "suite": suite_input.content, "seed": job.seed}
    )
    job.phase("evaluate", tasks=[task.task.name for task in suite], responses=total)
    rows = _rows(job, model, suite, params, chat_template=chat_template)
    settings = _settings(job, params, model, chat_template=chat_template)
    for warning in settings.get("endpoint", {}).get("warnings", ()):
        job.event("log", message=warning)
    return _keep(job, suite, rows, settings)


def _model(job: Job, params: Params, report: Report, *, chat_template: bool) -> Evaluated:
    evaluated = job.the_input("evaluated")
    if served := evaluated.content.get("endpoint"):
        endpoint.check(served, chat_template=chat_template)
        status = str(job.the_input("evaluated_on").content["status"])
        return endpoint.connect(evaluated, params, job.seed, report, status)
    return load(evaluated, params, report, chat_template=chat_template)


def _rows(
    job: Job, model: Evaluated, suite: Sequence[SuiteTask], params: Params, *, chat_template: bool
) -> dict[str, list[dict[str, Any]]]:
    """The scored items by task: lm-eval asks all but the tasks with tools, which take several turns."""
    single = [task for task in suite if task.task.kind != "tool_use"]
    samples = ask(model, single, params, job.seed, chat_template=chat_template) if single else {}
    played = {
        task.task.name: agentic.play(task, task.asked(params.limit), model)
        for task in suite
        if task.task.kind == "tool_use"
    }
    total = sum(_requests(task, params.limit) for task in suite)
    # A conversation may end before its last turn: what was not needed counts as done.
    job.progress(total, total, "response")
    job.phase("score")
    return {
        **{task.task.name: item_rows(task, samples[task.task.name], model.is_too_long) for task in single},
        **played,
    }


def ask(
    model: Evaluated, suite: Sequence[SuiteTask], params: Params, seed: int, *, chat_template: bool
) -> Mapping[str, Any]:
    """lm-eval's samples by task name. All its seeds are the job's; they matter where responses are sampled."""
    with tempfile.TemporaryDirectory(prefix="charter-tasks-") as folder:
        write_tasks(suite, Path(folder), chat_template=chat_template)
        answered = lm_eval.simple_evaluate(
            model=model,
            tasks=[task.task.name for task in suite],
            task_manager=TaskManager(include_path=folder, include_defaults=False),
            apply_chat_template=chat_template,
            fewshot_as_multiturn=chat_template,
            limit=params.limit,
            log_samples=True,
            bootstrap_iters=0,
            random_seed=seed,
            numpy_random_seed=seed,
            torch_random_seed=seed,
            fewshot_random_seed=seed,
        )
    samples: Mapping[str, Any] = answered["samples"]
    return samples


def _keep(
    job: Job,
    suite: Sequence[SuiteTask],
    rows: Mapping[str, list[dict[str, Any]]],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    items = jsonl([row for name in sorted(rows) for row in rows[name]])
    found = [
        task_result(task, rows[task.task.name]) for task in sorted(suite, key=lambda task: task.task.name)
    ]
    results = {
        **settings,
        "results": found,
        "items_rows": sum(map(len, rows.values())),
        "items_sha256": sha256_hex(items),
    }
    written = canonical(results)
    (job.output_dir / "items.jsonl").write_bytes(items)
    (job.output_dir / "results.json").write_bytes(written)
    return {**results, "results_sha256": sha256_hex(written)}


def _params(job: Job) -> Params:
    try:
        return Params.model_validate(job.params)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadInput(f"The evaluation's parameters cannot be used: {faults}.") from error


def _uses_template(suite: Mapping[str, Any]) -> bool:
    return bool(suite.get("chat_template", True))


def _requests(task: SuiteTask, limit: int | None) -> int:
    if not task.generates:
        return sum(len(item.choices) for item in task.asked(limit))
    return len(task.asked(limit)) * (task.task.max_turns or task.asking.samples)


def _reporter(job: Job, total: int) -> Any:
    def report(answered: int) -> None:
        job.progress(min(answered, total), total, "response")
        job.stop_if_cancelled()

    return report


def _settings(job: Job, params: Params, model: Evaluated, *, chat_template: bool) -> dict[str, Any]:
    evaluated, suite = job.the_input("evaluated"), job.the_input("evaluated_on")
    return {
        "model": {"subject": evaluated.subject, "digest": evaluated.digest, "weights_digest": evaluated.content.get("weights_digest")},
        "suite": {"subject": suite.subject, "digest": suite.digest},
        "harness": {"name": "lm-eval", "version": version("lm_eval")},
        "system_instruction_sha256": None,
        "seed": job.seed, "limit": params.limit, "batch_size": params.batch_size,
        **model.settings(chat_template=chat_template),
    }  # fmt: skip
