"""Settlements: what a merchant is owed by one source for one business day, line by line."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant
from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.ledger.funding import FundingSource
from vouchers.models.redemption.redemptions import Redemption
from vouchers.models.redemption.refunds import recovered_within_owed
from vouchers.rules.settlement import Captured, Owed
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import (
    append_only,
    begins_as,
    frozen_columns,
    never_deleted,
    only_arrows,
    refuse_if,
    same_campaign,
)
from vouchers.states import AccountKind, RedemptionState, SettlementState

SETTLEMENT_STATES = [
    (SettlementState.READY.value, _("waiting for cash")),
    (SettlementState.PAID.value, _("payout instructed")),
]


class Settlement(models.Model):
    """One merchant, source and business day (结算). The file is stored and never made again."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="settlements")
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="settlements")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="+")
    business_day = models.DateField(_("business day"))
    line_count = models.PositiveIntegerField(_("lines"))
    total_fen = models.BigIntegerField(_("total, fen"))
    content = models.BinaryField(_("file"))
    sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    state = models.CharField(
        _("state"), max_length=6, choices=SETTLEMENT_STATES, default=SettlementState.READY.value
    )
    closed_at = models.DateTimeField(_("closed at"))
    paid_at = models.DateTimeField(_("payout instructed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        ordering: ClassVar = ["-business_day", "merchant"]
        indexes: ClassVar = [
            models.Index(fields=["business_day", "-id"], name="settlement_by_day"),
            models.Index(fields=["campaign", "-id"], name="settlement_by_campaign"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "merchant", "source", "business_day"],
                name="one_settlement_per_day",
            ),
            # Refunds are kept back only from what is owed.
            models.CheckConstraint(
                condition=Q(total_fen__gte=0), name="settlement_total_not_negative"
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("settlement"),
            begins_as("settlement_begins_ready", SettlementState.READY),
            same_campaign("settlement_of_own_source", source_id="vouchers_fundingsource"),
            pgtrigger.Trigger(
                name="settlement_adds_up",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func=refuse_if(
                    "(SELECT (count(*), COALESCE(sum(amount_fen), 0)) <>"
                    " (NEW.line_count, NEW.total_fen) FROM vouchers_settlementline"
                    " WHERE settlement_id = NEW.id)",
                    "settlement_adds_up",
                    "the lines of a settlement are its count and its total",
                )
                + " RETURN NULL;",
            ),
            only_arrows("settlement_arrows", {(SettlementState.READY, SettlementState.PAID)}),
            frozen_columns(
                "settlement_figures_frozen",
                "campaign_id",
                "merchant_id",
                "source_id",
                "business_day",
                "line_count",
                "total_fen",
                "content",
                "sha256",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.business_day}"


# A redemption's own line is what refunds have left of the source's share; a refund's line is of a
# redemption it refunded. Neither is another merchant's, nor of money that is held.
_NOT_ITS_REDEMPTIONS = refuse_if(
    f"""EXISTS (
        SELECT FROM fresh n
          JOIN vouchers_settlement z ON z.id = n.settlement_id
          JOIN vouchers_redemption r ON r.id = n.redemption_id AND r.voucher_id = n.voucher_id
         WHERE (n.source_id, r.merchant_id, r.campaign_id)
            <> (z.source_id, z.merchant_id, z.campaign_id)
            OR n.kind = 'refund' AND NOT EXISTS (
               SELECT FROM vouchers_refund f
                WHERE f.id = n.refund_id AND f.redemption_id = n.redemption_id)
            OR n.kind = 'redemption' AND (
               r.state <> {RedemptionState.CAPTURED.value}
               OR EXISTS (SELECT FROM vouchers_hold h
                           WHERE h.redemption_id = r.id AND h.released_at IS NULL)
               OR n.amount_fen IS DISTINCT FROM (
                  SELECT sum((share->>1)::bigint) FROM jsonb_array_elements(r.split) AS share
                   WHERE (share->>0)::bigint = n.source_id) - COALESCE((
                  SELECT sum(p.amount_fen) FROM vouchers_refundpart p
                    JOIN vouchers_refund f ON f.id = p.refund_id
                   WHERE f.redemption_id = r.id AND p.source_id = n.source_id), 0)))""",
    "line_is_its_redemption",
    "a settlement line is what is left of a captured redemption''s share",
)
_ADDED_LATER = refuse_if(
    """EXISTS (
        SELECT FROM vouchers_settlement z
         WHERE z.id IN (SELECT settlement_id FROM fresh)
           AND z.line_count < (SELECT count(*) FROM vouchers_settlementline
                                WHERE settlement_id = z.id))""",
    "settlement_is_fixed",
    "a settlement that was made takes no more lines",
)


class SettlementLine(models.Model):
    """What one redemption adds to a settlement, or a late refund of one takes from it."""

    class Kind(models.TextChoices):
        REDEMPTION = "redemption", _("redemption")
        REFUND = "refund", _("refund")

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="lines")
    redemption = models.ForeignKey(
        Redemption, models.PROTECT, related_name="lines", db_constraint=False
    )
    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # Refunds are distinguished by their number; a redemption's own line has 0.
    refund_id = models.BigIntegerField(_("refund"), default=0)
    amount_fen = models.BigIntegerField(_("amount, fen"))

    class Meta:
        verbose_name = _("settlement line")
        verbose_name_plural = _("settlement lines")
        constraints: ClassVar = [
            # Invariant 11: each redemption is settled once per source. What a refund owes may be
            # kept back from several settlements, but has one line in each.
            models.UniqueConstraint(
                fields=["redemption", "source"],
                condition=Q(kind="redemption"),
                name="settled_once",
            ),
            models.UniqueConstraint(
                fields=["refund_id", "source", "settlement"],
                condition=Q(kind="refund"),
                name="netted_once_per_settlement",
            ),
            models.CheckConstraint(
                condition=Q(kind="redemption", amount_fen__gt=0, refund_id=0)
                | Q(kind="refund", amount_fen__lt=0),
                name="settlement_line_sign",
            ),
        ]
        triggers: ClassVar = [
            *append_only("settlement_line"),
            # In sets: a day's lines come in one statement.
            pgtrigger.Trigger(
                name="line_is_its_redemption",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]
                func=f"{_NOT_ITS_REDEMPTIONS}{_ADDED_LATER} RETURN NULL;",
            ),
            recovered_within_owed("netted_within_owed", condition="NEW.kind = 'refund'"),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id}/{self.redemption_id}"


class Unsettled(NamedTuple):
    """A merchant that has something to be settled, and the stores where it was redeemed."""

    merchant_id: int
    store_ids: list[int]


# What arrives late for a merchant whose day is closed waits for the next day.
_UNSETTLED = f"""
       r.campaign_id = %(campaign_id)s
       AND r.business_day <= %(business_day)s
       AND r.state = {RedemptionState.CAPTURED.value}
       AND NOT EXISTS (SELECT FROM vouchers_settlementline l WHERE l.redemption_id = r.id)
       AND NOT EXISTS (SELECT FROM vouchers_settlement z
                        WHERE z.campaign_id = r.campaign_id AND z.merchant_id = r.merchant_id
                          AND z.business_day = %(business_day)s)"""

FIND_UNSETTLED = Statement(
    f"""
    SELECT r.merchant_id, array_agg(DISTINCT r.store_id)
      FROM vouchers_redemption r
     WHERE {_UNSETTLED}
     GROUP BY r.merchant_id
     ORDER BY r.merchant_id
    """,
    Unsettled._make,
)

# Locked, so that a void, refund or hold under way is waited for and a later one finds the lines.
# What is held waits for its release.
LOCK_UNSETTLED = Statement(
    f"""
    SELECT r.id, r.voucher_id
      FROM vouchers_redemption r
     WHERE r.store_id = ANY (%(store_ids)s::bigint[]) AND r.merchant_id = %(merchant_id)s
       AND {_UNSETTLED}
       AND NOT EXISTS (SELECT FROM vouchers_hold h
                        WHERE h.redemption_id = r.id AND h.released_at IS NULL)
     ORDER BY r.id
       FOR NO KEY UPDATE OF r
    """,
    lambda row: (int(row[0]), int(row[1])),
)


def _captured(row: Sequence[Any]) -> Captured:
    """`split` and what was clawed back, both [[source id, fen], …], come as JSON texts."""
    *order, split, clawed, business_day, redeemed_at = row
    clawed_fen = dict(json.loads(clawed))
    left = tuple(
        (source_id, fen - clawed_fen.get(source_id, 0)) for source_id, fen in json.loads(split)
    )
    return Captured._make((*order, left, business_day, redeemed_at))


_CAPTURED_COLUMNS = """
           r.id, r.voucher_id, r.merchant_id, s.external_id, r.order_no, r.order_amount_fen,
           r.discount_fen, r.split,
           COALESCE((SELECT jsonb_agg(jsonb_build_array(part.source_id, part.fen))
                       FROM (SELECT p.source_id, sum(p.amount_fen)::bigint AS fen
                               FROM vouchers_refundpart p
                               JOIN vouchers_refund f ON f.id = p.refund_id
                              WHERE f.redemption_id = r.id
                              GROUP BY p.source_id) AS part), '[]'),
           r.business_day, r.redeemed_at"""

# A statement of its own after the locks: it sees what was committed while they were waited for,
# also by those who locked a redemption and wrote elsewhere.
READ_CAPTURED: Statement[Captured] = Statement(
    f"""
    SELECT {_CAPTURED_COLUMNS}
      FROM unnest(%(redemption_ids)s::bigint[], %(voucher_ids)s::bigint[])
        AS locked(id, voucher_id)
      JOIN vouchers_redemption r ON r.id = locked.id AND r.voucher_id = locked.voucher_id
      JOIN merchants_store s ON s.id = r.store_id
     WHERE r.state = {RedemptionState.CAPTURED.value}
       AND NOT EXISTS (SELECT FROM vouchers_hold h
                        WHERE h.redemption_id = r.id AND h.released_at IS NULL)
     ORDER BY r.id
    """,
    _captured,
)


def _owed(row: Sequence[Any]) -> Owed:
    return Owed._make((*row[:5], _captured(row[5:])))


# What a merchant owes for a refund: what became recoverable, less what settlements keep back (also
# those that still wait for cash) and what was collected.
_OWED = f"""
      FROM vouchers_refundpart p
      JOIN vouchers_refund f ON f.id = p.refund_id
      JOIN vouchers_redemption r ON r.id = f.redemption_id AND r.voucher_id = f.voucher_id
     CROSS JOIN LATERAL (
           SELECT p.amount_fen
                + COALESCE((SELECT sum(l.amount_fen) FROM vouchers_settlementline l
                             WHERE l.refund_id = p.refund_id AND l.source_id = p.source_id
                               AND l.kind = 'refund'), 0)
                - COALESCE((SELECT sum(c.amount_fen) FROM vouchers_collectionline c
                             WHERE c.refund_id = p.refund_id
                               AND c.source_id = p.source_id), 0)) AS owed(fen)
     WHERE p.target = '{AccountKind.RECOVERABLE.value}'
       AND r.campaign_id = %(campaign_id)s::bigint
       AND owed.fen > 0"""

# For settling a merchant's day: refunds after its end wait for the next one.
FIND_OWED: Statement[Owed] = Statement(
    f"""
    WITH owed AS (
    SELECT f.id, f.refund_no, f.business_day, p.source_id, owed.fen::bigint, f.redemption_id,
           f.voucher_id
    {_OWED} AND f.merchant_id = %(merchant_id)s::bigint
       AND f.business_day <= %(business_day)s::date)
    SELECT owed.id, owed.refund_no, owed.business_day, owed.source_id, owed.fen,
           {_CAPTURED_COLUMNS}
      FROM owed
      JOIN vouchers_redemption r
        ON r.id = owed.redemption_id AND r.voucher_id = owed.voucher_id
      JOIN merchants_store s ON s.id = r.store_id
    """,
    _owed,
)


class Debt(NamedTuple):
    """What a merchant owes a source for one refund, and the slices its voucher counts in."""

    refund_id: int
    allocation_id: int
    owed_fen: int


# For collecting, the oldest first.
FIND_DEBTS = Statement(
    f"""
    SELECT f.id, r.allocation_id, owed.fen::bigint
    {_OWED} AND f.merchant_id = %(merchant_id)s::bigint AND p.source_id = %(source_id)s::bigint
     ORDER BY f.id
    """,
    Debt._make,
)


class OwedRow(NamedTuple):
    """What a merchant owes a source in all."""

    merchant_id: int
    source_id: int
    fen: int


SUM_OWED = Statement(
    f"""
    SELECT f.merchant_id, p.source_id, sum(owed.fen)::bigint
    {_OWED}
     GROUP BY f.merchant_id, p.source_id
     ORDER BY f.merchant_id, p.source_id
    """,
    OwedRow._make,
)

# By source the state of a redemption's settlement. FOR SHARE: a payout under way is waited for, and
# a later one waits for this reader.
LOCK_SETTLEMENTS_OF = Statement(
    """
    SELECT z.source_id, z.state
      FROM vouchers_settlementline l
      JOIN vouchers_settlement z ON z.id = l.settlement_id
     WHERE l.redemption_id = %(redemption_id)s::bigint AND l.kind = 'redemption'
     ORDER BY z.id
       FOR SHARE OF z
    """,
    lambda row: (int(row[0]), SettlementState(row[1])),
)

INSERT_LINES: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_settlementline
           (settlement_id, redemption_id, voucher_id, source_id, kind, refund_id, amount_fen)
    SELECT settlement_id, redemption_id, voucher_id, source_id,
           CASE refund_id WHEN 0 THEN 'redemption' ELSE 'refund' END, refund_id, amount_fen
      FROM unnest(%(settlement_ids)s::bigint[], %(redemption_ids)s::bigint[],
                  %(voucher_ids)s::bigint[], %(source_ids)s::bigint[], %(refund_ids)s::bigint[],
                  %(amounts_fen)s::bigint[])
        AS line(settlement_id, redemption_id, voucher_id, source_id, refund_id, amount_fen)
    """
)
