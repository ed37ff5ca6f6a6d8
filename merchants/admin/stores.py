"""Districts, merchants and their stores."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from merchants.admin.base import NeverDeleted, ReadOnly, ReadOnlyInline, said_once, sentence
from merchants.admin.forms import DAY_S, EnrolmentForm, PlaceForm, StoreOpeningForm, TerminalForm
from merchants.admin.labels import test_label
from merchants.errors import Refused
from merchants.geo import Datum
from merchants.models import District, Merchant, Store, StoreLocation, Street, Terminal
from merchants.services.edits import edit_merchant, edit_store
from merchants.services.enrolment import (
    enrol_district,
    enrol_merchant,
    enrol_terminal,
    move_store,
    open_store,
)
from merchants.services.terminals import make_code


class LocationInline(ReadOnlyInline):
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


class TerminalInline(ReadOnlyInline):
    """Tills."""

    model = Terminal
    fields = ["code", "state", "suspended_until_at"]
    readonly_fields = fields
    ordering = ["code"]
    per_page = 20
    show_change_link = True


@admin.register(Merchant)
class MerchantAdmin(NeverDeleted):
    """Legal persons that are paid."""

    nothing_yet = _("No merchant yet. Add one, or import its stores: manage.py import_stores.")
    list_display = ["name", "code", "credit_code", "store_count", "state_label", test_label]
    list_filter = ["state", "is_test"]
    ordering = ["code"]
    search_fields = ["name", "code", "credit_code"]
    fields = [
        "name",
        "code",
        "credit_code",
        "state",
        "suspended_until_at",
        "is_test",
        "created_at",
    ]
    refusal_fields: ClassVar = {"already_exists": "code"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        rows: QuerySet[Merchant] = super().get_queryset(request)
        stores = Store.objects.filter(merchant=OuterRef("pk")).order_by().values("merchant")
        return rows.annotate(
            stores_count=Subquery(stores.annotate(count=Count("pk")).values("count"))
        )

    @display(description=_("stores"))
    def store_count(self, merchant: Any) -> int:
        return merchant.stores_count or 0

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What identifies a merchant is given once."""
        if obj is None:
            return ["state", "suspended_until_at", "created_at"]
        return ["code", "suspended_until_at", "is_test", "created_at"]

    def save_model(self, request: HttpRequest, obj: Merchant, form: Any, change: bool) -> None:
        if change:
            edit_merchant(merchant=obj, name=obj.name, credit_code=obj.credit_code, state=obj.state)
            return
        made = enrol_merchant(
            code=obj.code,
            name=obj.name,
            credit_code=obj.credit_code,
            is_test=obj.is_test,
            at=timezone.now(),
        )
        obj.pk, obj.created_at = made.pk, made.created_at
        obj._state.adding = False


