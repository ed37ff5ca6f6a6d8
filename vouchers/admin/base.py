"""What every page shares: lists of big tables, money as yuan, acts that may be refused."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import BaseDialogForm

from merchants.admin.base import ReadOnly, RowActs
from merchants.admin.labels import labelled
from merchants.admin.lists import KeysetLists
from merchants.errors import Refused
from vouchers.admin.faults import sentence
from vouchers.admin.history.page import History
from vouchers.models import FundingSource
from vouchers.money import yuan


class ReadOnlyAdmin(History, ReadOnly, RowActs, KeysetLists, ModelAdmin):
    """Read-only list and pages, safe on big tables. What may be done with a row is done by acts."""

    list_fullwidth = True
    list_filter_submit = False


def money(name: str, description: Any) -> Callable[..., str]:
    """A column that shows an amount in fen as yuan and sorts by it."""

    @display(description=description, ordering=name, empty_value="–")
    def column(self: Any, row: Model) -> str | None:
        amount_fen = getattr(row, name)
        return None if amount_fen is None else yuan(amount_fen)

    return column


def counted(name: str, description: Any) -> Callable[..., str]:
    """A column that shows a number with its thousands apart."""

    @display(description=description, ordering=name)
    def column(self: Any, row: Model) -> str:
        return f"{getattr(row, name):,}"

    return column


def coloured(name: str, description: Any, colours: dict[Any, str]) -> Callable[..., Any]:
    """A column that shows a state as a coloured label; `colours` is by the state's value."""

    @labelled(description, colours, ordering=name)
    def column(self: Any, row: Any) -> tuple[Any, Any]:
        return getattr(row, name), getattr(row, f"get_{name}_display")()

    return column


CONFIRM = _("Confirm")


def dialog(
    title: Any,
    description: Any = "",
    form: type[BaseDialogForm] = BaseDialogForm,
    submit: Any = CONFIRM,
) -> dict[str, Any]:
    """The dialog of an `action`, as Unfold takes it; the act itself is always a POST."""
    return {
        "title": title,
        "description": description,
        "form_class": form,
        "form_submit_text": submit,
    }


def given(form: BaseDialogForm) -> dict[str, Any]:
    """What was sent; the name of the dialog's own hidden field begins with an underscore."""
    return {name: value for name, value in form.cleaned_data.items() if not name.startswith("_")}


def act(
    request: HttpRequest, service: Callable[..., Any], success: Any, **arguments: Any
) -> Any | None:
    """Call one service for the signed-in user and show the outcome; returns None when refused."""
    try:
        result = service(**arguments)
    except Refused as refused:
        messages.error(request, sentence(refused.refusal, get_language() or "en"))
        return None
    messages.success(request, success)
    return result if result is not None else True


def go_to(name: str, *arguments: Any) -> HttpResponse:
    """Where a dialog sends the browser after its act."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:{name}", args=arguments)})


def split_in_yuan(split: list[list[int]]) -> str:
    """[[source id, fen], …] as “city ¥12.00 + group ¥8.00”."""
    names = dict(
        FundingSource.objects.filter(pk__in=[source for source, _fen in split]).values_list(
            "id", "name"
        )
    )
    return " + ".join(f"{names.get(source, source)} {yuan(fen)}" for source, fen in split)


def in_lines(lines: Iterable[Any]) -> str:
    """Each on a line of its own."""
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines)) or "–"


def short_hash(value: bytes | memoryview | None) -> str:
    """The first twelve hexadecimal digits, enough to compare by eye."""
    return bytes(value).hex()[:12] if value else "–"
