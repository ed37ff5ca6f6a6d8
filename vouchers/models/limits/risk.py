"""A campaign's risk rules, version by version; the tallies they look at; what they noticed."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from merchants.models import Store
from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.campaigns.proposals import Proposal
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.limits.limits import Hold
from vouchers.models.redemption.redemptions import Redemption
from vouchers.rules.limits.tallies import Tally, TallyKey
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, never_deleted, refuse_if
from vouchers.states import Decision, ProposalKind, RiskKind, RiskSetting, RiskVerdict

RISK_KINDS = [
    (RiskKind.TERMINAL_MINUTE.value, _("redemptions of a till in a minute")),
    (RiskKind.MERCHANT_DAY.value, _("subsidy of a merchant in a day")),
    (RiskKind.DEVICE_SHARED.value, _("residents of one device")),
    (RiskKind.STORE_DISTANCE.value, _("shown far from the store")),
    (RiskKind.IMPOSSIBLE_TRAVEL.value, _("one person at two stores too soon")),
    (RiskKind.THRESHOLD_HUGGING.value, _("orders just above the threshold")),
    (RiskKind.SPLIT_ORDERS.value, _("one purchase in several orders")),
    (RiskKind.NIGHT_HOURS.value, _("at night")),
    (RiskKind.FEW_PEOPLE.value, _("the same few people at one till")),
    (RiskKind.TERMINAL_ROAMING.value, _("one till in several stores")),
    (RiskKind.REFUND_RATE.value, _("many refunds of a store")),
]


def hold_reason(reason: str) -> str:
    """Why money is held, for people: of a hold that a rule opened, what the rule looks for. Its
    facts, numbers of devices among them, stay with its signal."""
    kind, _colon, _facts = reason.partition(": ")
    return str(dict(RISK_KINDS).get(kind, reason))


def hold_opener(hold: Hold) -> str:
    """Who holds the money, for people: a person's name, or the rules in a version."""
    if hold.rule_version is None:
        return hold.opened_by
    return gettext("risk rules, version %(number)s") % {"number": hold.rule_version.number}


RISK_SETTINGS = [
    (RiskSetting.OFF.value, _("off")),
    (RiskSetting.SHADOW.value, _("only watched (shadow)")),
    (RiskSetting.LIVE.value, _("in force")),
]
RISK_VERDICTS = [
    (RiskVerdict.PAY.value, _("pay")),
    (RiskVerdict.HOLD.value, _("pay, hold the merchant's money")),
    (RiskVerdict.REFUSE.value, _("refuse")),
]


