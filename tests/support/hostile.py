"""Names that would be markup if a page did not write them as text."""

from typing import Any, Final

from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Concat
from django.utils.html import escape

from merchants.models import District, Merchant, Store, Street
from vouchers.models import Campaign

SCRIPT: Final = "<script>x</script>"


def with_scripts(draft: Campaign) -> Campaign:
    """The draft with markup behind all of its names, and those of merchants, stores and places."""
    for model in (Merchant, Store, District, Street):
        _marked(model._default_manager.all(), "name")
    for rows in (draft.tiers.all(), draft.sources.all()):
        _marked(rows, "name")
    _marked(Store.objects.all(), "category")
    _marked(Campaign.objects.filter(pk=draft.pk), "name", "organiser", "operator")
    draft.refresh_from_db()
    return draft


def _marked(rows: QuerySet[Any], *columns: str) -> None:
    for column in columns:
        marked = Concat(column, Value(SCRIPT), output_field=TextField())
        rows.update(**{column: marked})


def shows_as_text(content: bytes, where: object) -> bool:
    """Whether a page shows one of the names; none of them as markup."""
    assert SCRIPT.encode() not in content, where
    return escape(SCRIPT).encode() in content
