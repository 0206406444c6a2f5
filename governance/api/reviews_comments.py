"""Comments about a version over HTTP: list, write, answer, resolve."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import serializers as shapes
from governance.api.artifacts import VersionDoor
from governance.api.base import Door, Strict
from governance.api.problems import register
from governance.registry.access import require_read
from governance.registry.lookup import NotFound
from governance.reviews import anchors, comments
from governance.reviews.models import Comment

register(anchors.UnknownAnchor, lambda error: (422, "invalid-values", [("anchor", str(error))]))


@extend_schema_serializer(
    examples=[
        OpenApiExample("About a principle", value={"anchor": "no-harm", "text": "What about self-defence?"})
    ]
)
class CommentIn(Strict):
    anchor = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=anchors.LONGEST,
        help_text="Id of a part, or a JSON pointer into the content; empty: the whole version.",
    )
    text = serializers.CharField(max_length=comments.LONGEST)


@extend_schema_serializer(examples=[OpenApiExample("An answer", value={"text": "Rule 3 says so."})])
class AnswerIn(Strict):
    text = serializers.CharField(max_length=comments.LONGEST)


class CommentOut(shapes.Out):
    id = serializers.UUIDField()
    subject = serializers.CharField(source="version.subject")
    digest = serializers.CharField(help_text="Digest that was seen.")
    anchor = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_null=True, help_text="Null once it was erased.")
    answers = serializers.UUIDField(
        source="answers_id", allow_null=True, help_text="The comment that it answers."
    )
    author = serializers.CharField()
    at = serializers.DateTimeField()
    resolved_by = serializers.CharField(allow_blank=True)
    resolved_at = serializers.DateTimeField(allow_null=True)


class CommentList(VersionDoor):
    does = {"POST": comments.ACTION}
    order = ("at", "id")
    serializer_class = CommentOut

    @extend_schema(operation_id="comments_list", responses=CommentOut(many=True))
    def get(self, request: Request, **_: str) -> Response:
        """Comments about a version and the answers to them, oldest first."""
        self.query()
        return self.paged(self.readable().comments.select_related("version__artifact"))

    @extend_schema(operation_id="comments_create", request=CommentIn, responses={201: CommentOut})
    def post(self, request: Request, **_: str) -> Response:
        """Say something about a sealed version or a part of it. It decides nothing."""
        made = comments.comment(self.readable(), **self.body(CommentIn), actor=self.actor)
        return _created(made)


class CommentDoor(Door):
    """One comment, by the id in the address, for whoever may read its version."""

    does = {"POST": comments.ACTION}
    serializer_class = CommentOut

    def touches(self) -> list[str]:
        return [self.comment().version.artifact.name]

    def comment(self) -> Comment:
        """The comment. Raises NotFound, PermissionDenied."""
        key = self.kwargs["id"]
        found = Comment.objects.select_related("version__artifact").filter(pk=key).first()
        if found is None:
            raise NotFound(f"There is no comment {key}.")
        require_read(self.person, found.version)
        return found


class CommentAnswer(CommentDoor):
    @extend_schema(operation_id="comments_answer", request=AnswerIn, responses={201: CommentOut})
    def post(self, request: Request, **_: Any) -> Response:
        """Answer a comment, where it stands."""
        return _created(comments.answer(self.comment(), **self.body(AnswerIn), actor=self.actor))


class CommentResolve(CommentDoor):
    @extend_schema(operation_id="comments_resolve", request=None)
    def post(self, request: Request, **_: Any) -> Response:
        """Mark a comment as settled, as whoever made it or an author of the version."""
        self.body()
        return Response(CommentOut(comments.resolve(self.comment(), actor=self.actor)).data)


def _created(comment: Comment) -> Response:
    return Response(CommentOut(comment).data, status=status.HTTP_201_CREATED)
