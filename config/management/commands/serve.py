"""`manage.py serve`: web, worker and ledger as three children of one process."""

import os
import shlex
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, call_command
from honcho.manager import Manager
from honcho.printer import Printer

from governance.ledger import keys


class Command(BaseCommand):
    help = "Serve the dashboard, run jobs and sign the ledger until stopped. When one child ends, all stop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = "Example: manage.py serve --port 8000"
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")

    def handle(self, *, port: int, host: str, **_: Any) -> None:
        call_command("migrate", verbosity=0)
        keys.generate()
        # WhiteNoise warns in every process where it is not there; the files come from the finders.
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        manager = Manager(Printer(sys.stdout))
        for name, command in children(host, port).items():
            manager.add_process(
                name, command, env={**os.environ, "PYTHONUNBUFFERED": "1"}, cwd=str(settings.BASE_DIR)
            )
        self.stdout.write(f"Charter is at http://{host}:{port}/  (stop with Ctrl-C)")
        manager.loop()
        sys.exit(manager.returncode)


def children(host: str, port: int) -> dict[str, str]:
    python = shlex.quote(sys.executable)
    return {
        "web": f"{python} -m uvicorn config.asgi:application --host {host} --port {port} --workers 2 "
        "--timeout-graceful-shutdown 2 --log-level warning",
        "worker": f"{python} -m celery -A config.celery worker --loglevel WARNING",
        "ledger": f"{python} manage.py ledger run",
    }
