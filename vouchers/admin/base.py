"""What every page shares: lists of big tables, money as yuan, acts that may be refused."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import BigIntegerField, IntegerField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.translation import get_language
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from merchants.errors import Refused
from vouchers.admin.faults import sentence
from vouchers.models import FundingSource
from vouchers.money import yuan

EXACT_UP_TO = 10_000

# Partitions keep the figures of a partitioned table; a table that was never analysed says -1.
ESTIMATE = """
SELECT sum(greatest(c.reltuples, 0))::bigint
  FROM pg_partition_tree(%s::regclass) p JOIN pg_class c ON c.oid = p.relid
 WHERE p.isleaf
"""


class EstimatedPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """Counts exactly up to 10,000 rows and estimates beyond: lists of millions open at once."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        known = rows.order_by()[: EXACT_UP_TO + 1].count()
        if known <= EXACT_UP_TO or rows.query.where:
            return known
        with connection.cursor() as cursor:
            cursor.execute(ESTIMATE, [rows.model._meta.db_table])
            (estimate,) = cursor.fetchone()
        return max(known, estimate or 0)


class ReadOnly:
    """Nothing is added, changed or deleted in the admin."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin):
    """Read-only list and pages, safe on big tables."""

    actions = None
    paginator = EstimatedPaginator
    show_full_result_count = False
    list_max_show_all = 0
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = False


class ExactSearch:
    """Searches for whole values only: a number in any searched number, a text in any searched text.

    Django compares exactly by turning the column to upper-case text, which no index helps.
    """

    search_fields: Sequence[str]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows where one searched field equals the term."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(pk__in=[])
        for name in self.search_fields:
            if isinstance(queryset.model._meta.get_field(name), IntegerField):
                if term.isdecimal() and int(term) <= BigIntegerField.MAX_BIGINT:
                    found |= Q(**{name: int(term)})
            else:
                found |= Q(**{name: term})
        return queryset.filter(found), False


class ReadOnlyInline(ReadOnly, TabularInline):
    """Read-only rows of a parent."""

    extra = 0
    tab = True
    hide_title = True
    show_change_link = False


def money(name: str, description: Any) -> Callable[..., str]:
    """A column that shows an amount in fen as yuan and sorts by it."""

    @display(description=description, ordering=name, empty_value="–")
    def column(self: Any, row: Model) -> str | None:
        amount_fen = getattr(row, name)
        return None if amount_fen is None else yuan(amount_fen)

    return column


def coloured(name: str, description: Any, colours: dict[Any, str]) -> Callable[..., Any]:
    """A column that shows a state as a coloured label; `colours` is by the state's value."""

    # A state without a colour is a plain grey label.
    @display(description=description, ordering=name, label=defaultdict(str, colours))
    def column(self: Any, row: Any) -> tuple[Any, Any]:
        return getattr(row, name), getattr(row, f"get_{name}_display")()

    return column


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
