"""One story that shows what Charter is for, played by its cast through the same actions as everybody's.

A team post-trains a household assistant towards a constitution. The first release passes its gate and goes out with a
card and a signed bundle. Somebody then trains a second one on refusals of unknown origin; its release is refused.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from config.demo import cast, datasets
from governance.cards import as_json, markdown
from governance.cards.bundle import bundle_of
from governance.cards.compose import card_of
from governance.ledger import audit, keys
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import importers, lookup, states
from governance.registry.models import Version
from governance.releases import actions as releases
from governance.releases.models import GateReport
from governance.reviews import actions as reviews
from training import recipes
from training.models import Run

CONTENT = Path(__file__).parent / "content"
POLICY = Path(settings.BASE_DIR) / "governance" / "releases" / "policies" / "default.yaml"
POLL_SECONDS = 0.3
Tell = Callable[[int, int, str], None]
"""(done, total, what is being done)"""


class DemoFailed(Exception):
    """A step that did not come out as the story has it. The message says what to look at."""


@dataclass(frozen=True)
class Step:
    title: str
    act: Callable[["Story", Tell], None]


@dataclass
class Story:
    """What the steps hand on to each other."""

    home: Path = field(default_factory=lambda: Path(settings.CHARTER_HOME))
    password: str = ""
    base: Path = Path()

    @property
    def out(self) -> Path:
        return self.home / "demo"


def database(story: Story, tell: Tell) -> None:
    call_command("migrate", verbosity=0)
    keys.generate()


def people(story: Story, tell: Tell) -> None:
    story.password = cast.gather(story.home)


def base_model(story: Story, tell: Tell) -> None:
    """Make the small base model in a process of its own (this one imports nothing heavy), or take it from the cache."""
    command = [sys.executable, "-m", "training.runner.base", str(settings.CHARTER_CACHE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101
        for line in process.stdout:
            story.base = _base_line(line, tell) or story.base
    if process.returncode or not story.base.is_dir():
        raise DemoFailed("The base model could not be built; the message above says why.")
    about = {
        "description": "A Llama of 0.7 million values, made by this installation from generated text.",
        "licence": "Apache-2.0",
        "origin": "pretrained",
        "source": "training/runner/base.py, fixed seed",
    }
    _register("model", "tiny-base", story.base, about, by="ada", title="Tiny base model")


def _base_line(line: str, tell: Tell) -> Path | None:
    said = json.loads(line)
    if "path" in said:
        return Path(said["path"])
    tell(said["done"], said["total"], "training the base model")
    return None


def policies(story: Story, tell: Tell) -> None:
    """Polly writes a draft, sends it to review, Ravi reads and approves it."""
    _draft("constitution", "household", CONTENT / "constitution.yaml", by="polly")
    _draft(
        "system-prompt",
        "household",
        CONTENT / "system-prompt.txt",
        by="polly",
        title="Household system prompt",
    )
    _draft("release-policy", "default", POLICY, by="polly", title="Default release policy")


def data(story: Story, tell: Tell) -> None:
    folder = story.out / "sources"
    for number, (slug, make) in enumerate(datasets.MAKERS.items()):
        tell(number, len(datasets.MAKERS) + 1, slug)
        path, about = make(folder)
        _register(
            "dataset",
            slug,
            path,
            about,
            by="ada",
            title=slug.removeprefix("demo-").replace("-", " ").capitalize(),
        )
    _register("eval-suite", "household", datasets.suite(folder / "suite"), {}, by="ada")
    _register(
        "deployment",
        "halden-speaker",
        CONTENT / "deployment.yaml",
        {},
        by="ada",
        title="Halden speaker, test group",
    )
    _register("recipe", "household-sft", CONTENT / "recipe.yaml", {}, by="ada")
    _register("recipe", "household-shortcut", CONTENT / "recipe-cautious.yaml", {}, by="ada")
    for subject in ("dataset:demo-demonstrations", "eval-suite:household", "deployment:halden-speaker"):
        _approve(
            subject,
            submitter="ada",
            reason="Read the rows and the record of how they were made; fit for use.",
        )


def train(story: Story, tell: Tell) -> None:
    _recipe("recipe:household-sft", tell)


def train_shortcut(story: Story, tell: Tell) -> None:
    _recipe("recipe:household-shortcut", tell)


def first_release(story: Story, tell: Tell) -> None:
    """Mara composes, the gate passes, Ravi signs off, card and bundle are written and checked by the offline verifier."""
    _approve(
        "model:demo-assistant@1",
        submitter="ada",
        reason="Scores and lineage are on record; follows the constitution.",
    )
    release = _compose(
        "model:demo-assistant@1", "Answers harmless requests, refuses harmful ones, adds exactly."
    )
    if release.state != states.APPROVED:
        _let_out(release)
    for version in (release, lookup.find("model:demo-assistant@1")):
        write_card(story, version)


def _let_out(release: Version) -> None:
    report = releases.run_gate(release, actor=cast.actor("mara"))
    if report.verdict != GateReport.PASSED:
        raise DemoFailed(
            f"{release.subject} should pass its gate, but it says {report.verdict}: run manage.py gate {release.subject}"
        )
    if release.state == states.SEALED:
        reviews.submit(release, actor=cast.actor("mara"))
    reason = "The gate passed on every rule; the card says what the model is for."
    reviews.approve(release, digest=str(release.digest), reason=reason, actor=cast.actor("ravi"))


def second_release(story: Story, tell: Tell) -> None:
    """The shortcut's release is composed and judged; its gate refuses it."""
    release = _compose("model:demo-assistant@2", "Refuses more.")
    report = release.gate_reports.first() or releases.run_gate(release, actor=cast.actor("mara"))
    if report.verdict != GateReport.REFUSED:
        raise DemoFailed(f"{release.subject} should be refused, but the gate says {report.verdict}.")
    settle()


