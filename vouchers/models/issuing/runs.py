"""Distribution runs, their audience and shards, and the tranches minted from them."""

from datetime import datetime
from typing import ClassVar, NamedTuple

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import StoreLocation
from vouchers.models.campaigns.campaigns import Campaign, Round
from vouchers.models.ledger.funding import THRESHOLD_BASES, TIER_KINDS, Tier
from vouchers.models.residents.residents import Resident, ResidentPoint
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import (
    append_only,
    frozen_columns,
    never_deleted,
    only_arrows,
    same_campaign,
)
from vouchers.states import RUN_ARROWS, RunState, ShardState, TrancheState

RUN_STATES = [
    (RunState.QUEUED.value, _("waiting for a worker")),
    (RunState.TARGETING.value, _("finding the audience")),
    (RunState.TARGETED.value, _("audience found")),
    (RunState.RESERVED.value, _("money reserved, minting")),
    (RunState.DONE.value, _("done")),
    (RunState.CANCELLED.value, _("cancelled")),
]
SHARD_STATES = [
    (ShardState.WAITING.value, _("waiting")),
    (ShardState.LEASED.value, _("being minted")),
    (ShardState.DONE.value, _("done")),
]
TRANCHE_STATES = [
    (TrancheState.OUTSTANDING.value, _("outstanding")),
    (TrancheState.EXPIRED.value, _("expired")),
]
# A tranche's vouchers take serials 0 … 999,999, so that 20 bits of the voucher id hold them.
SERIAL_BITS = 20
TRANCHE_MAX_VOUCHERS = 1_000_000


