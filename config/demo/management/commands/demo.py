"""`manage.py demo`: the whole loop on a small model, with a progress bar a step; then the dashboard."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, call_command
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from config.demo.cast import CAST
from config.demo.story import STEPS, DemoFailed, Story
from governance.registry import lookup


class Command(BaseCommand):
    help = "Fill this installation with the demo's story and show the dashboard. A second call does no work twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.epilog = "Example: manage.py demo --no-serve"
        parser.add_argument("--serve", action="store_true", default=False)
        parser.add_argument("--no-serve", dest="serve", action="store_false")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, serve: bool, port: int, **_: Any) -> None:
        console, story, begun = Console(), Story(), time.monotonic()
        console.print(
            "Charter's demo: register, review, train, evaluate, gate, card, signed bundle. Everything is simulated but real."
        )
        for number, step in enumerate(STEPS, 1):
            try:
                self._play(console, story, number)
            except DemoFailed as failure:
                console.print(f"\n[red]The demo stopped at step {number} ({step.title}):[/red] {failure}")
                sys.exit(1)
        self._tell(console, story, time.monotonic() - begun)
        if serve:
            call_command("serve", port=port)

    def _play(self, console: Console, story: Story, number: int) -> None:
        step = STEPS[number - 1]
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[said]}"),
        )
        with Progress(*columns, console=console) as bars:
            bar = bars.add_task(f"{number:2}/{len(STEPS)} {step.title}", total=None, said="")

            def tell(done: int, total: int, what: str) -> None:
                bars.update(bar, completed=done, total=total, said=what)

            step.act(story, tell)
            bars.update(bar, completed=1, total=1, said="")

    def _tell(self, console: Console, story: Story, seconds: float) -> None:
        console.print(f"\nAll of it worked, in {seconds:.0f} s.")
        for subject in ("release:demo-assistant@1", "release:demo-assistant@2"):
            version = lookup.find(subject)
            report = version.gate_reports.first()
            console.print(
                f"  {subject}: gate {report.verdict if report else 'not run'}, {version.state.replace('_', ' ')}"
            )
        console.print(f"  Cards and bundles: {story.out}")
        console.print(
            f"  Check one: python -m governance.ledger.verify {story.out / 'release-demo-assistant-1.zip'}"
        )
        names = ", ".join(f"{part.name} ({part.group})" for part in CAST)
        console.print(
            f"  Sign in as {names}; everybody's password is in {settings.CHARTER_HOME / 'demo-password'}: {story.password}"
        )
