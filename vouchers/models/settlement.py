"""Settlements: what a merchant is owed by one source for one business day, line by line."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant
from vouchers.models.campaigns import Campaign
from vouchers.models.funding import FundingSource
from vouchers.models.guards import append_only, frozen_columns, only_arrows
from vouchers.models.redemption import Redemption
from vouchers.states import SettlementState

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
            )
        ]
        triggers: ClassVar = [
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
    """What one redemption, or one late refund of it, adds to a settlement."""

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
            # Invariant 11: each redemption is settled once per source.
            models.UniqueConstraint(
                fields=["redemption", "source", "kind", "refund_id"], name="settled_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="redemption", amount_fen__gt=0, refund_id=0)
                | Q(kind="refund", amount_fen__lt=0),
                name="settlement_line_sign",
            ),
        ]
        triggers: ClassVar = append_only("settlement_line")

    def __str__(self) -> str:
        return f"{self.settlement_id}/{self.redemption_id}"
