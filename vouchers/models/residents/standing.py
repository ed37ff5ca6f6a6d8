"""Changes of a resident's standing: frozen, active again, deceased, erased, and by whom."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.residents.residents import RESIDENT_STATES, Resident
from vouchers.sql.triggers import append_only


class StandingChange(models.Model):
    """The state that a resident was moved to. One writer: services/residents/standing."""

    resident = models.ForeignKey(Resident, models.PROTECT, related_name="standing_changes")
    state = models.CharField(_("state"), max_length=10, choices=RESIDENT_STATES)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of standing")
        verbose_name_plural = _("changes of standing")
        ordering: ClassVar = ["id"]
        triggers: ClassVar = append_only("standing_change")

    def __str__(self) -> str:
        return f"{self.resident_id} {self.state}"
