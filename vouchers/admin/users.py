"""Users, their roles, and what of the city each role is given for."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import (
    AdminPasswordChangeForm,
    BaseDialogForm,
    UserChangeForm,
    UserCreationForm,
)
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.admin.base import ReadOnly, ReadOnlyInline
from merchants.admin.choices import PickedRow
from merchants.admin.labels import labelled
from merchants.admin.lists import KeysetLists
from merchants.models import District, Street
from vouchers.admin.base import ReadOnlyAdmin, act, dialog, go_to, in_lines
from vouchers.admin.buttons import button
from vouchers.admin.history.page import History
from vouchers.admin.words import ROLES
from vouchers.models import Grant
from vouchers.services import roles

admin.site.unregister(User)
admin.site.unregister(Group)
# django-otp's pages show the keys of authenticators to everyone who may see the page.
admin.site.unregister(StaticDevice)
admin.site.unregister(TOTPDevice)

STANDING = {"in force": "success", "to come": "info", "over": "", "withdrawn": "danger"}


def role_name(role: Group) -> str:
    """What a role is called."""
    return str(ROLES.get(role.name, role.name))


class RoleField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Roles by what they are called."""

    def label_from_instance(self, obj: Any) -> str:
        """Of one role."""
        return role_name(obj)


class RoleFilter(admin.RelatedFieldListFilter):
    """Roles by what they are called."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Each by its number."""
        return [(role.pk, role_name(role)) for role in Group.objects.order_by("name")]


class GivingForm(BaseDialogForm):
    """Which role a person gets, where, and for how long."""

    username = forms.CharField(
        label=_("User name"), max_length=150, widget=UnfoldAdminTextInputWidget
    )
    role = RoleField(
        label=_("Role"), queryset=Group.objects.order_by("name"), widget=UnfoldAdminSelectWidget
    )
    district = forms.ModelChoiceField(
        label=_("District"),
        queryset=District.objects.all(),
        required=False,
        empty_label=_("the whole city"),
        widget=UnfoldAdminSelectWidget,
    )
    street = PickedRow(
        label=_("Street (街镇)"),
        queryset=Street.objects.select_related("district"),
        required=False,
        empty_label=_("all streets"),
        widget=UnfoldAdminSelectWidget,
    )
    from_at = forms.SplitDateTimeField(
        label=_("From"), initial=timezone.now, widget=UnfoldAdminSplitDateTimeWidget
    )
    until_at = forms.SplitDateTimeField(
        label=_("Until, not included"),
        required=False,
        help_text=_("Empty: until it is withdrawn."),
        widget=UnfoldAdminSplitDateTimeWidget,
    )
    why = forms.CharField(label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget)

    def clean_username(self) -> User:
        """The person of that name."""
        found = User.objects.filter(username=self.cleaned_data["username"].strip()).first()
        if found is None:
            raise forms.ValidationError(_("There is no user of this name."))
        return found

    def clean(self) -> dict[str, Any]:
        """A street of the district, or of any if none is chosen."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        district, street = given.get("district"), given.get("street")
        if district and street and street.district_id != district.pk:
            self.add_error("street", _("This street lies in another district."))
        return given


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    """Who has which role where; given and withdrawn here, and never changed."""

    nothing_yet = _("No role is given yet. Give one with the button above the list.")
    list_display = ["user", "role_named", "place", "from_at", "until_at", "standing", "given_by"]
    list_filter = [("role", RoleFilter), "district", ("withdrawn_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "role", "street__district", "district", "given_by"]
    search_fields = ["user__username"]
    fields = [
        "user",
        "role_named",
        "place",
        "from_at",
        "until_at",
        "why",
        "given_by",
        "given_at",
        "withdrawn_by",
        "withdrawn_at",
        "withdrawn_why",
    ]
    readonly_fields = ["role_named", "place"]
    actions_list = ["give"]
    actions_detail = ["withdraw"]

    @display(description=_("role"))
    def role_named(self, grant: Grant) -> Any:
        return role_name(grant.role)

    @display(description=_("area"), ordering="district")
    def place(self, grant: Grant) -> Any:
        return grant.place or _("the whole city")

    @labelled(_("state"), STANDING)
    def standing(self, grant: Grant) -> tuple[str, Any]:
        at = timezone.now()
        if grant.withdrawn_at is not None:
            return "withdrawn", _("withdrawn")
        if grant.until_at is not None and grant.until_at <= at:
            return "over", _("over")
        return ("to come", _("to come")) if grant.from_at > at else ("in force", _("in force"))

    def has_giving_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(roles.GIVE)

    def is_offered(self, act: str, row: Grant) -> bool:
        """A grant is withdrawn once."""
        return row.withdrawn_at is None

    @action(
        description=_("Give a role"),
        icon="add",
        permissions=["giving"],
        dialog=dialog(
            _("Give a role"),
            _("Within its area and period the person may do what the role may."),
            GivingForm,
            _("Give"),
        ),
    )
    def give(self, request: HttpRequest, form: GivingForm) -> HttpResponse:
        given = form.cleaned_data
        act(
            request,
            roles.give_role,
            _("The role has been given."),
            user=given["username"],
            role=given["role"],
            where=given["street"] or given["district"],
            from_at=given["from_at"],
            until_at=given["until_at"],
            why=given["why"],
            by=request.user,
            at=timezone.now(),
        )
        return go_to("vouchers_grant_changelist")

    withdraw = button(
        roles.withdraw_role,
        _("Withdraw"),
        icon="person_remove",
        title=_("Withdraw this role"),
        description=_("It counts for nothing from the person's next request on."),
        success=_("Withdrawn."),
        subject="grant",
        permission="giving",
    )


class GrantInline(ReadOnlyInline):
    """The roles of a person, those that are over too."""

    model = Grant
    fk_name = "user"
    fields = ["role_named", "district", "street", "from_at", "until_at", "withdrawn_at", "given_by"]
    readonly_fields = fields

    @display(description=_("role"))
    def role_named(self, grant: Grant) -> str:
        return role_name(grant.role)


class AccountForm(UserChangeForm):
    """An account. The link to another password is told from its text by more than a colour."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = format_html(
            '{} <a class="hm-link" href="../password/">{}</a>',
            _("A password is kept as a hash; nobody can read it."),
            _("Set another password"),
        )


