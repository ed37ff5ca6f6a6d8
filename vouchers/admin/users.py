"""Users and their roles, in the admin's own clothes."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from merchants.admin.lists import KeysetLists
from vouchers.admin.base import ReadOnly

admin.site.unregister(User)
admin.site.unregister(Group)
# django-otp's pages show the keys of authenticators to everyone who may see the page.
admin.site.unregister(StaticDevice)
admin.site.unregister(TOTPDevice)


@admin.register(User)
class UserAdmin(KeysetLists, DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Who may sign in. Rights come from roles alone: what else is granted is in no history."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "first_name", "is_active", "is_superuser", "last_login"]
    ordering: ClassVar[Any] = ["-pk"]
    list_filter: ClassVar[Any] = ["groups", "is_active", "is_superuser"]
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )


@admin.register(Group)
class GroupAdmin(ReadOnly, KeysetLists, DjangoGroupAdmin, ModelAdmin):
    """Roles and their permissions, which are set again after every migration."""
