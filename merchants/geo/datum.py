"""The three datums of Chinese coordinates, and exact conversion between them.

Chinese maps are shifted by law: GCJ-02 (Amap, Tencent) lies some 500 m from WGS-84 and BD-09
(Baidu) some 1.1 km. No official definition is published, and vendors' converters may differ from
it and from one another; the open formula below (published as "evil transform", PRCoords and
coord-convert, among others) is the definition available and therefore *is* the definition here.

Its forward direction is explicit. The inverse is solved to the limit of float64, not approximated,
so that there and back moves a point by less than a micrometre anywhere in China. Longitude comes
before latitude, all angles are degrees, NaN stays NaN.
"""

import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

_KRASOVSKY_A_M: Final = 6_378_245.0
_KRASOVSKY_E2: Final = 0.00669342162296594323
_BOX: Final = (72.004, 137.8347, 0.8293, 55.8271)
"""Outside these degrees (west, east, south, north) the open formula leaves WGS-84 unshifted."""
_BOX_MARGIN_DEG: Final = 0.1
_BD_OFFSET_DEG: Final = (0.0065, 0.006)
_BD_WAVE: Final = 3000.0 * np.pi / 180.0
_CONVERGED_DEG: Final = 2e-13
_MAX_STEPS: Final = 16


class UnknownDatumError(ValueError):
    """The text names none of the datums Huimin can convert."""


class Datum(StrEnum):
    """Reference frame of a longitude/latitude pair."""

    WGS_84 = "WGS-84"
    GCJ_02 = "GCJ-02"
    BD_09 = "BD-09"

    @classmethod
    def parse(cls, text: str) -> "Datum":
        """Read a usual spelling ("gcj02", "WGS 84", "高德"); raises UnknownDatumError otherwise.

        CGCS2000 is taken as WGS-84, from which it differs by decimetres; `is_cgcs2000` reports it.
        BD09MC (Baidu's metres) is refused: it isn't longitude/latitude.
        """
        try:
            return _SPELLINGS[_folded(text)]
        except KeyError:
            names = ", ".join(cls)
            raise UnknownDatumError(f"Unknown datum {text!r}; known are {names}.") from None


_CGCS2000: Final = frozenset({"CGCS2000", "EPSG4490", "国家2000", "2000国家大地"})
_SPELLINGS: Final = {
    **dict.fromkeys(("WGS84", "EPSG4326", "GPS"), Datum.WGS_84),
    **dict.fromkeys(_CGCS2000, Datum.WGS_84),
    **dict.fromkeys(
        ("GCJ02", "火星", "高德", "高德地图", "腾讯", "腾讯地图", "AMAP"), Datum.GCJ_02
    ),
    **dict.fromkeys(("BD09", "BD09LL", "百度", "百度地图", "BAIDU"), Datum.BD_09),
}


def is_cgcs2000(text: str) -> bool:
    """Whether the text names China's geodetic datum of 2000, which is read as WGS-84."""
    return _folded(text) in _CGCS2000


def _folded(text: str) -> str:
    """Capital letters, digits and Han of a name, full-width ones folded, without 坐标系."""
    plain = unicodedata.normalize("NFKC", text).upper()
    signs = "".join(char for char in plain if char.isalnum())
    return signs.removesuffix("系").removesuffix("坐标")


def to_wgs84(longitude_deg: ArrayLike, latitude_deg: ArrayLike, datum: Datum) -> Pair:
    """Convert coordinates in `datum` to WGS-84 (longitude, latitude), elementwise."""
    lon, lat = _as_floats(longitude_deg, latitude_deg)
    if datum is Datum.WGS_84:
        return lon, lat
    if datum is Datum.BD_09:
        lon, lat = _solve(_gcj_to_bd, lon, lat)
    return _gcj_to_wgs(lon, lat)


def from_wgs84(longitude_deg: ArrayLike, latitude_deg: ArrayLike, datum: Datum) -> Pair:
    """Convert WGS-84 coordinates to (longitude, latitude) in `datum`, elementwise.

    Outside China the GCJ-02 leg is the identity; the BD-09 leg, like the open formula, knows no
    border.
    """
    lon, lat = _as_floats(longitude_deg, latitude_deg)
    if datum is Datum.WGS_84:
        return lon, lat
    lon, lat = _wgs_to_gcj(lon, lat)
    return _gcj_to_bd(lon, lat) if datum is Datum.BD_09 else (lon, lat)


