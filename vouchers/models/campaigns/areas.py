"""Where a campaign reaches beside its stores' circles, and the rings its distances fall in."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vouchers.models.campaigns.campaigns import Campaign
from vouchers.sql.triggers import only_in_draft


class Ring(models.Model):
    """A distance ring: inside it when from < distance ≤ to (the innermost also takes 0)."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="rings")
    label = models.CharField(_("label"), max_length=8)
    from_m = models.PositiveIntegerField(_("from, metres"))
    to_m = models.PositiveIntegerField(_("to, metres"))

    class Meta:
        verbose_name = _("ring")
        verbose_name_plural = _("rings")
        ordering: ClassVar = ["campaign", "from_m"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "label"], name="one_ring_per_label"),
            models.CheckConstraint(condition=Q(to_m__gt=F("from_m")), name="ring_not_empty"),
        ]
        triggers: ClassVar = [only_in_draft("ring")]

    def __str__(self) -> str:
        return f"{self.label} {self.from_m}–{self.to_m} m"


class Geofence(models.Model):
    """An area beside the stores' circles: a polygon to add, or a district or street to stay within.

    Districts are judged by what residents have on file, streets by where the places that count lie.
    """

    class Kind(models.TextChoices):
        INCLUDE_POLYGON = "include_polygon", _("also inside this polygon")
        WITHIN_DISTRICT = "within_district", _("only within this district")
        WITHIN_STREET = "within_street", _("only within this street (街镇)")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="geofences")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    # GeoJSON, WGS-84: a polygon's, or the street's boundary as it was when the street was chosen.
    geometry = models.JSONField(_("geometry"), null=True, blank=True)
    district = models.ForeignKey(
        "merchants.District", models.PROTECT, null=True, blank=True, related_name="+"
    )
    street = models.ForeignKey(
        "merchants.Street",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("street (街镇)"),
    )

    class Meta:
        verbose_name = _("geofence")
        verbose_name_plural = _("geofences")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(
                    kind="include_polygon",
                    geometry__isnull=False,
                    district__isnull=True,
                    street__isnull=True,
                )
                | Q(
                    kind="within_district",
                    geometry__isnull=True,
                    district__isnull=False,
                    street__isnull=True,
                )
                | Q(
                    kind="within_street",
                    geometry__isnull=False,
                    district__isnull=True,
                    street__isnull=False,
                ),
                name="geofence_has_its_area",
            )
        ]
        triggers: ClassVar = [only_in_draft("geofence")]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.kind}"
