"""The sums the audit judges the books by: one scan of each large table, little comes back."""

import json
from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from django.db.models import Count, Sum

from vouchers.models import (
    Allocation,
    FundingSource,
    Proposal,
    QuotaCell,
    Shard,
    TermsVersion,
    TierSplit,
    Tranche,
)
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.rules.proofs.audit import facts as rules
from vouchers.rules.proofs.audit.acts import Proposed, Terms
from vouchers.sql.statements import Statement
from vouchers.states import (
    Cause,
    RedemptionState,
    SettlementState,
    ShardState,
    TierKind,
    TrancheState,
)

# A few rows for each way money can go: the ledger is read once, and most of it summed at once.
SUM_LEGS: Statement[rules.Legs] = Statement(
    """
    SELECT sums.reason, sums.cause, a.campaign_id, a.source_id, a.kind, sums.allocation_id,
           sums.is_credit, sums.size, sums.fen, sums.first_transfer_id
      FROM (SELECT t.reason, t.cause, l.account_id, l.allocation_id, l.amount_fen > 0 AS is_credit,
                   count(*) AS size, sum(l.amount_fen)::bigint AS fen,
                   min(l.transfer_id) AS first_transfer_id
              FROM vouchers_leg l
              LEFT JOIN vouchers_transfer t ON t.id = l.transfer_id AND t.at = l.at
             GROUP BY 1, 2, 3, 4, 5) AS sums
      LEFT JOIN vouchers_account a ON a.id = sums.account_id
    """,
    rules.Legs._make,
)
# Of the acts that are few: what each brought to which accounts.
SUM_ACTS: Statement[rules.Posted] = Statement(
    f"""
    SELECT t.reason, t.cause, t.cause_id, t.campaign_id, a.source_id, l.allocation_id, a.kind,
           count(DISTINCT t.id), sum(l.amount_fen)::bigint
      FROM vouchers_transfer t
      JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
      JOIN vouchers_account a ON a.id = l.account_id
     WHERE t.cause IN ('{Cause.SOURCE.value}', '{Cause.PROPOSAL.value}', '{Cause.RUN.value}',
                       '{Cause.SHARD.value}', '{Cause.TRANCHE.value}')
       AND l.amount_fen > 0
     GROUP BY 1, 2, 3, 4, 5, 6, 7
    """,
    rules.Posted._make,
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
         WHERE state IN ({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value},
                         {RedemptionState.REFUNDED.value})
         GROUP BY campaign_id, allocation_id, state, split)
    SELECT campaign_id, (share->>0)::bigint, allocation_id, state,
           sum((share->>1)::bigint * n)::bigint
      FROM alike CROSS JOIN jsonb_array_elements(split) AS share
     GROUP BY 1, 2, 3, 4
    """,
    rules.Redeemed._make,
)


def _discount(row: Sequence[Any]) -> rules.Discount:
    face, discount_fen, authorised_fen, split, size, first_id = row
    return rules.Discount(
        json.loads(face), discount_fen, authorised_fen, json.loads(split), size, first_id
    )


# Whatever is not the whole face has been split by the rules of redeeming.
DISCOUNTS: Statement[rules.Discount] = Statement(
    f"""
    SELECT t.split, r.discount_fen, r.authorised_fen, r.split, count(*), min(r.id)
      FROM vouchers_tranche t
      JOIN vouchers_redemption r
        ON r.voucher_id >= t.id << {SERIAL_BITS} AND r.voucher_id < (t.id + 1) << {SERIAL_BITS}
     WHERE t.kind = '{TierKind.PERCENT.value}' AND jsonb_typeof(r.split) = 'array'
     GROUP BY 1, 2, 3, 4
    """,
    _discount,
)
# A full face leaves nothing, so only percentages are looked at.
SUM_RESTS: Statement[rules.Amount] = Statement(
    f"""
    WITH alike AS (
        SELECT r.campaign_id, r.allocation_id, t.split AS face, r.split AS used, count(*) AS n
          FROM vouchers_tranche t
          JOIN vouchers_redemption r
            ON r.voucher_id >= t.id << {SERIAL_BITS} AND r.voucher_id < (t.id + 1) << {SERIAL_BITS}
         WHERE t.kind = '{TierKind.PERCENT.value}' AND t.state = '{TrancheState.OUTSTANDING.value}'
           AND r.state IN ({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})
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
    rules.Amount._make,
)
SUM_PARTS: Statement[rules.Parts] = Statement(
    """
    SELECT r.campaign_id, p.source_id, r.allocation_id, p.origin, p.target, z.state,
           sum(p.amount_fen)::bigint
      FROM vouchers_refundpart p
      JOIN vouchers_refund f ON f.id = p.refund_id
      JOIN vouchers_redemption r ON r.id = f.redemption_id
      LEFT JOIN vouchers_settlementline l
             ON l.redemption_id = r.id AND l.source_id = p.source_id AND l.kind = 'redemption'
      LEFT JOIN vouchers_settlement z ON z.id = l.settlement_id
     GROUP BY 1, 2, 3, 4, 5, 6
    """,
    rules.Parts._make,
)
SUM_LINES: Statement[rules.Lines] = Statement(
    f"""
    SELECT r.campaign_id, l.source_id, r.allocation_id, l.kind, sum(l.amount_fen)::bigint
      FROM vouchers_settlementline l
      JOIN vouchers_settlement z ON z.id = l.settlement_id
      JOIN vouchers_redemption r ON r.id = l.redemption_id
     WHERE z.state = '{SettlementState.PAID.value}'
     GROUP BY 1, 2, 3, 4
    """,
    rules.Lines._make,
)
SUM_COLLECTED: Statement[rules.Amount] = Statement(
    """
    SELECT r.campaign_id, l.source_id, r.allocation_id, sum(l.amount_fen)::bigint
      FROM vouchers_collectionline l
      JOIN vouchers_refund f ON f.id = l.refund_id
      JOIN vouchers_redemption r ON r.id = f.redemption_id
     GROUP BY 1, 2, 3
    """,
    rules.Amount._make,
)
SUM_HELD: Statement[rules.Amount] = Statement(
    """
    WITH held AS (
        SELECT r.* FROM vouchers_hold h JOIN vouchers_redemption r ON r.id = h.redemption_id
         WHERE h.released_at IS NULL),
    legs AS (
        SELECT campaign_id, (share->>0)::bigint AS source_id, allocation_id,
               (share->>1)::bigint AS fen
          FROM held CROSS JOIN jsonb_array_elements(split) AS share
        UNION ALL
        SELECT held.campaign_id, p.source_id, held.allocation_id, -p.amount_fen
          FROM held
          JOIN vouchers_refund f ON f.redemption_id = held.id
          JOIN vouchers_refundpart p ON p.refund_id = f.id)
    SELECT campaign_id, source_id, allocation_id, sum(fen)::bigint FROM legs GROUP BY 1, 2, 3
    """,
    rules.Amount._make,
)


