"""Accounts. Everything is written through actions; nothing can be deleted."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from governance.people import actions, second_factor
from governance.people.models import Account, User
from governance.people.names import check_plain, check_unlike
from governance.people.permissions import GROUPS, may, require

MANAGE = "people:account:manage"

# Django's groups give no rights here, and its page for them would change and delete rows without an entry.
admin.site.unregister(Group)


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account with its sign-in. A new one needs a user name and a password; later only groups and state change."""

    username = forms.CharField(max_length=150, help_text="What the person types to sign in.")
    display_name = forms.CharField(
        max_length=120, required=False, help_text="Shown on pages; never in the ledger."
    )
    password = forms.CharField(widget=forms.PasswordInput, help_text="At least 12 characters.")
    groups = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {does}") for name, does in GROUPS.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Account
        fields = ("handle", "groups", "active")

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        User._meta.get_field("username").run_validators(name)
        if User.objects.filter(username=name).exists():
            raise ValidationError("Somebody signs in with that name already.")
        return name

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        names = {name: data.get(name, "") for name in ("username", "display_name")}
        if self.instance._state.adding and names["username"]:
            check_plain(**names)
            check_unlike(**names)
        return data

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password)
        return password


class ChangeForm(AccountForm):
    username = display_name = password = None  # type: ignore[assignment]
    reset_factor = forms.BooleanField(
        required=False,
        label="Take away the second factor",
        help_text="For somebody who lost it; they set up another.",
    )


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("handle", "user", "joined_groups", "second_factor", "active")
    list_select_related = ("user",)
    search_fields = ("handle", "user__username")
    actions = None

    @admin.display(description="groups")
    def joined_groups(self, account: Account) -> str:
        return ", ".join(account.groups) or "none"

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        # PostgreSQL cannot compare text with NUL; Django answers 400 for a lookup that is not allowed.
        return "\x00" not in str(value) and super().lookup_allowed(lookup, value, request)

    def get_form(
        self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = ChangeForm if obj else AccountForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        if obj is None:
            return ("username", "display_name", "handle", "password", "groups")
        return ("handle", "groups", "active", *(("reset_factor",) if obj.second_factor else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        # A closed account stays closed: whoever comes back gets a new one.
        closed = ("active",) if obj and not obj.active else ()
        return ("handle", *closed) if obj else ()

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        require(request.user, MANAGE)
        actor, data = actions.actor_for(request.user), form.cleaned_data
        if not change:
            user = actions.create_person(
                data["username"],
                handle=data["handle"],
                display_name=data["display_name"],
                password=data["password"],
                groups=data["groups"],
                actor=actor,
            )
            obj.__dict__.update(user.account.__dict__)
            return
        account = Account.objects.select_related("user").get(pk=obj.pk)
        if data.get("reset_factor"):
            second_factor.reset(account, actor=actor)
        if sorted(account.groups) != sorted(data["groups"]):
            actions.set_groups(account, data["groups"], actor=actor)
        if account.active and not data.get("active", True):
            actions.deactivate(account, actor=actor)

    def log_addition(self, *_: Any) -> None:  # type: ignore[override]
        """The ledger is the log."""

    def log_change(self, *_: Any) -> None:  # type: ignore[override]
        """The ledger is the log."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, MANAGE)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, MANAGE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, MANAGE)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        account = getattr(request.user, "account", None)
        return may(request.user, MANAGE) and (obj is None or obj.pk != getattr(account, "pk", None))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
