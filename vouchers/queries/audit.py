"""The sums the audit judges the books by: one scan of each large table, little comes back."""

from collections.abc import Iterator
from itertools import starmap
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from django.db.models import Count, Sum

from vouchers.models import Allocation, FundingSource, QuotaCell, Shard, TierSplit, Tranche
from vouchers.models.distribution import SERIAL_BITS
from vouchers.models.statements import Statement
from vouchers.rules import audit as rules
from vouchers.states import (
    RedemptionState,
    RunState,
    SettlementState,
    ShardState,
    TierKind,
    TrancheState,
)

SUM_LEGS: Statement[rules.Balance] = Statement(
    """
    SELECT a.campaign_id, a.source_id, a.kind, sums.allocation_id, sums.fen
      FROM (SELECT account_id, allocation_id, sum(amount_fen)::bigint AS fen
              FROM vouchers_leg GROUP BY account_id, allocation_id) AS sums
      JOIN vouchers_account a ON a.id = sums.account_id
    """,
    rules.Balance._make,
)
COUNT_VOUCHERS: Statement[rules.Vouchers] = Statement(
    f"""
    SELECT id >> {SERIAL_BITS}, allocation_id, state, count(*),
           min(id & {(1 << SERIAL_BITS) - 1}), max(id & {(1 << SERIAL_BITS) - 1})
      FROM vouchers_voucher
     GROUP BY 1, 2, 3
    """,
    rules.Vouchers._make,
)
# Equal splits are counted before they are unfolded.
SUM_REDEMPTIONS: Statement[rules.Redeemed] = Statement(
    f"""
    WITH alike AS (
        SELECT campaign_id, allocation_id, state, split, count(*) AS n
          FROM vouchers_redemption
         WHERE state IN ({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})
         GROUP BY campaign_id, allocation_id, state, split)
    SELECT campaign_id, (share->>0)::bigint, allocation_id, state,
           sum((share->>1)::bigint * n)::bigint
      FROM alike CROSS JOIN jsonb_array_elements(split) AS share
     GROUP BY 1, 2, 3, 4
    """,
    rules.Redeemed._make,
)
# A full face leaves nothing, so only percentages are looked at.
SUM_RESTS: Statement[rules.Rest] = Statement(
    f"""
    WITH alike AS (
        SELECT r.campaign_id, r.allocation_id, t.split AS face, r.split AS used, count(*) AS n
          FROM vouchers_tranche t
          JOIN vouchers_redemption r
            ON r.voucher_id >= t.id << {SERIAL_BITS} AND r.voucher_id < (t.id + 1) << {SERIAL_BITS}
         WHERE t.kind = '{TierKind.PERCENT.value}' AND t.state = '{TrancheState.OUTSTANDING.value}'
           AND r.state = {RedemptionState.CAPTURED.value}
         GROUP BY 1, 2, 3, 4),
    legs AS (
        SELECT campaign_id, allocation_id, (share->>0)::bigint AS source_id,
               (share->>1)::bigint * n AS fen
          FROM alike CROSS JOIN jsonb_array_elements(face) AS share
        UNION ALL
        SELECT campaign_id, allocation_id, (share->>0)::bigint, -(share->>1)::bigint * n
          FROM alike CROSS JOIN jsonb_array_elements(used) AS share)
    SELECT campaign_id, source_id, allocation_id, sum(fen)::bigint FROM legs GROUP BY 1, 2, 3
    """,
    rules.Rest._make,
)
SUM_PAID: Statement[rules.Paid] = Statement(
    f"""
    SELECT r.campaign_id, l.source_id, r.allocation_id, sum(l.amount_fen)::bigint
      FROM vouchers_settlementline l
      JOIN vouchers_settlement z ON z.id = l.settlement_id
      JOIN vouchers_redemption r ON r.id = l.redemption_id
     WHERE z.state = '{SettlementState.PAID.value}'
     GROUP BY 1, 2, 3
    """,
    rules.Paid._make,
)


def books() -> rules.Books:
    """All sums; they belong together only when read in one snapshot."""
    raw = raw_connection()
    with connection.wrap_database_errors:
        return rules.Books(
            balances=SUM_LEGS.send(raw, {}).rows(),
            sources=list(
                starmap(
                    rules.Source,
                    FundingSource.objects.order_by("id").values_list(
                        "id", "campaign_id", "appropriated_fen"
                    ),
                )
            ),
            allocations=_allocations(),
            cells=_cells(),
            tranches=_tranches(),
            vouchers=COUNT_VOUCHERS.send(raw, {}).rows(),
            waiting=list(_waiting()),
            redeemed=SUM_REDEMPTIONS.send(raw, {}).rows(),
            rests=SUM_RESTS.send(raw, {}).rows(),
            paid=SUM_PAID.send(raw, {}).rows(),
        )


def raw_connection() -> psycopg.Connection[Any]:
    """The psycopg connection under Django's."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] | None = connection.connection
    assert raw is not None
    return raw


def _allocations() -> list[rules.Allocation]:
    rows = Allocation.objects.order_by("id").values_list("id", "campaign_id", *rules.DIMENSIONS)
    return [rules.Allocation(row[0], row[1], rules.Slice._make(row[2:])) for row in rows]


def _cells() -> list[rules.Cell]:
    """Cells with the sums of their buckets; one without buckets has all of its cap left."""
    rows = QuotaCell.objects.annotate(
        buckets_count=Count("buckets"),
        left_fen=Sum("buckets__headroom_fen"),
        left_count=Sum("buckets__headroom_count"),
    ).order_by("id")
    return [
        rules.Cell(
            id=row.pk,
            campaign_id=row.campaign_id,
            slice=rules.Slice(*(getattr(row, name) for name in rules.DIMENSIONS)),
            source_id=row.source_id,
            cap_fen=row.cap_fen,
            cap_count=row.cap_count,
            headroom_fen=row.left_fen if row.buckets_count else row.cap_fen,
            headroom_count=row.left_count if row.buckets_count else row.cap_count,
        )
        for row in rows
    ]


def _tranches() -> list[rules.Tranche]:
    return [
        rules.Tranche(
            id=row.pk,
            campaign_id=row.campaign_id,
            tier_id=row.tier_id,
            state=row.state,
            voucher_count=row.voucher_count,
            split=[(source_id, fen) for source_id, fen in row.split],
        )
        for row in Tranche.objects.order_by("id")
    ]


def _waiting() -> Iterator[rules.Waiting]:
    """Vouchers of shards cut but not minted, by allocation and tier."""
    splits: dict[int, list[tuple[int, int]]] = {}
    for tier_id, source_id, fen in TierSplit.objects.order_by("source_id").values_list(
        "tier_id", "source_id", "amount_fen"
    ):
        splits.setdefault(tier_id, []).append((source_id, fen))
    shards = (
        Shard.objects.filter(run__state=RunState.RESERVED)
        .exclude(state=ShardState.DONE)
        .values_list("tier_id", "run__campaign_id", "allocation_ids")
    )
    for tier_id, campaign_id, packed in shards.iterator():
        ids, counts = np.unique(np.frombuffer(packed, dtype="<i8"), return_counts=True)
        for allocation_id, count in zip(ids.tolist(), counts.tolist(), strict=True):
            yield rules.Waiting(campaign_id, allocation_id, splits.get(tier_id, []), count)
