"""Refunds: what went back of the shopper's money, and what of the subsidy followed it."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential, Merchant, Store
from merchants.references import folded
from vouchers.models.campaigns.campaigns import REFUND_POLICIES, Campaign
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.ledger.funding import FundingSource
from vouchers.models.ledger.transfers import ACCOUNT_KINDS
from vouchers.models.redemption.redemptions import Redemption
from vouchers.sql.fields import Xid8Field
from vouchers.sql.triggers import append_only, own_transaction, refuse_if
from vouchers.states import AccountKind, RedemptionState

ORIGINS = (AccountKind.PAYABLE, AccountKind.RISK_HELD, AccountKind.SETTLED)
TARGETS = (AccountKind.FREE, AccountKind.OUTSTANDING, AccountKind.RECOVERABLE)


def recovered_within_owed(name: str, *, condition: str = "") -> pgtrigger.Trigger:
    """Refuse to keep back, or to collect, more of a refund's share than its merchant owes.

    For rows that name `refund_id` and `source_id`; the redemption's row is locked, so that netting
    and collecting at once are judged one after the other.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Condition(condition) if condition else None,
        declare=[("off_fen", "bigint")],
        func="""
            PERFORM FROM vouchers_redemption WHERE (id, voucher_id) = (
                    SELECT redemption_id, voucher_id FROM vouchers_refund WHERE id = NEW.refund_id)
                FOR NO KEY UPDATE;
            SELECT COALESCE((SELECT sum(p.amount_fen) FROM vouchers_refundpart p
                              WHERE p.refund_id = NEW.refund_id AND p.source_id = NEW.source_id
                                AND p.target = 'recoverable'), 0)
                 + COALESCE((SELECT sum(l.amount_fen) FROM vouchers_settlementline l
                              WHERE l.refund_id = NEW.refund_id AND l.source_id = NEW.source_id
                                AND l.kind = 'refund'), 0)
                 - COALESCE((SELECT sum(c.amount_fen) FROM vouchers_collectionline c
                              WHERE c.refund_id = NEW.refund_id AND c.source_id = NEW.source_id), 0)
              INTO off_fen;
            IF off_fen < 0 THEN
                RAISE EXCEPTION 'refund % is recovered by % fen too much', NEW.refund_id, -off_fen
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'recovered_within_owed';
            END IF;
            RETURN NULL;
        """,
    )


def refund_adds_up(name: str, key: str) -> pgtrigger.Trigger:
    """At commit: a refund's parts are its clawback, and a redemption is refunded exactly when
    clawbacks have taken its whole discount. For rows that name their refund in column `key`.
    """
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=refuse_if(
            f"""EXISTS (
                SELECT FROM vouchers_refund f
                  JOIN vouchers_redemption r
                    ON r.id = f.redemption_id AND r.voucher_id = f.voucher_id
                 WHERE f.id = NEW.{key}
                   AND (f.clawback_fen <> COALESCE((SELECT sum(amount_fen) FROM vouchers_refundpart
                                                     WHERE refund_id = f.id), 0)
                    OR (r.state = {RedemptionState.REFUNDED.value})
                       <> (r.discount_fen = (SELECT sum(clawback_fen) FROM vouchers_refund
                                              WHERE redemption_id = r.id))))""",
            "refund_adds_up",
            "the parts of a refund are its clawback, and all of them the discount",
        )
        + " RETURN NULL;",
    )


