"""Studies over HTTP: opened, rated pair by pair, closed; results only once a study is closed."""

from collections.abc import Sequence
from typing import Any, cast

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evals.human import actions, rating, told
from evals.human.actions import MANAGE
from evals.human.plan import LONGEST_QUESTION, MOST_NEEDED, NEEDED, plan_of
from evals.human.rating import RATE
from evals.models import Study
from evals.models.judgements import CHOICES, REASONS
from evals.records import StoredItems
from governance.api.base import Door, Strict
from governance.api.serializers import ObjectField
from governance.registry.lookup import NotFound
from training.spec import LARGEST_SEED

NAME = 200


class StudyFilter(Strict):
    state = serializers.ChoiceField(choices=Study.STATES, required=False)


class StudyOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    state = serializers.CharField()
    question = serializers.CharField()
    suite = serializers.CharField()
    pool = serializers.CharField()
    guideline = serializers.CharField()
    dimension = serializers.CharField(allow_null=True, help_text="What the pool's groups are counted by.")
    items = serializers.IntegerField()
    needed = serializers.IntegerField(help_text="Raters that each item needs.")
    margin = serializers.CharField()
    judgements = serializers.IntegerField(help_text="Given so far; skips do not count.")
    wanted = serializers.IntegerField()
    raters = serializers.IntegerField()
    reason = serializers.CharField(allow_null=True)
    opened_by = serializers.CharField()
    opened_at = serializers.CharField()
    ended_at = serializers.CharField(allow_null=True)
    activity = serializers.UUIDField(allow_null=True, help_text="The recorded comparison, once it is closed.")
    models = ObjectField(
        allow_null=True, help_text="`a` and `b`; null while the study is open, save for whoever opened it."
    )
    results = ObjectField(
        allow_null=True,
        help_text="Only of a closed study, for whoever may read its models and suite: share of wins with intervals, agreement, "
        "position bias, lengths, skips.",
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A hundred items of one suite, three raters each",
            value={
                "a": "model:tuned@1",
                "b": "model:base@1",
                "pool": "annotator-pool:house-raters@1",
                "guideline": "guideline:compare@1",
                "items": 100,
                "needed": 3,
                "margin": "0.1",
                "dimension": "country",
            },
        )
    ]
)
class StudyIn(Strict):
    a = serializers.CharField(max_length=NAME, help_text="model:slug[@number], or the id of an evaluation.")
    b = serializers.CharField(max_length=NAME, help_text="What it is held against, named in the same way.")
    suite = serializers.CharField(
        required=False, max_length=NAME, help_text="Of two models: eval-suite:slug[@number]."
    )
    pool = serializers.CharField(max_length=NAME, help_text="annotator-pool:slug[@number]")
    guideline = serializers.CharField(max_length=NAME, help_text="guideline:slug[@number], for comparison.")
    question = serializers.CharField(required=False, max_length=LONGEST_QUESTION)
    needed = serializers.IntegerField(default=NEEDED, min_value=1, max_value=MOST_NEEDED)
    items = serializers.IntegerField(
        required=False, min_value=2, max_value=10**6, help_text="How many the seed draws; all where left out."
    )
    task = serializers.CharField(required=False, max_length=NAME, help_text="Only items of this task.")
    dimension = serializers.CharField(required=False, max_length=80)
    margin = serializers.CharField(
        required=False, max_length=20, help_text="Share of wins away from a half that would matter."
    )
    seed = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST_SEED)


@extend_schema_serializer(
    examples=[OpenApiExample("Before all judgements are given", value={"reason": "The raters left."})]
)
class StudyEndIn(Strict):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


@extend_schema_serializer(examples=[OpenApiExample("Counted with a group", value={"group": "DE"})])
class StudyNextIn(Strict):
    group = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=500, help_text="At the first time only."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("The first answer is better", value={"token": "0" * 32, "choice": "first"})]
)
class StudyJudgeIn(Strict):
    token = serializers.CharField(max_length=64, help_text="Of the pair, as `next` gave it.")
    choice = serializers.ChoiceField(choices=list(CHOICES))
    reason = serializers.ChoiceField(choices=list(REASONS), required=False, help_text="Of a skip.")


class StudyPairOut(serializers.Serializer[Any]):
    token = serializers.CharField()
    prompt = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())
    first = serializers.CharField(allow_blank=True)
    second = serializers.CharField(allow_blank=True)
    until = serializers.DateTimeField(help_text="After this somebody else may get the pair.")


class StudyNextOut(serializers.Serializer[Any]):
    done = serializers.IntegerField(help_text="Pairs that you judged or skipped.")
    left = serializers.IntegerField(help_text="Others for which a rating is still wanted.")
    pair = StudyPairOut(allow_null=True, help_text="Null where none is free for you now.")


class StudyJudgementOut(serializers.Serializer[Any]):
    """One judgement of a closed study, as judgements.jsonl keeps it."""

    task = serializers.CharField()
    item = serializers.CharField()
    item_hash = serializers.CharField()
    rater = serializers.CharField(help_text="A pseudonym within the study.")
    group = serializers.CharField(allow_null=True)
    slot = serializers.IntegerField()
    first = serializers.CharField(help_text="The side that stood first: a or b.")
    choice = serializers.CharField()
    prefers = serializers.CharField(help_text="a, b, tie, both_bad or skip.")
    reason = serializers.CharField(allow_null=True)


