"""Back-tests: a risk rule as it might be, tried on redemptions that are on file."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.models.limits.risk import RISK_KINDS
from vouchers.sql.triggers import frozen_columns, never_deleted


class BackTest(models.Model):
    """A question to the redemptions of some days, and the answer. One writer:
    services/limits/back_tests; a worker holds it by a lease and a fencing token."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="+")
    kind = models.CharField(_("rule"), max_length=20, choices=RISK_KINDS)
    # {"kind", "setting", "verdict", "parameters"}, as a version has it.
    rule = models.JSONField(_("rule"))
    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("to"))
    requested_by = models.CharField(_("requested by"), max_length=150)
    requested_at = models.DateTimeField(_("requested at"))
    # Redemptions looked at so far, and how many there are; 0 until a worker has counted them.
    done_count = models.IntegerField(_("looked at"), default=0)
    total_count = models.IntegerField(_("redemptions"), default=0)
    fence = models.IntegerField(_("token"), default=0)
    lease_until_at = models.DateTimeField(_("leased until"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    # {"seen", "hits", "subsidy_fen", "known", "stores": [[id, hits, fen], …]}; {} until finished.
    result = models.JSONField(_("result"), default=dict)

    class Meta:
        verbose_name = _("back-test")
        verbose_name_plural = _("back-tests")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="back_test_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, result={}) | (~Q(finished_at=None) & ~Q(result={})),
                name="back_test_finished_with_result",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="back_test_that_waits", condition=Q(finished_at=None)),
        ]
        triggers: ClassVar = [
            *never_deleted("back_test"),
            frozen_columns(
                "back_test_question_frozen",
                "campaign_id",
                "kind",
                "rule",
                "first_day",
                "last_day",
                "requested_by",
                "requested_at",
            ),
            pgtrigger.Protect(
                name="back_test_finished_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.finished_at IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return str(_("back-test %(number)s") % {"number": self.pk})
