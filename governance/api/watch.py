"""Who watches the log: the facts of the ledger's page, and the door through which monitors report."""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.base import Door, Strict
from governance.api.caching import tag_of, tagged
from governance.api.serializers import ReasonIn
from governance.ledger import monitors, watch
from governance.ledger.models import Monitor
from governance.registry.actions import Refused
from governance.registry.lookup import NotFound

MAX_SIZE = 2**63 - 1
LONGEST_WAIT = 31 * 86_400
MOST_FINDINGS, LONGEST_FINDING = 100, 500


class WitnessOut(serializers.Serializer[Any]):
    name = serializers.CharField(source="witness.key.name")
    key = serializers.CharField(source="witness.key.text", help_text="Its public key (C2SP vkey).")
    size = serializers.IntegerField(
        allow_null=True, help_text="Entries under the checkpoint it cosigned last."
    )
    at = serializers.DateTimeField(allow_null=True)
    trouble = serializers.CharField(help_text="That it is late or disagrees, in words; empty when neither.")


class KeyOut(serializers.Serializer[Any]):
    key = serializers.CharField(source="key.key.text", help_text="The public key (C2SP vkey).")
    since = serializers.IntegerField(source="key.since", help_text="Size of the smallest tree that it signs.")
    until = serializers.IntegerField(
        source="key.until", allow_null=True, help_text="Size of the largest; null while it is in use."
    )
    state = serializers.CharField(help_text="`active`, `retired` or `compromised`.")


class TimestampOut(serializers.Serializer[Any]):
    size = serializers.IntegerField(source="checkpoint_id")
    authority = serializers.CharField()
    at = serializers.DateTimeField(help_text="By the authority's clock.")


class AlarmOut(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="`witness NAME` or `monitor NAME`.")  # type: ignore[assignment]
    sentence = serializers.CharField()
    since = serializers.DateTimeField()
    over = serializers.DateTimeField(
        allow_null=True,
        help_text="When the same source found it right again, or its monitor was ended; null while it is open.",
    )
    ended_by = serializers.CharField(
        source="ending.by",
        default="",
        help_text="Handle of whoever ended its monitor, and it with that; empty where the source found it right again.",
    )
    reason = serializers.CharField(source="ending.reason", default="", help_text="Why they ended it.")


class MonitorOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    reporter = serializers.CharField(help_text="Handle of the account that reports.")
    at = serializers.DateTimeField(help_text="When it looked, by its own clock.")
    heard = serializers.DateTimeField(help_text="When its report came.")
    every = serializers.IntegerField(help_text="Seconds after which it said that it looks again.")
    size = serializers.IntegerField(help_text="Entries that it has followed.")
    silent = serializers.SerializerMethodField(help_text="Whether it missed three looks.")
    ended = serializers.DateTimeField(source="ending.at", default=None, allow_null=True)
    ended_by = serializers.CharField(source="ending.by", default="")
    reason = serializers.CharField(source="ending.reason", default="", help_text="Why it was ended.")

    def get_silent(self, monitor: Monitor) -> bool:
        return monitors.silent(monitor)


class TroubleOut(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]
    what = serializers.CharField(help_text="Such as `is late`, `disagrees`, `is silent`.")
    sentence = serializers.CharField()


class WatchOut(serializers.Serializer[Any]):
    size = serializers.IntegerField(
        source="backlog.newest.size", default=None, allow_null=True, help_text="Of the newest checkpoint."
    )
    quorum = serializers.IntegerField(help_text="Cosignatures that a checkpoint needs.")
    cosigned = serializers.IntegerField(help_text="Cosignatures that the newest one has.")
    meets_quorum = serializers.BooleanField(
        help_text="Whether whoever has the log's policy accepts the newest; false where this server cannot read it."
    )
    troubles = TroubleOut(many=True, help_text="All that somebody should look at, open alarms first.")
    witnesses = WitnessOut(many=True)
    monitors = MonitorOut(many=True)
    ended_monitors = MonitorOut(source="ended", many=True, help_text="The newest.")
    timestamps = TimestampOut(many=True, help_text="RFC 3161 tokens, the newest.")
    keys = KeyOut(many=True, help_text="The log's keys with the tree sizes that each may sign.")
    open_alarms = serializers.IntegerField(source="open", help_text="How many there are.")
    alarms = AlarmOut(many=True, help_text="Open ones; the first 50.")
    past_alarms = AlarmOut(source="past", many=True, help_text="The newest.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "All is well",
            value={"at": "2026-01-31T12:00:00Z", "size": 5120, "every": 300, "findings": []},
        )
    ]
)
class LookIn(Strict):
    at = serializers.DateTimeField(help_text="When it looked.")
    size = serializers.IntegerField(
        min_value=0, max_value=MAX_SIZE, help_text="Entries that it has followed."
    )
    every = serializers.IntegerField(
        default=86_400, min_value=1, max_value=LONGEST_WAIT, help_text="Seconds until it looks again."
    )
    findings = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_FINDING),
        max_length=MOST_FINDINGS,
        help_text="What is wrong, a sentence each. One that is told no more is over.",
    )


class MonitorDetail(MonitorOut):
    alarms = serializers.SerializerMethodField(help_text="What it finds wrong at present.")

    def get_alarms(self, monitor: Monitor) -> list[str]:
        return monitors.alarms(monitor)


class Watch(Door):
    serializer_class = WatchOut

    @extend_schema(operation_id="ledger_watch")
    def get(self, request: Request) -> HttpResponseBase:
        """Who watches this log: witnesses, monitors, timestamps, keys, and what any of them finds wrong."""
        self.query()
        shown = WatchOut(watch.look()).data
        return tagged(Response(shown), tag_of(shown))


class MonitorReport(Door):
    serializer_class = MonitorDetail
    does = {"POST": "ledger:monitor:report"}

    @extend_schema(operation_id="ledger_monitor_report", request=LookIn)
    def post(self, request: Request, slug: str) -> Response:
        """What the monitor of that name saw. Its first report makes the name its account's own."""
        look = monitors.Look(**self.body(LookIn))
        try:
            monitor = monitors.report(slug, look, reporter=self.person.account.handle)
        except monitors.NotAccepted as error:
            raise Refused(str(error)) from error
        return Response(MonitorDetail(monitor).data)


class MonitorEnd(Door):
    serializer_class = MonitorDetail
    does = {"POST": "ledger:monitor:end"}

    @extend_schema(operation_id="ledger_monitor_end", request=ReasonIn)
    def post(self, request: Request, slug: str) -> Response:
        """Expect no more reports of a monitor, and end its alarms; an entry says who and why. Its next report begins anew."""
        reason = self.body(ReasonIn)["reason"]
        try:
            monitor = monitors.end(slug, reason=reason, actor=self.actor)
        except Monitor.DoesNotExist as error:
            raise NotFound(f"No monitor reports as {slug!r}.") from error
        return Response(MonitorDetail(monitor).data)
