"""Collection (补贴追回): a merchant pays back what no settlement can keep back any more."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection, transaction

from merchants.errors import Refused
from merchants.models import Merchant
from vouchers.models import Campaign, Collection, CollectionLine, FundingSource
from vouchers.models.settlement import FIND_DEBTS, Debt
from vouchers.rules.ledger.amounts import check_amount_fen
from vouchers.services.ledger import quotas
from vouchers.services.ledger.voucher_money import paid_by, post_amounts
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection
from vouchers.states import AccountKind, Cause, TransferReason


def collect(
    *,
    campaign: Campaign,
    merchant: Merchant,
    source: FundingSource,
    amount_fen: int,
    document_no: str,
    request_id: str,
    by: User,
    at: datetime,
) -> Collection:
    """Record money that a merchant has paid back to a source; it clears their oldest refunds first
    and is free again, and issuable. The same request id again returns the first collection.

    Refuses `not_permitted`, as `check_amount_fen` does, `more_than_owed` with what is owed (what a
    settlement keeps back is not owed any more), and `request_id_reused` when a repeated request
    differs.
    """
    require_permission(by, "vouchers.add_collection", at=at)
    refuse(check_amount_fen(amount_fen))
    with refused_by_database(), transaction.atomic():
        # One settler or collector per campaign at a time; what follows sees what the last wrote.
        Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        collection, is_new = Collection.objects.get_or_create(
            request_id=request_id,
            defaults={
                "campaign": campaign,
                "merchant": merchant,
                "source": source,
                "amount_fen": amount_fen,
                "document_no": document_no,
                "recorded_by": by.get_username(),
                "received_at": at,
            },
        )
        if is_new:
            _clear(collection)
        else:
            _check_same(collection, (campaign.pk, merchant.pk, source.pk, amount_fen, document_no))
    return collection


def _check_same(collection: Collection, said: tuple[int, int, int, int, str]) -> None:
    before = (
        collection.campaign_id,
        collection.merchant_id,
        collection.source_id,
        collection.amount_fen,
        collection.document_no,
    )
    if said != before:
        raise Refused("request_id_reused", request_id=collection.request_id)


def _clear(collection: Collection) -> None:
    with connection.wrap_database_errors:
        debts = FIND_DEBTS.send(
            raw_connection(),
            {
                "campaign_id": collection.campaign_id,
                "merchant_id": collection.merchant_id,
                "source_id": collection.source_id,
            },
        ).rows()
    owed_fen = sum(debt.owed_fen for debt in debts)
    if collection.amount_fen > owed_fen:
        raise Refused("more_than_owed", owed_fen=owed_fen, amount_fen=collection.amount_fen)
    cleared = _oldest_first(debts, collection.amount_fen)
    CollectionLine.objects.bulk_create(
        CollectionLine(
            collection=collection,
            refund_id=debt.refund_id,
            source_id=collection.source_id,
            amount_fen=debt.owed_fen,
        )
        for debt in cleared
    )
    _post(collection, cleared)


def _oldest_first(debts: Sequence[Debt], amount_fen: int) -> list[Debt]:
    """The debts that an amount clears, the oldest first; the last may be cleared in part."""
    cleared = []
    for debt in debts:
        part_fen = min(debt.owed_fen, amount_fen)
        if not part_fen:
            break
        cleared.append(debt._replace(owed_fen=part_fen))
        amount_fen -= part_fen
    return cleared


def _post(collection: Collection, cleared: Sequence[Debt]) -> None:
    by_allocation: dict[int, int] = {}
    for debt in cleared:
        so_far_fen = by_allocation.get(debt.allocation_id, 0)
        by_allocation[debt.allocation_id] = so_far_fen + debt.owed_fen
    amounts = paid_by(collection.source_id, sorted(by_allocation.items()))
    post_amounts(
        campaign_id=collection.campaign_id,
        amounts=amounts,
        reason=TransferReason.COLLECT,
        cause=Cause.COLLECTION,
        cause_id=collection.pk,
        origin=AccountKind.RECOVERABLE,
        target=AccountKind.FREE,
        at=collection.received_at,
    )
    # Quota buckets are locked last.
    quotas.give_back_shares(
        shares=[
            quotas.AllocationShare(allocation_id, price.split, 0)
            for allocation_id, price, _ in amounts
        ]
    )
