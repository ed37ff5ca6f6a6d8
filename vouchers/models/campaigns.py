"""Campaigns: terms, approvals, funding, tiers, rounds, participating stores and caps."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Store

from ..states import CAMPAIGN_ARROWS, CampaignState, CapKind, ThresholdBasis, TierKind
from .guards import append_only, frozen_columns, only_arrows

CAMPAIGN_STATES = [
    (CampaignState.DRAFT.value, _("draft")),
    (CampaignState.SUBMITTED.value, _("submitted")),
    (CampaignState.APPROVED.value, _("approved")),
    (CampaignState.SCHEDULED.value, _("scheduled")),
    (CampaignState.RUNNING.value, _("running")),
    (CampaignState.PAUSED.value, _("paused")),
    (CampaignState.ENDED.value, _("ended")),
    (CampaignState.SETTLED.value, _("settled")),
    (CampaignState.CLOSED.value, _("closed")),
]
TIER_KINDS = [
    (TierKind.THRESHOLD.value, _("money off above a threshold (满减)")),
    (TierKind.FLAT.value, _("money off (立减)")),
    (TierKind.PERCENT.value, _("percentage off (折扣)")),
]
THRESHOLD_BASES = [
    (ThresholdBasis.PRE_DISCOUNT.value, _("before the shop's discounts")),
    (ThresholdBasis.POST_DISCOUNT.value, _("after the shop's discounts")),
]
CAP_KINDS = [
    (CapKind.RESIDENT_DAY.value, _("per resident and day")),
    (CapKind.RESIDENT_WEEK.value, _("per resident and week")),
    (CapKind.RESIDENT_CAMPAIGN.value, _("per resident and campaign")),
    (CapKind.STORE_MINUTE.value, _("per store and minute")),
    (CapKind.STORE_DAY.value, _("per store and day")),
    (CapKind.MERCHANT_DAY.value, _("per merchant and day")),
    (CapKind.MERCHANT_CAMPAIGN.value, _("per merchant and campaign")),
    (CapKind.LINK_DAY.value, _("per device, phone or card and day")),
    (CapKind.LINK_CAMPAIGN.value, _("per device, phone or card and campaign")),
]


class Campaign(models.Model):
    """A voucher campaign (活动). What was approved of it is a `TermsVersion`."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    organiser = models.CharField(_("organiser (主办)"), max_length=120, blank=True)
    operator = models.CharField(_("operator (承办)"), max_length=120, blank=True)
    zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    # How long a minted voucher is good for, from its minting; never past the campaign's end.
    validity_s = models.PositiveIntegerField(_("validity of a voucher, seconds"))
    radius_m = models.PositiveIntegerField(_("radius around stores, metres"), default=3000)
    # Which points of a resident count, and whom to reach; frozen into the terms.
    point_kinds = models.JSONField(_("kinds of points that count"), default=list)
    audience_filter = models.JSONField(_("audience filter"), default=dict, blank=True)
    excluded_categories = models.JSONField(_("excluded categories"), default=list, blank=True)
    order_kinds = models.JSONField(_("order kinds accepted"), default=list, blank=True)
    is_test = models.BooleanField(_("test campaign"), default=False)
    state = models.CharField(
        _("state"), max_length=10, choices=CAMPAIGN_STATES, default=CampaignState.DRAFT.value
    )
    terms = models.ForeignKey(
        "vouchers.TermsVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("terms in force"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"))
    closing_document_no = models.CharField(_("closing document no."), max_length=60, blank=True)

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering: ClassVar = ["-starts_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="campaign_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in CampaignState]),
                name="campaign_state_known",
            ),
            models.CheckConstraint(condition=Q(radius_m__gt=0), name="campaign_radius_positive"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted"]) | Q(terms__isnull=False),
                name="approved_campaign_has_terms",
            ),
        ]
        triggers: ClassVar = [
            only_arrows("campaign_arrows", CAMPAIGN_ARROWS),
            frozen_columns("campaign_identity_frozen", "code", "is_test", "zone"),
        ]

    def __str__(self) -> str:
        return self.name


