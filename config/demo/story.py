"""One story that shows what Charter is for, played by its cast through the same actions as everybody's.

A team post-trains a household assistant towards a constitution: demonstrations first, then a reward model and preferences.
The fine-tuned model passes its gate and goes out with a card and a signed bundle. The one after it learnt from pairs in
which a refusal always won; it refuses harmless requests too, and its release is refused for that.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db.models import QuerySet

from config.demo import cast, datasets
from evals.stage import EVALUATED, EVALUATED_ON
from evals.stage import STAGE as EVALUATION
from governance.cards import as_json, markdown, publication
from governance.cards.bundle import bundle_of
from governance.cards.compose import card_of
from governance.cards.models import Publication
from governance.ledger import audit, keys
from governance.ledger.settle import settle
from governance.registry import actions as registry
from governance.registry import importers, lookup, states
from governance.registry.models import Version
from governance.releases import actions as releases
from governance.releases import serving
from governance.releases.models import GateReport, Runtime
from governance.reviews import actions as reviews
from training import actions, dispatch, recipes, scans, supervisor
from training.models import Run
from training.spec import SpecDraft

CONTENT = Path(__file__).parent / "content"
POLICY = Path(settings.BASE_DIR) / "governance" / "releases" / "policies" / "default.yaml"
RUNTIME = "halden-speakers"
"""Where release 1 answers."""
REFUSING = {"no-over-refusal", "data-licences", "rewards-approved"}
"""The rules that refuse release 2: it helps less, nobody knows the licence of a set, nobody approved its reward model."""
POLL_SECONDS = 0.3
BUDGETS = (4, 16)
"""Tokens of a response in the two evaluations that make a curve."""
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
    """Polly writes drafts and sends them to review, Ravi reads and approves them; the raters are Ada's to describe."""
    _draft("constitution", "household", CONTENT / "constitution.yaml", by="polly")
    follows = {"follows": [_ref("constitution:household@1")]}
    _draft("guideline", "household-raters", CONTENT / "guideline.yaml", follows, by="polly")
    worked_by = {"guidelines": [_ref("guideline:household-raters@1")]}
    _draft("annotator-pool", "household-raters", CONTENT / "annotators.yaml", worked_by, by="ada")
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
        tell(number, len(datasets.MAKERS) + 2, slug)
        rows, about = make()
        path = datasets.write(folder / f"{slug.removeprefix('demo-')}.jsonl", rows)
        about = {**about, **(_rated() if slug in datasets.RATED else {})}
        title = slug.removeprefix("demo-").replace("-", " ").capitalize()
        _register("dataset", slug, path, about, by="ada", title=title)
    _register("eval-suite", "household", datasets.suite(folder / "suite"), {}, by="ada")
    deployment = CONTENT / "deployment.yaml"
    _register("deployment", "halden-speaker", deployment, {}, by="ada", title="Halden speaker, test group")
    _register("recipe", "household", CONTENT / "recipe.yaml", {}, by="ada")
    tell(len(datasets.MAKERS) + 1, len(datasets.MAKERS) + 2, "scan of the datasets")
    _scan([f"dataset:{slug}@1" for slug in datasets.MAKERS])
    for subject in (
        "dataset:demo-demonstrations",
        "dataset:demo-preferences",
        "eval-suite:household",
        "deployment:halden-speaker",
    ):
        _approve(
            subject,
            submitter="ada",
            reason="Read the rows and the record of how they were made; fit for use.",
        )


def _rated() -> dict[str, Any]:
    """Who labelled the pairs, by which guideline."""
    return {
        "annotators": [_ref("annotator-pool:household-raters@1")],
        "guidelines": [_ref("guideline:household-raters@1")],
    }


def train(story: Story, tell: Tell) -> None:
    _recipe("recipe:household", tell)


