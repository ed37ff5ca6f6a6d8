"""Who pays and what for: funding sources, cash received, tiers and the split of their face."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.sql.triggers import append_only, frozen_columns, only_in_draft
from vouchers.states import ThresholdBasis, TierKind

TIER_KINDS = [
    (TierKind.THRESHOLD.value, _("money off above a threshold (满减)")),
    (TierKind.FLAT.value, _("money off (立减)")),
    (TierKind.PERCENT.value, _("percentage off (折扣)")),
]
THRESHOLD_BASES = [
    (ThresholdBasis.PRE_DISCOUNT.value, _("before the shop's discounts")),
    (ThresholdBasis.POST_DISCOUNT.value, _("after the shop's discounts")),
]


class FundingSource(models.Model):
    """Who pays: the city, a merchant group, a platform."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="sources")
    code = models.SlugField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=120)
    # The figure changes compare themselves with; its one writer is services/ledger/funding.
    appropriated_fen = models.BigIntegerField(_("appropriated, fen"), default=0)

    class Meta:
        verbose_name = _("funding source")
        verbose_name_plural = _("funding sources")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "code"], name="one_source_per_code"),
            models.CheckConstraint(
                condition=Q(appropriated_fen__gte=0), name="appropriated_not_negative"
            ),
        ]
        triggers: ClassVar = [
            frozen_columns("source_identity_frozen", "campaign_id", "code"),
            only_in_draft("source", operation=pgtrigger.Insert | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.name


class CashReceipt(models.Model):
    """Money that has really arrived from a source (到账); payouts never exceed the sum of these."""

    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="receipts")
    request_id = models.CharField(_("request no."), max_length=64, unique=True)
    amount_fen = models.BigIntegerField(_("amount, fen"))
    document_no = models.CharField(_("document no."), max_length=60)
    received_at = models.DateTimeField(_("received at"))
    recorded_by = models.CharField(_("recorded by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("cash receipt")
        verbose_name_plural = _("cash receipts")
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="receipt_positive")
        ]
        triggers: ClassVar = append_only("receipt")

    def __str__(self) -> str:
        return self.document_no


class Tier(models.Model):
    """A kind of voucher (券种)."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="tiers")
    code = models.SlugField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=TIER_KINDS)
    face_fen = models.BigIntegerField(_("face value, fen"))
    threshold_fen = models.BigIntegerField(_("threshold, fen"), default=0)
    threshold_basis = models.CharField(
        _("threshold on"),
        max_length=13,
        choices=THRESHOLD_BASES,
        default=ThresholdBasis.POST_DISCOUNT.value,
    )
    # Hundredths of a percent; only for percentage tiers, whose face is the most they take off.
    percent_bp = models.PositiveSmallIntegerField(_("percentage, ‱"), null=True, blank=True)
    per_resident = models.PositiveSmallIntegerField(_("vouchers per resident"), default=1)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering: ClassVar = ["campaign", "face_fen"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "code"], name="one_tier_per_code"),
            models.CheckConstraint(condition=Q(face_fen__gt=0), name="face_positive"),
            models.CheckConstraint(
                condition=Q(threshold_fen__gte=0), name="threshold_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(kind=TierKind.THRESHOLD.value) | Q(threshold_fen__gt=F("face_fen")),
                name="threshold_above_face",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind=TierKind.PERCENT.value,
                    percent_bp__isnull=False,
                    percent_bp__range=(1, 9999),
                )
                | (~Q(kind=TierKind.PERCENT.value) & Q(percent_bp__isnull=True)),
                name="percentage_only_for_percent_tiers",
            ),
            models.CheckConstraint(condition=Q(per_resident__gte=1), name="per_resident_positive"),
        ]
        triggers: ClassVar = [only_in_draft("tier")]

    def __str__(self) -> str:
        return self.name


class TierSplit(models.Model):
    """What one source pays of a tier's face. The shares of a tier add up to the face."""

    tier = models.ForeignKey(Tier, models.CASCADE, related_name="splits")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField(_("share of the face, fen"))

    class Meta:
        verbose_name = _("share of the face")
        verbose_name_plural = _("shares of the face")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tier", "source"], name="one_share_per_source"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="share_positive"),
        ]
        triggers: ClassVar = [
            only_in_draft("share", parent="vouchers_tier", key="tier_id"),
            pgtrigger.Trigger(
                name="shares_add_up_to_face",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                timing=pgtrigger.Deferred,
                level=pgtrigger.Row,
                declare=[("the_tier", "bigint"), ("off_fen", "bigint")],
                func="""
                    the_tier := COALESCE(NEW.tier_id, OLD.tier_id);
                    SELECT t.face_fen - COALESCE(sum(s.amount_fen), 0) INTO off_fen
                      FROM vouchers_tier t LEFT JOIN vouchers_tiersplit s ON s.tier_id = t.id
                     WHERE t.id = the_tier GROUP BY t.face_fen;
                    IF off_fen <> 0 THEN
                        RAISE EXCEPTION 'shares of tier % miss its face by % fen', the_tier, off_fen
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'shares_add_up_to_face';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier_id}/{self.source_id}"
