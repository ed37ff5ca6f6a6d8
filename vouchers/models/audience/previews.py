"""Previews of an audience: what was shown, of which terms, when and to whom."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.sql.triggers import append_only


class PreviewCount(models.Model):
    """How many people a preview counted, in tens; None for fewer than ten, whose number is never
    shown. One writer: services/audience/preview."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="previews")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    # Of the document as it stood: says whether the terms have changed since.
    terms_sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    targeted = models.IntegerField(_("people reached"), null=True)
    examined = models.IntegerField(_("people looked at"), null=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("counted audience")
        verbose_name_plural = _("counted audiences")
        ordering: ClassVar = ["id"]
        triggers: ClassVar = append_only("preview_count")

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.at:%Y-%m-%d %H:%M}"
