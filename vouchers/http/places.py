"""The position that a call states: longitude, latitude and datum, together or not at all."""

from merchants.geo import Datum, UnknownDatumError, check_coordinates, to_wgs84
from vouchers.http.requests import malformed


def wgs84(
    longitude: float | None, latitude: float | None, datum: str
) -> tuple[float, float] | None:
    """WGS-84 longitude and latitude; None where none is given. Refuses `malformed_request` for a
    position that is incomplete, no place on Earth, or in an unknown datum."""
    if longitude is None and latitude is None and not datum:
        return None
    if longitude is None or latitude is None or not datum:
        raise malformed("longitude, latitude and datum come together or not at all - at `$.datum`")
    try:
        known = Datum.parse(datum)
    except UnknownDatumError as error:
        raise malformed(f"{error} - at `$.datum`") from None
    if fault := check_coordinates(longitude, latitude):
        raise malformed(f"{fault.sentence} - at `$.longitude`")
    if known is Datum.WGS_84:
        return longitude, latitude
    converted = to_wgs84(longitude, latitude, known)
    return float(converted[0]), float(converted[1])
