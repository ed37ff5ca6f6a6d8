"""Exact limit counters, every refused attempt, and holds on money."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Credential
from vouchers.models.campaigns.campaigns import LIMIT_KINDS, Campaign
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.redemption.redemptions import Redemption
from vouchers.sql.statements import Statement
from vouchers.sql.triggers import append_only, frozen_columns, never_deleted, refuse_if
from vouchers.states import RedemptionState


class LimitCounter(models.Model):
    """What one subject used within one calendar window of a campaign.

    The row carries the limit in force when it was last written, so that the database itself refuses
    a count beyond it. Writers: services/redemption, and services/claims of the kinds that count
    claims.
    """

    pk = models.CompositePrimaryKey("kind", "campaign_id", "subject_id", "window_no")
    kind = models.SmallIntegerField(_("counts"), choices=LIMIT_KINDS)
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    # A resident, store, merchant or link, by `kind`.
    subject_id = models.BigIntegerField(_("subject"))
    # Day: days since 1970-01-01 in the campaign's zone. Week: its Monday. Minute: since the epoch.
    window_no = models.BigIntegerField(_("window"))
    used_count = models.IntegerField(_("redemptions"))
    used_fen = models.BigIntegerField(_("subsidy, fen"))
    limit_count = models.IntegerField(_("most vouchers"), null=True)
    limit_fen = models.BigIntegerField(_("most subsidy, fen"), null=True)

    class Meta:
        verbose_name = _("limit counter")
        verbose_name_plural = _("limit counters")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(used_count__gte=0, used_fen__gte=0), name="limit_use_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(limit_count__isnull=True) | Q(used_count__lte=F("limit_count")),
                name="counter_within_limit_count",
            ),
            models.CheckConstraint(
                condition=Q(limit_fen__isnull=True) | Q(used_fen__lte=F("limit_fen")),
                name="counter_within_limit_fen",
            ),
        ]
        triggers: ClassVar = never_deleted("limit_counter")

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject_id}/{self.window_no}"


class Attempt(models.Model):
    """A refusal as it was given: code, rule and facts. Partitioned by month of `at`."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(_("at"))
    caller = models.ForeignKey(
        Credential, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    key = models.CharField(_("idempotency key"), max_length=255)
    # None where the thing named does not exist; then `facts` says what was shown.
    store_id = models.BigIntegerField(_("store"), null=True)
    campaign_id = models.BigIntegerField(_("campaign"), null=True)
    voucher_id = models.BigIntegerField(_("voucher"), null=True)
    resident_id = models.BigIntegerField(_("resident"), null=True)
    code = models.CharField(_("refusal"), max_length=40)
    rule = models.CharField(_("rule"), max_length=40)
    facts = models.JSONField(_("facts"), default=dict)

    class Meta:
        verbose_name = _("refused attempt")
        verbose_name_plural = _("refused attempts")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            BrinIndex(fields=["at"], autosummarize=True, name="attempt_by_at"),
            models.Index(fields=["code", "-id"], name="attempt_by_code"),
            models.Index(fields=["voucher_id", "-id"], name="attempt_by_voucher"),
        ]
        triggers: ClassVar = append_only("attempt")

    def __str__(self) -> str:
        return f"{self.id}"