class Run(models.Model):
    """A distribution run (发放): one approved targeting, one reservation, many shards."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="runs")
    round = models.ForeignKey(Round, models.PROTECT, null=True, blank=True, related_name="runs")
    # The channel whose quota cells its vouchers count in; None where channels are not
    # distinguished.
    channel = models.CharField(_("channel"), max_length=20, null=True, blank=True)  # noqa: DJ001
    terms = models.ForeignKey("vouchers.TermsVersion", models.PROTECT, related_name="+")
    # Decides every tie; a run with the same seed and audience selects the same people.
    seed = models.CharField(_("seed"), max_length=64)
    state = models.CharField(
        _("state"), max_length=10, choices=RUN_STATES, default=RunState.QUEUED.value
    )
    requested_by = models.CharField(_("requested by"), max_length=150)
    created_at = models.DateTimeField(_("created at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    # While it is set no worker takes up the run or its shards; what is being minted is finished.
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    # Found by targeting: {"examined": n, "targeted": n, "rings": {"A": n},
    # "untargeted": {"no_consent": n}}.
    audience = models.JSONField(_("audience"), default=dict)
    # Decided at reservation: vouchers, residents and fen by tier, and why the rest got none.
    selection = models.JSONField(_("selection"), default=dict)
    progress_pct = models.PositiveSmallIntegerField(_("progress, %"), default=0)
    lease_until_at = models.DateTimeField(_("leased until"), null=True, blank=True)
    fence = models.PositiveIntegerField(_("fencing token"), default=0)

    class Meta:
        verbose_name = _("distribution run")
        verbose_name_plural = _("distribution runs")
        ordering: ClassVar = ["-id"]
        triggers: ClassVar = [
            *never_deleted("run"),
            same_campaign(
                "run_of_own_campaign",
                round_id="vouchers_round",
                terms_id="vouchers_termsversion",
            ),
            only_arrows("run_arrows", RUN_ARROWS),
            frozen_columns(
                "run_identity_frozen", "campaign_id", "round_id", "channel", "terms_id", "seed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}"


class AudienceMember(models.Model):
    """A resident a run reached, and on what evidence: point, store version, distance, ring."""

    pk = models.CompositePrimaryKey("run_id", "bucket", "resident_id")
    # Written by COPY while the run's row is locked; checking the key row by row doubles the time.
    run = models.ForeignKey(
        Run, models.PROTECT, related_name="members", db_constraint=False, db_index=False
    )
    bucket = models.SmallIntegerField(_("bucket"))
    resident = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    point_kind = models.CharField(_("point"), max_length=6, choices=ResidentPoint.Kind.choices)
    store_location = models.ForeignKey(
        StoreLocation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    distance_m = models.FloatField(_("distance, metres"))
    ring = models.CharField(_("ring"), max_length=8)
    # HMAC-SHA256 over run, resident and the point used: the point can be checked after coarsening.
    commitment = models.BinaryField(_("commitment to the point"), max_length=32)

    class Meta:
        verbose_name = _("audience member")
        verbose_name_plural = _("audience members")
        triggers: ClassVar = append_only("audience")

    def __str__(self) -> str:
        return f"{self.run_id}/{self.resident_id}"


class Shard(models.Model):
    """A worker's unit of a run: the residents of one tier who get the next tranche.

    The three packed columns are little-endian arrays of `voucher_count` items, in serial order.
    """

    run = models.ForeignKey(Run, models.PROTECT, related_name="shards")
    number = models.PositiveIntegerField(_("number"))
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+")
    voucher_count = models.PositiveIntegerField(_("vouchers"))
    resident_ids = models.BinaryField(_("resident ids, int64"))
    buckets = models.BinaryField(_("buckets, int16"))
    allocation_ids = models.BinaryField(_("allocation ids, int64"))
    state = models.CharField(
        _("state"), max_length=8, choices=SHARD_STATES, default=ShardState.WAITING.value
    )
    lease_until_at = models.DateTimeField(_("leased until"), null=True, blank=True)
    fence = models.PositiveIntegerField(_("fencing token"), default=0)

    class Meta:
        verbose_name = _("shard")
        verbose_name_plural = _("shards")
        ordering: ClassVar = ["run", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="one_shard_per_number"),
            models.CheckConstraint(
                condition=Q(voucher_count__range=(1, TRANCHE_MAX_VOUCHERS)),
                name="shard_fits_a_tranche",
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("shard"),
            only_arrows(
                "shard_arrows",
                {
                    (ShardState.WAITING, ShardState.LEASED),
                    (ShardState.LEASED, ShardState.WAITING),
                    (ShardState.LEASED, ShardState.DONE),
                },
            ),
            frozen_columns(
                "shard_people_frozen", "resident_ids", "buckets", "allocation_ids", "voucher_count"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.number}"


class Tranche(models.Model):
    """Vouchers with one validity end and terms frozen into the row: minted together from a shard,
    or made one by one as residents claim them in a round.
    """

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="tranches")
    tier = models.ForeignKey(Tier, models.PROTECT, related_name="+")
    round = models.ForeignKey(Round, models.PROTECT, null=True, related_name="+")
    # One tranche per shard: a shard minted twice would break this. None: it grows by claims.
    shard = models.OneToOneField(Shard, models.PROTECT, null=True, related_name="tranche")
    terms = models.ForeignKey("vouchers.TermsVersion", models.PROTECT, related_name="+")
    voucher_count = models.PositiveIntegerField(_("vouchers"))
    kind = models.CharField(_("kind"), max_length=10, choices=TIER_KINDS)
    face_fen = models.BigIntegerField(_("face value, fen"))
    threshold_fen = models.BigIntegerField(_("threshold, fen"))
    threshold_basis = models.CharField(_("threshold on"), max_length=13, choices=THRESHOLD_BASES)
    percent_bp = models.PositiveSmallIntegerField(_("percentage, ‱"), null=True)
    # [[source id, fen], …] in source order; sums to the face.
    split = models.JSONField(_("shares of the face"))
    valid_from_at = models.DateTimeField(_("valid from"))
    valid_until_at = models.DateTimeField(_("valid until"))
    state = models.CharField(
        _("state"), max_length=11, choices=TRANCHE_STATES, default=TrancheState.OUTSTANDING.value
    )
    minted_at = models.DateTimeField(_("minted at"))
    expired_at = models.DateTimeField(_("expired at"), null=True, blank=True)

    class Meta:
        verbose_name = _("tranche")
        verbose_name_plural = _("tranches")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(voucher_count__range=(1, TRANCHE_MAX_VOUCHERS))
                | Q(voucher_count=0, shard__isnull=True),
                name="tranche_size_in_range",
            ),
            models.CheckConstraint(
                condition=Q(shard__isnull=False) | Q(round__isnull=False),
                name="claimed_tranche_has_a_round",
            ),
            # Six decimal digits of the printed code hold the number.
            models.CheckConstraint(condition=Q(id__range=(1, 999_999)), name="tranche_number_fits"),
            models.CheckConstraint(
                condition=Q(valid_until_at__gt=F("valid_from_at")), name="tranche_ends_after_start"
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("tranche"),
            same_campaign(
                "tranche_of_own_campaign",
                tier_id="vouchers_tier",
                terms_id="vouchers_termsversion",
            ),
            only_arrows("tranche_arrows", {(TrancheState.OUTSTANDING, TrancheState.EXPIRED)}),
            # `valid_until_at` stays open: an approved amendment may extend it, and only extend.
            frozen_columns(
                "tranche_terms_frozen",
                "campaign_id",
                "tier_id",
                "shard_id",
                "terms_id",
                "round_id",
                "kind",
                "face_fen",
                "threshold_fen",
                "threshold_basis",
                "percent_bp",
                "split",
                "valid_from_at",
            ),
            # One that is claimed from grows by the vouchers claimed; no other changes its size.
            pgtrigger.Protect(
                name="tranche_grows_by_claims",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.voucher_count <> OLD.voucher_count AND (OLD.shard_id IS NOT NULL"
                    " OR NEW.voucher_count < OLD.voucher_count OR OLD.state <> 'outstanding')"
                ),
            ),
            pgtrigger.Protect(
                name="tranche_validity_never_shorter",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.valid_until_at < OLD.valid_until_at"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id:06d}"


class TrancheRow(NamedTuple):
    """A tranche's terms and whether it lasts."""

    id: int
    campaign_id: int
    state: str
    kind: str
    face_fen: int
    threshold_fen: int
    threshold_basis: str
    percent_bp: int | None
    split: list[list[int]]
    valid_from_at: datetime
    valid_until_at: datetime


FIND_TRANCHES = Statement(
    """
    SELECT t.id, t.campaign_id, t.state, t.kind, t.face_fen, t.threshold_fen, t.threshold_basis,
           t.percent_bp, t.split, t.valid_from_at, t.valid_until_at
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_tranche t ON t.id = wanted.id
    """,
    TrancheRow._make,
    is_binary=True,
)