class TermsVersion(models.Model):
    """An immutable, hashed copy of everything a campaign promises."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("number"))
    document = models.JSONField(_("document"))
    # SHA-256 of the document's canonical JSON: what an approver binds to.
    sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    edited_by = models.JSONField(_("ids of the users who edited it"))
    amends = models.ForeignKey("self", models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("terms version")
        verbose_name_plural = _("terms versions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "number"], name="one_terms_per_number")
        ]
        triggers: ClassVar = append_only("terms")

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.number}"


class Approval(models.Model):
    """One person's yes or no to exactly the terms they saw."""

    class Decision(models.TextChoices):
        APPROVED = "approved", _("approved")
        REJECTED = "rejected", _("rejected")

    terms = models.ForeignKey(TermsVersion, models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decision = models.CharField(_("decision"), max_length=8, choices=Decision.choices)
    seen_sha256 = models.BinaryField(_("SHA-256 seen"), max_length=32)
    comment = models.CharField(_("comment"), max_length=500, blank=True)
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["terms", "approver"], name="one_decision_per_approver")
        ]
        triggers: ClassVar = [
            *append_only("approval"),
            pgtrigger.Trigger(
                name="approval_by_another_person",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("version", "vouchers_termsversion%ROWTYPE")],
                func="""
                    SELECT * INTO STRICT version FROM vouchers_termsversion WHERE id = NEW.terms_id;
                    IF version.edited_by @> to_jsonb(NEW.approver_id) THEN
                        RAISE EXCEPTION 'who edited terms cannot decide on them'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_by_another_person';
                    END IF;
                    IF version.sha256 <> NEW.seen_sha256 THEN
                        RAISE EXCEPTION 'the decision is about other terms'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_of_what_was_seen';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.terms_id} {self.decision}"


class FundingSource(models.Model):
    """Who pays: the city, a merchant group, a platform."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="sources")
    code = models.SlugField(_("code"), max_length=20)
    name = models.CharField(_("name"), max_length=120)
    # The figure changes compare themselves with; its one writer is services/ledger.
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

    def __str__(self) -> str:
        return self.name


class CashReceipt(models.Model):
    """Money that has really arrived from a source (到账); payouts never exceed the sum of these."""

    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="receipts")
    request_id = models.CharField(_("request no."), max_length=64, unique=True)
    amount_fen = models.BigIntegerField(_("amount, fen"))
    document_no = models.CharField(_("document no."), max_length=60)
    received_at = models.DateTimeField(_("received at"))

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
                condition=Q(kind=TierKind.PERCENT.value, percent_bp__range=(1, 9999))
                | (~Q(kind=TierKind.PERCENT.value) & Q(percent_bp__isnull=True)),
                name="percentage_only_for_percent_tiers",
            ),
            models.CheckConstraint(condition=Q(per_resident__gte=1), name="per_resident_positive"),
        ]

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
            )
        ]

    def __str__(self) -> str:
        return f"{self.tier_id}/{self.source_id}"


class Round(models.Model):
    """A round (轮次) in which part of the budget is handed out."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField(_("number"))
    opens_at = models.DateTimeField(_("opens at"))
    closes_at = models.DateTimeField(_("closes at"))

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering: ClassVar = ["campaign", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "number"], name="one_round_per_number"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")), name="round_closes_after_opening"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} #{self.number}"


class CampaignStore(models.Model):
    """A store's dated participation in a campaign. Open-ended while `valid_until_at` is empty."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="participations")
    store = models.ForeignKey(Store, models.PROTECT, related_name="participations")
    category = models.CharField(_("category in the campaign"), max_length=40, blank=True)
    radius_m = models.PositiveIntegerField(_("own radius, metres"), null=True, blank=True)
    valid_from_at = models.DateTimeField(_("from"))
    valid_until_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("participating store")
        verbose_name_plural = _("participating stores")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "store"],
                condition=Q(valid_until_at__isnull=True),
                name="one_open_participation_per_store",
            ),
            models.CheckConstraint(
                condition=Q(valid_until_at__isnull=True) | Q(valid_until_at__gt=F("valid_from_at")),
                name="participation_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(radius_m__isnull=True) | Q(radius_m__gt=0),
                name="participation_radius_positive",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["campaign", "store"], name="participation_by_store")
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}/{self.store_id}"


class Ring(models.Model):
    """A distance ring: inside it when from < distance ≤ to (the innermost also takes 0)."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="rings")
    label = models.CharField(_("label"), max_length=8)
    from_m = models.PositiveIntegerField(_("from, metres"))
    to_m = models.PositiveIntegerField(_("to, metres"))

    class Meta:
        verbose_name = _("ring")
        verbose_name_plural = _("rings")
        ordering: ClassVar = ["campaign", "from_m"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "label"], name="one_ring_per_label"),
            models.CheckConstraint(condition=Q(to_m__gt=F("from_m")), name="ring_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.from_m}–{self.to_m} m"


class Geofence(models.Model):
    """An area beside the stores' circles: a polygon to add, or districts to stay within."""

    class Kind(models.TextChoices):
        INCLUDE_POLYGON = "include_polygon", _("also inside this polygon")
        WITHIN_DISTRICT = "within_district", _("only within this district")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="geofences")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    # GeoJSON geometry, WGS-84, for polygons; a district's adcode otherwise.
    geometry = models.JSONField(_("geometry"), null=True, blank=True)
    district = models.ForeignKey(
        "merchants.District", models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("geofence")
        verbose_name_plural = _("geofences")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind="include_polygon", geometry__isnull=False, district__isnull=True)
                | Q(kind="within_district", geometry__isnull=True, district__isnull=False),
                name="geofence_has_its_area",
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.kind}"


class CapRule(models.Model):
    """An exact limit of a campaign; both figures hold at once where both are given."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="caps")
    kind = models.SmallIntegerField(_("counts"), choices=CAP_KINDS)
    limit_count = models.PositiveIntegerField(_("most redemptions"), null=True, blank=True)
    limit_fen = models.BigIntegerField(_("most subsidy, fen"), null=True, blank=True)

    class Meta:
        verbose_name = _("cap")
        verbose_name_plural = _("caps")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "kind"], name="one_cap_per_kind"),
            models.CheckConstraint(
                condition=Q(limit_count__isnull=False) | Q(limit_fen__gte=0), name="cap_limits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.get_kind_display()}"


class Exclusion(models.Model):
    """A resident kept out of one campaign, or of all when `campaign` is empty, with the reason."""

    resident = models.ForeignKey("vouchers.Resident", models.PROTECT, related_name="exclusions")
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    created_by = models.CharField(_("created by"), max_length=150)
    created_at = models.DateTimeField(_("created at"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("exclusion")
        verbose_name_plural = _("exclusions")

    def __str__(self) -> str:
        return f"{self.resident_id}: {self.reason}"
