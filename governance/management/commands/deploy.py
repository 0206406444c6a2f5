"""`manage.py deploy RELEASE RUNTIME`: a release begins to answer at a runtime, takes the place of what does, or ends."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError

from governance.ledger.decimals import decimal_text
from governance.management.acting import ActingCommand
from governance.people.permissions import require
from governance.registry import lookup
from governance.registry.access import require_read
from governance.registry.models import Version
from governance.releases import serving, serving_found, serving_rules
from governance.releases.models import Runtime, ServingPeriod

SAID = "By manage.py deploy."


class Command(ActingCommand):
    help = (
        "Say that a release answers at a runtime from now on, with a share of the requests. It must be approved, and its gate"
        " must hold. --create makes a runtime, --end ends what answers there, --retire ends the runtime."
    )
    example = (
        'manage.py deploy --create chat --kind app --audience "everybody" --as mara\n'
        "manage.py deploy release:demo-assistant@1 chat --share 0.05 --as mara\n"
        "manage.py deploy release:demo-assistant@1 chat --replace --as mara\n"
        'manage.py deploy --end chat --reason "The trial is over." --as mara'
    )
    action = ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("release", nargs="?", help="release:slug[@number]; with --end: this one alone")
        parser.add_argument("runtime", nargs="?", help="the runtime's slug")
        does = parser.add_mutually_exclusive_group()
        does.add_argument("--replace", action="store_true", help="end what answers there in the same moment")
        does.add_argument("--end", metavar="RUNTIME", help="end what answers there")
        does.add_argument("--create", metavar="RUNTIME", help="make a runtime of that slug")
        does.add_argument("--retire", metavar="RUNTIME", help="nothing begins to answer there any more")
        parser.add_argument("--share", help="of the requests, above 0 and at most 1; default 1")
        parser.add_argument("--audience", default="", help="who is served; by default the runtime's")
        parser.add_argument("--title", default="", help="with --create; by default the slug")
        parser.add_argument("--kind", default="", help=f"with --create: one of {', '.join(Runtime.KINDS)}")
        parser.add_argument(
            "--report-every",
            type=int,
            metavar="SECONDS",
            help="with --create: it promises to report its identity",
        )
        parser.add_argument("--reason", default=SAID, help="why; it is logged")
        parser.add_argument("--json", action="store_true")

    def act(self, *, json: bool, **given: Any) -> None:
        if given["create"]:
            self._create(given, as_json=json)
        elif given["retire"]:
            require(self.person, "releases:runtime:retire")
            found = serving_found.runtime(given["retire"])
            serving.retire_runtime(found, reason=given["reason"], actor=self.actor)
            self.say(
                {"runtime": found.slug, "state": Runtime.RETIRED}, f"{found.slug} is retired.", as_json=json
            )
        elif given["end"]:
            self._end(given, as_json=json)
        elif not (given["release"] and given["runtime"]):
            raise CommandError("Name a release and a runtime: manage.py deploy release:NAME@1 RUNTIME.")
        else:
            self._start(given, as_json=json)

    def _create(self, given: dict[str, Any], *, as_json: bool) -> None:
        require(self.person, "releases:runtime:create")
        made = serving.create_runtime(
            given["create"], title=given["title"] or given["create"], kind=given["kind"], audience=given["audience"],
            report_every=given["report_every"], actor=self.actor,
        )  # fmt: skip
        self.say(
            {"runtime": made.slug, "state": made.state}, f"The runtime {made.slug} is made.", as_json=as_json
        )

    def _start(self, given: dict[str, Any], *, as_json: bool) -> None:
        require(self.person, "releases:serving:start")
        runtime, version = serving_found.runtime(given["runtime"]), self._release(given["release"])
        said = {
            "share": serving_rules.share_of(1 if given["share"] is None else given["share"]),
            "audience": given["audience"],
            "reason": given["reason"],
            "actor": self.actor,
        }
        if given["replace"]:
            require(self.person, "releases:serving:end")
            period = serving.replace(runtime, version, **said)
        else:
            period = serving.start(runtime, version, **said)
        text = f"{version.subject} answers {decimal_text(period.share)} of the requests at {runtime.slug} from now on."
        self.say(_told(period), text, as_json=as_json)

    def _end(self, given: dict[str, Any], *, as_json: bool) -> None:
        require(self.person, "releases:serving:end")
        of = self._release(given["release"]) if given["release"] else None
        ended = serving.end(
            serving_found.runtime(given["end"]), of=of, reason=given["reason"], actor=self.actor
        )
        names = ", ".join(one.version.subject for one in ended)
        text = f"{names} answers at {given['end']} no longer."
        self.say({"ended": [_told(one) for one in ended]}, text, as_json=as_json)

    def _release(self, given: str) -> Version:
        version = lookup.find(given if ":" in given else f"release:{given}")
        require_read(self.person, version)
        return version


def _told(period: ServingPeriod) -> dict[str, Any]:
    return {"period": str(period.pk), **period.ledger_state()["P"]}