class StudyDoor(Door):
    serializer_class: type[serializers.Serializer[Any]] = StudyOut

    def study(self, id: object) -> Study:
        """The study with that id. Raises NotFound."""
        found = told.studies().filter(pk=str(id)).first()
        if found is None:
            raise NotFound(f"There is no study {id}.")
        return found

    def told(self, id: object) -> dict[str, Any]:
        return told.told(self.study(id), self.person)


class StudyList(StudyDoor):
    does = {"POST": MANAGE}
    filters = StudyFilter
    order = ("-opened_at", "id")

    @extend_schema(operation_id="studies_list", parameters=[StudyFilter], responses=StudyOut(many=True))
    def get(self, request: Request) -> Response:
        """Comparisons by people, newest first."""
        page = self.paginate_queryset(told.studies().filter(**self.query()))
        return self.get_paginated_response([told.told(study, self.person) for study in page or []])

    @extend_schema(operation_id="studies_open", request=StudyIn, responses={201: StudyOut})
    def post(self, request: Request) -> Response:
        """Open a study over the answers that two models gave to the same items. Its plan cannot be changed."""
        plan = plan_of(self.person, **self.body(StudyIn))
        study = actions.open_study(plan, actor=self.actor)
        place = reverse("api:study", args=(study.pk,), request=request)
        return Response(self.told(study.pk), status.HTTP_201_CREATED, headers={"Location": place})


class StudyOne(StudyDoor):
    @extend_schema(operation_id="studies_get")
    def get(self, request: Request, id: str) -> Response:
        """One study: its plan and how far it is; its results once it is closed."""
        self.query()
        return Response(self.told(id))


class StudyClose(StudyDoor):
    does = {"POST": MANAGE}

    @extend_schema(operation_id="studies_close", request=StudyEndIn, responses=StudyOut)
    def post(self, request: Request, id: str) -> Response:
        """Close a study, which records its results and names its models. Before all judgements are given, with a reason."""
        study = self.study(id)
        actions.close(study, reason=self.body(StudyEndIn)["reason"], actor=self.actor)
        return Response(self.told(id))


class StudyCancel(StudyDoor):
    does = {"POST": MANAGE}

    @extend_schema(operation_id="studies_cancel", request=StudyEndIn, responses=StudyOut)
    def post(self, request: Request, id: str) -> Response:
        """End a study without results, with a reason."""
        study = self.study(id)
        actions.cancel(study, reason=self.body(StudyEndIn)["reason"], actor=self.actor)
        return Response(self.told(id))


class StudyNext(StudyDoor):
    does = {"POST": RATE}
    serializer_class = StudyNextOut

    @extend_schema(operation_id="studies_next", request=StudyNextIn, responses=StudyNextOut)
    def post(self, request: Request, id: str) -> Response:
        """The pair that you have, or the next one; the first time you join the study. Nothing tells whose answers they are."""
        study = self.study(id)
        rating.join(study, self.person, self.body(StudyNextIn)["group"])
        return Response(self._next(study))

    def _next(self, study: Study) -> Any:
        pair = rating.take(study, self.person)
        done, left = rating.progress(study, self.person)
        return StudyNextOut({"done": done, "left": left, "pair": pair}).data


class StudyJudge(StudyDoor):
    does = {"POST": RATE}
    serializer_class = StudyNextOut

    @extend_schema(operation_id="studies_judge", request=StudyJudgeIn, responses=StudyNextOut)
    def post(self, request: Request, id: str) -> Response:
        """Say which answer is better. It cannot be changed. Answers how far you are; `next` gives the next pair."""
        study, given = self.study(id), self.body(StudyJudgeIn)
        rating.judge(study, self.person, **given)
        done, left = rating.progress(study, self.person)
        return Response(StudyNextOut({"done": done, "left": left, "pair": None}).data)


class StudyJudgements(StudyDoor):
    order = ()
    serializer_class = StudyJudgementOut

    @extend_schema(operation_id="studies_judgements", responses=StudyJudgementOut(many=True))
    def get(self, request: Request, id: str) -> Response:
        """The judgements of a closed study, raters by pseudonym."""
        self.query()
        study = self.study(id)
        rows = StoredItems(told.require_results(study, self.person))
        return self.get_paginated_response(self.paginate_queryset(cast("Sequence[Any]", rows)))


urlpatterns: list[URLPattern] = [
    path("studies/", StudyList.as_view(), name="studies"),
    path("studies/<uuid:id>/", StudyOne.as_view(), name="study"),
    path("studies/<uuid:id>/close/", StudyClose.as_view(), name="study-close"),
    path("studies/<uuid:id>/cancel/", StudyCancel.as_view(), name="study-cancel"),
    path("studies/<uuid:id>/next/", StudyNext.as_view(), name="study-next"),
    path("studies/<uuid:id>/judge/", StudyJudge.as_view(), name="study-judge"),
    path("studies/<uuid:id>/judgements/", StudyJudgements.as_view(), name="study-judgements"),
]
