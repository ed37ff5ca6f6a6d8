"""Geography without a database: datums, distances, coordinate checks, district polygons.

Everything inside Huimin is WGS-84, longitude before latitude, in float64 degrees.
"""

from merchants.geo.areas import MOST_CORNERS, AreaFlaw, area_flaw
from merchants.geo.converted import Convert, Floats, converted
from merchants.geo.coordinates import (
    FAULTS,
    MAX_LATITUDE_DEG,
    MAX_LONGITUDE_DEG,
    CoordinateFault,
    check_coordinates,
    coordinate_faults,
)
from merchants.geo.datum import Datum, UnknownDatumError, from_wgs84, is_cgcs2000, to_wgs84
from merchants.geo.distance import LocalMetric, chord_distance_m, distance_m, is_farther_m
from merchants.geo.polygons import (
    NO_AREA,
    InvalidGeometryError,
    containing,
    contains,
    rings_of,
)

__all__ = [
    "FAULTS",
    "MAX_LATITUDE_DEG",
    "MAX_LONGITUDE_DEG",
    "MOST_CORNERS",
    "NO_AREA",
    "AreaFlaw",
    "Convert",
    "CoordinateFault",
    "Datum",
    "Floats",
    "InvalidGeometryError",
    "LocalMetric",
    "UnknownDatumError",
    "area_flaw",
    "check_coordinates",
    "chord_distance_m",
    "containing",
    "contains",
    "converted",
    "coordinate_faults",
    "distance_m",
    "from_wgs84",
    "is_cgcs2000",
    "is_farther_m",
    "rings_of",
    "to_wgs84",
]
