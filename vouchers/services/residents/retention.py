"""Retention of precise points: to about a kilometre once nothing needs them more exactly."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Round

from vouchers.models import Consent, ResidentPoint
from vouchers.models.fields import CurrentXid

PRECISE_DAYS: Final = 90
STEPS_A_DEGREE: Final = 100
"""What is kept is a multiple of 0.01°, about 1.1 km of latitude."""
BATCH: Final = 10_000


def coarsen_points(*, at: datetime) -> int:
    """Coarsen the points that were last needed 90 days ago or earlier; returns how many.

    A place is needed while it is the current home or work of a resident who consents to targeting;
    a recent position only for 90 days. What a run used stays provable by its commitment.
    """
    before = at - timedelta(days=PRECISE_DAYS)
    coarsened = 0
    while ids := list(_due(before).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            coarsened += _coarsen(ids, at)
    return coarsened


def _due(before: datetime) -> QuerySet[ResidentPoint]:
    consents = Consent.objects.filter(
        resident=OuterRef("resident"), purpose=Consent.Purpose.TARGETING
    )
    needed = consents.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=before))
    return ResidentPoint.objects.filter(
        Q(superseded_at__lte=before)
        | Q(kind=ResidentPoint.Kind.RECENT, observed_at__lte=before)
        | Q(~Exists(needed), observed_at__lte=before),
        coarsened_at=None,
    )


def _coarsen(ids: list[int], at: datetime) -> int:
    degrees = ("longitude_deg", "latitude_deg", "raw_longitude", "raw_latitude")
    rounded = {name: Round(F(name) * STEPS_A_DEGREE) / float(STEPS_A_DEGREE) for name in degrees}
    points = ResidentPoint.objects.filter(pk__in=ids, coarsened_at=None)
    return points.update(coarsened_at=at, changed_xid=CurrentXid(), **rounded)
