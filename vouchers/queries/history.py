"""The recorded history of a row and its parts, as far as a person's area shows them."""

from collections.abc import Mapping
from typing import Final

from django.apps import apps
from django.db.models import Model, Q, QuerySet

from vouchers.models import SetupChange
from vouchers.queries.roles import SHOWN, Area
from vouchers.sql.history import RECORDED

MODELS: Final[Mapping[str, type[Model]]] = {
    model._meta.db_table: model
    for model in apps.get_models(include_auto_created=True)
    if model._meta.db_table in RECORDED
}
"""The recorded tables."""


def changes_of(row: Model, *, area: Area) -> QuerySet[SetupChange]:
    """Changes of a row and of its parts, the newest first.

    The whole city sees all of them. From a smaller area one sees those of the row itself, and of
    parts that still lie there: what is deleted lies nowhere.
    """
    page = _page_of(row)
    if area.is_city:
        return page
    table = row._meta.db_table
    seen = Q(table_name=table)
    for name, recorded in RECORDED.items():
        model = MODELS[name]
        if recorded.page == table != name and model in SHOWN:
            inside = area.shown(model._default_manager.all()).order_by()
            seen |= Q(table_name=name, row_id__in=inside.values("pk"))
    return page.filter(seen)


def _page_of(row: Model) -> QuerySet[SetupChange]:
    table = row._meta.db_table
    recorded = RECORDED[table]
    if recorded.page == table:
        return SetupChange.objects.filter(page_table=table, page_id=row.pk)
    # A tier or a till, which has a page of its own beside its campaign's or store's.
    changes = SetupChange.objects.filter(
        page_table=recorded.page, page_id=getattr(row, recorded.page_key)
    )
    return changes.filter(table_name=table, row_id=row.pk)
