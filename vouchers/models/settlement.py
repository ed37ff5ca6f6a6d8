"""Settlements: what a merchant is owed by one source for one business day, line by line."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant
from vouchers.models.campaigns import Campaign
from vouchers.models.funding import FundingSource
from vouchers.models.guards import append_only, frozen_columns, never_deleted, only_arrows
from vouchers.models.redemption import Redemption
from vouchers.models.refunds import recovered_within_owed
from vouchers.models.statements import Statement
from vouchers.rules.settlement import Captured
from vouchers.states import RedemptionState, SettlementState

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


class SettlementLine(models.Model):
    """What one redemption adds to a settlement, or a late refund of one takes from it."""

    class Kind(models.TextChoices):
        REDEMPTION = "redemption", _("redemption")
        REFUND = "refund", _("refund")

    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="lines")
    redemption = models.ForeignKey(Redemption, models.PROTECT, related_name="lines")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # Refunds are told apart by their number; a redemption's own line has 0.
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
            recovered_within_owed("netted_within_owed", condition="NEW.kind = 'refund'"),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id}/{self.redemption_id}"


def _captured(row: Sequence[Any]) -> Captured:
    *facts, split, business_day, redeemed_at = row
    shares = tuple(map(tuple, json.loads(split)))
    return Captured._make((*facts, shares, business_day, redeemed_at))


# Locked, so that a void under way is waited for and a later one finds the lines. What arrives late
# for a merchant whose day is closed waits for the next day; what is held, for its release.
LOCK_UNSETTLED: Statement[Captured] = Statement(
    f"""
    SELECT r.id, r.merchant_id, s.external_id, r.order_no, r.order_amount_fen, r.discount_fen,
           r.split, r.business_day, r.redeemed_at
      FROM vouchers_redemption r
      JOIN merchants_store s ON s.id = r.store_id
     WHERE r.campaign_id = %(campaign_id)s
       AND r.business_day <= %(business_day)s
       AND r.state = {RedemptionState.CAPTURED.value}
       AND NOT EXISTS (SELECT FROM vouchers_settlementline l WHERE l.redemption_id = r.id)
       AND NOT EXISTS (SELECT FROM vouchers_settlement z
                        WHERE z.campaign_id = r.campaign_id AND z.merchant_id = r.merchant_id
                          AND z.business_day = %(business_day)s)
       AND NOT EXISTS (SELECT FROM vouchers_hold h
                        WHERE h.redemption_id = r.id AND h.released_at IS NULL)
     ORDER BY r.id
       FOR NO KEY UPDATE OF r
    """,
    _captured,
)

INSERT_LINES: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_settlementline
           (settlement_id, redemption_id, source_id, kind, refund_id, amount_fen)
    SELECT settlement_id, redemption_id, source_id, 'redemption', 0, amount_fen
      FROM unnest(%(settlement_ids)s::bigint[], %(redemption_ids)s::bigint[],
                  %(source_ids)s::bigint[], %(amounts_fen)s::bigint[])
        AS line(settlement_id, redemption_id, source_id, amount_fen)
    """
)

# What a settlement pays, by the slices its vouchers count in.
SUM_BY_ALLOCATION: Statement[tuple[int, int]] = Statement(
    """
    SELECT r.allocation_id, sum(l.amount_fen)
      FROM vouchers_settlementline l
      JOIN vouchers_redemption r ON r.id = l.redemption_id
     WHERE l.settlement_id = %(settlement_id)s
     GROUP BY r.allocation_id
    HAVING sum(l.amount_fen) <> 0
     ORDER BY r.allocation_id
    """,
    lambda row: (int(row[0]), int(row[1])),
)