def verify(story: Story, tell: Tell) -> None:
    """The whole ledger against the database, and the bundle as a stranger would check it."""
    found = audit.run()
    if not found.holds:
        raise DemoFailed(f"The ledger does not hold: {found.problems[0]}")
    check_bundle(story.out / "release-demo-assistant-1.zip")


def write_card(story: Story, version: Version) -> None:
    """Card as Markdown and JSON, and the signed bundle, in the demo's folder, unless an earlier demo wrote them."""
    name = f"{version.kind}-{version.artifact.slug}-{version.number}"
    if (story.out / f"{name}.zip").exists():
        return
    checkpoint = settle()
    card = card_of(version, checkpoint.size)
    story.out.mkdir(parents=True, exist_ok=True)
    (story.out / f"{name}.md").write_text(markdown.render(card), encoding="utf-8")
    (story.out / f"{name}.json").write_bytes(as_json.render(card))
    (story.out / f"{name}.zip").write_bytes(bundle_of(version, checkpoint))


def check_bundle(path: Path) -> None:
    command = [sys.executable, "-m", "governance.ledger.verify", str(path), "--key", str(keys.policy_path())]
    done = subprocess.run(command, capture_output=True, text=True, cwd=settings.BASE_DIR, check=False)  # noqa: S603
    if done.returncode:
        raise DemoFailed(f"The offline verifier refuses {path.name}: {done.stdout}{done.stderr}")


STEPS = (
    Step("Database and ledger key", database),
    Step("The cast", people),
    Step("A small base model", base_model),
    Step("Constitution, system prompt, release policy: drafted and approved", policies),
    Step("Data, evaluation suite, recipes", data),
    Step("Recipe: fine-tune, evaluate base and result", train),
    Step("Release 1: gate, sign-off, card, bundle", first_release),
    Step("Shortcut recipe: fine-tune, evaluate", train_shortcut),
    Step("Release 2: the gate refuses it", second_release),
    Step("Verify ledger and bundle", verify),
)


def _register(
    kind: str, slug: str, path: Path, about: dict[str, Any], *, by: str, title: str = ""
) -> Version:
    """As `manage.py register`, unless a sealed version is there from an earlier demo."""
    try:
        return lookup.find(f"{kind}:{slug}")
    except lookup.NotFound:
        found = importers.read(kind, path, about)
        return registry.register(
            kind, slug, found.content, title=title or found.title, files=found.files, actor=cast.actor(by)
        )


def _draft(kind: str, slug: str, path: Path, *, by: str, title: str = "") -> None:
    found = importers.read(kind, path, {})
    try:
        version = lookup.find(f"{kind}:{slug}", drafts=True)
    except lookup.NotFound:
        version = registry.save_draft(
            kind, slug, found.content, title=title or found.title, actor=cast.actor(by)
        )
    _approve(version.subject, submitter=by, reason="Discussed line by line; says what we mean.")


def _approve(subject: str, *, submitter: str, reason: str) -> None:
    version = lookup.find(subject, drafts=True)
    if version.state in {states.DRAFT, states.SEALED}:
        reviews.submit(version, actor=cast.actor(submitter))
    if version.state == states.IN_REVIEW:
        reviews.approve(version, digest=str(version.digest), reason=reason, actor=cast.actor("ravi"))


def _compose(model: str, notes: str) -> Version:
    parts = {
        "model": model,
        "baseline": "model:tiny-base",
        "constitution": "constitution:household",
        "system_prompt": "system-prompt:household",
        "deployment": "deployment:halden-speaker",
        "policy": "release-policy:default",
        "intended_uses": "Sums, plans and how-to questions of people at home.",
        "out_of_scope": "Medical, legal and financial advice; use by children without an adult; any high-stakes decision.",
        "notes": notes,
    }
    return releases.compose("demo-assistant", parts, title="Household assistant", actor=cast.actor("mara"))


def _recipe(subject: str, tell: Tell) -> None:
    """Run a recipe through a worker, unless an earlier demo has done so."""
    recipe = lookup.find(subject)
    wanted = recipe.content["stages"]  # type: ignore[index]
    done = Run.objects.filter(recipe=recipe, state="succeeded").values("stage_name").distinct().count()
    if done == len(wanted):
        return
    with _worker():
        run = recipes.start(recipe, actor=cast.actor("ada"))
        for number in range(len(wanted)):
            run = _followed(run, number, len(wanted), tell)
            if number + 1 < len(wanted):
                run = Run.objects.get(after=run)


def _followed(run: Run, number: int, total: int, tell: Tell) -> Run:
    while not run.has_ended:
        time.sleep(POLL_SECONDS)
        run = Run.objects.get(pk=run.pk)
        done = run.progress or {"done": 0, "total": 1}
        share = int(100 * int(done["done"]) / max(1, int(done["total"])))
        tell(100 * number + min(share, 99), 100 * total, f"{run.label}: {run.state}")
    if run.state != "succeeded":
        raise DemoFailed(
            f"{run.label} {run.state}: {run.reason} Its log is in {settings.CHARTER_HOME / 'runs' / str(run.pk)}."
        )
    tell(100 * (number + 1), 100 * total, run.label)
    return run


@contextmanager
def _worker() -> Iterator[None]:
    """A Celery worker for as long as the block takes, with its log in the home's folder."""
    log = settings.CHARTER_HOME / "demo-worker.log"
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--loglevel", "WARNING"]
    with log.open("ab") as file:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=file, stderr=file)  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
