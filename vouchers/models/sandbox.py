"""The movable clock of a test campaign."""

from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

import pgtrigger
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from vouchers.sql.statements import Statement
from vouchers.sql.triggers import refuse_if

AHEAD_MAX = timedelta(days=3 * 366)


class SandboxClock(models.Model):
    """How far a test campaign is ahead of the real time; it never goes back."""

    campaign = models.OneToOneField(
        "vouchers.Campaign", models.PROTECT, primary_key=True, related_name="sandbox_clock"
    )
    ahead = models.DurationField(_("ahead of the real time"))
    moved_by = models.CharField(_("moved by"), max_length=150)
    moved_at = models.DateTimeField(_("moved at"))

    class Meta:
        verbose_name = _("sandbox clock")
        verbose_name_plural = _("sandbox clocks")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ahead__gte=timedelta(0), ahead__lte=AHEAD_MAX),
                name="clock_within_bounds",
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="clock_never_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.ahead < OLD.ahead"),
            ),
            pgtrigger.Trigger(
                name="clock_of_test_campaign",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=refuse_if(
                    "NOT EXISTS (SELECT FROM vouchers_campaign"
                    " WHERE id = NEW.campaign_id AND is_test"
                    " AND state NOT IN ('draft', 'submitted', 'approved'))",
                    "clock_of_test_campaign",
                    "only a launched test campaign has a clock of its own",
                )
                + " RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"+{self.ahead}"


def campaign_now(at: datetime, campaign: str = "") -> Combinable:
    """The time in each row's campaign, which `campaign` leads to (`campaign__`): `at`, unless its
    clock is ahead. For sweeps over rows of many campaigns."""
    return Value(at, output_field=models.DateTimeField()) + Coalesce(
        F(f"{campaign}sandbox_clock__ahead"),
        Value(timedelta(0), output_field=models.DurationField()),
    )


class AheadRow(NamedTuple):
    """A tranche of a campaign whose clock is ahead."""

    tranche_id: int
    ahead: timedelta


FIND_AHEAD = Statement(
    """
    SELECT t.id, k.ahead
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_tranche t ON t.id = wanted.id
      JOIN vouchers_sandboxclock k ON k.campaign_id = t.campaign_id
    """,
    AheadRow._make,
)
