"""Cases (核查单): signals about one subject, for a risk officer to look into and to decide."""

from datetime import datetime
from typing import ClassVar, NamedTuple

import pgtrigger
from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Store
from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.limits.risk import RISK_KINDS, Signal
from vouchers.rules.limits.cases import CaseSeverity
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import (
    append_only,
    begins_as,
    frozen_columns,
    never_deleted,
    only_arrows,
    refuse_if,
)
from vouchers.states import CaseState, RiskSetting

CASE_STATES = [
    (CaseState.OPEN.value, _("open")),
    (CaseState.CLEARED.value, _("cleared")),
    (CaseState.CONFIRMED.value, _("fraud confirmed")),
]
CASE_SEVERITIES = [
    (CaseSeverity.HIGH.value, _("high")),
    (CaseSeverity.MEDIUM.value, _("medium")),
    (CaseSeverity.LOW.value, _("low")),
]
CASE_SUBJECTS = [
    ("store", _("store")),
    ("merchant", _("merchant")),
    ("resident", _("resident")),
    ("device", _("device")),
]


class Case(models.Model):
    """Signals of live rules about one subject, of one rule and one week of a campaign.

    At most one such case is open: what is noticed after its decision opens another. One writer:
    services/limits/cases, under the row's lock.
    """

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="cases")
    kind = models.CharField(_("rule"), max_length=20, choices=RISK_KINDS)
    subject = models.CharField(_("concerns"), max_length=20, choices=CASE_SUBJECTS)
    subject_id = models.BigIntegerField(_("subject no."))
    # The week's Monday, in days since 1970-01-01 in the campaign's zone, as of limit counters.
    window_no = models.BigIntegerField(_("week"))
    # Of the first signal; the others may be of other stores.
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    severity = models.SmallIntegerField(_("severity"), choices=CASE_SEVERITIES)
    state = models.CharField(
        _("state"), max_length=10, choices=CASE_STATES, default=CaseState.OPEN.value
    )
    signal_count = models.IntegerField(_("signals"))
    # Discounts of the redemptions that were noticed; refused orders have none.
    subsidy_fen = models.BigIntegerField(_("subsidy concerned"))
    assignee = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("assigned to")
    )
    opened_at = models.DateTimeField(_("opened at"))
    deadline_at = models.DateTimeField(_("deadline"))
    # Acts of officers so far: each names the number it has seen.
    act_count = models.IntegerField(_("acts"), default=0)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering: ClassVar = ["deadline_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "kind", "subject", "subject_id", "window_no"],
                condition=Q(state=CaseState.OPEN.value),
                name="one_open_case_per_subject",
            ),
            models.CheckConstraint(
                condition=Q(signal_count__gt=0, subsidy_fen__gte=0, act_count__gte=0),
                name="case_counts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(state=CaseState.OPEN.value, decided_at=None, decided_by="", reason="")
                | (
                    ~Q(state=CaseState.OPEN.value)
                    & Q(decided_at__gte=F("opened_at"))
                    & ~Q(decided_by="")
                    & ~Q(reason="")
                ),
                name="case_decided_with_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "deadline_at"], name="case_by_deadline"),
        ]
        triggers: ClassVar = [
            *never_deleted("case"),
            begins_as("case_begins_open", CaseState.OPEN),
            only_arrows(
                "case_arrows",
                [(CaseState.OPEN, CaseState.CLEARED), (CaseState.OPEN, CaseState.CONFIRMED)],
            ),
            frozen_columns(
                "case_subject_frozen",
                "campaign_id",
                "kind",
                "subject",
                "subject_id",
                "window_no",
                "store_id",
                "opened_at",
            ),
            pgtrigger.Protect(
                name="case_decided_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(f"OLD.state <> '{CaseState.OPEN.value}'"),
            ),
            pgtrigger.Protect(
                name="case_counts_never_fall",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.signal_count < OLD.signal_count OR NEW.subsidy_fen < OLD.subsidy_fen"
                    " OR NEW.act_count < OLD.act_count OR NEW.severity < OLD.severity"
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(_("case %(number)s") % {"number": self.pk})


class CaseSignal(models.Model):
    """A signal in its case; no signal is in two."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="members")
    signal = models.OneToOneField(Signal, models.PROTECT, related_name="membership")

    class Meta:
        verbose_name = _("signal of a case")
        verbose_name_plural = _("signals of cases")
        triggers: ClassVar = [
            *append_only("case_signal"),
            pgtrigger.Trigger(
                name="case_signal_fits",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_case c JOIN vouchers_signal s"
                    " USING (campaign_id, kind, subject, subject_id)"
                    " WHERE c.id = NEW.case_id AND s.id = NEW.signal_id"
                    f" AND c.state = '{CaseState.OPEN.value}'"
                    f" AND s.setting = '{RiskSetting.LIVE.value}')",
                    "case_signal_fits",
                    "not a live signal about the subject of an open case",
                )
                + " RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.signal_id}"


class FreshSignal(NamedTuple):
    """A live signal that is in no case yet, with the discount of its redemption (0 where the order
    was refused)."""

    id: int
    campaign_id: int
    zone: str
    kind: str
    subject: str
    subject_id: int
    store_id: int
    verdict: str
    raised_at: datetime
    discount_fen: int


# Oldest first. Numbers become visible out of their order, as transactions end: those a little
# below the newest that was gathered are looked at again. Sandbox campaigns have no cases.
FIND_FRESH = Statement(
    f"""
    SELECT s.id, s.campaign_id, c.zone, s.kind, s.subject, s.subject_id, s.store_id, s.verdict,
           s.raised_at, COALESCE(r.discount_fen, 0)
      FROM vouchers_signal s
      JOIN vouchers_campaign c ON c.id = s.campaign_id AND NOT c.is_test
      LEFT JOIN vouchers_redemption r ON r.id = s.redemption_id AND r.voucher_id = s.voucher_id
     WHERE s.setting = '{RiskSetting.LIVE.value}'
       AND s.id > COALESCE((SELECT max(signal_id) FROM vouchers_casesignal), 0) - %(overlap)s
       AND NOT EXISTS (SELECT FROM vouchers_casesignal m WHERE m.signal_id = s.id)
     ORDER BY s.id
     LIMIT %(most)s
    """,
    FreshSignal._make,
)


class RuleCount(NamedTuple):
    """What one rule of one version noticed: signals, redemptions among them with their subsidy in
    fen, and its cases by state."""

    version_id: int
    kind: str
    setting: str
    verdict: str
    signals: int
    redemptions: int
    subsidy_fen: int
    open_cases: int
    cleared_cases: int
    confirmed_cases: int


COUNT_BY_RULE = Statement(
    f"""
    SELECT s.version_id, s.kind, s.setting, s.verdict, count(*), count(r.id),
           COALESCE(sum(r.discount_fen), 0)::bigint,
           count(DISTINCT c.id) FILTER (WHERE c.state = '{CaseState.OPEN.value}'),
           count(DISTINCT c.id) FILTER (WHERE c.state = '{CaseState.CLEARED.value}'),
           count(DISTINCT c.id) FILTER (WHERE c.state = '{CaseState.CONFIRMED.value}')
      FROM vouchers_signal s
      LEFT JOIN vouchers_redemption r ON r.id = s.redemption_id AND r.voucher_id = s.voucher_id
      LEFT JOIN vouchers_casesignal m ON m.signal_id = s.id
      LEFT JOIN vouchers_case c ON c.id = m.case_id
     WHERE s.campaign_id = %(campaign_id)s
     GROUP BY s.version_id, s.kind, s.setting, s.verdict
    """,
    RuleCount._make,
)
