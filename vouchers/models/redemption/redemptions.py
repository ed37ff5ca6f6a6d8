"""Redemptions, and the claim of an order."""

from typing import Any, ClassVar, Final, NamedTuple

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential, Merchant, Store
from merchants.references import folded
from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.ledger.quotas import Allocation
from vouchers.models.residents.residents import Resident
from vouchers.sql.fields import Xid8Field
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import (
    begins_as,
    frozen_columns,
    never_deleted,
    never_truncated,
    only_arrows,
    own_transaction,
    refuse_if,
)
from vouchers.states import REDEMPTION_ARROWS, RedemptionState

REDEMPTION_STATES = [
    (RedemptionState.AUTHORISED.value, _("authorised")),
    (RedemptionState.CAPTURED.value, _("captured")),
    (RedemptionState.VOIDED.value, _("voided")),
    (RedemptionState.REVERSED.value, _("reversed")),
    (RedemptionState.REFUNDED.value, _("refunded")),
]


class Redemption(models.Model):
    """A voucher used on an order (核销).

    HASH partitions by voucher with primary key (id, voucher_id), so that "a voucher has one live
    redemption" stays a plain unique index. A row that refers to a redemption has both columns and
    a foreign key of both; a join on both reads one partition, on `id` alone an index of each.
    """

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
        Resident,
        models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("shown by"),
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
    # Of a redemption that was authorised first: its discount then, which the final one never
    # exceeds, and how long the till had, or when it captured.
    authorised_fen = models.BigIntegerField(_("authorised, fen"), null=True)
    expires_at = models.DateTimeField(_("authorisation expires at"), null=True)
    captured_at = models.DateTimeField(_("captured at"), null=True)
    # Numbers of the links (device, phone, card, account) it was counted for; see
    # rules/limits.
    links = ArrayField(models.BigIntegerField(), verbose_name=_("links"), null=True)
    undone_at = models.DateTimeField(_("undone at"), null=True)
    # When the till says it took the voucher, of an order that it sent later.
    occurred_at = models.DateTimeField(_("taken offline at"), null=True)
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
            models.CheckConstraint(
                condition=Q(authorised_fen__isnull=True) | Q(discount_fen__lte=F("authorised_fen")),
                name="captured_within_authorised",
            ),
            models.CheckConstraint(
                condition=~Q(state=RedemptionState.AUTHORISED.value)
                | Q(authorised_fen__isnull=False, expires_at__isnull=False),
                name="authorisation_has_an_end",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["store", "business_day"], name="redemption_by_store_day"),
            # Rows arrive day by day, so a few pages of ranges find a day; nearly free to keep.
            BrinIndex(fields=["business_day"], autosummarize=True, name="redemption_by_day"),
            models.Index(
                fields=["expires_at"],
                name="redemption_to_capture",
                condition=Q(state=RedemptionState.AUTHORISED.value),
            ),
        ]
        triggers: ClassVar = [
            only_arrows("redemption_arrows", REDEMPTION_ARROWS),
            begins_as(
                "redemption_begins_live", RedemptionState.AUTHORISED, RedemptionState.CAPTURED
            ),
            own_transaction("redemption"),
            *never_deleted("redemption"),
            frozen_columns(
                "redemption_facts_frozen",
                "id",
                "store_id",
                "merchant_id",
                "campaign_id",
                "voucher_id",
                "allocation_id",
                "resident_id",
                "shown_by_id",
                "caller_id",
                "terminal",
                "device",
                "order_no",
                "order_kind",
                "category",
                "channel",
                "business_day",
                "redeemed_at",
                "authorised_fen",
                "expires_at",
                "links",
                "occurred_at",
                "xid",
            ),
            # The final order is recorded once, by the capture of an authorisation.
            pgtrigger.Protect(
                name="redemption_amounts_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    f"NOT (OLD.state = {RedemptionState.AUTHORISED.value}"
                    f" AND NEW.state = {RedemptionState.CAPTURED.value}) AND"
                    " (OLD.order_amount_fen, OLD.eligible_amount_fen, OLD.discount_fen, OLD.split,"
                    " OLD.captured_at, OLD.payment_ref, OLD.receipt_no) IS DISTINCT FROM"
                    " (NEW.order_amount_fen, NEW.eligible_amount_fen, NEW.discount_fen, NEW.split,"
                    " NEW.captured_at, NEW.payment_ref, NEW.receipt_no)"
                ),
            ),
            # Settling locks the redemption first, so a later void sees the lines here.
            pgtrigger.Trigger(
                name="settled_redemption_stands",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    f"OLD.state IS DISTINCT FROM NEW.state"
                    f" AND NEW.state IN"
                    f" ({RedemptionState.VOIDED.value}, {RedemptionState.REVERSED.value})"
                ),
                func="""
                    PERFORM FROM vouchers_settlementline WHERE redemption_id = NEW.id;
                    IF FOUND THEN
                        RAISE EXCEPTION 'redemption % is settled', NEW.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'settled_redemption_stands';
                    END IF;
                    PERFORM FROM vouchers_refund WHERE redemption_id = NEW.id;
                    IF FOUND THEN
                        RAISE EXCEPTION 'redemption % has refunds', NEW.id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'refunded_redemption_stands';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # Deferred: the refund that gives up the last fen is written in the same transaction.
            pgtrigger.Trigger(
                name="refunded_is_all_back",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Condition(
                    f"OLD.state IS DISTINCT FROM NEW.state"
                    f" AND NEW.state = {RedemptionState.REFUNDED.value}"
                ),
                func=refuse_if(
                    "NEW.discount_fen IS DISTINCT FROM (SELECT sum(clawback_fen)"
                    " FROM vouchers_refund WHERE redemption_id = NEW.id)",
                    "refunded_is_all_back",
                    "a redemption is refunded when all of its subsidy is back",
                )
                + " RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}"


SANDBOX_ORDER: Final = " "
"""Stands before the numbers of the sandbox's orders, and before no number that a till may send."""


def claimed_no(order_no: str, *, is_test: bool) -> str:
    """The number under which an order is claimed: what is tried in the sandbox neither uses nor
    reverses the live order of that number."""
    return f"{SANDBOX_ORDER}{folded(order_no)}" if is_test else folded(order_no)


class OrderClaim(models.Model):
    """An order of a store that a voucher was used on. Freed by void; a reversal leaves a
    tombstone. HASH partitions by store.

    The number is as `claimed_no` has it, folded (`merchants/references`): upper and lower case are
    one order.
    """

    pk = models.CompositePrimaryKey("store_id", "order_no")
    store = models.ForeignKey(
        Store, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    order_no = models.CharField(_("order no."), max_length=65)
    # None: a tombstone, set before or after the original arrived.
    redemption = models.ForeignKey(
        Redemption, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    # Of the redemption, also under a tombstone of one that arrived.
    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, null=True
    )
    claimed_at = models.DateTimeField(_("claimed at"))

    class Meta:
        verbose_name = _("order claim")
        verbose_name_plural = _("order claims")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(order_no=Upper("order_no")), name="order_claim_folded"
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="tombstone_stands",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.redemption_id IS NULL"),
            ),
            # Otherwise an order could be used again while its redemption stands. What was reversed
            # leaves a tombstone; what was voided, nothing.
            pgtrigger.Protect(
                name="order_claim_only_reversed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.redemption_id IS NOT NULL OR"
                    " (OLD.store_id, OLD.order_no, OLD.voucher_id, OLD.claimed_at) IS DISTINCT FROM"
                    " (NEW.store_id, NEW.order_no, NEW.voucher_id, NEW.claimed_at)"
                ),
            ),
            pgtrigger.Trigger(
                name="order_claim_of_undone",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.redemption_id IS NOT NULL"),
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_redemption WHERE id = OLD.redemption_id"
                    " AND voucher_id = OLD.voucher_id AND state = CASE TG_OP"
                    f" WHEN 'DELETE' THEN {RedemptionState.VOIDED.value}"
                    f" ELSE {RedemptionState.REVERSED.value} END)",
                    "order_claim_of_undone",
                    "the redemption of this order stands",
                )
                + " RETURN COALESCE(NEW, OLD);",
            ),
            never_truncated("order_claim"),
        ]

    def __str__(self) -> str:
        return f"{self.store_id}/{self.order_no}"


