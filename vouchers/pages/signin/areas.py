"""Limits every page of the admin to the areas of a person's grants.

The site applies it to each page that is registered, ours and other packages': no page is without
it, and none has to ask for it.
"""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

from django.contrib.admin import RelatedFieldListFilter
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from vouchers.services.roles import view_area, visible

KEYS = ("object_id", "id")
"""Names under which addresses hold the key of the row that a page is about."""


class VisibleRows:
    """Rows and choices that the person may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists, searches, autocompletes, exports and acts begin with these."""
        base: Any = super()
        return visible(request.user, base.get_queryset(request), at=timezone.now())

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> Any:
        """The same for the choices of a foreign key."""
        base: Any = super()
        rows = base.get_field_queryset(db, db_field, request)
        if rows is None:
            rows = db_field.remote_field.model._default_manager.using(db)
        return visible(request.user, rows, at=timezone.now())


class VisibleChoices(RelatedFieldListFilter):
    """A filter by related rows that offers those which the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """Key and name of each."""
        seen = visible(
            request.user, field.remote_field.model._default_manager.all(), at=timezone.now()
        )
        return field.get_choices(
            include_blank=False,
            ordering=self.field_admin_ordering(field, request, model_admin),
            limit_choices_to={"pk__in": seen.values("pk")},
        )


class InArea(VisibleRows):
    """A page of the admin for one model."""

    model: type[Model]
    admin_site: Any

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Rows below a row are limited too; tables of which nothing is shown are left out."""
        base: Any = super()
        return [
            limited(inline)
            for inline in base.get_inlines(request, obj)
            if view_area(request.user, inline.model, at=timezone.now()).shows(inline.model)
        ]

    def get_list_filter(self, request: HttpRequest) -> Sequence[Any]:
        """Filters by related rows offer the visible ones."""
        base: Any = super()
        return [
            (each, VisibleChoices) if isinstance(each, str) and self._is_related(each) else each
            for each in base.get_list_filter(request)
        ]

    def _is_related(self, path: str) -> bool:
        return bool(get_fields_from_path(self.model, path)[-1].remote_field)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Every address that names a row is answered as absent (404) where the row is outside."""
        base: Any = super()
        return [self._gated(each) for each in base.get_urls()]

    def _gated(self, pattern: URLPattern | URLResolver) -> URLPattern | URLResolver:
        key = next((name for name in KEYS if name in pattern.pattern.converters), None)
        if key is None or not isinstance(pattern, URLPattern):
            return pattern
        gated = self._gate(pattern.callback, key)
        return URLPattern(pattern.pattern, gated, pattern.default_args, pattern.name)

    def _gate(
        self, view: Callable[..., HttpResponseBase], key: str
    ) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def gate(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            page: Any = self
            # Visitors are led to the sign-in, and a role that may not see the model is refused.
            may_ask = self.admin_site.has_permission(request) and page.has_view_permission(request)
            if may_ask and page.get_object(request, unquote(str(named[key]))) is None:
                raise Http404
            return view(request, *arguments, **named)

        return gate


@cache
def limited(page: Any) -> Any:
    """A subclass of an inline that shows visible rows only."""
    return type(page.__name__, (VisibleRows, page), {})


@cache
def in_area(page: Any) -> Any:
    """A subclass of a page that stays inside the areas of the person's grants."""
    return type(page.__name__, (InArea, page), {})