def collection_adds_up(name: str, key: str) -> pgtrigger.Trigger:
    """At commit: the lines of a collection are its amount. `key` as in `refund_adds_up`."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        func=refuse_if(
            f"""EXISTS (
                SELECT FROM vouchers_collection c
                 WHERE c.id = NEW.{key}
                   AND c.amount_fen IS DISTINCT FROM (SELECT sum(amount_fen)
                       FROM vouchers_collectionline WHERE collection_id = c.id))""",
            "collection_adds_up",
            "the lines of a collection are its amount",
        )
        + " RETURN NULL;",
    )


class Refund(models.Model):
    """A refund of the shopper's money (退款), with the subsidy it called back (补贴退回).

    One with a hold is no refund but the end of several: the rest of the subsidy of a redemption
    that was partly refunded, called back by the office because it may not be paid. It has no
    number, no caller, and nothing went to the shopper.
    """

    redemption = models.ForeignKey(
        Redemption, models.PROTECT, related_name="refunds", db_constraint=False
    )
    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+")
    # Where the shopper got it: any store of the merchant.
    store = models.ForeignKey(Store, models.PROTECT, related_name="+")
    refund_no = models.CharField(_("refund no."), max_length=64, blank=True)
    # As its campaign: what is tried in the sandbox takes no number from live refunds.
    is_test = models.BooleanField(_("test"), default=False)
    amount_fen = models.BigIntegerField(_("refunded to the shopper, fen"))
    clawback_fen = models.BigIntegerField(_("subsidy called back, fen"))
    policy = models.CharField(_("policy"), max_length=8, choices=REFUND_POLICIES)
    gives_voucher_back = models.BooleanField(_("voucher given back"))
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, null=True
    )
    hold = models.OneToOneField(
        "Hold", models.PROTECT, null=True, related_name="+", verbose_name=_("hold")
    )
    business_day = models.DateField(_("business day"))
    refunded_at = models.DateTimeField(_("refunded at"))
    xid = Xid8Field()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            # Upper and lower case are one number; see `merchants/references`.
            models.UniqueConstraint(
                "merchant",
                "is_test",
                Upper("refund_no"),
                condition=Q(hold=None),
                name="one_refund_per_number",
            ),
            models.CheckConstraint(
                condition=Q(hold=None, amount_fen__gt=0, caller__isnull=False)
                | Q(
                    hold__isnull=False,
                    amount_fen=0,
                    caller=None,
                    refund_no="",
                    gives_voucher_back=False,
                ),
                name="refund_positive",
            ),
            models.CheckConstraint(condition=Q(clawback_fen__gte=0), name="clawback_not_negative"),
        ]
        triggers: ClassVar = [
            *append_only("refund"),
            own_transaction("refund"),
            pgtrigger.Trigger(
                name="refund_by_its_merchant",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_redemption r JOIN merchants_store s"
                    " ON s.merchant_id = r.merchant_id"
                    " JOIN vouchers_campaign c ON c.id = r.campaign_id AND c.is_test = NEW.is_test"
                    " WHERE r.id = NEW.redemption_id AND r.voucher_id = NEW.voucher_id"
                    " AND r.merchant_id = NEW.merchant_id AND s.id = NEW.store_id AND r.state IN"
                    f" ({RedemptionState.CAPTURED.value}, {RedemptionState.REFUNDED.value}))",
                    "refund_by_its_merchant",
                    "not a captured redemption of that store''s merchant",
                )
                + " RETURN NEW;",
            ),
            pgtrigger.Trigger(
                name="clawback_of_its_hold",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.hold_id IS NOT NULL"),
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_hold WHERE id = NEW.hold_id"
                    " AND redemption_id = NEW.redemption_id AND voucher_id = NEW.voucher_id"
                    " AND released_at IS NULL)",
                    "clawback_of_its_hold",
                    "no open hold of the redemption",
                )
                + " RETURN NEW;",
            ),
            refund_adds_up("refund_adds_up", "id"),
            pgtrigger.Trigger(
                name="refunds_within_payment",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                declare=[("paid_fen", "bigint"), ("subsidy_fen", "bigint"), ("off", "boolean")],
                func="""
                    SELECT order_amount_fen - discount_fen, discount_fen INTO paid_fen, subsidy_fen
                      FROM vouchers_redemption
                     WHERE id = NEW.redemption_id AND voucher_id = NEW.voucher_id
                       FOR NO KEY UPDATE;
                    SELECT sum(amount_fen) > paid_fen OR sum(clawback_fen) > subsidy_fen INTO off
                      FROM vouchers_refund WHERE redemption_id = NEW.redemption_id;
                    IF off THEN
                        RAISE EXCEPTION 'refunds of redemption % exceed it', NEW.redemption_id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'refunds_within_payment';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.refund_no or f"{self.hold_id}"

    @classmethod
    def of_number(
        cls, merchant_id: int, refund_no: str, *, is_test: bool
    ) -> models.QuerySet["Refund"]:
        """The merchant's refund of that number, in upper or lower case; in the sandbox, or live."""
        numbered = cls.objects.alias(folded_no=Upper("refund_no"))
        return numbered.filter(
            merchant_id=merchant_id,
            is_test=is_test,
            folded_no=folded(refund_no),
            hold__isnull=True,
        )