class Hold(models.Model):
    """A redemption's money kept back until a person has checked it (冻结)."""

    redemption = models.ForeignKey(
        Redemption, models.PROTECT, related_name="holds", db_constraint=False
    )
    voucher = models.ForeignKey(
        Voucher, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    reason = models.CharField(_("reason"), max_length=200)
    opened_by = models.CharField(_("opened by"), max_length=150)
    # At most one of these: the case whose officer held it, or the version of the rules that did.
    case = models.ForeignKey(
        "Case",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("case"),
    )
    rule_version = models.ForeignKey(
        "RiskVersion",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("risk rules"),
    )
    opened_at = models.DateTimeField(_("opened at"))
    released_by = models.CharField(_("released by"), max_length=150, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["redemption"],
                condition=Q(released_at__isnull=True),
                name="one_open_hold_per_redemption",
            ),
            models.CheckConstraint(
                condition=Q(released_at__isnull=True) | Q(released_at__gte=F("opened_at")),
                name="hold_released_after_opening",
            ),
            models.CheckConstraint(
                condition=Q(case=None) | Q(rule_version=None), name="hold_of_case_or_rules"
            ),
        ]
        triggers: ClassVar = [
            *never_deleted("hold"),
            pgtrigger.Trigger(
                name="hold_of_what_is_owed",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_redemption WHERE id = NEW.redemption_id"
                    " AND voucher_id = NEW.voucher_id"
                    f" AND state = {RedemptionState.CAPTURED.value}) OR EXISTS (SELECT"
                    " FROM vouchers_settlementline WHERE redemption_id = NEW.redemption_id)",
                    "hold_of_what_is_owed",
                    "only a captured redemption that is not settled can be held",
                )
                + " RETURN NEW;",
            ),
            frozen_columns(
                "hold_facts_frozen",
                "redemption_id",
                "voucher_id",
                "reason",
                "opened_by",
                "opened_at",
                "case_id",
                "rule_version_id",
            ),
            pgtrigger.Protect(
                name="hold_released_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.released_at IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.redemption_id)


READ_COUNTERS: Statement[Any] = Statement(
    """
    SELECT c.kind, c.campaign_id, c.subject_id, c.window_no, c.used_count, c.used_fen
      FROM unnest(
        %(kinds)s::smallint[], %(campaign_ids)s::bigint[], %(subject_ids)s::bigint[],
        %(window_nos)s::bigint[]) AS wanted(kind, campaign_id, subject_id, window_no)
      JOIN vouchers_limitcounter c USING (kind, campaign_id, subject_id, window_no)
    """
)
# Adds what a batch took, and locks the rows in key order. The row's own CHECK refuses a total
# beyond its limit: of a counter that is shared it is the guard, of the others the second one.
ADD_TO_COUNTERS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_limitcounter AS c (
        kind, campaign_id, subject_id, window_no, used_count, used_fen, limit_count, limit_fen)
    SELECT * FROM unnest(
        %(kinds)s::smallint[], %(campaign_ids)s::bigint[], %(subject_ids)s::bigint[],
        %(window_nos)s::bigint[], %(counts)s::int[], %(fens)s::bigint[],
        %(limit_counts)s::int[], %(limit_fens)s::bigint[])
    ON CONFLICT (kind, campaign_id, subject_id, window_no) DO UPDATE
       SET used_count = c.used_count + EXCLUDED.used_count,
           used_fen = c.used_fen + EXCLUDED.used_fen,
           limit_count = EXCLUDED.limit_count,
           limit_fen = EXCLUDED.limit_fen
    """
)
# What a redemption gives up again: its place (1) or only a part of the money (0); a limit cannot
# be broken by counting less. Locks the rows in key order, as adding does.
TAKE_FROM_COUNTERS: Statement[Any] = Statement(
    """
    WITH gone AS MATERIALIZED (
        SELECT kind, campaign_id, subject_id, window_no, wanted.places, wanted.fen
          FROM unnest(
            %(kinds)s::smallint[], %(campaign_ids)s::bigint[], %(subject_ids)s::bigint[],
            %(window_nos)s::bigint[], %(counts)s::int[], %(fens)s::bigint[]
          ) AS wanted(kind, campaign_id, subject_id, window_no, places, fen)
          JOIN vouchers_limitcounter c USING (kind, campaign_id, subject_id, window_no)
         ORDER BY kind, campaign_id, subject_id, window_no
           FOR NO KEY UPDATE OF c)
    UPDATE vouchers_limitcounter c
       SET used_count = c.used_count - gone.places, used_fen = c.used_fen - gone.fen
      FROM gone
     WHERE (c.kind, c.campaign_id, c.subject_id, c.window_no)
         = (gone.kind, gone.campaign_id, gone.subject_id, gone.window_no)
    """
)
INSERT_ATTEMPTS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_attempt (
        at, caller_id, key, store_id, campaign_id, voucher_id, resident_id, code, rule, facts)
    SELECT at, caller_id, key, store_id, campaign_id, voucher_id, resident_id, code, rule,
           facts::jsonb
      FROM unnest(
        %(ats)s::timestamptz[], %(caller_ids)s::bigint[], %(keys)s::text[],
        %(store_ids)s::bigint[], %(campaign_ids)s::bigint[], %(voucher_ids)s::bigint[],
        %(resident_ids)s::bigint[], %(codes)s::text[], %(rules)s::text[], %(facts)s::text[]
      ) AS fresh(
        at, caller_id, key, store_id, campaign_id, voucher_id, resident_id, code, rule, facts)
    """
)
# Opened by risk rules, in the transaction of the redemptions they hold.
NEXT_HOLD_IDS = Statement(
    """
    SELECT nextval('vouchers_hold_id_seq'), nextval('vouchers_transfer_id_seq')
      FROM generate_series(1, %(count)s)
    """,
    lambda row: (int(row[0]), int(row[1])),
)
INSERT_HOLDS: Statement[Any] = Statement(
    """
    INSERT INTO vouchers_hold (
        id, redemption_id, voucher_id, reason, opened_by, rule_version_id, opened_at, released_by)
    SELECT id, redemption_id, voucher_id, reason, opened_by, rule_version_id, opened_at, ''
      FROM unnest(
        %(ids)s::bigint[], %(redemption_ids)s::bigint[], %(voucher_ids)s::bigint[],
        %(reasons)s::text[], %(opened_by)s::text[], %(rule_version_ids)s::bigint[],
        %(ats)s::timestamptz[]
      ) AS fresh(id, redemption_id, voucher_id, reason, opened_by, rule_version_id, opened_at)
    """
)
