"""Campaigns: their options, rounds, participating stores, limits and exclusions."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Store
from vouchers.money import WHOLE_BP
from vouchers.rules.campaigns.declaration import HOLD_OUT_MOST_BP, WIDENED_PARTS, Until, names
from vouchers.sql.triggers import (
    differ,
    frozen_columns,
    only_arrows,
    only_in_draft,
    only_widened,
    refuse_if,
)
from vouchers.states import (
    CAMPAIGN_ARROWS,
    CampaignState,
    LimitKind,
    RefundPolicy,
    RoundWay,
    SelectionMethod,
)

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
LIMIT_KINDS = [
    (LimitKind.RESIDENT_DAY.value, _("per resident and day")),
    (LimitKind.RESIDENT_WEEK.value, _("per resident and week")),
    (LimitKind.RESIDENT_CAMPAIGN.value, _("per resident and campaign")),
    (LimitKind.STORE_MINUTE.value, _("per store and minute")),
    (LimitKind.STORE_DAY.value, _("per store and day")),
    (LimitKind.MERCHANT_DAY.value, _("per merchant and day")),
    (LimitKind.MERCHANT_CAMPAIGN.value, _("per merchant and campaign")),
    (LimitKind.LINK_DAY.value, _("per device, phone or card and day")),
    (LimitKind.LINK_CAMPAIGN.value, _("per device, phone or card and campaign")),
    (LimitKind.STORE_WEEK.value, _("per store and week")),
    (LimitKind.STORE_CAMPAIGN.value, _("per store and campaign")),
    (LimitKind.MERCHANT_WEEK.value, _("per merchant and week")),
    (LimitKind.LINK_WEEK.value, _("per device, phone or card and week")),
    (LimitKind.CLAIM_DAY.value, _("claims per device, phone or card and day")),
    (LimitKind.CLAIM_WEEK.value, _("claims per device, phone or card and week")),
    (LimitKind.CLAIM_CAMPAIGN.value, _("claims per device, phone or card and campaign")),
]
LIMIT_NAMES = " ".join(f"WHEN {kind.value} THEN '{kind.name.lower()}'" for kind in LimitKind)
"""SQL: the kinds as documents write them."""
SELECTION_METHODS = [
    (SelectionMethod.NEAREST.value, _("nearest to a participating store (就近)")),
    (SelectionMethod.RANDOM.value, _("by lot (随机)")),
    (SelectionMethod.NEED.value, _("highest need (按需)")),
    (SelectionMethod.DISTRICTS.value, _("districts in proportion to population (按区人口)")),
]
ROUND_WAYS = [
    (RoundWay.RUN.value, _("distributed by runs (发放)")),
    (RoundWay.DROP.value, _("distributed by itself when it opens (定时发放)")),
    (RoundWay.CLAIM.value, _("claimed first come, first served, by places on file (先到先得)")),
    (RoundWay.CLAIM_ON_SPOT.value, _("claimed first come, first served, on the spot (现场领取)")),
]
REFUND_POLICIES = [
    (RefundPolicy.RETURN.value, _("a whole refund gives the voucher back (退券)")),
    (RefundPolicy.PRO_RATA.value, _("the subsidy is returned in proportion (按比例退回)")),
    (RefundPolicy.FORFEIT.value, _("whole refunds only, the voucher is lost (退款作废)")),
]


def only_home() -> list[str]:
    """The kinds of points that count unless a campaign says otherwise."""
    return ["home"]


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
    validity_s = models.PositiveIntegerField(_("validity of a voucher"))
    radius_m = models.PositiveIntegerField(_("radius around stores"), default=3000)
    # The point kinds that count, and the audience filter; frozen into the terms.
    point_kinds = models.JSONField(_("places that count"), default=only_home)
    audience_filter = models.JSONField(_("audience filter"), default=dict, blank=True)
    # Who comes first when there are fewer vouchers than residents within reach.
    selection_method = models.CharField(
        _("who comes first"),
        max_length=9,
        choices=SELECTION_METHODS,
        default=SelectionMethod.NEAREST.value,
    )
    # Points by what they are for (`rules/audience/need`); empty: the score on file.
    need_weights = models.JSONField(_("need is counted by"), default=dict, blank=True)
    senior_share_bp = models.PositiveSmallIntegerField(
        _("guaranteed to residents of 60 and more"), default=0
    )
    small_shop_share_bp = models.PositiveSmallIntegerField(
        _("guaranteed to residents nearest to small shops"), default=0
    )
    hold_out_bp = models.PositiveSmallIntegerField(_("control group without vouchers"), default=0)
    excluded_categories = models.JSONField(_("excluded categories"), default=list, blank=True)
    order_kinds = models.JSONField(_("orders accepted"), default=list, blank=True)
    # What every order has to name: payment reference, receipt number.
    order_numbers = models.JSONField(_("numbers asked of an order"), default=list, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    refund_policy = models.CharField(
        _("refunds"),
        max_length=8,
        choices=REFUND_POLICIES,
        default=RefundPolicy.RETURN.value,
    )
    # How long a till may take from authorising a voucher to capturing it.
    authorise_ttl_s = models.PositiveIntegerField(_("an authorisation lasts"), default=900)
    # The printed code alone is refused: a code presented on a telephone, or a paper.
    presence_required = models.BooleanField(_("vouchers are shown in person"), default=False)
    # Addresses that get the journal's seals every day; fixed by the approval of the terms.
    anchor_recipients = models.JSONField(_("recipients of seals"), default=list, blank=True)
    is_test = models.BooleanField(_("test campaign"), default=False)
    state = models.CharField(
        _("state"), max_length=10, choices=CAMPAIGN_STATES, default=CampaignState.DRAFT.value
    )
    # In the campaign's time; None: until a person resumes it.
    paused_until_at = models.DateTimeField(_("paused until"), null=True, blank=True, editable=False)
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
        permissions: ClassVar = [("pause_campaign", "Can pause campaign")]
        ordering: ClassVar = ["-starts_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="campaign_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[state.value for state in CampaignState]),
                name="campaign_state_known",
            ),
            models.CheckConstraint(
                condition=Q(paused_until_at__isnull=True) | Q(state=CampaignState.PAUSED.value),
                name="campaign_deadline_of_pause",
            ),
            models.CheckConstraint(condition=Q(radius_m__gt=0), name="campaign_radius_positive"),
            models.CheckConstraint(
                condition=Q(refund_policy__in=[policy.value for policy in RefundPolicy]),
                name="refund_policy_known",
            ),
            models.CheckConstraint(
                condition=Q(authorise_ttl_s__gt=0), name="authorisation_lasts_a_while"
            ),
            models.CheckConstraint(
                condition=Q(selection_method__in=[method.value for method in SelectionMethod]),
                name="selection_method_known",
            ),
            models.CheckConstraint(
                condition=Q(hold_out_bp__lte=HOLD_OUT_MOST_BP), name="hold_out_in_range"
            ),
            models.CheckConstraint(
                condition=Q(senior_share_bp__lte=WHOLE_BP - F("small_shop_share_bp")),
                name="guaranteed_shares_fit",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted"]) | Q(terms__isnull=False),
                name="approved_campaign_has_terms",
            ),
        ]
        triggers: ClassVar = [
            only_arrows("campaign_arrows", CAMPAIGN_ARROWS),
            frozen_columns("campaign_identity_frozen", *names(until=Until.CREATED)),
            # From approval on, `terms` is a version that as many others approved as were needed.
            pgtrigger.Trigger(
                name="terms_were_approved",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.state NOT IN ('draft', 'submitted')"),
                func="""
                    PERFORM FROM vouchers_approval a JOIN vouchers_termsversion v
                        ON v.id = a.terms_id
                      WHERE v.id = NEW.terms_id AND v.campaign_id = NEW.id
                        AND a.decision = 'approved'
                      GROUP BY v.id HAVING count(*) >= v.signatures_needed;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'the terms of campaign % were not approved', NEW.id
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'terms_were_approved';
                    END IF;
                    RETURN NULL;
                """,
            ),
            # An approved amendment changes what it may widen, together with the terms in force.
            pgtrigger.Protect(
                name="campaign_terms_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    f"OLD.state <> 'draft' AND ({differ(names(until=Until.SUBMITTED))}"
                    " OR OLD.terms_id IS NOT DISTINCT FROM NEW.terms_id AND"
                    f" ({differ(names(until=Until.SUBMITTED, is_widened=True))}))"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Round(models.Model):
    """A round (轮次) in which part of the budget is handed out."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="rounds")
    number = models.PositiveIntegerField(_("number"))
    opens_at = models.DateTimeField(_("opens at"))
    closes_at = models.DateTimeField(_("closes at"))
    way = models.CharField(
        _("handed out"), max_length=13, choices=ROUND_WAYS, default=RoundWay.RUN.value
    )

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering: ClassVar = ["campaign", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "number"], name="one_round_per_number"),
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")), name="round_closes_after_opening"
            ),
            models.CheckConstraint(
                condition=Q(way__in=[way.value for way in RoundWay]), name="round_way_known"
            ),
        ]
        triggers: ClassVar = [only_in_draft("round")]

    def __str__(self) -> str:
        return f"{self.campaign_id} #{self.number}"