class RefundPart(models.Model):
    """One source's share of a clawback: out of which account it came, and into which it went."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="parts")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField(_("amount, fen"))
    origin = models.CharField(_("from"), max_length=12, choices=ACCOUNT_KINDS)
    target = models.CharField(_("to"), max_length=12, choices=ACCOUNT_KINDS)

    class Meta:
        verbose_name = _("share of a refund")
        verbose_name_plural = _("shares of a refund")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["refund", "source"], name="one_refund_part_per_source"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="refund_part_positive"),
            models.CheckConstraint(
                condition=Q(origin__in=[kind.value for kind in ORIGINS])
                & Q(target__in=[kind.value for kind in TARGETS])
                & (~Q(origin=AccountKind.SETTLED.value) | Q(target=AccountKind.RECOVERABLE.value)),
                name="refund_part_accounts",
            ),
        ]
        triggers: ClassVar = [
            *append_only("refund_part"),
            refund_adds_up("refund_part_adds_up", "refund_id"),
            pgtrigger.Trigger(
                name="clawback_within_share",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                declare=[
                    ("the_redemption", "bigint"),
                    ("the_voucher", "bigint"),
                    ("off_fen", "bigint"),
                ],
                func="""
                    SELECT redemption_id, voucher_id INTO STRICT the_redemption, the_voucher
                      FROM vouchers_refund WHERE id = NEW.refund_id;
                    SELECT COALESCE((SELECT sum((share->>1)::bigint)
                              FROM vouchers_redemption r
                             CROSS JOIN jsonb_array_elements(r.split) AS share
                             WHERE r.id = the_redemption AND r.voucher_id = the_voucher
                               AND (share->>0)::bigint = NEW.source_id), 0)
                         - (SELECT sum(p.amount_fen) FROM vouchers_refundpart p
                              JOIN vouchers_refund f ON f.id = p.refund_id
                             WHERE f.redemption_id = the_redemption
                               AND p.source_id = NEW.source_id)
                      INTO off_fen;
                    IF off_fen < 0 THEN
                        RAISE EXCEPTION 'source % gets back more than it paid', NEW.source_id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'clawback_within_share';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.refund_id}/{self.source_id}"


class Collection(models.Model):
    """Money a merchant has paid back to a source (补贴追回): what could not be kept back."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="collections")
    merchant = models.ForeignKey(Merchant, models.PROTECT, related_name="+")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="collections")
    amount_fen = models.BigIntegerField(_("amount, fen"))
    document_no = models.CharField(_("document no."), max_length=60)
    request_id = models.CharField(_("request no."), max_length=64, unique=True)
    recorded_by = models.CharField(_("recorded by"), max_length=150)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="collection_positive")
        ]
        triggers: ClassVar = [
            *append_only("collection"),
            collection_adds_up("collection_adds_up", "id"),
        ]

    def __str__(self) -> str:
        return self.document_no


class CollectionLine(models.Model):
    """What a collection clears of one refund; the lines add up to its amount."""

    collection = models.ForeignKey(Collection, models.PROTECT, related_name="lines")
    refund = models.ForeignKey(Refund, models.PROTECT, related_name="collected")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField(_("amount, fen"))

    class Meta:
        verbose_name = _("collection line")
        verbose_name_plural = _("collection lines")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["collection", "refund"], name="collected_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="collection_line_positive"),
        ]
        triggers: ClassVar = [
            *append_only("collection_line"),
            pgtrigger.Trigger(
                name="collected_from_its_merchant",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_collection c, vouchers_refund f"
                    " JOIN vouchers_redemption r"
                    " ON r.id = f.redemption_id AND r.voucher_id = f.voucher_id"
                    " WHERE c.id = NEW.collection_id AND f.id = NEW.refund_id AND"
                    " (c.source_id, c.merchant_id, c.campaign_id) ="
                    " (NEW.source_id, f.merchant_id, r.campaign_id))",
                    "collected_from_its_merchant",
                    "a refund of another merchant, source or campaign",
                )
                + " RETURN NEW;",
            ),
            collection_adds_up("collection_line_adds_up", "collection_id"),
            recovered_within_owed("collected_within_owed"),
        ]

    def __str__(self) -> str:
        return f"{self.collection_id}/{self.refund_id}"
