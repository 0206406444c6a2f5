"""Activities: what happened, and recording what happened elsewhere."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api.base import Door, Strict
from governance.api.caching import tagged
from governance.api.serializers import NamedEdge, ObjectField, Out
from governance.registry import lookup, recording
from governance.registry.access import require_read, require_write
from governance.registry.models import Activity, Version
from governance.registry.recording import KINDS, PRODUCED, ROLES, Named

RECORD = "registry:activity:record"
KIND_NAMES = sorted(KINDS)
STATES = (Activity.STARTED, *recording.ENDS)


def listed(meanings: dict[str, str]) -> str:
    return "; ".join(f"`{name}`: {meaning}" for name, meaning in meanings.items())


class ActivityFilter(Strict):
    kind = serializers.CharField(required=False, max_length=40)
    state = serializers.ChoiceField(
        choices=STATES,
        required=False,
        help_text="`started`: what began and did not end, which nobody should leave so for long.",
    )
    subject = serializers.CharField(
        required=False, max_length=200, help_text="Activities that used or made this version."
    )


class ActivityOut(Out):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    state = serializers.CharField()
    started_at = serializers.DateTimeField(help_text="When its start was recorded.")
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When its end was recorded.")
    by = serializers.CharField()


class ActivityDetail(ActivityOut):
    used = NamedEdge(many=True)
    produced = NamedEdge(many=True)
    summary = ObjectField(
        help_text="`recorded_by: api` where nobody watched it, and it is somebody's word alone."
    )


class UsedIn(Strict):
    role = serializers.ChoiceField(
        choices=sorted(ROLES), help_text=listed({name: role.meaning for name, role in ROLES.items()})
    )
    subject = serializers.CharField(required=False, max_length=200)
    digest = serializers.RegexField(r"^[0-9a-f]{64}\Z", required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not data.keys() & {"subject", "digest"}:
            raise serializers.ValidationError({"subject": "Name the version by subject or by digest."})
        return data


class ProducedIn(UsedIn):
    role = serializers.ChoiceField(choices=sorted(PRODUCED), default="output", help_text=listed(PRODUCED))


SUMMARY = ", ".join(f"`{name}`" for name in recording.Summary.model_fields)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A published training stage",
            value={
                "kind": "training",
                "label": "Tulu 3 8B, DPO",
                "used": [
                    {"role": "init_from", "subject": "model:tulu-3-8b-sft@1"},
                    {"role": "trained_on", "subject": "dataset:tulu-3-8b-preferences@1"},
                ],
                "summary": {
                    "stage": "dpo",
                    "params": {"beta": 5, "learning_rate": 5e-7, "loss": "dpo_norm"},
                    "began": "2024-11",
                    "source": "open-instruct at e6c3044, configs/train_configs/tulu3/tulu3_dpo_8b.yaml",
                },
            },
        )
    ]
)
class ActivityIn(Strict):
    kind = serializers.ChoiceField(
        choices=KIND_NAMES, help_text=listed({name: kind.meaning for name, kind in KINDS.items()})
    )
    label = serializers.CharField(max_length=200, help_text="What people call it.")  # type: ignore[assignment]
    used = UsedIn(many=True, default=list, help_text="Every version that it used, and what for.")
    summary = ObjectField(default=dict, help_text=f"What is known of it: {SUMMARY}.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "It ended, and made a model",
            value={
                "state": "ended",
                "produced": [{"role": "output", "subject": "model:tulu-3-8b-dpo@1"}],
                "summary": {"finished": "2024-11"},
            },
        )
    ]
)
class EndIn(Strict):
    state = serializers.ChoiceField(choices=recording.ENDS)
    produced = ProducedIn(many=True, default=list)
    summary = ObjectField(default=dict, help_text=f"Added to what the start said: {SUMMARY}.")


class ActivityList(Door):
    does = {"POST": RECORD}
    filters = ActivityFilter
    order = ("-started_at", "id")
    serializer_class = ActivityOut

    @extend_schema(
        operation_id="activities_list", parameters=[ActivityFilter], responses=ActivityOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """What happened, newest first."""
        wanted = self.query()
        rows = Activity.objects.defer("used", "produced", "summary")
        if subject := wanted.pop("subject", None):
            version = lookup.find(subject)
            rows = rows.filter(Q(usages__version=version) | Q(productions__version=version)).distinct()
        return self.paged(rows.filter(**wanted))

    def touches(self) -> list[str]:
        # A start changes no artifact: what an activity made is said at its end.
        return []

    @extend_schema(operation_id="activities_start", request=ActivityIn, responses={201: ActivityDetail})
    def post(self, request: Request) -> HttpResponseBase:
        """Record the start of something that happens, or happened, elsewhere. Evidence says of it: asserted, never observed."""
        given = self.body(ActivityIn)
        used = recording.resolved(named(given["used"]), "used")
        for _, version in used:
            require_read(self.person, version)
        activity = recording.begin(
            given["kind"], given["label"], used, summary=given["summary"], actor=self.actor
        )
        place = reverse("api:activity", args=(activity.pk,), request=request)
        shown = ActivityDetail(activity).data
        return tagged(
            Response(shown, status.HTTP_201_CREATED, headers={"Location": place}), str(activity.ledger_rev)
        )


class ActivityDoor(Door):
    """One activity, found by the id in the address."""

    serializer_class = ActivityDetail

    def found(self) -> Activity:
        """The activity. Raises NotFound."""
        activity = Activity.objects.filter(pk=self.kwargs["id"]).first()
        if activity is None:
            raise lookup.NotFound(f"There is no activity {self.kwargs['id']}.")
        return activity


class ActivityOne(ActivityDoor):
    @extend_schema(operation_id="activities_get")
    def get(self, request: Request, **_: Any) -> HttpResponseBase:
        """One activity: what it used and produced, in which roles, and its summary."""
        self.query()
        activity = self.found()
        return tagged(Response(ActivityDetail(activity).data), str(activity.ledger_rev))


class ActivityEnd(ActivityDoor):
    does = {"POST": RECORD}

    def touches(self) -> list[str]:
        named = self.request.data.get("produced") if isinstance(self.request.data, dict) else None
        if isinstance(named, list) and named:
            return [_artifact_of(one) for one in named if isinstance(one, dict)]
        # What ended and made no version says something about all that it used; what failed says nothing of it.
        ended = self.given("state") == Activity.ENDED
        return [str(edge["subject"]).partition("@")[0] for edge in self.found().used] if ended else []

    @extend_schema(operation_id="activities_end", request=EndIn)
    def post(self, request: Request, **_: Any) -> HttpResponseBase:
        """Record how it ended and what it made. Only for what was recorded here: a run's end is recorded by its worker."""
        activity, given = self.found(), self.body(EndIn)
        produced = recording.resolved(named(given["produced"]), "produced")
        for _role, version in produced:
            self._require(version)
        ended = recording.finish(
            activity, state=given["state"], produced=produced, summary=given["summary"], actor=self.actor
        )
        return tagged(Response(ActivityDetail(ended).data), str(ended.ledger_rev))

    def _require(self, version: Version) -> None:
        """Who says where a version comes from must be somebody who may write its kind."""
        require_read(self.person, version)
        require_write(self.person, version.kind)


def _artifact_of(one: dict[str, Any]) -> str:
    """The artifact of a version that is named by subject or, where there is none, by digest. Raises NotFound."""
    subject, digest = one.get("subject"), one.get("digest")
    found = lookup.find(subject) if isinstance(subject, str) and subject else lookup.by_digest(str(digest))
    return found.artifact.name


def named(given: Sequence[dict[str, Any]]) -> list[Named]:
    return [Named(one["role"], one.get("subject"), one.get("digest")) for one in given]
