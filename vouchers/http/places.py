"""The position that a call states: longitude, latitude and datum, together or not at all."""

from typing import Final

from merchants.geo import CoordinateFault, Datum, UnknownDatumError, check_coordinates, to_wgs84
from vouchers.http.requests import malformed

EARTH_LONGITUDE_DEG: Final = 180


def wgs84(
    longitude: float | None, latitude: float | None, datum: str
) -> tuple[float, float] | None:
    """WGS-84 longitude and latitude; None where none is given. Refuses `malformed_request` for a
    position that is incomplete, no place on Earth, or in an unknown datum."""
    if longitude is None and latitude is None and not datum:
        return None
    if longitude is None or latitude is None or not datum:
        missing = _missing(longitude, latitude)
        raise malformed(
            f"longitude, latitude and datum come together or not at all - at `$.{missing}`"
        )
    try:
        known = Datum.parse(datum)
    except UnknownDatumError as error:
        raise malformed(f"{error} - at `$.datum`") from None
    if fault := check_coordinates(longitude, latitude):
        raise malformed(f"{fault.sentence} - at `$.{_field_of(fault, longitude)}`")
    if known is Datum.WGS_84:
        return longitude, latitude
    converted = to_wgs84(longitude, latitude, known)
    return float(converted[0]), float(converted[1])


def _missing(longitude: float | None, latitude: float | None) -> str:
    """The first of the three that is not given."""
    if longitude is None:
        return "longitude"
    return "latitude" if latitude is None else "datum"


def _field_of(fault: CoordinateFault, longitude: float) -> str:
    """Which of the two is at fault; of what both of them make, the longitude."""
    is_latitude = fault is CoordinateFault.POLAR or (
        fault is CoordinateFault.OUT_OF_RANGE and abs(longitude) <= EARTH_LONGITUDE_DEG
    )
    return "latitude" if is_latitude else "longitude"
