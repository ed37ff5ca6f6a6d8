"""The stores a campaign is targeted by: which take part, where they lie and how far they reach."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from merchants.models import State, StoreLocation
from vouchers.models import Campaign, CampaignStore
from vouchers.rules.audience.store_cover import StoreCircles


@dataclass(frozen=True, slots=True, eq=False)
class Stores:
    """The stores of a campaign in order of id: where they lie and how far they reach."""

    store_ids: NDArray[np.int64]
    location_ids: NDArray[np.int64]
    circles: StoreCircles

    @classmethod
    def taking_part(cls, campaign: Campaign, at: datetime) -> Self:
        """Those open at `at`, with the version of their place that is in force then."""
        radii_m = _radii_m(campaign, at)
        known = StoreLocation.objects.filter(store_id__in=list(radii_m), valid_from_at__lte=at)
        places = list(known.order_by("store_id", "-valid_from_at", "-version").distinct("store_id"))
        return cls._of(places, [radii_m[place.store_id] for place in places])

    @classmethod
    def named(cls, location_ids: NDArray[np.int64], radii_m: NDArray[np.float64]) -> Self:
        """Those a run has named by their versions, in its order."""
        known = StoreLocation.objects.in_bulk(location_ids.tolist())
        return cls._of([known[id_] for id_ in location_ids.tolist()], radii_m.tolist())

    @classmethod
    def _of(cls, places: list[StoreLocation], radii_m: list[float]) -> Self:
        return cls(
            np.array([place.store_id for place in places], dtype=np.int64),
            np.array([place.pk for place in places], dtype=np.int64),
            StoreCircles.of(
                [place.longitude_deg for place in places],
                [place.latitude_deg for place in places],
                radii_m,
            ),
        )


def _radii_m(campaign: Campaign, at: datetime) -> dict[int, int]:
    """By id of the open stores that take part at `at`, their radius."""
    rows = CampaignStore.objects.filter(
        Q(valid_until_at__isnull=True) | Q(valid_until_at__gt=at),
        campaign=campaign,
        valid_from_at__lte=at,
        store__state=State.ACTIVE,
        store__merchant__state=State.ACTIVE,
    )
    pairs = rows.values_list("store_id", "radius_m")
    return {store_id: radius_m or campaign.radius_m for store_id, radius_m in pairs}