@admin.register(User)
class UserAdmin(History, KeysetLists, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Who may sign in. Roles are given on a page of their own, with area and period."""

    form = AccountForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    nothing_yet = _("No account yet. Add one, then give it a role.")
    list_display = ["username", "first_name", "is_active", "is_superuser", "last_login"]
    ordering: ClassVar[Any] = ["-pk"]
    list_filter: ClassVar[Any] = ["is_active", "is_superuser"]
    filter_horizontal = ()
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Personal info"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Permissions"), {"fields": ["is_active", "is_staff", "is_superuser"]}),
        (_("Important dates"), {"fields": ["last_login", "date_joined"]}),
    ]
    inlines = [GrantInline]

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else []


@admin.register(Group)
class GroupAdmin(ReadOnly, KeysetLists, DjangoGroupAdmin, ModelAdmin):
    """Roles and what each may do, which is set again after every migration."""

    list_display = ["named"]
    nothing_yet = _("No role yet. They are made when the database is set up.")
    fields: ClassVar[Any] = ["named", "does", "sees"]
    readonly_fields: ClassVar[Any] = fields

    @display(description=_("role"))
    def named(self, group: Group) -> Any:
        return role_name(group)

    @display(description=_("may do"), empty_value="–")
    def does(self, group: Group) -> str:
        """A line for each set of acts, with all that they are allowed on."""
        acts: dict[str, list[Any]] = {}
        for permission in group.permissions.select_related("content_type"):
            act_code, _sep, _model = permission.codename.partition("_")
            if act_code in ACTS:
                acts.setdefault(_name_of(permission), []).append(ACTS[act_code])
        named: dict[str, list[str]] = {}
        for name, codes in sorted(acts.items()):
            named.setdefault(gettext(", ").join(map(str, codes)), []).append(name)
        return in_lines(
            gettext("%(acts)s: %(named)s") % {"acts": done, "named": gettext(", ").join(names)}
            for done, names in named.items()
        )

    @display(description=_("may see"))
    def sees(self, group: Group) -> str:
        """Every role sees everything in the area of its grant."""
        return gettext("Everything in the area and period of the grant")


ACTS: Mapping[str, Any] = {
    "add": _("add"),
    "change": _("change"),
    "delete": _("take away"),
    "pause": _("pause and resume"),
}
"""What permissions allow, by the first word of their codes; seeing is said apart."""


def _name_of(permission: Permission) -> str:
    """What the permission is about, as its pages call it."""
    model = permission.content_type.model_class()
    return str(permission.content_type if model is None else model._meta.verbose_name)
