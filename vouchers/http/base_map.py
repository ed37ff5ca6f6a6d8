"""The tiles that an operator may lay under our maps, and our drawings in the tiles' datum.

Chinese maps are shifted by law: what is drawn on them in WGS-84 lies some 500 m off. The drawing is
shifted, never the data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

import numpy as np
from django.conf import settings

from merchants.geo import Convert, Datum, Floats, converted, from_wgs84, to_wgs84

Point = tuple[float, float]
"""Longitude and latitude in degrees."""
DIGITS: Final = 9
"""A tenth of a millimetre, so that a corner comes back from another datum as it was."""


@dataclass(frozen=True, slots=True)
class BaseMap:
    """What lies under a map: tiles by their address, or nothing but the boundaries on file."""

    url: str
    datum: Datum
    attribution: str

    @classmethod
    def of_settings(cls) -> Self:
        """The base map of this installation."""
        url = settings.HUIMIN_TILE_URL
        datum = Datum(settings.HUIMIN_TILE_DATUM) if url else Datum.WGS_84
        return cls(url, datum, settings.HUIMIN_TILE_ATTRIBUTION)

    def area(self, geometry: Mapping[str, Any]) -> Mapping[str, Any]:
        """A GeoJSON area in WGS-84 as it is drawn here."""
        if self.datum is Datum.WGS_84:
            return geometry
        return _redrawn(geometry, partial(from_wgs84, datum=self.datum))

    def points(self, longitude_deg: Iterable[float], latitude_deg: Iterable[float]) -> list[Point]:
        """Points in WGS-84 as they are drawn here."""
        lon, lat = np.array(list(longitude_deg)), np.array(list(latitude_deg))
        return list(zip(*(each.tolist() for each in from_wgs84(lon, lat, self.datum)), strict=True))


def drawn_in_wgs84(geometry: Mapping[str, Any], datum: Datum) -> Mapping[str, Any]:
    """An area that was drawn on tiles of a datum, in WGS-84. Raises what malformed ones raise."""
    if datum is Datum.WGS_84:
        return geometry
    return _redrawn(geometry, partial(to_wgs84, datum=datum))


def _redrawn(geometry: Mapping[str, Any], convert: Convert) -> Mapping[str, Any]:
    def rounded(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        lon, lat = convert(lon, lat)
        return lon.round(DIGITS), lat.round(DIGITS)

    return converted(geometry, rounded)
