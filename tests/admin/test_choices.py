"""No select box beyond 200 options: a list while it is short, a number to type when it is not."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteMixin, ForeignKeyRawIdWidget
from django.contrib.auth.models import Group, User
from django.test import RequestFactory
from django.utils import timezone, translation
from unfold.forms import BaseDialogForm

from merchants.admin.base import ReadOnly
from merchants.admin.choices import MOST_OPTIONS, PickedOrTyped, PickedRow, PickedRows
from merchants.models import District, Merchant
from tests.support import cast
from vouchers.models import FundingSource, Round, Tier

pytestmark = pytest.mark.django_db

FEW = {District, FundingSource, Group, Round, Tier}
"""Of a city or of one campaign: what a person has entered one by one."""


def dialogs(form: type[forms.Form]) -> Iterator[type[forms.Form]]:
    for each in form.__subclasses__():
        yield each
        yield from dialogs(each)


def forms_of_the_admin() -> Iterator[tuple[str, Any]]:
    """Every form of every page, its inlines and every dialog, with a name to find it by."""
    request = RequestFactory().get("/")
    request.user = User(username="root", is_active=True, is_staff=True, is_superuser=True)
    for model, page in admin.site._registry.items():
        for row in (None, model._default_manager.first()):
            may = page.has_change_permission if row else page.has_add_permission
            if may(request):
                yield f"{model._meta.label} {row}", page.get_form(request, row, change=bool(row))
            for formset, inline in page.get_formsets_with_inlines(request, row):
                if not isinstance(inline, ReadOnly):
                    yield f"{model._meta.label} {inline.model._meta.label}", formset.form
    for dialog in dialogs(BaseDialogForm):
        yield dialog.__qualname__, dialog


def is_short(field: forms.Field) -> bool:
    """Whether a field can never offer more than 200 options."""
    widget = getattr(field.widget, "widget", field.widget)
    if isinstance(widget, AutocompleteMixin | ForeignKeyRawIdWidget):
        return True
    if isinstance(field, forms.ModelChoiceField):
        model = None if field.queryset is None else field.queryset.model
        return isinstance(field, PickedOrTyped) or model in FEW
    choices: Any = getattr(field, "choices", ())
    return len(list(choices)) <= MOST_OPTIONS


def test_no_form_has_a_select_box_that_could_exceed_200_options() -> None:
    assert cast.spring_campaign().state == "draft"
    names = [(name, form.base_fields) for name, form in forms_of_the_admin()]
    assert {"StoresForm", "NewEndpointForm", "merchants.Store None"} <= {name for name, _ in names}
    long = [
        f"{name}: {label}"
        for name, fields in names
        for label, field in fields.items()
        if not is_short(field)
    ]
    assert long == []


class Pick(forms.Form):
    """One merchant and several."""

    merchant = PickedRow(queryset=Merchant.objects.all())
    merchants = PickedRows(queryset=Merchant.objects.all())


@pytest.fixture
def merchants() -> list[Merchant]:
    """As many as a list shows."""
    now = timezone.now()
    return Merchant.objects.bulk_create(
        Merchant(code=f"M{number:03d}", name=f"Shop {number}", created_at=now)
        for number in range(MOST_OPTIONS - Merchant.objects.count())
    )


def test_a_short_list_is_picked_from(merchants: list[Merchant]) -> None:
    first = merchants[0]
    form = Pick({"merchant": str(first.pk), "merchants": [str(first.pk)]})
    assert form.is_valid()
    assert form.cleaned_data["merchant"] == first
    assert str(form).count("<option") == 2 * MOST_OPTIONS + 1


def test_a_long_list_is_typed(merchants: list[Merchant]) -> None:
    Merchant.objects.create(code="M-last", name="one too many", created_at=timezone.now())
    form = Pick({"merchant": " M000 ", "merchants": "M001, M-last，M002,"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["merchant"].code == "M000"
    assert {row.code for row in form.cleaned_data["merchants"]} == {"M001", "M002", "M-last"}
    with translation.override("en"):
        assert "<option" not in str(Pick())
        assert "type the whole code" in str(Pick())


@pytest.mark.parametrize("typed", ["M", "m000", "M000 M001", "1"])
def test_an_unknown_code_shows_an_error_at_its_field(merchants: list[Merchant], typed: str) -> None:
    Merchant.objects.create(code="M-last", name="one too many", created_at=timezone.now())
    form = Pick({"merchant": typed, "merchants": typed})
    assert set(form.errors) == {"merchant", "merchants"}
    assert typed in str(form["merchants"])
