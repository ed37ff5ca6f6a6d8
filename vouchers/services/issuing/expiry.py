"""Expiry: what a tranche's vouchers have not spent goes back, the moment it is due."""

from collections import Counter, defaultdict
from datetime import datetime

from django.db import transaction
from django.db.models import F

from vouchers.models import Tranche
from vouchers.models.issuing.tranches import COUNT_UNSPENT, SUM_RESTS
from vouchers.models.locks import OWN_TRANCHE
from vouchers.models.sandbox import campaign_now
from vouchers.rules.ledger.quotas import Price
from vouchers.services.ledger import quotas
from vouchers.services.ledger.quotas import AllocationShare
from vouchers.services.ledger.voucher_money import post_amounts
from vouchers.services.sandbox import time_in
from vouchers.services.sweeps import for_each
from vouchers.sql.pipeline import raw_connection
from vouchers.states import AccountKind, Cause, TierKind, TrancheState, TransferReason


def expire_tranche(*, tranche_id: int, at: datetime) -> int | None:
    """Expire a tranche that is due: the face of every voucher still issued, and what redemptions by
    percentage left of theirs, goes outstanding → free, one transfer an allocation, and back to its
    quota cells.

    Returns the number of vouchers expired, or None when the tranche is not due or has expired
    before. The vouchers' rows stay as they are: the tranche's state decides. Vouchers authorised
    meanwhile keep their money; a later void returns it to free.
    """
    with transaction.atomic():
        # Waits for every redeem and void of this tranche under way; later ones see it expired.
        OWN_TRANCHE.send(raw_connection(), {"tranche_id": tranche_id}).rows()
        tranche = Tranche.objects.select_for_update(no_key=True).get(pk=tranche_id)
        at = time_in(campaign_id=tranche.campaign_id, at=at)
        if tranche.state != TrancheState.OUTSTANDING or tranche.valid_until_at > at:
            return None
        shares = _unspent(tranche)
        post_amounts(
            campaign_id=tranche.campaign_id,
            amounts=[(share.allocation_id, _price(share), 1) for share in shares],
            reason=TransferReason.EXPIRE,
            cause=Cause.TRANCHE,
            cause_id=tranche_id,
            origin=AccountKind.OUTSTANDING,
            target=AccountKind.FREE,
            at=at,
            per_transfer=1,
        )
        tranche.state = TrancheState.EXPIRED.value
        tranche.expired_at = at
        tranche.save(update_fields=["state", "expired_at"])
        # Quota buckets are locked last.
        quotas.give_back_shares(shares=shares)
    return sum(share.vouchers for share in shares)


def _unspent(tranche: Tranche) -> list[AllocationShare]:
    """By allocation: the number of unused vouchers, and the money in fen left of all."""
    by_tranche = {"tranche_id": tranche.pk}
    fens: dict[int, Counter[int]] = defaultdict(Counter)
    vouchers: Counter[int] = Counter()
    for row in COUNT_UNSPENT.send(raw_connection(), by_tranche).rows():
        vouchers[row.allocation_id] = row.vouchers
        for source_id, share_fen in tranche.split:
            fens[row.allocation_id][source_id] += share_fen * row.vouchers
    if tranche.kind == TierKind.PERCENT:
        for rest in SUM_RESTS.send(raw_connection(), by_tranche).rows():
            fens[rest.allocation_id][rest.source_id] += rest.fen
    return [
        AllocationShare(allocation_id, sorted(by_source.items()), vouchers[allocation_id])
        for allocation_id, by_source in sorted(fens.items())
        if by_source.total()
    ]


def _price(share: AllocationShare) -> Price:
    return Price(sum(fen for _, fen in share.split), tuple(share.split))


def expire_due(*, at: datetime) -> int:
    """Expire every tranche that is due, each in a transaction of its own; returns the vouchers."""
    outstanding = Tranche.objects.filter(state=TrancheState.OUTSTANDING)
    now = campaign_now(at, "campaign__")
    due = outstanding.alias(now=now).filter(valid_until_at__lte=F("now"))
    tranche_ids = due.order_by("valid_until_at", "id").values_list("id", flat=True)
    return sum(for_each(tranche_ids, lambda id_: expire_tranche(tranche_id=id_, at=at) or 0))
