"""One filter a task, and the metric behind it that the suite measures."""

from collections.abc import Mapping

from evals.importing.log import Chosen, Log, TaskTold
from governance.registry.actions import Refused
from governance.registry.kinds.eval_suite import Task


def filters(log: Log, wanted: str | None) -> dict[str, str | None]:
    """Task → its filter. Raises Refused, with the list, where a task has several or none is called `wanted`."""
    known = sorted(
        {str(filter) for told in log.tasks.values() for filter in told.metrics if filter is not None}
    )
    if wanted is not None and wanted not in known:
        raise Refused(
            f"The file has no filter {wanted!r}; its filters are {', '.join(known) or 'not named'}."
        )
    return {name: _filter(told, wanted) for name, told in log.tasks.items()}


def _filter(told: TaskTold, wanted: str | None) -> str | None:
    if len(told.metrics) == 1:
        return next(iter(told.metrics))
    if wanted not in told.metrics or wanted is None:
        listed = ", ".join(sorted(str(filter or "(none)") for filter in told.metrics))
        raise Refused(
            f"The task {told.name} was scored behind the filters {listed}; choose one of them, so that no item counts twice."
        )
    return wanted


def chosen(log: Log, tasks: Mapping[str, Task], by_task: Mapping[str, str | None]) -> dict[str, Chosen]:
    """Raises Refused where the file does not have the suite's metric behind the filter."""
    for name, task in tasks.items():
        metrics = log.tasks[name].metrics[by_task[name]]
        if metrics and task.metric not in metrics:
            raise Refused(
                f"The suite measures {task.metric} in the task {name}, and the file has {', '.join(metrics)}. "
                "Import into a suite of that metric, or register one from the file (a new suite)."
            )
    return {name: Chosen(task, by_task[name]) for name, task in tasks.items()}
