"""`manage.py human_eval start | status | close | cancel | export`: comparisons by people from the shell."""

import argparse
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from evals.human import actions, told
from evals.human.actions import MANAGE
from evals.human.plan import MARGIN, NEEDED, QUESTION, plan_of
from evals.models import Study
from evals.records import checked
from governance.evidence.records import Inconsistent
from governance.management.acting import ActingCommand
from governance.people.permissions import require
from governance.registry.blobs import MissingBlob
from governance.registry.lookup import NotFound

TEXTS = ("a", "b", "pool", "guideline", "suite", "task", "dimension", "question", "margin")
NUMBERS = ("needed", "items", "seed")


class Command(ActingCommand):
    help = (
        "Blinded comparisons by people: `start` opens a study over the recorded answers of two models, raters work in the "
        "browser or over the API, `close` counts and records the results. Before that `status` tells only how far it is."
    )
    example = (
        "manage.py human_eval start model:tuned model:base --pool annotator-pool:raters --guideline guideline:compare \\\n"
        "  --items 100 --margin 0.1 --as ada\n"
        "manage.py human_eval status 3f2a9c1b --as ada\nmanage.py human_eval close 3f2a9c1b --as ada --json\n"
        "manage.py human_eval export 3f2a9c1b --out judgements.jsonl --as ada"
    )
    action = ""
    refusals = (MissingBlob, Inconsistent)

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, parser_class=argparse.ArgumentParser)
        self._add_start(verbs.add_parser("start", help="open a study"))
        status = verbs.add_parser("status", help="how far a study is; all of them without an id")
        status.add_argument("study", nargs="?", help="the study's id, or its first digits")
        for name, help in (
            ("close", "count and record the results"),
            ("cancel", "end it without results"),
            ("export", "the judgements of a closed study, as JSON lines"),
        ):
            found = verbs.add_parser(name, help=help)
            found.add_argument("study", help="the study's id, or its first digits")
            if name == "export":
                found.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
            else:
                found.add_argument("--reason", default="", help="why, where it ends before it is complete")
        for verb in verbs.choices.values():
            super().add_arguments(verb)
            verb.add_argument("--json", action="store_true", help="print JSON")

    def _add_start(self, start: ArgumentParser) -> None:
        start.add_argument("a", help="model:slug[@number], or the id of an evaluation")
        start.add_argument("b", help="what it is held against")
        start.add_argument("--pool", required=True, help="annotator-pool:slug[@number]")
        start.add_argument("--guideline", required=True, help="guideline:slug[@number]")
        start.add_argument("--suite", default="", help="default: what both were evaluated on last")
        start.add_argument("--task", default="", help="only items of this task")
        start.add_argument("--items", type=int, help="how many the seed draws (default: all)")
        start.add_argument("--needed", type=int, default=NEEDED, help=f"raters an item (default: {NEEDED})")
        start.add_argument("--dimension", default="", help="what the pool's groups are counted by")
        start.add_argument("--question", default=QUESTION, help="what stands above each pair")
        start.add_argument(
            "--margin", default=MARGIN, help=f"share of wins away from a half (default: {MARGIN})"
        )
        start.add_argument("--seed", type=int, help="default: drawn now, and recorded")

    def act(self, *, verb: str, json: bool, **options: Any) -> None:
        getattr(self, f"_{verb}")(as_json=json, **options)

    def _start(self, *, as_json: bool, **options: Any) -> None:
        require(self.person, MANAGE)
        plan = plan_of(self.person, **{name: options[name] for name in (*TEXTS, *NUMBERS)})
        study = actions.open_study(plan, actor=self.actor)
        self._tell(
            study, f"{study.title} is open: {study.items} items. Its id is {study.pk}.", as_json=as_json
        )

    def _status(self, *, study: str | None, as_json: bool, **_: Any) -> None:
        if study:
            found = _study(study)
            self._tell(found, _line(found), as_json=as_json)
            return
        rows = list(told.studies()[:50])
        lines = "\n".join(_line(row) for row in rows) or "There is no study yet."
        self.say({"studies": [told.told(row, self.person) for row in rows]}, lines, as_json=as_json)

    def _close(self, *, study: str, reason: str, as_json: bool, **_: Any) -> None:
        require(self.person, MANAGE)
        closed = actions.close(_study(study), reason=reason, actor=self.actor)
        self._tell(closed, _results(closed, told.results(closed, self.person)), as_json=as_json)

    def _cancel(self, *, study: str, reason: str, as_json: bool, **_: Any) -> None:
        require(self.person, MANAGE)
        cancelled = actions.cancel(_study(study), reason=reason, actor=self.actor)
        self._tell(cancelled, f"{cancelled.title} is cancelled.", as_json=as_json)

    def _export(self, *, study: str, out: Path | None, as_json: bool, **_: Any) -> None:
        found = _study(study)
        sha256 = told.require_results(found, self.person)
        data = checked(sha256)
        if out is None:
            self.stdout.write(data.decode(), ending="")
            return
        out.write_bytes(data)
        rows = data.count(b"\n")
        self.say(
            {"judgements": rows, "sha256": sha256, "out": str(out)},
            f"{rows} judgements: {out}",
            as_json=as_json,
        )

    def _tell(self, study: Study, text: str, *, as_json: bool) -> None:
        self.say(told.told(told.studies().get(pk=study.pk), self.person), text, as_json=as_json)


def _study(name: str) -> Study:
    """The study with that id, or the only one whose id begins so. Raises NotFound."""
    try:
        found = list(told.studies().filter(pk=UUID(name)))
    except ValueError:
        found = [one for one in told.studies()[:500] if len(name) >= 4 and str(one.pk).startswith(name)]
    if len(found) != 1:
        what = "More than one study begins" if found else "No study begins"
        raise NotFound(f"{what} with {name!r}; manage.py human_eval status shows them.")
    return found[0]


def _line(study: Study) -> str:
    given, wanted, raters = study.given, study.wanted, study.taking_part  # type: ignore[attr-defined]
    return f"{study.pk}  {study.state:9}  {given} of {wanted} judgements by {raters} raters"


def _results(study: Study, found: dict[str, Any] | None) -> str:
    if found is None:
        return f"{study.title} is closed. Its results are for those who may read both models and the suite."
    named = told.models(study)
    wins = [
        f"{named[side]}: wins {one['win_rate']} ({one['ci_low']} to {one['ci_high']}), {one['direction']}"
        for side in ("a", "b")
        for one in [found["wins"][side]]
    ]
    agreement = found["agreement"]
    alpha = agreement.get("why") or f"{agreement['alpha']} ({agreement['ci_low']} to {agreement['ci_high']})"
    told_of = f"{found['judgements']} judgements by {found['raters']} raters on {found['items']} items"
    return "\n".join([f"{study.title} is closed: {told_of}.", *wins, f"Agreement (alpha): {alpha}"])
