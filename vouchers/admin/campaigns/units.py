"""Columns of the terms in their units: typed and shown in yuan and per cent."""

from typing import Any

from django.db.models import BigIntegerField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from vouchers.admin.base import money
from vouchers.admin.fields import PercentField, YuanField
from vouchers.admin.words import percent

YUAN_LABELS = {
    "face_fen": _("Face value, yuan"),
    "threshold_fen": _("Threshold, yuan"),
    "amount_fen": _("Share of the face, yuan"),
    "limit_fen": _("Most subsidy, yuan"),
    "cap_fen": _("Cap, yuan"),
}


SHOWN = {
    "face_fen": "face",
    "threshold_fen": "threshold",
    "percent_bp": "percent",
    "amount_fen": "amount",
    "limit_fen": "limit",
    "cap_fen": "cap",
}
"""The columns that show, where nothing is edited, what these are typed in."""


class UnitFields:
    """Amounts are typed and shown in yuan, percentages in per cent."""

    face = money("face_fen", _("face value"))
    threshold = money("threshold_fen", _("threshold"))
    amount = money("amount_fen", _("share of the face"))
    limit = money("limit_fen", _("most subsidy"))
    cap = money("cap_fen", _("money at most"))

    @display(description=_("percentage off"), ordering="percent_bp", empty_value="–")
    def percent(self, tier: Any) -> str | None:
        return None if tier.percent_bp is None else percent(tier.percent_bp)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        page: Any = super()
        if isinstance(db_field, BigIntegerField) and db_field.name in YUAN_LABELS:
            return YuanField(
                label=YUAN_LABELS[db_field.name],
                required=not db_field.blank,
                initial=db_field.get_default() if db_field.has_default() else None,
            )
        if db_field.name == "percent_bp":
            return PercentField(label=_("Percentage off, %"), required=not db_field.blank)
        return page.formfield_for_dbfield(db_field, request, **options)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """As they are typed, or where nothing may be edited as they are shown."""
        page: Any = self
        fields = page.fields
        if obj is None or page.has_change_permission(request, obj):
            return fields
        return [SHOWN.get(name, name) for name in fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The columns that only show."""
        page: Any = super()
        return [*page.get_readonly_fields(request, obj), *SHOWN.values()]
