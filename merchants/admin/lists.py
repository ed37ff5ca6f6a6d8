"""Lists of tables that grow: one page by primary key, the newest first, continued after a key.

A page of Django's own lists counts the whole table and skips the pages before it. Both take time by
the size of the table, on every click. Here a page reads one row more than it shows, by the primary
key's index; the next page's address names the last key shown (`?after=`). There is no total, no
page number, no sorting by column and no act on rows that are not on the page.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

AFTER = "after"
"""The parameter of an address that names the last key of the page before."""
MOST_SUGGESTED = 50
"""Rows offered by a field that completes what is typed; more letters narrow them."""


class KeysetPaginator(Paginator):  # type: ignore[type-arg]  # not subscriptable at run time
    """The first page of anything, without a count: what a completing field shows."""

    template_name = "merchants/next_page.html"

    @cached_property
    def count(self) -> int:
        """Rows of this page; there is no total."""
        return len(self.rows)

    @cached_property
    def rows(self) -> Sequence[Model]:
        """The first rows."""
        return list(self.object_list[:MOST_SUGGESTED])

    def page(self, number: int | str) -> Page:  # type: ignore[type-arg]
        """The only page, whatever is asked for."""
        return Page(self.rows, 1, self)

    @property
    def num_pages(self) -> int:
        return 1


class KeysetChangeList(ChangeList):
    """One page of rows by descending primary key, after the key named in the address."""

    after: Any = None
    next_after: Any = None
    """The key to go on after; None on the last page."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """The rows that filters and search leave, as Django has them; the place in the list is no
        filter."""
        self.params.pop(AFTER, None)
        self.filter_params.pop(AFTER, None)
        if AFTER in request.GET:
            self.after = self._key(request, request.GET[AFTER])
        return super().get_queryset(request, exclude_parameters)

    def _key(self, request: HttpRequest, text: str) -> Any:
        try:
            return self.lookup_opts.pk.to_python(text)
        except ValidationError:
            messages.error(request, gettext("There is no such page; this is the first."))
            return None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return ["-pk"]

    def get_ordering_field_columns(self) -> dict[int, str]:
        return {}

    def get_results(self, request: HttpRequest) -> None:
        """A row more than the page shows says whether there is a next one."""
        rows = self.queryset if self.after is None else self.rows_after(self.after)
        found = list(rows[: self.list_per_page + 1])
        self.result_list = found[: self.list_per_page]
        self.next_after = found[self.list_per_page - 1].pk if self._goes_on(found) else None
        # What Django's templates ask for, for this page only: the total is not counted.
        self.result_count = len(self.result_list)
        self.full_result_count = self.result_count
        self.show_full_result_count = False
        self.show_admin_actions = bool(found)
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, rows, self.list_per_page)

    def rows_after(self, key: Any) -> QuerySet[Any]:
        """The rows behind the one of this key."""
        return self.queryset.filter(pk__lt=key)

    def _goes_on(self, found: list[Any]) -> bool:
        return len(found) > self.list_per_page

    @property
    def next_query(self) -> str:
        """The next page's part of the address."""
        return str(self.get_query_string({AFTER: self.next_after}))

    @property
    def first_query(self) -> str:
        """The first page's part of the address."""
        return str(self.get_query_string())


class QueueChangeList(KeysetChangeList):
    """One page of rows by deadline, then by key, after the row of the key named in the address."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return ["deadline_at", "pk"]

    def rows_after(self, key: Any) -> QuerySet[Any]:
        """The rows due later than the one of this key; none behind a row that does not exist."""
        row = self.model._base_manager.filter(pk=key).first()
        if row is None:
            return self.queryset.none()
        due = self.queryset.filter(deadline_at__gte=row.deadline_at)
        return due.exclude(deadline_at=row.deadline_at, pk__lte=key)


def _asked(model: type[Model], list_filter: Any) -> set[str]:
    """The parameters of a filter: its own, or Django's on a column or what the column refers to."""
    if isinstance(list_filter, type):
        return {str(list_filter.parameter_name)}  # type: ignore[attr-defined]
    name = list_filter if isinstance(list_filter, str) else list_filter[0]
    field: Any = get_fields_from_path(model, name)[-1]
    of_row = field.target_field.name if field.is_relation and field.concrete else "id"
    asked = ("exact", f"{of_row}__exact", "isnull", "isempty")
    return {name, *(f"{name}__{of}" for of in asked)}


class KeysetLists:
    """A list by key. Actions on rows are off: they could be sent for all pages at once."""

    model: Any
    nothing_yet: ClassVar[Any] = ""
    """What an empty list says: what it will hold, and what to do for it."""
    list_filter: ClassVar[Any] = ()
    actions: ClassVar[Any] = None
    paginator: ClassVar[Any] = KeysetPaginator
    sortable_by: ClassVar[Any] = ()
    show_full_result_count: ClassVar = False
    show_facets: ClassVar = ShowFacets.NEVER
    list_max_show_all: ClassVar = 0
    list_per_page: ClassVar = 50
    # For fields that complete what is typed; the list itself is by key whatever this says.
    ordering: ClassVar[Any] = ["-pk"]

    @display(description=_("no."))
    def row_no(self, row: Model) -> Any:
        """The row's number; the name that Django gives this column has no translation."""
        return row.pk

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what a filter of the list asks; an address could name any column and comparison."""
        return any(lookup in _asked(self.model, each) for each in self.list_filter)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[KeysetChangeList]:
        return KeysetChangeList
