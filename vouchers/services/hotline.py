"""Look-ups for people who call: a voucher by what they have in hand. Every one leaves a line."""

from datetime import date, datetime
from enum import StrEnum

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop as _

from vouchers.models import Redemption, Resident, Voucher
from vouchers.rules.issuing.codes import decode, numbered, typed
from vouchers.services.history import note, note_without_row
from vouchers.services.roles import ANYWHERE, require_permission, visible

MOST_FOUND = 50
"""Vouchers shown of one look-up, the newest first."""


class FoundBy(StrEnum):
    """What a caller can read out."""

    VOUCHER = "voucher"
    RESIDENT = "resident"
    ORDER = "order"
    RECEIPT = "receipt"


def look_up(
    *,
    found_by: FoundBy,
    number: str,
    business_day: date | None,
    reason: str,
    by: User,
    at: datetime,
) -> list[Voucher]:
    """Vouchers by printed code (or tranche-serial), holder, or the number of an order or a receipt
    of one business day; at most 50, and none of holders outside the areas of the user's grants.

    The look-up is written with its reason into the history of each holder that is found, or of
    vouchers in general when none is. Refuses `not_permitted`.
    """
    require_permission(by, "vouchers.view_voucher", at=at, on=ANYWHERE)
    with transaction.atomic():
        found = visible(by, _found(found_by, number.strip(), business_day), at=at)
        vouchers = list(found[:MOST_FOUND])
        what = _("looked up by %(found_by)s")
        for holder in Resident.objects.filter(pk__in={row.resident_id for row in vouchers}):
            note(holder, by=by, what=what, at=at, found_by=found_by, reason=reason)
        if not vouchers:
            note_without_row(
                Voucher, number, by=by, what=what, at=at, found_by=found_by, reason=reason
            )
    return vouchers


def _found(found_by: FoundBy, number: str, day: date | None) -> QuerySet[Voucher]:
    vouchers = Voucher.objects.select_related("resident").order_by("-id")
    if found_by is FoundBy.VOUCHER:
        voucher_id = decode(typed(number), settings.HUIMIN_CODE_KEY) or numbered(number)
        return vouchers.none() if voucher_id is None else vouchers.filter(pk=voucher_id)
    if found_by is FoundBy.RESIDENT:
        return vouchers.filter(resident__external_id=number)
    if day is None:
        return vouchers.none()
    column = "order_no" if found_by is FoundBy.ORDER else "receipt_no"
    # Upper and lower case are one number.
    redemptions = Redemption.objects.filter(business_day=day, **{f"{column}__iexact": number})
    return vouchers.filter(pk__in=list(redemptions.values_list("voucher_id", flat=True)))
