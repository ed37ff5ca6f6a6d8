"""Coordinates as they come in: checked in their own datum, converted to WGS-84 once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from merchants.errors import Refused
from merchants.geo import FAULTS, Datum, check_coordinates, coordinate_faults, to_wgs84
from merchants.services.blocks import DATUMS, Faults, Floats, Mask
from merchants.services.districts import DistrictBook

PLACE_FAR: Final = "place_far"
PLACE_WHOLE_DEGREES: Final = "place_whole_degrees"


def mark_places(
    faults: Faults, longitude: Floats, latitude: Floats, datum: NDArray[np.int8], present: Mask
) -> None:
    """Mark the rows of `present` whose raw coordinates or datum can't be accepted.

    Degrees in the row's own datum, which is a position in DATUMS.
    """
    found = coordinate_faults(longitude, latitude)
    for code, fault in enumerate(FAULTS, start=1):
        faults.mark(present & (found == code), fault.value)
    faults.mark(present & (datum < 0), "datum_unknown")


def place_warnings(
    districts: DistrictBook, longitude: Floats, latitude: Floats, sound: Mask
) -> dict[str, int]:
    """Counts of warnings on the places of `sound` rows, by code."""
    whole = sound & (longitude == np.floor(longitude)) & (latitude == np.floor(latitude))
    far = sound & districts.far(longitude, latitude)
    counts = {PLACE_FAR: int(far.sum()), PLACE_WHOLE_DEGREES: int(whole.sum())}
    return {code: count for code, count in counts.items() if count}


def convert_places(
    longitude: Floats, latitude: Floats, datum: NDArray[np.int8]
) -> tuple[Floats, Floats]:
    """WGS-84 longitude and latitude of accepted coordinates, each converted from its own datum."""
    lon, lat = longitude.copy(), latitude.copy()
    for position, name in enumerate(DATUMS):
        rows = datum == position
        if name is not Datum.WGS_84 and rows.any():
            lon[rows], lat[rows] = to_wgs84(longitude[rows], latitude[rows], name)
    return lon, lat


def convert_place(longitude: float, latitude: float, datum: Datum) -> tuple[float, float]:
    """WGS-84 longitude and latitude of one place; raises Refused `coordinates_invalid` with the
    fault."""
    if fault := check_coordinates(longitude, latitude):
        raise Refused("coordinates_invalid", fault.value, longitude=longitude, latitude=latitude)
    lon, lat = to_wgs84(longitude, latitude, datum)
    return float(lon), float(lat)
