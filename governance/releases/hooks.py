"""What rooms above note when a gate has run: each registers a function, called in the transaction that records the report."""

from collections.abc import Callable

from governance.ledger.actors import Actor
from governance.releases.gates import Report
from governance.releases.models import GateReport

GateHook = Callable[[GateReport, Report, Actor], None]
"""(the row just recorded, the report with the evidence that it read, who ran the gate). What it raises undoes the run."""

_hooks: list[GateHook] = []


def on_gate_run(hook: GateHook) -> None:
    """Call `hook` whenever a gate has run. Called in AppConfig.ready()."""
    if hook not in _hooks:
        _hooks.append(hook)


def gate_run(row: GateReport, report: Report, actor: Actor) -> None:
    for hook in _hooks:
        hook(row, report, actor)