def _as_floats(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> Pair:
    lon = np.array(longitude_deg, dtype=np.float64)
    lat = np.array(latitude_deg, dtype=np.float64)
    if lon.shape != lat.shape:
        raise ValueError(f"{lon.shape} longitudes for {lat.shape} latitudes")
    return lon, lat


def _in_box(lon: Floats, lat: Floats, margin_deg: float = 0.0) -> NDArray[np.bool_]:
    west, east, south, north = _BOX
    return (
        (lon >= west - margin_deg)
        & (lon <= east + margin_deg)
        & (lat >= south - margin_deg)
        & (lat <= north + margin_deg)
    )


def _wgs_to_gcj(lon: Floats, lat: Floats) -> Pair:
    inside = _in_box(lon, lat)
    lon, lat = lon.copy(), lat.copy()
    lon[inside], lat[inside] = _shifted(lon[inside], lat[inside])
    return lon, lat


def _gcj_to_wgs(lon: Floats, lat: Floats) -> Pair:
    """A point is unshifted if the point that would be shifted onto it lies outside the box."""
    near = _in_box(lon, lat, _BOX_MARGIN_DEG)
    wgs_lon, wgs_lat = _solve(_shifted, lon[near], lat[near])
    inside = _in_box(wgs_lon, wgs_lat)
    lon, lat = lon.copy(), lat.copy()
    lon[near] = np.where(inside, wgs_lon, lon[near])
    lat[near] = np.where(inside, wgs_lat, lat[near])
    return lon, lat


def _shifted(lon: Floats, lat: Floats) -> Pair:
    """WGS-84 to GCJ-02 without the border: a shift in metres, on Krasovsky's ellipsoid."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north_m += (ripple + _waves(y, 20.0, 40.0, 160.0, 320.0)) * (2.0 / 3.0)
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east_m += (ripple + _waves(x, 20.0, 40.0, 150.0, 300.0)) * (2.0 / 3.0)
    phi = np.radians(lat)
    w2 = 1.0 - _KRASOVSKY_E2 * np.sin(phi) ** 2
    meridian_m = _KRASOVSKY_A_M * (1.0 - _KRASOVSKY_E2) / (w2 * np.sqrt(w2))
    parallel_m = _KRASOVSKY_A_M / np.sqrt(w2) * np.cos(phi)
    return lon + np.degrees(east_m / parallel_m), lat + np.degrees(north_m / meridian_m)


def _waves(t: Floats, full: float, third: float, twelfth: float, thirtieth: float) -> Floats:
    turn = np.pi * t
    short = full * np.sin(turn) + third * np.sin(turn / 3.0)
    return np.asarray(short + twelfth * np.sin(turn / 12.0) + thirtieth * np.sin(turn / 30.0))


def _gcj_to_bd(lon: Floats, lat: Floats) -> Pair:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_WAVE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_WAVE)
    return radius * np.cos(angle) + _BD_OFFSET_DEG[0], radius * np.sin(angle) + _BD_OFFSET_DEG[1]


def _solve(forward: Callable[[Floats, Floats], Pair], lon: Floats, lat: Floats) -> Pair:
    """The point that `forward` carries to (lon, lat), by fixed-point iteration.

    The shifts change by a few per mille of the way moved, so each step gains two to three digits.
    Every point stops at its own convergence: its result does not depend on its neighbours in the
    array, and can be recomputed alone.
    """
    shape, lon, lat = lon.shape, lon.ravel(), lat.ravel()
    found_lon, found_lat = lon.copy(), lat.copy()
    open_at = np.arange(lon.size)
    for _ in range(_MAX_STEPS):
        image_lon, image_lat = forward(found_lon[open_at], found_lat[open_at])
        error_lon, error_lat = image_lon - lon[open_at], image_lat - lat[open_at]
        found_lon[open_at] -= error_lon
        found_lat[open_at] -= error_lat
        moved = np.maximum(np.abs(error_lon), np.abs(error_lat)) > _CONVERGED_DEG
        open_at = open_at[moved]
        if not open_at.size:
            break
    return found_lon.reshape(shape), found_lat.reshape(shape)
