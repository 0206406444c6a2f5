"""An installation in which every page has something to show: what is approved, refused, waiting, running and restricted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from evals.human import rating
from evals.human.actions import close
from evals.models import Study
from governance.cards import objections, publication
from governance.cards.models import Objection
from governance.ledger.actors import Actor
from governance.ledger.settle import settle
from governance.registry import actions, importers, lookup
from governance.registry.models import Activity, Version
from governance.releases.actions import run_gate
from governance.reviews import actions as reviews
from governance.reviews import comments
from governance.reviews.impact import set_impact
from tests import builders
from tests.builders import ADA, MARA, POLLY, RAVI
from tests.cast import Cast
from tests.evals import recorded
from tests.evals.human import studies
from tests.evals.searched import searched
from tests.releases import world as releases
from tests.releases.answering import chat
from tests.training import faking
from training import actions as runs
from training import states
from training.events import TrainingEvent
from training.models import MetricRow, Run, RunEvent
from training.spec import SpecDraft

WORKER = Actor.system("worker")
WAY = (
    (states.CLAIMED, TrainingEvent.CLAIMED),
    (states.STARTING, TrainingEvent.STARTING),
    (states.RUNNING, TrainingEvent.LAUNCHED),
)
SCORES = {"sums": [1] * 6 + [0] * 2, "harm": [1] * 7 + [0], "safe": [1] * 8}
SECRET = "heliotrope"
BETTER = {"sums": [1] * 8, "harm": [1] * 7 + [0], "safe": [1] * 5 + [0] * 3}
DRAFTS: dict[str, dict[str, Any]] = {
    "guideline": {
        "title": "How to compare answers",
        "purpose": "Preferences for the reward model.",
        "task": "comparison",
        "sections": [{"id": "honest", "heading": "Honesty", "text": "Prefer the answer that is *true*."}],
        "examples": [
            {"id": "sum", "section": "honest", "prompt": "2 + 2?", "responses": ["4", "5"], "preferred": 1}
        ],
    },
    "policy": {
        "title": "What it refuses",
        "type": "refusal",
        "rules": [{"id": "harm", "heading": "Harm", "text": "Refuse to help.", "action": "refuse"}],
    },
    "card-text": {
        "subject": "model:tuned",
        "fields": {"intended_uses": {"text": "Chats.", "author": "polly", "as_of": "2026-01-31"}},
    },
}
"""Kind → content of a draft of it."""
RECIPE = {
    "title": "Twice",
    "stages": [
        {
            "name": "first",
            "stage": "sft",
            "inputs": {"init_from": ["model:base"], "trained_on": ["dataset:chats"]},
            "output": "first",
        }
    ],
}


@dataclass
class World:
    cast: Cast
    release: Version
    """Composed by mara of data without a licence; its gate refused it."""
    waiting: Version
    """A constitution that polly changed and sent to review."""
    own: Version
    """A constitution that ravi, a reviewer, wrote and sent to review himself."""
    restricted: Version
    evaluations: tuple[Activity, Activity]
    search: Activity
    """For contamination: one item was found."""
    studies: tuple[Study, Study]
    """Of people who compare: an open one, in which polly takes part, and a closed one."""
    run: Run
    """Running, with two metric rows."""

    @property
    def addresses(self) -> dict[str, str]:
        """Every page once, by name."""
        good, base = (one.pk for one in self.evaluations)
        kinds = Version.objects.exclude(pk=self.restricted.pk).select_related("artifact").order_by("-number")
        versions = {f"version of a {one.kind}": f"/versions/{one.subject}/" for one in kinds}
        return {
            **versions,
            "home": "/",
            "new": "/new/",
            "recipes": "/recipes/",
            "account": "/account/",
            "search": "/search/?q=tuned",
            "artifacts": "/artifacts/",
            "artifacts of a kind": "/artifacts/?kind=dataset",
            "artifacts, none found": "/artifacts/?q=zzz",
            "artifact": f"/artifacts/{self.waiting.artifact.name}/",
            "diff": f"/versions/{self.waiting.subject}/diff/",
            "diff, all lines": f"/versions/{self.waiting.subject}/diff/?view=lines&show=all",
            "lineage": "/versions/model:tuned@1/lineage/",
            "release": f"/releases/{self.release.subject}/",
            "card of a release": f"/cards/{self.release.subject}/",
            "card of a model": "/cards/model:tuned@1/",
            "card of a dataset": "/cards/dataset:chats@1/",
            "rows of a dataset": "/versions/dataset:chats@1/rows/",
            "runs": "/runs/",
            "run": f"/runs/{self.run.pk}/",
            "evaluation": f"/evaluations/{good}/",
            "comparison": f"/comparison/?a={good}&b={base}",
            "evaluations of a model": "/evaluations/history/model:tuned/",
            "contamination": f"/contamination/{self.search.pk}/",
            "studies": "/evaluations/human/",
            "study": f"/evaluations/human/{self.studies[0].pk}/",
            "study, closed": f"/evaluations/human/{self.studies[1].pk}/",
            "reviews": "/reviews/",
            "reviews, submitted": "/reviews/?queue=submitted",
            "reviews, stale": "/reviews/?queue=stale",
            "comments": f"/versions/{self.waiting.subject}/comments/",
            "decisions": "/decisions/",
            "objections": "/objections/",
            "objection": f"/objections/{Objection.objects.get().pk}/",
            "runtimes": "/runtimes/",
            "runtime": "/runtimes/chat/",
            "what answered": "/identity/?deployment=chat",
            "emergencies": "/emergencies/",
            "ledger": "/ledger/",
            "entry": "/ledger/entries/3/",
            "object": f"/ledger/objects/registry.version/{self.waiting.pk}/",
        }


def build(folder: Path) -> World:
    """The world, its ledger signed; needs a database in which commits are real."""
    made = releases.build(folder, licence="")
    release = releases.released(made)
    run_gate(release, actor=MARA)
    chat()
    suite = recorded.suite(folder, "sums-and-harm", items=8, tasks=recorded.WITH_REFUSALS)
    evaluations = (
        recorded.evaluated(made.tuned, suite, folder, BETTER),
        recorded.evaluated(made.base, suite, folder, SCORES),
    )
    chats = Version.objects.get(artifact__slug="chats")
    search = searched(chats, suite, task="sums", item="s0000")
    actions.save_draft("system-prompt", "sketch", {"text": "You are brief."}, actor=POLLY)
    for kind, content in DRAFTS.items():
        actions.save_draft(kind, "unfinished", content, actor=POLLY)
    actions.register("recipe", "two", RECIPE, actor=ADA)
    restricted = actions.register(
        "system-prompt", "secret", {"text": f"The quiet word is {SECRET}."}, restricted=True, actor=POLLY
    )
    waiting = submitted(constitution("house", "Refuse, and say why in one sentence.", actor=POLLY), POLLY)
    asked = comments.comment(waiting, anchor="no-harm", text="What about self-defence?", actor=ADA)
    comments.answer(asked, text="That is under *help*.", actor=POLLY)
    comments.comment(waiting, anchor="/title", text="A better title?", actor=RAVI)
    own = submitted(constitution("garden", "Help with plants.", actor=RAVI), RAVI)
    set_impact(own.artifact, "high", reason="Everybody uses it.", actor=POLLY)
    publication.publish(lookup.find(made.tuned.subject), actor=MARA)
    with override_settings(CHARTER_PUBLIC_CARDS=True):
        objections.raise_objection(made.tuned.subject, text="It is wrong.")
    compared = compared_by_people(made, suite, folder, evaluations)
    world = World(
        made.cast, release, waiting, own, restricted, evaluations, search, compared, running(made.base)
    )
    settle()
    return world


def compared_by_people(
    made: releases.World, suite: Version, folder: Path, evaluations: tuple[Activity, Activity]
) -> tuple[Study, Study]:
    """An open study that polly has begun, and a closed one."""
    pool = actions.register("annotator-pool", "house-raters", studies.POOL, actor=ADA)
    guideline = actions.register("guideline", "compare", studies.GUIDELINE, actor=POLLY)
    world = studies.World(made.cast, folder, made.base, made.tuned, suite, *evaluations, pool, guideline)
    done = world.open(task="sums", needed=1, dimension="country")
    world.rate(done, "ravi", studies.best, group="DE")
    going_on = world.open(task="sums", dimension="country", seed=8)
    world.rate(going_on, "polly", studies.best, studies.always("skip"))
    rating.take(going_on, made.cast.polly)
    return going_on, close(done, actor=ADA)


def constitution(slug: str, text: str, *, actor: Actor) -> Version:
    first, *others = builders.CONSTITUTION["principles"]
    content = {**builders.CONSTITUTION, "principles": [{**first, "text": text}, *others]}
    return builders.constitution(slug, content=content, actor=actor)


def submitted(version: Version, actor: Actor) -> Version:
    return reviews.submit(version, actor=actor)


def restricted_dataset(folder: Path) -> Version:
    """Rows of ada's that only reviewers, auditors and she may read."""
    row = {"messages": [{"role": "user", "content": SECRET}, {"role": "assistant", "content": "Yes."}]}
    path = builders.write_lines(folder / "secret.jsonl", [row])
    about = {
        "description": f"About {SECRET}.",
        "licence": "CC0-1.0",
        "source_type": "human",
        "source": "tests",
    }
    read = importers.read("dataset", path, about)
    return actions.register(
        "dataset", "secret-rows", read.content, files=read.files, restricted=True, actor=ADA
    )


def queued(base: Version, *, seed: int = 7) -> Run:
    faking.install()
    draft = SpecDraft(
        stage="fake",
        inputs={"init_from": [base.subject], "trained_on": ["dataset:chats"]},
        params={},
        seed=seed,
        output={"slug": "tuned", "title": "Tuned"},
    )
    return runs.queue(draft, actor=ADA)


def running(base: Version) -> Run:
    """A run that a worker would have; nobody works on it, so the test says what happens."""
    run = queued(base)
    for state, op in WAY:
        move(run, state, op)
    tell(run, 1, "2.5")
    tell(run, 2, "2.25")
    return run


@transaction.atomic
def move(run: Run, state: str, op: TrainingEvent) -> None:
    runs.move(run, state, op=op, actor=WORKER)


def tell(run: Run, step: int, loss: str) -> None:
    """What the supervisor stores when the job has done a step."""
    now = timezone.now()
    MetricRow.objects.create(run=run, seq=step, step=step, at=now, values={"loss": loss, "count": str(step)})
    progress = {"done": step, "total": 10, "unit": "step"}
    RunEvent.objects.create(run=run, seq=step, at=now, name="progress", data=progress)