@admin.register(Store)
class StoreAdmin(NeverDeleted):
    """Places where vouchers are redeemed."""

    nothing_yet = _("No store yet. Add one, or import a file: manage.py import_stores.")
    list_display = ["external_id", "name", "merchant", "category", "place", "state_label"]
    list_filter = ["state", "district"]
    ordering = ["external_id"]
    search_fields = ["external_id", "name", "brand", "merchant__name"]
    autocomplete_fields = ["merchant"]
    refusal_fields: ClassVar = {"already_exists": "external_id", "coordinates_invalid": "longitude"}
    fields = [
        "external_id",
        "name",
        "brand",
        "merchant",
        "category",
        "district",
        "street",
        "state",
        "suspended_until_at",
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": [
                    "merchant",
                    ("external_id", "name"),
                    ("brand", "category"),
                    "district",
                    ("longitude", "latitude"),
                    "datum",
                ]
            },
        )
    ]
    inlines = [LocationInline, TerminalInline]
    actions_detail = ["move", "add_terminal", "make_code"]

    @display(description=_("district"), ordering="district")
    def place(self, store: Store) -> Street | District | None:
        """With the street where it lies in one."""
        return store.street or store.district

    def get_queryset(self, request: HttpRequest) -> QuerySet[Store]:
        """With the merchants, whom a store's name begins with, also in a list to choose from; and
        with the names of districts and streets, without their boundaries."""
        rows: QuerySet[Store] = super().get_queryset(request)
        return rows.select_related("merchant", "district", "street__district").defer(
            "district__boundary", "street__boundary", "street__district__boundary"
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A store keeps its merchant: settled lines name both. Its street follows its place."""
        return ["external_id", "merchant", "street", "suspended_until_at"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        """The place is typed when a store is opened; afterwards it is moved."""
        if obj is None:
            options["form"] = StoreOpeningForm
        return super().get_form(request, obj, change=change, **options)

    def save_model(self, request: HttpRequest, obj: Store, form: Any, change: bool) -> None:
        if change:
            edit_store(
                store=obj,
                name=obj.name,
                brand=obj.brand,
                category=obj.category,
                district=obj.district,
                state=obj.state,
            )
            return
        given = form.cleaned_data
        made = open_store(
            merchant=obj.merchant,
            external_id=obj.external_id,
            name=obj.name,
            brand=obj.brand,
            category=obj.category,
            district=obj.district,
            longitude=given["longitude"],
            latitude=given["latitude"],
            datum=Datum(given["datum"]),
            at=timezone.now(),
        )
        obj.pk = made.pk
        obj._state.adding = False

    def has_place_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "merchants.add_storelocation", object_id)

    def has_terminal_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "merchants.add_terminal", object_id)

    @action(
        description=_("Move"),
        icon="edit_location",
        permissions=["place"],
        dialog={
            "title": _("Where the store is from now on"),
            "description": _("A new version; earlier runs keep the one they used."),
            "form_class": PlaceForm,
            "form_submit_text": _("Move"),
        },
    )
    def move(self, request: HttpRequest, form: PlaceForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        try:
            move_store(
                store=get_object_or_404(Store, pk=object_id),
                longitude=given["longitude"],
                latitude=given["latitude"],
                datum=Datum(given["datum"]),
                at=timezone.now(),
            )
        except Refused as refused:
            messages.error(request, sentence(refused.refusal))
        else:
            messages.success(request, _("The store has moved."))
        return _back(object_id)

    @action(
        description=_("Add a terminal"),
        icon="point_of_sale",
        permissions=["terminal"],
        dialog={
            "title": _("Add a terminal"),
            "description": "",
            "form_class": TerminalForm,
            "form_submit_text": _("Add"),
        },
    )
    def add_terminal(
        self, request: HttpRequest, form: TerminalForm, object_id: str
    ) -> HttpResponse:
        store = get_object_or_404(Store, pk=object_id)
        try:
            enrol_terminal(store=store, code=form.cleaned_data["code"])
        except Refused as refused:
            messages.error(request, sentence(refused.refusal))
        else:
            messages.success(request, _("The terminal has been added."))
        return _back(object_id)

    def has_code_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.may(request, "merchants.add_credential", object_id)

    @action(
        description=_("Enrolment code"),
        icon="pin",
        permissions=["code"],
        dialog={
            "title": _("Make an enrolment code"),
            "description": _("The till exchanges it for its key. It is shown once."),
            "form_class": EnrolmentForm,
            "form_submit_text": _("Make"),
        },
    )
    def make_code(self, request: HttpRequest, form: EnrolmentForm, object_id: str) -> HttpResponse:
        store, given = get_object_or_404(Store, pk=object_id), form.cleaned_data
        terminal = store.terminals.filter(code=given["code"]).first()
        if terminal is None:
            return said_once(_("There is no such terminal."))
        try:
            code = make_code(
                terminal=terminal,
                scopes=given["scopes"],
                valid_s=given["valid_days"] * DAY_S,
                is_test=given["is_test"],
                at=timezone.now(),
            )
        except Refused as refused:
            return said_once(sentence(refused.refusal))
        self.log_change(request, store, f"code for {terminal.code}")
        return said_once(_("Type this code at the till; it is not shown again."), code)


@admin.register(Terminal)
class TerminalAdmin(ReadOnly, NeverDeleted):
    """Tills of the stores. They are added on the page of their store."""

    nothing_yet = _("No terminal yet. Add one on the page of its store.")
    list_display = ["code", "store", "state_label"]
    list_filter = ["state"]
    list_select_related = ["store__merchant"]
    search_fields = ["code", "store__external_id", "store__name"]
    fields = ["store", "code", "state", "suspended_until_at"]
    actions_detail: ClassVar[list[str]] = []


@admin.register(District)
class DistrictAdmin(NeverDeleted):
    """Districts with their census figures; boundaries and changes come by import."""

    nothing_yet = _(
        "No district yet. Import them with their boundaries: manage.py import_districts."
    )
    list_display = ["adcode", "name", "people"]
    search_fields = ["name"]
    fields = ["adcode", "name", "population"]

    @display(description=_("population (census)"), empty_value="–")
    def people(self, district: District) -> str | None:
        return None if district.population is None else f"{district.population:,}"

    refusal_fields: ClassVar = {
        "already_exists": "adcode",
        "adcode_malformed": "adcode",
        "name_taken": "name",
        "population_malformed": "population",
    }

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: District, form: Any, change: bool) -> None:
        enrol_district(adcode=obj.adcode, name=obj.name, population=obj.population)
        obj._state.adding = False


@admin.register(Street)
class StreetAdmin(NeverDeleted):
    """Streets of the districts; they come and change by import."""

    nothing_yet = _(
        "No street yet. Streets come from a file with their boundaries: manage.py import_districts."
    )
    list_display = ["code", "name", "district"]
    list_filter = ["district"]
    list_select_related = ["district"]
    search_fields = ["name", "district__name"]
    fields = ["code", "name", "district"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _back(store_id: str) -> HttpResponse:
    return HttpResponse(
        headers={"HX-Redirect": reverse("admin:merchants_store_change", args=[store_id])}
    )