class RiskVersion(models.Model):
    """All risk rules of a campaign at a time; the version with the greatest number is in force.

    Written by the approval of the proposal it comes from, and never changed. One writer:
    services/campaigns/risk_rules.
    """

    campaign = models.ForeignKey(
        Campaign, models.PROTECT, related_name="risk_versions", db_index=False
    )
    number = models.PositiveIntegerField(_("version"))
    # [{"kind", "setting", "verdict", "parameters"}, …]; see rules/limits/risk_rules.
    rules = models.JSONField(_("rules"))
    proposal = models.ForeignKey(Proposal, models.PROTECT, related_name="+", db_index=False)
    in_force_at = models.DateTimeField(_("in force from"))

    class Meta:
        verbose_name = _("risk rules")
        verbose_name_plural = _("risk rules")
        ordering: ClassVar = ["campaign", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "number"], name="one_risk_version_per_number"
            ),
        ]
        triggers: ClassVar = [
            *append_only("risk_version"),
            pgtrigger.Trigger(
                name="risk_version_was_approved",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_proposal p JOIN vouchers_proposaldecision d"
                    " ON d.proposal_id = p.id WHERE p.id = NEW.proposal_id"
                    " AND p.campaign_id = NEW.campaign_id"
                    f" AND p.kind = '{ProposalKind.RISK_RULES.value}'"
                    f" AND d.decision = '{Decision.APPROVED.value}'"
                    " AND (p.document ->> 'expected_version')::int + 1 = NEW.number"
                    " AND p.document -> 'rules' = NEW.rules)",
                    "risk_version_was_approved",
                    "these risk rules were not approved",
                )
                + " RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"


class RiskTally(models.Model):
    """What one subject did within a window, as far as risk rules look at it.

    Counts accepted redemptions, also those undone later, so no figure ever falls. One writer:
    services/limits/risk; by redemptions and refunds, under the tally's lock.
    """

    pk = models.CompositePrimaryKey("kind", "campaign_id", "subject_id", "window_no")
    kind = models.SmallIntegerField(_("counts"))
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # A store, merchant or resident, or the hashed number of a till, a device or a pair, by `kind`.
    subject_id = models.BigIntegerField(_("subject"))
    # As of limit counters: days or minutes since 1970-01-01, or 0 for the whole campaign.
    window_no = models.BigIntegerField(_("window"))
    used_count = models.IntegerField(_("redemptions"))
    used_fen = models.BigIntegerField(_("subsidy, fen"))
    last_at = models.DateTimeField(_("latest at"), null=True)
    last_store = models.ForeignKey(
        Store, models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        verbose_name = _("risk tally")
        verbose_name_plural = _("risk tallies")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(used_count__gte=0, used_fen__gte=0), name="tally_not_negative"
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("risk_tally"),
            pgtrigger.Protect(
                name="tally_never_falls",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.used_count < OLD.used_count OR NEW.used_fen < OLD.used_fen"
                    " OR NEW.last_at < OLD.last_at"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject_id}/{self.window_no}"


class Signal(models.Model):
    """What a risk rule noticed, with the facts it was decided on, whatever became of it.

    `redemption` is empty where the order was refused.
    """

    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    version = models.ForeignKey(
        RiskVersion,
        models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("rules"),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=RISK_KINDS)
    setting = models.CharField(_("setting"), max_length=6, choices=RISK_SETTINGS)
    verdict = models.CharField(_("verdict"), max_length=6, choices=RISK_VERDICTS)
    subject = models.CharField(_("subject"), max_length=20)
    subject_id = models.BigIntegerField(_("subject no."))
    store = models.ForeignKey(
        Store, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    redemption = models.ForeignKey(
        Redemption, models.DO_NOTHING, null=True, related_name="+", db_constraint=False
    )
    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    order_no = models.CharField(_("order no."), max_length=64)
    facts = models.JSONField(_("facts"), default=dict)
    raised_at = models.DateTimeField(_("raised at"))

    class Meta:
        verbose_name = _("signal")
        verbose_name_plural = _("signals")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["subject", "subject_id"], name="signal_by_subject"),
            models.Index(fields=["campaign", "-id"], name="signal_by_campaign"),
            # What cases are opened from, few among the many that shadow rules raise.
            models.Index(
                fields=["id"],
                name="signal_of_live_rule",
                condition=Q(setting=RiskSetting.LIVE.value),
            ),
            models.Index(fields=["kind", "-id"], name="signal_by_kind"),
        ]
        triggers: ClassVar = append_only("signal")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


def _tally(row: Sequence[Any]) -> tuple[TallyKey, Tally]:
    return TallyKey._make(row[:4]), Tally._make(row[4:])


READ_TALLIES = Statement(
    """
    SELECT t.kind, t.campaign_id, t.subject_id, t.window_no, t.used_count, t.used_fen, t.last_at,
           t.last_store_id
      FROM unnest(
        %(kinds)s::smallint[], %(campaign_ids)s::bigint[], %(subject_ids)s::bigint[],
        %(window_nos)s::bigint[]) AS wanted(kind, campaign_id, subject_id, window_no)
      JOIN vouchers_risktally t USING (kind, campaign_id, subject_id, window_no)
    """,
    _tally,
    is_binary=True,
)
# Whole figures, not steps: they were read under the tally's lock.
WRITE_TALLIES: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_risktally (
        kind, campaign_id, subject_id, window_no, used_count, used_fen, last_at, last_store_id)
    SELECT * FROM unnest(
        %(kinds)s::smallint[], %(campaign_ids)s::bigint[], %(subject_ids)s::bigint[],
        %(window_nos)s::bigint[], %(counts)s::int[], %(fens)s::bigint[],
        %(ats)s::timestamptz[], %(store_ids)s::bigint[])
    ON CONFLICT (kind, campaign_id, subject_id, window_no) DO UPDATE
       SET used_count = EXCLUDED.used_count, used_fen = EXCLUDED.used_fen,
           last_at = EXCLUDED.last_at, last_store_id = EXCLUDED.last_store_id
    """
)
# Where stores lie now, and those that tallies name as the latest.
FIND_PLACES = Statement(
    """
    SELECT wanted.id, l.longitude_deg, l.latitude_deg
      FROM (SELECT unnest(%(store_ids)s::bigint[])
             UNION
            SELECT t.last_store_id
              FROM unnest(
                %(kinds)s::smallint[], %(campaign_ids)s::bigint[], %(subject_ids)s::bigint[],
                %(window_nos)s::bigint[]) AS looked(kind, campaign_id, subject_id, window_no)
              JOIN vouchers_risktally t USING (kind, campaign_id, subject_id, window_no)
           ) AS wanted(id)
     CROSS JOIN LATERAL (SELECT longitude_deg, latitude_deg FROM merchants_storelocation
                          WHERE store_id = wanted.id ORDER BY version DESC LIMIT 1) AS l
    """,
    lambda row: (int(row[0]), float(row[1]), float(row[2])),
)
INSERT_SIGNALS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_signal (
        campaign_id, version_id, kind, setting, verdict, subject, subject_id, store_id,
        redemption_id, voucher_id, order_no, facts, raised_at)
    SELECT campaign_id, version_id, kind, setting, verdict, subject, subject_id, store_id,
           redemption_id, voucher_id, order_no, facts::jsonb, raised_at
      FROM unnest(
        %(campaign_id)s::bigint[], %(version_id)s::bigint[], %(kind)s::text[],
        %(setting)s::text[], %(verdict)s::text[], %(subject)s::text[], %(subject_id)s::bigint[],
        %(store_id)s::bigint[], %(redemption_id)s::bigint[], %(voucher_id)s::bigint[],
        %(order_no)s::text[], %(facts)s::text[], %(raised_at)s::timestamptz[]
      ) AS fresh(
        campaign_id, version_id, kind, setting, verdict, subject, subject_id, store_id,
        redemption_id, voucher_id, order_no, facts, raised_at)
    """
)
