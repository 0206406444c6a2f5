"""`manage.py recipe NAME`: all stages of a recipe, one after the other."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from governance.registry import lookup
from governance.registry import states as version_states
from governance.registry.models import Artifact, Version
from training import recipes, states
from training.follow import outcome_of, sentence
from training.management.running import EXIT_BAD_INPUT, EXIT_NO_SUCCESS, RunCommand
from training.models import Run


class Command(RunCommand):
    help = (
        "Run a registered recipe: each stage's success queues the next. With --follow the progress of all stages is "
        "shown until the last one ends. Exit code 1: a stage did not succeed; 2: refused."
    )
    example = "manage.py recipe demo-sft --follow --as ada\nmanage.py recipe --list --json"
    follows = "show progress until the recipe ends"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", nargs="?", help="the recipe: slug, recipe:slug or recipe:slug@number")
        parser.add_argument("--list", action="store_true", help="list the recipes instead of running one")

    def handle(self, *arguments: Any, **options: Any) -> None:
        if bool(options["name"]) == options["list"]:
            raise CommandError("Name one recipe, or give --list.", returncode=EXIT_BAD_INPUT)
        if options["list"]:
            return self.show(as_json=options["json"])
        return super().handle(*arguments, **options)

    def act(self, *, name: str, follow: bool, json: bool, **_: Any) -> None:
        recipe = lookup.find(name if ":" in name else f"recipe:{name}")
        runs: list[Run] = []
        run: Run | None = recipes.start(recipe, actor=self.actor)
        while run is not None:
            run = self.watched(run, follow=follow)
            runs.append(run)
            if not json:
                self.stdout.write(sentence(run))
            run = run.next_runs.filter(retry_of=None).first() if follow else None
        if json:
            self.say({"recipe": recipe.subject, "runs": [outcome_of(run) for run in runs]}, "", as_json=True)
        if follow and not _is_complete(recipe, runs):
            sys.exit(EXIT_NO_SUCCESS)

    def show(self, *, as_json: bool) -> None:
        rows = [_row(recipe) for recipe in newest()]
        lines = [f"{row['subject']}  {row['title']}: {' → '.join(row['stages'])}" for row in rows]
        text = (
            "\n".join(lines)
            or "There is no recipe yet; register one with manage.py register recipe NAME FILE."
        )
        self.say({"recipes": rows}, text, as_json=as_json)


def newest(limit: int = 200) -> list[Version]:
    """The newest usable version of each recipe, by name."""
    artifacts = Artifact.objects.filter(kind="recipe").order_by("slug")[:limit]
    versions = Version.objects.filter(
        artifact__in=list(artifacts), state__in=version_states.USABLE, content__isnull=False
    )
    by_artifact = {
        version.artifact_id: version for version in versions.select_related("artifact").order_by("number")
    }
    return sorted(by_artifact.values(), key=lambda version: version.subject)


def _row(recipe: Version) -> dict[str, Any]:
    content = recipe.content or {}
    return {
        "subject": recipe.subject,
        "title": content["title"],
        "source": content["source"],
        "stages": [stage["name"] for stage in content["stages"]],
    }


def _is_complete(recipe: Version, runs: list[Run]) -> bool:
    stages = (recipe.content or {})["stages"]
    return len(runs) == len(stages) and all(run.state == states.SUCCEEDED for run in runs)
