"""Grants: who has which role, where in the city, from when until when, and who gave it."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import District, Street
from merchants.triggers import street_of_its_district
from vouchers.sql.triggers import frozen_columns, never_deleted


class Grant(models.Model):
    """A role in the whole city, in one district or in one street of it, for a period. Roles are
    held by grants alone: a membership of Django's groups gives nothing.

    A grant is never changed or deleted; it runs out, or is withdrawn once.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="role_grants",
        verbose_name=_("user"),
    )
    role = models.ForeignKey(
        Group, models.PROTECT, related_name="role_grants", verbose_name=_("role")
    )
    # None: the whole city.
    district = models.ForeignKey(
        District,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("district"),
    )
    # Of that district; None: all of it.
    street = models.ForeignKey(
        Street,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("street (街镇)"),
    )
    from_at = models.DateTimeField(_("from"))
    # None: until it is withdrawn.
    until_at = models.DateTimeField(_("until"), null=True, blank=True)
    why = models.CharField(_("why"), max_length=200)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("given by")
    )
    given_at = models.DateTimeField(_("given at"))
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_why = models.CharField(_("why withdrawn"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("grant of a role")
        verbose_name_plural = _("grants of roles")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("from_at")),
                name="grant_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=~Q(given_by=F("user")), name="grant_by_another_person"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="grant_withdrawn_by_a_person",
            ),
        ]
        triggers: ClassVar = [
            frozen_columns(
                "grant_frozen",
                "user_id",
                "role_id",
                "district_id",
                "street_id",
                "from_at",
                "until_at",
                "why",
                "given_by_id",
                "given_at",
            ),
            street_of_its_district("grant_street_of_its_district", on=pgtrigger.Insert),
            pgtrigger.Protect(
                name="grant_withdrawn_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.withdrawn_at IS NOT NULL"),
            ),
            *never_deleted("grant"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.role} · {self.place or _('the whole city')}"

    @property
    def place(self) -> District | Street | None:
        """The street or district that it is given for; None: the whole city."""
        return self.street or self.district
