"""The stores a campaign is targeted by: which take part, where they lie and how far they reach."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from merchants.models import StoreLocation
from vouchers.models import Campaign, Targeting
from vouchers.queries.audience import locations, radii_m
from vouchers.rules.audience.store_cover import StoreCircles


@dataclass(frozen=True, slots=True, eq=False)
class Stores:
    """The stores of a campaign in order of id: where they lie and how far they reach."""

    store_ids: NDArray[np.int64]
    location_ids: NDArray[np.int64]
    circles: StoreCircles

    @classmethod
    def taking_part(cls, campaign: Campaign, at: datetime) -> Self:
        """The stores open at `at`, with the location version in force then."""
        radius_of = radii_m(campaign, at)
        places = locations(radius_of, at)
        return cls._of(places, [radius_of[place.store_id] for place in places])

    @classmethod
    def planned(cls, targeting: Targeting) -> Self:
        """The stores that a run's targeting was planned with."""
        return cls.named(
            np.frombuffer(bytes(targeting.location_ids), "<i8"),
            np.frombuffer(bytes(targeting.radii_m), "<f8"),
        )

    @classmethod
    def named(cls, location_ids: NDArray[np.int64], radius_m: NDArray[np.float64]) -> Self:
        """The stores of the location versions that a run names, in its order."""
        known = StoreLocation.objects.in_bulk(location_ids.tolist())
        return cls._of([known[id_] for id_ in location_ids.tolist()], radius_m.tolist())

    @classmethod
    def _of(cls, places: list[StoreLocation], radius_m: list[float]) -> Self:
        return cls(
            np.array([place.store_id for place in places], dtype=np.int64),
            np.array([place.pk for place in places], dtype=np.int64),
            StoreCircles.of(
                [place.longitude_deg for place in places],
                [place.latitude_deg for place in places],
                radius_m,
            ),
        )
