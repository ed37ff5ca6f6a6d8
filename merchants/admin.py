"""Merchants, their stores and places, tills and keys."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from merchants.models import (
    Credential,
    CredentialKey,
    District,
    Merchant,
    State,
    Store,
    StoreLocation,
    Terminal,
)

STATE_COLOURS = {
    State.ACTIVE.value: "success",
    State.SUSPENDED.value: "warning",
    State.CLOSED.value: "danger",
}


class LookOnlyInline(TabularInline):
    """Rows that have acts of their own to be changed by."""

    extra = 0
    tab = True
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LocationInline(LookOnlyInline):
    """Versions of a store's place, newest first; a correction adds one."""

    model = StoreLocation
    fields = [
        "version",
        "valid_from_at",
        "longitude_deg",
        "latitude_deg",
        "datum",
        "raw_longitude",
        "raw_latitude",
        "outside_district",
    ]
    readonly_fields = fields
    ordering = ["-version"]


class TerminalInline(LookOnlyInline):
    """Tills."""

    model = Terminal
    fields = ["code", "state"]
    readonly_fields = fields
    ordering = ["code"]
    per_page = 20


class KeyInline(LookOnlyInline):
    """Keys of a credential: their first characters, never the key."""

    model = CredentialKey
    fields = ["hint", "created_at", "expires_at", "revoked_at"]
    readonly_fields = fields


class NeverDeleted(ModelAdmin):
    """What money has been owed to stays on record; it is closed instead."""

    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)
    def state_label(self, row: Any) -> tuple[str, Any]:
        return row.state, row.get_state_display()


@admin.register(Merchant)
class MerchantAdmin(NeverDeleted):
    """Legal persons that are paid."""

    list_display = ["name", "code", "credit_code", "store_count", "state_label", "is_test"]
    list_filter = ["state", "is_test"]
    search_fields = ["name", "code", "credit_code"]
    fields = ["name", "code", "credit_code", "state", "is_test", "created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        rows: QuerySet[Merchant] = super().get_queryset(request)
        return rows.annotate(stores_count=Count("stores"))

    @display(description=_("stores"), ordering="stores_count")
    def store_count(self, merchant: Any) -> int:
        return int(merchant.stores_count)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What identifies a merchant is given once."""
        return ["code", "is_test", "created_at"] if obj else []


@admin.register(Store)
class StoreAdmin(NeverDeleted):
    """Places where vouchers are redeemed."""

    list_display = ["external_id", "name", "merchant", "category", "district", "state_label"]
    list_filter = ["state", "district", "category"]
    list_select_related = ["merchant", "district"]
    search_fields = ["external_id", "name", "brand"]
    fields = ["external_id", "name", "brand", "merchant", "category", "district", "state"]
    inlines = [LocationInline, TerminalInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A store never changes hands under the same number: lines already settled name both."""
        return ["external_id", "merchant"] if obj else []


@admin.register(Credential)
class CredentialAdmin(NeverDeleted):
    """Callers of the API."""

    list_display = ["name", "kind", "terminal", "channel_code", "state_label", "is_test"]
    list_filter = ["kind", "state", "is_test"]
    list_select_related = ["terminal"]
    search_fields = ["name", "channel_code"]
    fields = [
        "name",
        "kind",
        "scopes",
        "merchants",
        "stores",
        "terminal",
        "channel_code",
        "state",
        "is_test",
    ]
    raw_id_fields = ["terminal"]
    autocomplete_fields = ["merchants", "stores"]
    inlines = [KeyInline]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Who it is and what it may do is decided when it is issued."""
        return [name for name in self.fields if name != "state"]


@admin.register(District)
class DistrictAdmin(NeverDeleted):
    """Districts with their census figures."""

    list_display = ["adcode", "name", "population"]
    search_fields = ["name"]
    fields = ["adcode", "name", "population"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
