"""How settlements read: to the merchant each is for, and all of a campaign's to the bureau."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import msgspec
from django.db.models import Count, Q, QuerySet, Sum

from merchants.auth import Caller
from vouchers.models import CashReceipt, Collection, FundingSource, Proposal, Settlement
from vouchers.states import Decision, ProposalKind, SettlementState


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


MOST_SHOWN: Final = 50
_WAITS: Final = Q(state=SettlementState.READY)
_PAID: Final = Q(state=SettlementState.PAID)


@dataclass(frozen=True, slots=True)
class SourcePayouts:
    """What one source has been settled for, in fen: instructed, and waiting for cash. `cash_fen` is
    what came from it and from merchants who paid back, less what it took back."""

    source: str
    cash_fen: int
    paid_count: int
    paid_fen: int
    waiting_count: int
    waiting_fen: int

    @property
    def owed_fen(self) -> int:
        """All that was settled: instructed or waiting."""
        return self.paid_fen + self.waiting_fen

    @property
    def missing_fen(self) -> int:
        """Cash that has to arrive before all that waits can be paid."""
        return max(0, self.owed_fen - self.cash_fen)


class PartlyPaid(NamedTuple):
    """A merchant's day of which one source's payout was instructed and another's waits."""

    business_day: date
    merchant: str
    waiting_fen: int
    paid_fen: int


@dataclass(frozen=True, slots=True)
class Payouts:
    """A campaign's settlements: by source, those partly paid, and those that wait longest."""

    sources: list[SourcePayouts]
    partly_paid: list[PartlyPaid]
    waiting: list[Settlement]


def payouts_of(campaign_id: int) -> Payouts:
    """How a campaign's settlements stand; of the partly paid and the waiting at most 50."""
    settled = Settlement.objects.filter(campaign_id=campaign_id)
    waiting = settled.filter(_WAITS).defer("content").select_related("merchant", "source")
    return Payouts(
        sources=source_payouts(campaign_id),
        partly_paid=_partly_paid(settled),
        waiting=list(waiting.order_by("business_day", "pk")[:MOST_SHOWN]),
    )


def _partly_paid(settled: QuerySet[Settlement]) -> list[PartlyPaid]:
    days: Any = settled.values("business_day", "merchant__name").annotate(
        waiting=Sum("total_fen", filter=_WAITS), paid=Sum("total_fen", filter=_PAID)
    )
    partly = days.filter(paid__isnull=False, waiting__isnull=False)
    named = ("business_day", "merchant__name", "waiting", "paid")
    rows = partly.order_by("business_day", "merchant__name").values_list(*named)
    return [PartlyPaid(*row) for row in rows[:MOST_SHOWN]]


def source_payouts(campaign_id: int) -> list[SourcePayouts]:
    """How each source of a campaign stands, in the order of their codes."""
    settled = Settlement.objects.filter(campaign_id=campaign_id)
    cash_fen = _cash_fen(campaign_id)
    rows: Any = (
        settled.order_by()
        .values("source")
        .annotate(
            paid_count=Count("pk", filter=_PAID),
            paid_fen=Sum("total_fen", filter=_PAID, default=0),
            waiting_count=Count("pk", filter=_WAITS),
            waiting_fen=Sum("total_fen", filter=_WAITS, default=0),
        )
        .values_list("source", "paid_count", "paid_fen", "waiting_count", "waiting_fen")
    )
    found = {source_id: figures for source_id, *figures in rows}
    sources = FundingSource.objects.filter(campaign_id=campaign_id).order_by("code")
    return [
        SourcePayouts(each.name, cash_fen[each.code], *found.get(each.pk, (0, 0, 0, 0)))
        for each in sources
    ]


def _cash_fen(campaign_id: int) -> Counter[str]:
    """By source code what came in and was not repaid."""
    cash: Counter[str] = Counter()
    for came in (CashReceipt, Collection):
        rows: Any = came._default_manager.filter(source__campaign_id=campaign_id).order_by()
        sums = rows.values("source__code").annotate(fen=Sum("amount_fen"))
        cash.update(dict(sums.values_list("source__code", "fen")))
    repaid = Proposal.objects.filter(
        campaign_id=campaign_id,
        kind=ProposalKind.REPAYMENT.value,
        decision__decision=Decision.APPROVED.value,
    )
    for source, fen in repaid.values_list("document__source", "document__amount_fen"):
        cash[source] -= fen
    return cash