def books() -> rules.Books:
    """All sums; they belong together only when read in one snapshot."""
    raw = raw_connection()
    with connection.wrap_database_errors:
        return rules.Books(
            legs=SUM_LEGS.send(raw, {}).rows(),
            posted=SUM_ACTS.send(raw, {}).rows(),
            sources=list(
                starmap(
                    rules.Source,
                    FundingSource.objects.order_by("id").values_list(
                        "id", "campaign_id", "code", "appropriated_fen"
                    ),
                )
            ),
            allocations=_allocations(),
            cells=_cells(),
            tranches=_tranches(),
            vouchers=COUNT_VOUCHERS.send(raw, {}).rows(),
            shards=list(_shards()),
            redeemed=SUM_REDEMPTIONS.send(raw, {}).rows(),
            discounts=DISCOUNTS.send(raw, {}).rows(),
            rests=SUM_RESTS.send(raw, {}).rows(),
            parts=SUM_PARTS.send(raw, {}).rows(),
            lines=SUM_LINES.send(raw, {}).rows(),
            collected=SUM_COLLECTED.send(raw, {}).rows(),
            held=SUM_HELD.send(raw, {}).rows(),
        )


def proposals() -> list[Proposed]:
    """Every proposal with its decision, oldest decision first."""
    rows = Proposal.objects.select_related("decision").order_by("decision__id", "id")
    return [_proposed(row) for row in rows.prefetch_related("signatures")]


def terms() -> list[Terms]:
    """Every version of every campaign's terms."""
    return [
        Terms(row.pk, row.campaign_id, row.document, bytes(row.sha256), row.amends_id)
        for row in TermsVersion.objects.order_by("id").iterator()
    ]


def raw_connection() -> psycopg.Connection[Any]:
    """The psycopg connection under Django's."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] | None = connection.connection
    assert raw is not None
    return raw


def _proposed(row: Proposal) -> Proposed:
    decision = getattr(row, "decision", None)
    return Proposed(
        id=row.pk,
        campaign_id=row.campaign_id,
        kind=row.kind,
        document=row.document,
        sha256=bytes(row.sha256),
        proposed_by=row.proposed_by_id,
        signatures_needed=row.signatures_needed,
        signers=tuple(signature.signed_by_id for signature in row.signatures.all()),
        decided_by=decision and decision.decided_by_id,
        decision=decision and decision.decision,
        seen_sha256=decision and bytes(decision.seen_sha256),
    )


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
            shard_id=row.shard_id,
            state=row.state,
            voucher_count=row.voucher_count,
            split=[(source_id, fen) for source_id, fen in row.split],
        )
        for row in Tranche.objects.order_by("id")
    ]


def _shards() -> Iterator[rules.Shard]:
    """Of shards that have been minted their tranches speak; the others are unpacked."""
    splits: dict[int, list[tuple[int, int]]] = {}
    for tier_id, source_id, fen in TierSplit.objects.order_by("source_id").values_list(
        "tier_id", "source_id", "amount_fen"
    ):
        splits.setdefault(tier_id, []).append((source_id, fen))
    every = Shard.objects.select_related("run").order_by("id")
    for shard in every.defer("resident_ids", "buckets", "allocation_ids").iterator():
        is_minted = shard.state == ShardState.DONE
        yield rules.Shard(
            id=shard.pk,
            run_id=shard.run_id,
            campaign_id=shard.run.campaign_id,
            state=shard.state,
            run_state=shard.run.state,
            split=splits.get(shard.tier_id, []),
            sizes=[] if is_minted else _sizes(bytes(shard.allocation_ids)),
        )


def _sizes(packed: bytes) -> list[tuple[int, int]]:
    ids, counts = np.unique(np.frombuffer(packed, dtype="<i8"), return_counts=True)
    return list(zip(ids.tolist(), counts.tolist(), strict=True))
