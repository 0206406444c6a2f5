"""Accounts, for administrators. Changing them takes a person who signed in: what gives rights is not for tokens."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from governance.api.base import Door, Strict
from governance.api.caching import tag_of, tagged
from governance.api.permissions import permit_person
from governance.people import actions, second_factor
from governance.people.models import Account
from governance.people.permissions import GROUPS
from governance.registry.actions import Refused
from governance.registry.lookup import NotFound

MANAGE = "people:account:manage"
TOKENS_CANNOT = (
    "A token cannot change accounts, since that would give it rights that nobody gave it; sign in for that."
)


class AccountOut(serializers.Serializer[Any]):
    handle = serializers.CharField(help_text="Pseudonym that the ledger carries.")
    username = serializers.CharField(source="user.username")
    display_name = serializers.CharField(source="user.display_name", allow_blank=True)
    groups = serializers.ListField(child=serializers.CharField())
    active = serializers.BooleanField()
    second_factor = serializers.BooleanField(help_text="Whether a second factor is enrolled.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A reviewer",
            value={
                "username": "nora",
                "handle": "nora",
                "display_name": "Nora",
                "password": "three-plain-words-together",
                "groups": ["reviewer"],
            },
        )
    ]
)
class AccountIn(Strict):
    username = serializers.CharField(max_length=150)
    handle = serializers.SlugField(
        default="", allow_blank=True, max_length=40, help_text="Random unless given; cannot be changed later."
    )
    display_name = serializers.CharField(default="", allow_blank=True, max_length=120)
    password = serializers.CharField(
        max_length=500, trim_whitespace=False, help_text="At least 12 characters."
    )
    groups = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(GROUPS)), default=list, max_length=len(GROUPS)
    )

    def validate_handle(self, handle: str) -> str:
        if handle and Account.objects.filter(handle=handle).exists():
            raise serializers.ValidationError("There is an account with that handle already.")
        return handle

    def validate_password(self, password: str) -> str:
        try:
            validate_password(password)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return password


@extend_schema_serializer(examples=[OpenApiExample("Two groups", value={"groups": ["engineer", "reviewer"]})])
class GroupsIn(Strict):
    groups = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(GROUPS)), max_length=len(GROUPS)
    )


class AccountDoor(Door):
    """For administrators alone, reading too: who signs in under which name is nobody else's business."""

    serializer_class: type[serializers.Serializer[Any]] = AccountOut

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            permit_person(request, TOKENS_CANNOT)

    def found(self) -> Account:
        """The account in the address. Raises NotFound."""
        account = Account.objects.select_related("user").filter(handle=self.kwargs["handle"]).first()
        if account is None:
            raise NotFound(f"There is no account {self.kwargs['handle']}.")
        return account


class AccountList(AccountDoor):
    does = {"GET": MANAGE, "POST": MANAGE}
    order = ("handle",)

    @extend_schema(operation_id="accounts_list", responses=AccountOut(many=True))
    def get(self, request: Request) -> Response:
        """All accounts, by handle. Needs the right to manage them."""
        self.query()
        return self.paged(Account.objects.select_related("user"))

    @extend_schema(operation_id="accounts_create", request=AccountIn, responses={201: AccountOut})
    def post(self, request: Request) -> Response:
        """A new account with its sign-in. A token cannot make accounts."""
        user = actions.create_person(**self.body(AccountIn), actor=self.actor)
        place = reverse("api:account", args=(user.account.handle,), request=request)
        shown = AccountOut(user.account).data
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Location": place})


class AccountOne(AccountDoor):
    does = {"GET": MANAGE}

    @extend_schema(operation_id="accounts_get")
    def get(self, request: Request, **_: str) -> Any:
        """One account."""
        self.query()
        shown = AccountOut(self.found()).data
        return tagged(Response(shown), tag_of(shown))


class AccountGroups(AccountDoor):
    does = {"POST": MANAGE}

    @extend_schema(operation_id="accounts_groups", request=GroupsIn)
    def post(self, request: Request, **_: str) -> Response:
        """Replace the groups of an account. Nobody changes their own."""
        account = self.found()
        actions.set_groups(account, self.body(GroupsIn)["groups"], actor=self.actor)
        return Response(AccountOut(account).data)


class AccountDeactivate(AccountDoor):
    does = {"POST": MANAGE}

    @extend_schema(operation_id="accounts_deactivate", request=None)
    def post(self, request: Request, **_: str) -> Response:
        """Close an account for good: no sign-in and no token of it works any more. Its history stays."""
        self.body()
        account = self.found()
        if account.pk == self.person.account.pk:
            raise Refused("Nobody closes their own account; ask another administrator.")
        if not account.active:
            raise Refused(f"The account {account.handle} is closed already.")
        actions.deactivate(account, actor=self.actor)
        return Response(AccountOut(account).data)


class AccountFactorReset(AccountDoor):
    does = {"POST": MANAGE}

    @extend_schema(operation_id="accounts_reset_second_factor", request=None)
    def post(self, request: Request, **_: str) -> Response:
        """Take away the second factor of somebody who lost it; they set up another. Nobody resets their own."""
        self.body()
        account = self.found()
        second_factor.reset(account, actor=self.actor)
        return Response(AccountOut(account).data)