def samples(story: Story, tell: Tell) -> None:
    """Ask the fine-tuned model the first 40 items of each task four times, short and long: a curve, and no part of any gate."""
    for number, budget in enumerate(BUDGETS):
        tell(number, len(BUDGETS), f"at most {budget} tokens a response")
        params = {"limit": 40, "samples": 4, "temperature": "0.7", "max_new_tokens": budget}
        inputs = {EVALUATED: ["model:demo-assistant@1"], EVALUATED_ON: ["eval-suite:household@1"]}
        runs = Run.objects.filter(stage=EVALUATION.name, recipe=None, spec__params__max_new_tokens=budget)
        if not runs.filter(state="succeeded").exists():
            order = SpecDraft(stage=EVALUATION.name, inputs=inputs, params=params, seed=7)
            _execute(_unfinished(runs) or actions.queue(order, actor=cast.actor("ada")))


def first_release(story: Story, tell: Tell) -> None:
    """Mara composes, the gate passes, Ravi signs off, card and bundle are written and checked by the offline verifier."""
    _approve(
        "model:demo-assistant@1",
        submitter="ada",
        reason="Scores and lineage are on record; follows the constitution.",
    )
    release = _compose(
        "model:demo-assistant@1",
        baseline="model:tiny-base",
        notes="Answers harmless requests, refuses harmful ones, adds exactly.",
    )
    if release.state != states.APPROVED:
        _let_out(release)
    for version in (release, lookup.find("model:demo-assistant@1")):
        write_card(story, version)


def out(story: Story, tell: Tell) -> None:
    """Release 1 answers at the test group's speakers, a tenth of the requests first; its card is published."""
    release, mara = lookup.find("release:demo-assistant@1"), cast.actor("mara")
    runtime = Runtime.objects.filter(slug=RUNTIME).first() or serving.create_runtime(
        RUNTIME, title="Halden speakers", kind="device", audience="12 households that agreed", actor=mara
    )
    if not runtime.periods.exists():
        serving.start(
            runtime, release, share=Decimal("0.1"), reason="A tenth of the requests for a start.", actor=mara
        )
        serving.replace(
            runtime, release, share=Decimal(1), reason="Nothing unusual in the first hour.", actor=mara
        )
    if not Publication.objects.filter(version=release).exists():
        publication.publish(release, actor=mara)
    answers = [period.version.subject for period in serving.standing_at(runtime)]
    if answers != [release.subject]:
        raise DemoFailed(f"{release.subject} should answer at {RUNTIME}, but there answers {answers}.")


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
    """The model trained on preferences, against the one that is out: its gate refuses it for three reasons."""
    _approve(
        "model:demo-assistant@2",
        submitter="ada",
        reason="The record is complete: data, parameters, lineage, scores. Whether it may go out is for the gate to say.",
    )
    release = _compose(
        "model:demo-assistant@2",
        baseline="model:demo-assistant@1",
        notes="Trained on preferences after release 1; refuses more.",
    )
    report = release.gate_reports.first() or releases.run_gate(release, actor=cast.actor("mara"))
    if report.verdict != GateReport.REFUSED or not set(_refusing(report)) >= REFUSING:
        raise DemoFailed(
            f"{release.subject} should be refused by the rules {', '.join(sorted(REFUSING))}, but the gate says "
            f"{report.verdict} ({', '.join(_refusing(report)) or 'no rule refuses'})."
        )
    settle()


def _refusing(report: GateReport) -> list[str]:
    """Ids of the rules that refuse."""
    return [rule["id"] for rule in report.report["rules"] if rule["verdict"] == GateReport.REFUSED]


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
    Step("Constitution, guideline, release policy: drafted and approved", policies),
    Step("Data, evaluation suite, recipe; a scan of the data", data),
    Step("Recipe: fine-tuning, reward model, preferences, evaluations", train),
    Step("Several samples, short and long: a curve", samples),
    Step("Release 1: gate, sign-off, card, bundle", first_release),
    Step("Release 1 goes out: a deployment, a published card", out),
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


