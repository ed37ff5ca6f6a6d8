"""The double-entry ledger: accounts, transfers, signed legs. Append-only; undo is a new posting."""

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns import Campaign
from vouchers.models.fields import Xid8Field
from vouchers.models.funding import FundingSource
from vouchers.models.guards import append_only
from vouchers.models.quotas import Allocation
from vouchers.models.statements import Statement
from vouchers.states import AccountKind, TransferReason

ACCOUNT_KINDS = [
    (AccountKind.APPROPRIATED.value, _("appropriated")),
    (AccountKind.FREE.value, _("free")),
    (AccountKind.RESERVED.value, _("reserved")),
    (AccountKind.OUTSTANDING.value, _("outstanding")),
    (AccountKind.AUTHORISED.value, _("authorised")),
    (AccountKind.PAYABLE.value, _("payable")),
    (AccountKind.RISK_HELD.value, _("held for risk")),
    (AccountKind.SETTLED.value, _("settled")),
    (AccountKind.RECOVERABLE.value, _("recoverable")),
    (AccountKind.REPAID.value, _("repaid")),
]


class Account(models.Model):
    """Where a source's money is within a campaign. Balances are sums of legs, never stored."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="accounts")
    source = models.ForeignKey(FundingSource, models.PROTECT, related_name="accounts")
    kind = models.CharField(_("kind"), max_length=12, choices=ACCOUNT_KINDS)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "source", "kind"], name="one_account_per_kind"
            )
        ]
        triggers: ClassVar = append_only("account")

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind}"


class Transfer(models.Model):
    """One posting with its reason and what caused it. Partitioned by month of `at`."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(_("at"))
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    reason = models.CharField(
        _("reason"),
        max_length=12,
        choices=[(reason.value, reason.value) for reason in TransferReason],
    )
    # What caused it: a redemption, a shard, a tranche, a settlement, a budget act.
    cause = models.CharField(_("cause"), max_length=20)
    cause_id = models.BigIntegerField(_("cause no."))
    xid = Xid8Field()

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering: ClassVar = ["-id"]
        triggers: ClassVar = append_only("transfer")

    def __str__(self) -> str:
        return f"{self.id} {self.reason}"


class Leg(models.Model):
    """A signed amount on one account; the legs of a transfer sum to zero for every source."""

    pk = models.CompositePrimaryKey("transfer_id", "line_no")
    transfer = models.ForeignKey(
        Transfer, models.DO_NOTHING, related_name="legs", db_constraint=False, db_index=False
    )
    line_no = models.SmallIntegerField(_("line"))
    at = models.DateTimeField(_("at"))
    account = models.ForeignKey(
        Account, models.DO_NOTHING, related_name="legs", db_constraint=False, db_index=False
    )
    allocation = models.ForeignKey(
        Allocation,
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    amount_fen = models.BigIntegerField(_("amount, fen"))

    class Meta:
        verbose_name = _("leg")
        verbose_name_plural = _("legs")
        triggers: ClassVar = [
            *append_only("leg"),
            pgtrigger.Trigger(
                name="legs_balance",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]
                declare=[("broken", "bigint")],
                # One pass over the legs inserted together. The joins take the place of foreign
                # keys: a leg of a missing transfer, account or another campaign's account fails
                # here.
                func="""
                    SELECT f.transfer_id INTO broken
                      FROM fresh f
                      LEFT JOIN vouchers_transfer t ON t.id = f.transfer_id AND t.at = f.at
                      LEFT JOIN vouchers_account a
                             ON a.id = f.account_id AND a.campaign_id = t.campaign_id
                     GROUP BY f.transfer_id, a.source_id
                    HAVING sum(f.amount_fen) <> 0 OR a.source_id IS NULL
                     LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'the legs of transfer % do not balance', broken
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'legs_balance';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id}/{self.line_no}"


INSERT_TRANSFERS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_transfer (id, at, campaign_id, reason, cause, cause_id)
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(ats)s::timestamptz[], %(campaign_ids)s::bigint[],
        %(reasons)s::text[], %(causes)s::text[], %(cause_ids)s::bigint[])
    """
)
INSERT_LEGS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_leg (transfer_id, line_no, at, account_id, allocation_id, amount_fen)
    SELECT * FROM unnest(
        %(transfer_ids)s::bigint[], %(line_nos)s::smallint[], %(ats)s::timestamptz[],
        %(account_ids)s::bigint[], %(allocation_ids)s::bigint[], %(amounts_fen)s::bigint[])
    """
)
NEXT_TRANSFER_IDS = Statement(
    "SELECT nextval('vouchers_transfer_id_seq') FROM generate_series(1, %(count)s::int)",
    lambda row: int(row[0]),
)
