"""Redemptions, the requests that caused them, and the claim of an order."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential, Merchant, Store
from vouchers.models.campaigns import Campaign
from vouchers.models.fields import Xid8Field
from vouchers.models.guards import append_only, frozen_columns, only_arrows
from vouchers.models.quotas import Allocation
from vouchers.models.residents import Resident
from vouchers.models.vouchers import Voucher
from vouchers.states import REDEMPTION_ARROWS, RedemptionState

REDEMPTION_STATES = [
    (RedemptionState.AUTHORISED.value, _("authorised")),
    (RedemptionState.CAPTURED.value, _("captured")),
    (RedemptionState.VOIDED.value, _("voided")),
    (RedemptionState.REVERSED.value, _("reversed")),
]


class RequestRecord(models.Model):
    """The answer given under a caller's idempotency key; committed with the effect."""

    pk = models.CompositePrimaryKey("caller_id", "key")
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    key = models.CharField(_("idempotency key"), max_length=255)
    # SHA-256 of method, path and canonical JSON.
    fingerprint = models.BinaryField(_("fingerprint"), max_length=32)
    status = models.SmallIntegerField(_("HTTP status"))
    answer = models.BinaryField(_("answer"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        triggers: ClassVar = append_only("request")

    def __str__(self) -> str:
        return f"{self.caller_id}/{self.key}"


class Redemption(models.Model):
    """A voucher used on an order (核销)."""

    id = models.BigIntegerField(primary_key=True)
    store = models.ForeignKey(
        Store, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    merchant = models.ForeignKey(
        Merchant, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    allocation = models.ForeignKey(
        Allocation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    resident = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # Who showed it: the holder or a declared proxy.
    shown_by = models.ForeignKey(
        Resident, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    terminal = models.CharField(_("terminal"), max_length=40, blank=True)
    device = models.CharField(_("device"), max_length=80, blank=True)
    order_no = models.CharField(_("order no."), max_length=64)
    order_amount_fen = models.BigIntegerField(_("order amount, fen"))
    eligible_amount_fen = models.BigIntegerField(_("eligible amount, fen"))
    order_kind = models.CharField(_("order kind"), max_length=12)
    category = models.CharField(_("category"), max_length=40, blank=True)
    channel = models.CharField(_("channel"), max_length=20, blank=True)
    payment_ref = models.CharField(_("payment reference"), max_length=64, blank=True)
    receipt_no = models.CharField(_("receipt no."), max_length=64, blank=True)
    discount_fen = models.BigIntegerField(_("discount, fen"))
    # [[source id, fen], …] in source order; sums to the discount.
    split = models.JSONField(_("discount by source"))
    state = models.SmallIntegerField(_("state"), choices=REDEMPTION_STATES)
    business_day = models.DateField(_("business day"))
    redeemed_at = models.DateTimeField(_("redeemed at"))
    expires_at = models.DateTimeField(_("authorisation expires at"), null=True)
    undone_at = models.DateTimeField(_("undone at"), null=True)
    xid = Xid8Field()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            # Invariant 5 at the last line: a voucher has at most one live redemption.
            models.UniqueConstraint(
                fields=["voucher"],
                condition=Q(state__in=[RedemptionState.AUTHORISED, RedemptionState.CAPTURED]),
                name="voucher_redeems_once",
            ),
            models.CheckConstraint(
                condition=Q(discount_fen__gt=0, order_amount_fen__gt=F("discount_fen")),
                name="payable_at_least_one_fen",
            ),
            models.CheckConstraint(
                condition=Q(eligible_amount_fen__gte=0)
                & Q(eligible_amount_fen__lte=F("order_amount_fen")),
                name="eligible_within_order",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["store", "business_day"], name="redemption_by_store_day")
        ]
        triggers: ClassVar = [
            only_arrows("redemption_arrows", REDEMPTION_ARROWS),
            frozen_columns(
                "redemption_facts_frozen",
                "id",
                "store_id",
                "merchant_id",
                "campaign_id",
                "voucher_id",
                "allocation_id",
                "resident_id",
                "order_no",
                "business_day",
                "redeemed_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}"


class OrderClaim(models.Model):
    """An order of a store that a voucher was used on. Freed by void; a reversal leaves a tombstone."""

    pk = models.CompositePrimaryKey("store_id", "order_no")
    store = models.ForeignKey(
        Store, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    order_no = models.CharField(_("order no."), max_length=64)
    # None: a tombstone, set before or after the original arrived.
    redemption = models.ForeignKey(
        Redemption, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    claimed_at = models.DateTimeField(_("claimed at"))

    class Meta:
        verbose_name = _("order claim")
        verbose_name_plural = _("order claims")

    def __str__(self) -> str:
        return f"{self.store_id}/{self.order_no}"
