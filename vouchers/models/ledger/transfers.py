"""The double-entry ledger: accounts, transfers, signed legs. Append-only; undo is a new posting."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.ledger.funding import FundingSource
from vouchers.models.ledger.quotas import Allocation
from vouchers.sql.fields import Xid8Field
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, own_transaction, same_campaign
from vouchers.states import MONEY_ARROWS, AccountKind, Cause, TransferReason

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

# Unpromised money counts in no slice.
UNPROMISED = (TransferReason.APPROPRIATE, TransferReason.CUT, TransferReason.REPAY)
_UNPROMISED = ", ".join(f"'{reason.value}'" for reason in UNPROMISED)
# Which accounts a reason may take from (-) and give to (+), as the trigger on legs compares them.
LEG_ARROWS = sorted(
    {
        f"{reason.value}{sign}{kind.value}"
        for reason, arrows in MONEY_ARROWS.items()
        for arrow in arrows
        for sign, kind in zip("-+", arrow, strict=True)
    }
)


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
        triggers: ClassVar = [
            *append_only("account"),
            same_campaign("account_of_own_source", source_id="vouchers_fundingsource"),
        ]

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
    # What caused it; which causes a reason has is checked by `transfer_cause_fits_reason`.
    cause = models.CharField(
        _("cause"), max_length=20, choices=[(cause.value, cause.value) for cause in Cause]
    )
    cause_id = models.BigIntegerField(_("cause no."))
    xid = Xid8Field()

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # Rows come nearly in the order of their transactions, so the few pages of a stretch to
            # seal are found by their ranges; nearly free to keep.
            BrinIndex(
                Cast(Cast("xid", models.TextField()), models.BigIntegerField()),
                autosummarize=True,
                name="transfer_by_xid",
            )
        ]
        triggers: ClassVar = [
            *append_only("transfer"),
            own_transaction("transfer"),
            pgtrigger.Trigger(
                name="proposal_was_approved",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition(f"NEW.cause = '{Cause.PROPOSAL.value}'"),
                # In the decision's own transaction, so that a yes cannot be used again later.
                func="""
                    PERFORM FROM vouchers_proposaldecision d
                       JOIN vouchers_proposal p ON p.id = d.proposal_id
                      WHERE p.id = NEW.cause_id AND p.campaign_id = NEW.campaign_id
                        AND p.kind = CASE NEW.reason
                                     WHEN 'repay' THEN 'repayment' ELSE 'appropriation' END
                        AND d.decision = 'approved' AND d.xid = pg_current_xact_id();
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'proposal % was not approved', NEW.cause_id
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'proposal_was_approved';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="funding_only_in_draft",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition(f"NEW.cause = '{Cause.SOURCE.value}'"),
                # FOR SHARE: a submission under way is waited for.
                func="""
                    PERFORM FROM vouchers_campaign
                      WHERE id = NEW.campaign_id AND state = 'draft' FOR SHARE;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'only a draft is funded without a proposal'
                            USING ERRCODE = 'check_violation',
                                  CONSTRAINT = 'funding_only_in_draft';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}"


class Leg(models.Model):
    """A signed amount on one account; the legs of a transfer sum to zero for every source and
    allocation.
    """

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
                declare=[("broken", "bigint"), ("rule", "text")],
                # One pass over the legs inserted together. The joins take the place of foreign
                # keys: a leg of a missing transfer, of an earlier transaction's, of a missing
                # account or of another campaign's account or allocation fails here.
                func=f"""
                    SELECT f.transfer_id,
                           CASE WHEN sum(f.amount_fen) <> 0 OR a.source_id IS NULL
                                THEN 'legs_balance'
                                WHEN bool_or((al.id IS NULL) <> (t.reason IN ({_UNPROMISED})))
                                THEN 'legs_count_in_their_slices'
                                ELSE 'money_arrows' END
                      INTO broken, rule
                      FROM fresh f
                      LEFT JOIN vouchers_transfer t
                             ON t.id = f.transfer_id AND t.at = f.at
                            AND t.xid = pg_current_xact_id()
                      LEFT JOIN vouchers_account a
                             ON a.id = f.account_id AND a.campaign_id = t.campaign_id
                      LEFT JOIN vouchers_allocation al
                             ON al.id = f.allocation_id AND al.campaign_id = t.campaign_id
                     GROUP BY f.transfer_id, a.source_id, f.allocation_id
                    HAVING sum(f.amount_fen) <> 0 OR a.source_id IS NULL
                        OR bool_or((al.id IS NULL) <> (t.reason IN ({_UNPROMISED})))
                        OR bool_or(
                           t.reason || CASE WHEN f.amount_fen < 0 THEN '-' ELSE '+' END || a.kind
                           <> ALL ('{{{",".join(LEG_ARROWS)}}}'::text[]))
                     LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'the legs of transfer % are not in order: %', broken, rule
                            USING ERRCODE = 'check_violation', CONSTRAINT = rule;
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
