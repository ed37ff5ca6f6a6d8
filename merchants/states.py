"""Whether a merchant, store or caller may act, and when its suspension ends by the clock."""

from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Whether a merchant, store or credential may act."""

    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    CLOSED = "closed", _("closed")


def suspended_until() -> "models.DateTimeField[Any, Any]":
    """The column `suspended_until_at`: None where a person lifts the suspension."""
    return models.DateTimeField(_("suspended until"), null=True, blank=True, editable=False)


ONLY_OF_SUSPENDED: Final = models.CheckConstraint(
    condition=Q(suspended_until_at__isnull=True) | Q(state=State.SUSPENDED),
    name="%(class)s_deadline_of_suspension",
)
SUSPENSION_DUE: Final = models.Index(
    fields=["suspended_until_at"],
    condition=Q(suspended_until_at__isnull=False),
    name="%(class)s_suspension_due",
)
"""For the sweep that lifts what is due; few rows are in it."""
