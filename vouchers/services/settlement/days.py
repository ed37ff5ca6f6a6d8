"""Settling a business day and paying what was settled, within the cash that has arrived."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from merchants.models import Merchant
from vouchers.models import Campaign, FundingSource, Settlement
from vouchers.models.ledger.payouts import SUM_PAYOUT
from vouchers.models.settlement import (
    FIND_OWED,
    FIND_UNSETTLED,
    INSERT_LINES,
    LOCK_UNSETTLED,
    READ_CAPTURED,
    Unsettled,
)
from vouchers.rules.limits.limits import business_day as business_day_of
from vouchers.rules.settlement import (
    Captured,
    Draft,
    Heading,
    Owed,
    file_of,
    missing_fen,
    share_out,
)
from vouchers.services.history import clock, note
from vouchers.services.ledger import funding, quotas
from vouchers.services.ledger.voucher_money import paid_by, post_amounts
from vouchers.services.sandbox import time_in
from vouchers.services.settlement.events import announce_paid, announce_settled
from vouchers.services.sweeps import for_each
from vouchers.sql.pipeline import raw_connection
from vouchers.states import AccountKind, Cause, SettlementState, TransferReason


def settle_day(
    *, campaign: Campaign, business_day: date, at: datetime, by: User | None = None
) -> list[Settlement]:
    """Close a business day: one settlement per merchant and source, with lines and file.

    Takes every captured redemption of that day or before which no settlement has taken, less what
    refunds called back of it; from that it keeps back what the merchant owes for refunds, of that
    day or before, of what was settled earlier. A merchant's day is closed once, each in a
    transaction of its own: running again returns the same settlements, changes nothing, and closes
    the day for merchants that a run which was stopped had left. What is captured or refunded after
    the close goes to the next day. The files are not read into memory. Who asked for it, or the
    clock where `by` is None, stands in the campaign's history with what is closed. Refuses
    `day_not_begun`.
    """
    by = by or clock()
    at = time_in(campaign_id=campaign.pk, at=at)
    if business_day > business_day_of(at, campaign.zone):
        raise Refused("day_not_begun", date=business_day.isoformat())
    facts = {"campaign_id": campaign.pk, "business_day": business_day}
    with connection.wrap_database_errors:
        waiting = FIND_UNSETTLED.send(raw_connection(), facts).rows()
    for_each(waiting, lambda merchant: _settle_merchant(campaign, business_day, merchant, by, at))
    return _settlements_of(campaign, business_day)


def _settle_merchant(
    campaign: Campaign, business_day: date, merchant: Unsettled, by: User, at: datetime
) -> None:
    facts = {"campaign_id": campaign.pk, "business_day": business_day, **merchant._asdict()}
    with transaction.atomic():
        # One settler or collector per campaign at a time; the statements after the lock see what
        # the last one wrote.
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        captured = _unsettled(facts)
        drafts = share_out(captured, _owed(facts) if captured else ())
        _write(campaign, business_day, drafts, at)
        if drafts:
            what = _("business day %(day)s settled, settlements: %(count)s")
            note(campaign, by=by, what=what, at=at, day=business_day, count=len(drafts))


def _settlements_of(campaign: Campaign, business_day: date) -> list[Settlement]:
    made = campaign.settlements.filter(business_day=business_day).defer("content")
    return list(made.order_by("merchant_id", "source_id"))


def pay(*, settlement: Settlement, at: datetime, by: User | None = None) -> bool:
    """Instruct the payout of a settlement; False if that had been done before.

    Cash pays first in, first out by business day: a settlement is paid when what its source has in
    cash covers it, everything paid so far and everything settled earlier that still waits. What
    refunds called back meanwhile is the merchant's debt already, and stays it; what the settlement
    keeps back of debts is free again, and issuable. Who instructed it, or the clock where `by` is
    None, stands in the settlement's history. Refuses `cash_not_received` with what is missing.
    """
    by = by or clock()
    at = time_in(campaign_id=settlement.campaign_id, at=at)
    with transaction.atomic():
        # Payouts of one source queue here, so that no two of them count the same cash.
        source = FundingSource.objects.select_for_update(no_key=True).get(pk=settlement.source_id)
        owed = Settlement.objects.filter(pk=settlement.pk, state=SettlementState.READY)
        if not owed.update(state=SettlementState.PAID, paid_at=at):
            return False
        short_fen = _missing_fen(settlement, source)
        if short_fen:
            raise Refused("cash_not_received", missing_fen=short_fen)
        _post_payout(settlement, at)
        note(settlement, by=by, what=_("payout instructed"), at=at)
        announce_paid(settlement, at=at)
    settlement.refresh_from_db(fields=["state", "paid_at"])
    return True


def settle_and_pay_day(
    *, campaign: Campaign, business_day: date, at: datetime, by: User | None = None
) -> list[Settlement]:
    """Settle a day, then pay what the cash of each source covers, the oldest day first.

    Returns the day's settlements as they then are; those still READY wait for cash.
    """
    by = by or clock()
    settle_day(campaign=campaign, business_day=business_day, at=at, by=by)
    dry: set[int] = set()
    waiting = campaign.settlements.filter(
        state=SettlementState.READY, business_day__lte=business_day
    )
    for settlement in waiting.defer("content").order_by("business_day", "id"):
        if settlement.source_id in dry:
            continue
        try:
            pay(settlement=settlement, at=at, by=by)
        except Refused as refused:
            if refused.refusal.code != "cash_not_received":
                raise
            dry.add(settlement.source_id)
    return _settlements_of(campaign, business_day)


def _unsettled(facts: Mapping[str, object]) -> list[Captured]:
    raw = raw_connection()
    with connection.wrap_database_errors:
        locked = LOCK_UNSETTLED.send(raw, facts).rows()
        ids = {"redemption_ids": [r for r, _ in locked], "voucher_ids": [v for _, v in locked]}
        return READ_CAPTURED.send(raw, ids).rows()


def _owed(facts: Mapping[str, object]) -> list[Owed]:
    with connection.wrap_database_errors:
        return FIND_OWED.send(raw_connection(), facts).rows()


def _write(campaign: Campaign, business_day: date, drafts: Sequence[Draft], at: datetime) -> None:
    if not drafts:
        return
    merchants = Merchant.objects.in_bulk({draft.merchant_id for draft in drafts})
    sources = FundingSource.objects.in_bulk({draft.source_id for draft in drafts})
    settlements = []
    for draft in drafts:
        heading = Heading(
            cell=settings.HUIMIN_CELL,
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
    announce_settled(settlements)


def _write_lines(settlements: Sequence[Settlement], drafts: Sequence[Draft]) -> None:
    lines = [
        (
            settlement.pk,
            line.captured.redemption_id,
            line.captured.voucher_id,
            draft.source_id,
            line.refund.refund_id if line.refund else 0,
            line.amount_fen,
        )
        for settlement, draft in zip(settlements, drafts, strict=True)
        for line in draft.lines
    ]
    columns = (
        "settlement_ids",
        "redemption_ids",
        "voucher_ids",
        "source_ids",
        "refund_ids",
        "amounts_fen",
    )
    facts = dict(zip(columns, map(list, zip(*lines, strict=True)), strict=True))
    with connection.wrap_database_errors:
        INSERT_LINES.send(raw_connection(), facts)


def _missing_fen(settlement: Settlement, source: FundingSource) -> int:
    """What is yet to come before the settlement, by now marked paid, is covered too."""
    earlier = Q(business_day__lt=settlement.business_day) | Q(
        business_day=settlement.business_day, pk__lt=settlement.pk
    )
    waiting = Settlement.objects.filter(earlier, source=source, state=SettlementState.READY)
    owed = waiting.aggregate(fen=Sum("total_fen"))
    return missing_fen(cash_fen=funding.cash_on_hand_fen(source), owed_fen=owed["fen"] or 0)


def _post_payout(settlement: Settlement, at: datetime) -> None:
    """What is paid leaves payable; what is kept back of debts is free again, and issuable."""
    with connection.wrap_database_errors:
        rows = SUM_PAYOUT.send(raw_connection(), {"settlement_id": settlement.pk}).rows()
    paid = paid_by(settlement.source_id, [(row.allocation_id, row.settled_fen) for row in rows])
    netted = paid_by(settlement.source_id, [(row.allocation_id, row.netted_fen) for row in rows])
    for reason, amounts, origin, target in (
        (TransferReason.SETTLE, paid, AccountKind.PAYABLE, AccountKind.SETTLED),
        (TransferReason.NET, netted, AccountKind.RECOVERABLE, AccountKind.FREE),
    ):
        post_amounts(
            campaign_id=settlement.campaign_id,
            amounts=amounts,
            reason=reason,
            cause=Cause.SETTLEMENT,
            cause_id=settlement.pk,
            origin=origin,
            target=target,
            at=at,
        )
    # Quota buckets are locked last.
    quotas.give_back_shares(
        shares=[
            quotas.AllocationShare(allocation_id, price.split, 0)
            for allocation_id, price, _ in netted
        ]
    )
