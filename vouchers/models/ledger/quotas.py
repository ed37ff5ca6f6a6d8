"""Quota cells: caps on slices of a campaign; and allocations: the slices one voucher counts in."""

from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import District, Store
from vouchers.models.campaigns.campaigns import Campaign, Round
from vouchers.models.ledger.funding import FundingSource, Tier
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, frozen_columns, never_deleted, same_campaign

MOST_BUCKETS = 64


class QuotaCell(models.Model):
    """A cap on one slice of a campaign. An empty dimension means "all of them".

    `cap_fen` and `cap_count`: None is unlimited, zero is zero. With a `source`, fen count only that
    source's share of the face; otherwise the whole face counts.
    """

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="cells")
    tier = models.ForeignKey(Tier, models.PROTECT, null=True, blank=True, related_name="+")
    round = models.ForeignKey(Round, models.PROTECT, null=True, blank=True, related_name="+")
    district = models.ForeignKey(District, models.PROTECT, null=True, blank=True, related_name="+")
    store = models.ForeignKey(Store, models.PROTECT, null=True, blank=True, related_name="+")
    source = models.ForeignKey(
        FundingSource, models.PROTECT, null=True, blank=True, related_name="+"
    )
    channel = models.CharField(_("channel"), max_length=20, null=True, blank=True)  # noqa: DJ001
    day = models.DateField(_("day"), null=True, blank=True)
    cap_fen = models.BigIntegerField(_("cap, fen"), null=True, blank=True)
    cap_count = models.BigIntegerField(_("cap, vouchers"), null=True, blank=True)
    # Into how many sub-buckets the headroom is laid, so that many can take from it at once.
    bucket_count = models.PositiveSmallIntegerField(_("sub-buckets"), default=1)

    class Meta:
        verbose_name = _("quota cell")
        verbose_name_plural = _("quota cells")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=[
                    "campaign",
                    "tier",
                    "round",
                    "district",
                    "store",
                    "source",
                    "channel",
                    "day",
                ],
                name="one_cell_per_slice",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(cap_fen__isnull=True) | Q(cap_fen__gte=0), name="cell_cap_fen_valid"
            ),
            models.CheckConstraint(
                condition=Q(cap_count__isnull=True) | Q(cap_count__gte=0),
                name="cell_cap_count_valid",
            ),
            models.CheckConstraint(
                condition=Q(bucket_count__range=(1, MOST_BUCKETS)), name="cell_bucket_count_valid"
            ),
        ]
        triggers: ClassVar = [
            same_campaign(
                "cell_of_own_campaign",
                tier_id="vouchers_tier",
                round_id="vouchers_round",
                source_id="vouchers_fundingsource",
            ),
            frozen_columns(
                "cell_identity_frozen",
                "campaign_id",
                "tier_id",
                "round_id",
                "district_id",
                "store_id",
                "source_id",
                "channel",
                "day",
            ),
        ]

    def __str__(self) -> str:
        parts = [self.tier, self.round, self.district, self.store, self.source, self.channel]
        named = [str(part) for part in [*parts, self.day] if part]
        return " · ".join(named) or str(_("whole campaign"))


class QuotaBucket(models.Model):
    """What is left of a cell, or of one of its sub-buckets where it is hot.

    Headroom = cap minus what counts; None where the cap is None. One writer:
    services/ledger/quotas.
    """

    cell = models.ForeignKey(QuotaCell, models.PROTECT, related_name="buckets")
    number = models.SmallIntegerField(_("number"), default=0)
    headroom_fen = models.BigIntegerField(_("headroom, fen"), null=True)
    headroom_count = models.BigIntegerField(_("headroom, vouchers"), null=True)

    class Meta:
        verbose_name = _("quota bucket")
        verbose_name_plural = _("quota buckets")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cell", "number"], name="one_bucket_per_number"),
            models.CheckConstraint(
                condition=Q(headroom_fen__isnull=True) | Q(headroom_fen__gte=0),
                name="headroom_fen_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(headroom_count__isnull=True) | Q(headroom_count__gte=0),
                name="headroom_count_not_negative",
            ),
        ]
        triggers: ClassVar = never_deleted("quota_bucket")

    def __str__(self) -> str:
        return f"{self.cell_id}#{self.number}"


# Every claim writes a few: an UPDATE of the ORM's would be built anew for each.
class BucketRow(NamedTuple):
    """A bucket as it was locked, and how many its cell has."""

    id: int
    cell_id: int
    number: int
    headroom_fen: int | None
    headroom_count: int | None
    of: int


# In the common order. With a hint, of each cell only the bucket that it chooses.
LOCK_BUCKETS = Statement(
    """
    SELECT b.id, b.cell_id, b.number, b.headroom_fen, b.headroom_count, c.bucket_count
      FROM vouchers_quotabucket b JOIN vouchers_quotacell c ON c.id = b.cell_id
     WHERE b.cell_id = ANY (%(cell_ids)s::bigint[])
       AND (%(hint)s::bigint IS NULL OR b.number = %(hint)s::bigint %% c.bucket_count)
     ORDER BY b.cell_id, b.number
       FOR NO KEY UPDATE OF b
    """,
    BucketRow._make,
)
# Locks taken between the first two can be given up by the third.
MARK_LOCKS: Statement[Any] = Statement("SAVEPOINT some_buckets")
KEEP_LOCKS: Statement[Any] = Statement("RELEASE SAVEPOINT some_buckets")
GIVE_UP_LOCKS: Statement[Any] = Statement("ROLLBACK TO SAVEPOINT some_buckets")

SAVE_BUCKETS: Statement[Any] = Statement(
    """
    UPDATE vouchers_quotabucket b
       SET headroom_fen = left_over.fen, headroom_count = left_over.count
      FROM unnest(%(bucket_ids)s::bigint[], %(fens)s::bigint[], %(counts)s::bigint[])
           AS left_over(id, fen, count)
     WHERE b.id = left_over.id
    """
)


class Allocation(models.Model):
    """One combination of slices; each voucher and ledger leg of it counts in the same cells."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="allocations")
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+")
    round = models.ForeignKey(Round, models.PROTECT, null=True, related_name="+")
    district = models.ForeignKey(District, models.PROTECT, null=True, related_name="+")
    store = models.ForeignKey(Store, models.PROTECT, null=True, related_name="+")
    channel = models.CharField(_("channel"), max_length=20, null=True)  # noqa: DJ001
    day = models.DateField(_("day"), null=True)

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "tier", "round", "district", "store", "channel", "day"],
                name="one_allocation_per_combination",
                nulls_distinct=False,
            )
        ]
        triggers: ClassVar = [
            *append_only("allocation"),
            same_campaign(
                "allocation_of_own_campaign", tier_id="vouchers_tier", round_id="vouchers_round"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.tier_id}/{self.id}"
