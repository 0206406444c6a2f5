"""The section of the ledger's page that says who watches the log."""

from typing import Any

from governance.ledger import monitors, watch
from governance.ledger.models import Monitor


def shown() -> dict[str, Any]:
    """What `parts/watch.html` needs."""
    now = watch.look()
    troubles = now.troubles()
    return {
        "now": now,
        "state": "alert" if troubles else "ok" if now.watched else "none",
        "label": _label(now, troubles),
        "delays": now.delays(),
        "more": now.open - len(now.alarms),
        "monitors": [_monitor(one, now) for one in now.monitors],
    }


def _label(now: watch.Watch, troubles: list[watch.Trouble]) -> str:
    if troubles:
        return f"{len(troubles)} to look at"
    return "All agree" if now.watched else "Nobody watches"


def _monitor(monitor: Monitor, now: watch.Watch) -> dict[str, Any]:
    wrong = sum(alarm.source == str(monitor) for alarm in now.alarms)
    silent = monitors.silent(monitor)
    return {
        "row": monitor,
        "every": watch.in_words(monitor.every),
        "wrong": wrong,
        "silent": silent,
        "state": "alert" if wrong or silent else "ok",
        "label": "silent" if silent else "found something" if wrong else "nothing wrong",
    }
