"""Minting shards into tranches."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from psycopg import sql

from vouchers.models import Run, Shard, Tranche
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.issuing.tranches import (
    ATTACH_TRANCHE,
    OPEN_TRANCHE,
    READ_PEOPLE,
    WRITE_VOUCHERS,
    People,
)
from vouchers.models.locks import SHARE_TERMS
from vouchers.rules.ledger.quotas import Price
from vouchers.services.issuing.leases import LeaseLostError, hold_shard
from vouchers.services.issuing.notices import announce_vouchers
from vouchers.services.issuing.runs import PROGRESS_RESERVED_PCT, finish
from vouchers.services.ledger import quotas
from vouchers.services.ledger.voucher_money import post_amounts
from vouchers.services.sandbox import time_in
from vouchers.sql.copying import HEADER, TRAILER, binary_rows
from vouchers.sql.pipeline import raw_connection
from vouchers.states import (
    AccountKind,
    Cause,
    RunState,
    ShardState,
    TransferReason,
    VoucherState,
)

COPY_ROWS = 65_536
"""Rows made at once; 50 bytes each."""


def mint_shard(*, shard_id: int, fence: int, at: datetime) -> Tranche:
    """Mint a leased shard into a tranche, in one transaction.

    The vouchers are copied into a table that is not attached yet; it is indexed and attached,
    reserved → outstanding posted and the shard marked done in the same commit. Killed at any point,
    nothing of it remains and the shard's lease runs out. Raises LeaseLostError for a stale token.
    """
    with transaction.atomic():
        shard = hold_shard(shard_id=shard_id, fence=fence)
        campaign = shard.run.campaign
        at = time_in(campaign_id=campaign.pk, at=at) if campaign.is_test else at
        price = quotas.prices_of([shard.tier_id])[shard.tier_id]
        tranche = _create_tranche(shard, price, at)
        people = people_of(shard)
        _write_vouchers(tranche.pk, people)
        post_shard(
            shard,
            counts_of(people),
            price,
            reason=TransferReason.MINT,
            target=AccountKind.OUTSTANDING,
            at=at,
        )
        announce_vouchers(shard=shard, tranche=tranche, resident_ids=people.resident_ids, at=at)
        Shard.objects.filter(pk=shard.pk).update(state=ShardState.DONE, lease_until_at=None)
        _advance_run(shard.run_id, at)
        # Attached last: until the commit no other session can attach.
        ATTACH_TRANCHE.send(raw_connection(), {"tranche_id": tranche.pk}).rows()
    return tranche


def _create_tranche(shard: Shard, price: Price, at: datetime) -> Tranche:
    """The terms in force frozen into the row; valid from now, or from the campaign's start."""
    run, tier = shard.run, shard.tier
    campaign = run.campaign
    # An amendment approved since the shard was read has widened these; the next one waits.
    SHARE_TERMS.send(raw_connection(), {"campaign_id": campaign.pk}).rows()
    campaign.refresh_from_db(fields=["terms", "starts_at", "ends_at", "validity_s"])
    assert campaign.terms_id is not None  # of every launched campaign: approved_campaign_has_terms
    valid_from_at = max(at, campaign.starts_at)
    valid_until_at = valid_from_at + timedelta(seconds=campaign.validity_s)
    return Tranche.objects.create(
        campaign=campaign,
        tier=tier,
        round_id=run.round_id,
        shard=shard,
        terms_id=campaign.terms_id,
        voucher_count=shard.voucher_count,
        kind=tier.kind,
        face_fen=tier.face_fen,
        threshold_fen=tier.threshold_fen,
        threshold_basis=tier.threshold_basis,
        percent_bp=tier.percent_bp,
        split=[list(share) for share in price.split],
        valid_from_at=valid_from_at,
        valid_until_at=min(valid_until_at, campaign.ends_at),
        minted_at=at,
    )


def _write_vouchers(tranche_id: int, people: People) -> None:
    """COPY the vouchers, in serial order, into the tranche's own table."""
    (table,) = OPEN_TRANCHE.send(raw_connection(), {"tranche_id": tranche_id}).rows()
    statement = sql.SQL(WRITE_VOUCHERS).format(table=sql.Identifier(table))
    size = people.resident_ids.size
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER)
        for start in range(0, size, COPY_ROWS):
            rows = slice(start, min(start + COPY_ROWS, size))
            serials = np.arange(rows.start, rows.stop, dtype=np.int64)
            copy.write(
                binary_rows(
                    [
                        (tranche_id << SERIAL_BITS) + serials,
                        people.resident_ids[rows],
                        people.allocation_ids[rows],
                        people.buckets[rows],
                        np.full(serials.size, VoucherState.ISSUED, dtype=np.int16),
                    ]
                )
            )
        copy.write(TRAILER)


def _advance_run(run_id: int, at: datetime) -> None:
    """Count the shards under the run's lock, so that of two last ones the later sees both."""
    run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.state != RunState.RESERVED:
        raise LeaseLostError(f"run {run_id} is {run.state}")
    states = Shard.objects.filter(run_id=run_id).order_by().values_list("state", flat=True)
    done, total = sum(state == ShardState.DONE for state in states), len(states)
    if done == total:
        finish(run=run, at=at)
        return
    run.progress_pct = PROGRESS_RESERVED_PCT + (100 - PROGRESS_RESERVED_PCT) * done // total
    run.save(update_fields=["progress_pct"])


def people_of(shard: Shard) -> People:
    """Who gets the vouchers of a shard."""
    (people,) = READ_PEOPLE.send(raw_connection(), {"shard_id": shard.pk}).rows()
    return people


def counts_of(people: People) -> Mapping[int, int]:
    """Vouchers by allocation."""
    found, counts = np.unique(people.allocation_ids, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def post_shard(
    shard: Shard,
    counts: Mapping[int, int],
    price: Price,
    *,
    reason: TransferReason,
    target: AccountKind,
    at: datetime,
) -> None:
    """Move what was reserved for a shard."""
    post_amounts(
        campaign_id=shard.run.campaign_id,
        amounts=[(allocation_id, price, count) for allocation_id, count in counts.items()],
        reason=reason,
        cause=Cause.SHARD,
        cause_id=shard.pk,
        origin=AccountKind.RESERVED,
        target=target,
        at=at,
    )