class CampaignStore(models.Model):
    """A store's dated participation in a campaign. Open-ended while `valid_until_at` is empty."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="participations")
    store = models.ForeignKey(Store, models.PROTECT, related_name="participations")
    category = models.CharField(_("category in the campaign"), max_length=40, blank=True)
    radius_m = models.PositiveIntegerField(_("own radius"), null=True, blank=True)
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


class LimitRule(models.Model):
    """An exact limit of a campaign; both figures hold at once where both are given.

    A limit that an amendment has lifted has none. Its row stays, so that redemptions are counted
    as before: counters are the sum of all of them, and undoing one gives its place back.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="limits")
    kind = models.SmallIntegerField(_("counts"), choices=LIMIT_KINDS)
    limit_count = models.PositiveIntegerField(_("most vouchers"), null=True, blank=True)
    limit_fen = models.BigIntegerField(_("most subsidy, fen"), null=True, blank=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "kind"], name="one_limit_per_kind"),
            models.CheckConstraint(
                condition=Q(limit_fen__isnull=True) | Q(limit_fen__gte=0),
                name="limit_fen_not_negative",
            ),
        ]
        triggers: ClassVar = [
            only_in_draft("limit", operation=pgtrigger.Insert | pgtrigger.Delete),
            only_widened(
                "limit",
                part="limits",
                fixed=("kind",),
                widened=tuple(WIDENED_PARTS["limits"].widened),
                written=f"'kind', CASE NEW.kind {LIMIT_NAMES} END",
            ),
            pgtrigger.Trigger(
                name="limit_has_a_figure",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.limit_count IS NULL AND NEW.limit_fen IS NULL"),
                func=refuse_if(
                    "EXISTS (SELECT FROM vouchers_campaign"
                    " WHERE id = NEW.campaign_id AND state = 'draft')",
                    "limit_has_a_figure",
                    "a limit of a draft has a figure",
                )
                + " RETURN NEW;",
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
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resident", "campaign"],
                condition=Q(lifted_at__isnull=True),
                nulls_distinct=False,
                name="one_live_exclusion",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["campaign", "-id"], name="exclusion_by_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.resident_id}: {self.reason}"
