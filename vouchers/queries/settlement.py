"""How a settlement reads to the merchant it is for, and which ones a caller may read."""

from datetime import date, datetime

import msgspec
from django.db.models import QuerySet

from merchants.auth import Caller
from vouchers.models import Settlement


class SettlementDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A settlement without its file."""

    id: int
    campaign: str
    merchant: str
    # The funding source that owes it.
    source: str
    business_day: date
    line_count: int
    total_fen: int
    # Of the file, in hexadecimal digits.
    sha256: str
    state: str
    closed_at: datetime
    # When its payout was instructed; none while it waits for cash.
    paid_at: datetime | None = None


def settlement_details(settlement: Settlement) -> SettlementDetails:
    """A settlement as it stands now; `campaign`, `merchant` and `source` are read."""
    return SettlementDetails(
        id=settlement.pk,
        campaign=settlement.campaign.code,
        merchant=settlement.merchant.code,
        source=settlement.source.code,
        business_day=settlement.business_day,
        line_count=settlement.line_count,
        total_fen=settlement.total_fen,
        sha256=bytes(settlement.sha256).hex(),
        state=settlement.state,
        closed_at=settlement.closed_at,
        paid_at=settlement.paid_at,
    )


def settlements_of(
    caller: Caller,
    *,
    campaign: str | None = None,
    merchant: str | None = None,
    business_day: date | None = None,
    after_id: int = 0,
) -> QuerySet[Settlement]:
    """The settlements of the caller's merchants that fit everything named, without their files and
    in the order they were made. Others' are as if absent, and so is the sandbox to live keys and
    the other way round."""
    found = Settlement.objects.filter(
        merchant_id__in=caller.merchant_ids, campaign__is_test=caller.is_test, pk__gt=after_id
    )
    if campaign is not None:
        found = found.filter(campaign__code=campaign)
    if merchant is not None:
        found = found.filter(merchant__code__iexact=merchant)
    if business_day is not None:
        found = found.filter(business_day=business_day)
    return found.select_related("campaign", "merchant", "source").defer("content").order_by("pk")