def _draft(
    kind: str, slug: str, path: Path, about: dict[str, Any] | None = None, *, by: str, title: str = ""
) -> None:
    found = importers.read(kind, path, about or {})
    try:
        version = lookup.find(f"{kind}:{slug}", drafts=True)
    except lookup.NotFound:
        version = registry.save_draft(
            kind, slug, found.content, title=title or found.title, actor=cast.actor(by)
        )
    _approve(version.subject, submitter=by, reason="Discussed line by line; says what we mean.")


def _ref(subject: str) -> dict[str, str]:
    """A version as another one names it in its content."""
    return {"subject": subject, "digest": str(lookup.find(subject).digest)}


def _approve(subject: str, *, submitter: str, reason: str) -> None:
    version = lookup.find(subject, drafts=True)
    if version.state in {states.DRAFT, states.SEALED}:
        reviews.submit(version, actor=cast.actor(submitter))
    if version.state == states.IN_REVIEW:
        reviews.approve(version, digest=str(version.digest), reason=reason, actor=cast.actor("ravi"))


def _compose(model: str, *, baseline: str, notes: str) -> Version:
    parts = {
        "model": model,
        "baseline": baseline,
        "constitution": "constitution:household",
        "system_prompt": "system-prompt:household",
        "deployment": "deployment:halden-speaker",
        "policy": "release-policy:default",
        "intended_uses": "Sums, plans and how-to questions of people at home.",
        "out_of_scope": "Medical, legal and financial advice; use by children without an adult; any high-stakes decision.",
        "notes": notes,
    }
    return releases.compose("demo-assistant", parts, title="Household assistant", actor=cast.actor("mara"))


def _scan(subjects: list[str]) -> None:
    """Count what the datasets hold, in a job of this process, unless an earlier demo has done so."""
    if all(scans.newest(lookup.find(subject)) for subject in subjects):
        return
    run = _unfinished(Run.objects.filter(stage="scan")) or actions.queue(
        SpecDraft(**scans.order(*subjects)), actor=cast.actor("ada")
    )
    _execute(run)


def _execute(run: Run) -> None:
    """Carry out a run in a job of this process."""
    supervisor.execute(run.pk, "demo")
    run.refresh_from_db()
    if run.state != "succeeded":
        raise DemoFailed(f"{run.label} {run.state}: {run.reason}")


def _recipe(subject: str, tell: Tell) -> None:
    """Run a recipe through a worker, from where an earlier demo left it."""
    recipe = lookup.find(subject)
    wanted = [stage["name"] for stage in recipe.content["stages"]]  # type: ignore[index]
    runs = Run.objects.filter(recipe=recipe)
    if runs.filter(state="succeeded").values("stage_name").distinct().count() == len(wanted):
        return
    with _worker() as worker:
        run: Run | None = _unfinished(runs) or recipes.start(recipe, actor=cast.actor("ada"))
        while run is not None:
            number = wanted.index(run.stage_name)
            last = _followed(worker, run, number, len(wanted), tell)
            run = Run.objects.filter(after=last).order_by("-created_at").first()
    if number + 1 < len(wanted):
        raise DemoFailed(f"{last.label}: {last.reason}")


def _unfinished(runs: QuerySet[Run]) -> Run | None:
    """The newest of these runs, which an interrupted demo left: sent again, or tried again where it has ended badly."""
    run = runs.order_by("-created_at").first()
    if run is None or run.state == "succeeded":
        return None
    if run.has_ended:
        return actions.retry(run, actor=cast.actor("ada"))
    dispatch.send(run.pk)
    return run


def _followed(worker: "subprocess.Popen[bytes]", run: Run, number: int, total: int, tell: Tell) -> Run:
    while not run.has_ended:
        if worker.poll() is not None:
            raise DemoFailed(f"The worker ended with exit code {worker.returncode}; see {_worker_log()}.")
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


def _worker_log() -> Path:
    return Path(settings.CHARTER_HOME) / "demo-worker.log"


@contextmanager
def _worker() -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker for as long as the block takes, with its log in the home's folder."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--loglevel", "WARNING"]
    with _worker_log().open("ab") as file:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=file, stderr=file)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