class StoredClaim(NamedTuple):
    """An order's claim; no redemption means a tombstone."""

    store_id: int
    order_no: str
    redemption_id: int | None


# Store numbers come folded, order numbers as they are claimed; `merchant_ids` as in FIND_STORES.
# With OFFSET 0 claims are looked up one by one: a join planned while the table was small reads all
# of it until the next ANALYZE.
FIND_CLAIMS = Statement(
    """
    SELECT c.store_id, c.order_no, c.redemption_id
      FROM unnest(%(store_nos)s::text[], %(merchant_ids)s::text[], %(order_nos)s::text[])
        AS wanted(store_no, merchant_ids, order_no)
      JOIN merchants_store s ON upper(s.external_id) = wanted.store_no
       AND s.merchant_id = ANY (wanted.merchant_ids::bigint[])
     CROSS JOIN LATERAL (
           SELECT * FROM vouchers_orderclaim
            WHERE store_id = s.id AND order_no = wanted.order_no OFFSET 0) AS c
    """,
    StoredClaim._make,
)
INSERT_CLAIMS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_orderclaim (store_id, order_no, redemption_id, voucher_id, claimed_at)
    SELECT * FROM unnest(
        %(store_ids)s::bigint[], %(order_nos)s::text[], %(redemption_ids)s::bigint[],
        %(voucher_ids)s::bigint[], %(ats)s::timestamptz[])
    """
)
INSERT_REDEMPTIONS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_redemption (
        id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id,
        shown_by_id, caller_id, terminal, device, order_no, order_amount_fen,
        eligible_amount_fen, order_kind, category, channel, payment_ref, receipt_no,
        discount_fen, split, state, business_day, redeemed_at, authorised_fen, expires_at, links,
        occurred_at)
    SELECT id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id,
           shown_by_id, caller_id, terminal, device, order_no, order_amount_fen,
           eligible_amount_fen, order_kind, category, '', payment_ref, receipt_no,
           discount_fen, split::jsonb, state, business_day, redeemed_at, authorised_fen,
           expires_at, links::bigint[], occurred_at
      FROM unnest(
        %(id)s::bigint[], %(store_id)s::bigint[], %(merchant_id)s::bigint[],
        %(campaign_id)s::bigint[], %(voucher_id)s::bigint[], %(allocation_id)s::bigint[],
        %(resident_id)s::bigint[], %(shown_by_id)s::bigint[], %(caller_id)s::bigint[],
        %(terminal)s::text[], %(device)s::text[], %(order_no)s::text[],
        %(order_amount_fen)s::bigint[], %(eligible_amount_fen)s::bigint[],
        %(order_kind)s::text[], %(category)s::text[], %(payment_ref)s::text[],
        %(receipt_no)s::text[], %(discount_fen)s::bigint[], %(split)s::text[],
        %(state)s::smallint[], %(business_day)s::date[], %(redeemed_at)s::timestamptz[],
        %(authorised_fen)s::bigint[], %(expires_at)s::timestamptz[], %(links)s::text[],
        %(occurred_at)s::timestamptz[]
      ) AS fresh(
        id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id,
        shown_by_id, caller_id, terminal, device, order_no, order_amount_fen,
        eligible_amount_fen, order_kind, category, payment_ref, receipt_no, discount_fen,
        split, state, business_day, redeemed_at, authorised_fen, expires_at, links,
        occurred_at)
    """
)
