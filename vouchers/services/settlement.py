"""Settling a business day and paying what was settled, within the cash that has arrived."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Q, Sum

from merchants.errors import Refused
from merchants.models import Merchant
from vouchers.models import Campaign, FundingSource, Settlement
from vouchers.models.settlement import INSERT_LINES, LOCK_UNSETTLED, SUM_BY_ALLOCATION
from vouchers.rules.fraud import business_day as business_day_of
from vouchers.rules.settlement import Captured, Draft, Heading, file_of, missing_fen, share_out
from vouchers.services import ledger
from vouchers.states import AccountKind, Cause, SettlementState, TransferReason

# A line of a transfer is numbered with 16 bits.
POSTING_LINES = 30_000


def settle_day(*, campaign: Campaign, business_day: date, at: datetime) -> list[Settlement]:
    """Close a business day: one settlement per merchant and source, with lines and file.

    Takes every captured redemption of that day or before which no settlement has taken. A
    merchant's day is closed once: running again returns the same settlements and changes nothing,
    and what is captured after the close goes to the next day. Refuses `day_not_begun`.
    """
    if business_day > business_day_of(at, campaign.zone):
        raise Refused("day_not_begun", business_day=business_day.isoformat())
    with transaction.atomic():
        # One settler per campaign at a time; the statements after it see what the last one wrote.
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        drafts = share_out(_unsettled(campaign, business_day))
        _write(campaign, business_day, drafts, at)
    return list(
        campaign.settlements.filter(business_day=business_day).order_by("merchant_id", "source_id")
    )


def pay(*, settlement: Settlement, at: datetime) -> bool:
    """Instruct the payout of a settlement; False if that had been done before.

    Cash pays first in, first out by business day: a settlement is paid when what its source has
    sent covers it, everything paid so far and everything settled earlier that still waits.
    Refuses `cash_not_received` with what is missing.
    """
    with transaction.atomic():
        # Payouts of one source queue here, so that no two of them count the same cash.
        FundingSource.objects.select_for_update(no_key=True).get(pk=settlement.source_id)
        owed = Settlement.objects.filter(pk=settlement.pk, state=SettlementState.READY)
        if not owed.update(state=SettlementState.PAID, paid_at=at):
            return False
        short_fen = _missing_fen(settlement)
        if short_fen:
            raise Refused("cash_not_received", missing_fen=short_fen)
        _post_payout(settlement, at)
    settlement.refresh_from_db(fields=["state", "paid_at"])
    return True


def settle_and_pay_day(*, campaign: Campaign, business_day: date, at: datetime) -> list[Settlement]:
    """Settle a day, then pay whatever the cash of each source covers, the oldest day first.

    Returns the day's settlements as they then are; those still READY wait for cash.
    """
    settle_day(campaign=campaign, business_day=business_day, at=at)
    dry: set[int] = set()
    waiting = campaign.settlements.filter(
        state=SettlementState.READY, business_day__lte=business_day
    )
    for settlement in waiting.order_by("business_day", "id"):
        if settlement.source_id in dry:
            continue
        try:
            pay(settlement=settlement, at=at)
        except Refused as refused:
            if refused.refusal.code != "cash_not_received":
                raise
            dry.add(settlement.source_id)
    return list(
        campaign.settlements.filter(business_day=business_day).order_by("merchant_id", "source_id")
    )


def _unsettled(campaign: Campaign, business_day: date) -> list[Captured]:
    raw = connection.connection
    assert raw is not None
    facts = {"campaign_id": campaign.pk, "business_day": business_day}
    with connection.wrap_database_errors:
        return LOCK_UNSETTLED.send(raw, facts).rows()


def _write(campaign: Campaign, business_day: date, drafts: Sequence[Draft], at: datetime) -> None:
    if not drafts:
        return
    merchants = Merchant.objects.in_bulk({draft.merchant_id for draft in drafts})
    sources = FundingSource.objects.in_bulk({draft.source_id for draft in drafts})
    settlements = []
    for draft in drafts:
        heading = Heading(
            campaign=campaign.code,
            settlement_day=business_day,
            merchant=merchants[draft.merchant_id].code,
            source=sources[draft.source_id].code,
            zone=campaign.zone,
        )
        content = file_of(draft, heading)
        settlements.append(
            Settlement(
                campaign=campaign,
                merchant_id=draft.merchant_id,
                source_id=draft.source_id,
                business_day=business_day,
                line_count=len(draft.lines),
                total_fen=draft.total_fen,
                content=content,
                sha256=hashlib.sha256(content).digest(),
                closed_at=at,
            )
        )
    Settlement.objects.bulk_create(settlements, batch_size=1000)
    _write_lines(settlements, drafts)


def _write_lines(settlements: Sequence[Settlement], drafts: Sequence[Draft]) -> None:
    lines = [
        (settlement.pk, line.captured.redemption_id, draft.source_id, line.amount_fen)
        for settlement, draft in zip(settlements, drafts, strict=True)
        for line in draft.lines
    ]
    columns = ("settlement_ids", "redemption_ids", "source_ids", "amounts_fen")
    raw = connection.connection
    assert raw is not None
    with connection.wrap_database_errors:
        INSERT_LINES.send(raw, dict(zip(columns, map(list, zip(*lines, strict=True)), strict=True)))


def _missing_fen(settlement: Settlement) -> int:
    """What its source has yet to send before the settlement, by now marked paid, is covered."""
    earlier = Q(business_day__lt=settlement.business_day) | Q(
        business_day=settlement.business_day, pk__lt=settlement.pk
    )
    owed = Settlement.objects.filter(
        Q(state=SettlementState.PAID) | earlier, source_id=settlement.source_id
    ).aggregate(fen=Sum("total_fen"))
    received = ledger.cash_received_fen([settlement.source_id])
    return missing_fen(
        received_fen=received.get(settlement.source_id, 0), owed_fen=owed["fen"] or 0
    )


def _post_payout(settlement: Settlement, at: datetime) -> None:
    raw = connection.connection
    assert raw is not None
    accounts = ledger.account_ids(settlement.campaign_id)
    with connection.wrap_database_errors:
        sums = SUM_BY_ALLOCATION.send(raw, {"settlement_id": settlement.pk}).rows()
    lines = [
        line
        for allocation_id, amount_fen in sums
        for line in ledger.move_lines(
            accounts,
            split=[(settlement.source_id, amount_fen)],
            allocation_id=allocation_id,
            origin=AccountKind.PAYABLE,
            target=AccountKind.SETTLED,
        )
    ]
    ledger.post(
        postings=[
            ledger.Posting(
                campaign_id=settlement.campaign_id,
                reason=TransferReason.SETTLE,
                cause=Cause.SETTLEMENT,
                cause_id=settlement.pk,
                at=at,
                lines=lines[start : start + POSTING_LINES],
            )
            for start in range(0, len(lines), POSTING_LINES)
        ]
    )
