"""Datum conversion: against two independent packages, and there and back."""

import warnings

import numpy as np
import prcoords
import pytest
from coord_convert import transform
from numpy.typing import NDArray

from merchants.geo import Datum, UnknownDatumError, from_wgs84, to_wgs84

Floats = NDArray[np.float64]

METRES_PER_DEG = 111_700.0  # no degree of longitude or latitude is longer
SHIFTED = (Datum.GCJ_02, Datum.BD_09)


def china(size: int, seed: int = 1) -> tuple[Floats, Floats]:
    """Points all over China, some on the kink of the formula at longitude 105."""
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(73, 135.1, size), rng.uniform(3, 53.6, size)
    kink = 105 + np.concatenate([[0.0], np.logspace(-16, -1, 60), -np.logspace(-16, -1, 60)])
    return np.concatenate([lon, kink]), np.concatenate([lat, np.full(kink.size, 31.2)])


def worst_m(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> float:
    """Upper bound of the greatest distance between paired points, in metres."""
    return float(np.hypot(a[0] - b[0], a[1] - b[1]).max() * METRES_PER_DEG)


@pytest.mark.parametrize("datum", SHIFTED)
def test_there_and_back_moves_no_point_of_china_by_a_micrometre(datum: Datum) -> None:
    points = china(200_000)
    assert worst_m(to_wgs84(*from_wgs84(*points, datum), datum), points) <= 1e-6
    assert worst_m(from_wgs84(*to_wgs84(*points, datum), datum), points) <= 1e-6


def test_gcj_02_equals_both_independent_packages() -> None:
    lon, lat = china(3_000)
    ours = from_wgs84(lon, lat, Datum.GCJ_02)
    theirs = np.array([transform.wgs2gcj(x, y) for x, y in zip(lon, lat, strict=True)])
    others = np.array([prcoords.wgs_gcj((y, x)) for x, y in zip(lon, lat, strict=True)])
    assert worst_m(ours, (theirs[:, 0], theirs[:, 1])) <= 1e-8
    assert worst_m(ours, (others[:, 1], others[:, 0])) <= 1e-8


def test_bd_09_equals_both_independent_packages() -> None:
    lon, lat = china(3_000)
    ours = from_wgs84(lon, lat, Datum.BD_09)
    theirs = np.array([transform.wgs2bd(x, y) for x, y in zip(lon, lat, strict=True)])
    others = np.array([prcoords.wgs_bd((y, x)) for x, y in zip(lon, lat, strict=True)])
    assert worst_m(ours, (theirs[:, 0], theirs[:, 1])) <= 1e-8
    assert worst_m(ours, (others[:, 1], others[:, 0])) <= 1e-8


@pytest.mark.parametrize("datum", SHIFTED)
def test_a_shanghai_point_is_shifted_by_what_the_datum_is_known_for(datum: Datum) -> None:
    lon, lat = from_wgs84([121.4737], [31.2304], datum)
    metres = np.hypot((lon - 121.4737) * METRES_PER_DEG * 0.855, (lat - 31.2304) * METRES_PER_DEG)
    low, high = {Datum.GCJ_02: (440, 520), Datum.BD_09: (1_050, 1_200)}[datum]
    assert low < metres[0] < high


def test_gcj_02_is_wgs_84_outside_china_as_both_packages_have_it() -> None:
    abroad = np.array([[-122.4, 37.8], [2.35, 48.86], [139.7, 35.7], [72.0, 30.0], [151.2, -33.9]])
    lon, lat = abroad.T
    assert worst_m(from_wgs84(lon, lat, Datum.GCJ_02), (lon, lat)) == 0
    assert worst_m(to_wgs84(lon, lat, Datum.GCJ_02), (lon, lat)) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert all(prcoords.wgs_gcj((y, x)) == (y, x) for x, y in abroad)


def test_points_on_either_side_of_the_formulas_border_come_back() -> None:
    steps = np.array([-0.02, -1e-4, -1e-9, 0.0, 1e-9, 1e-4, 0.02])
    lon = np.concatenate([137.8347 - np.abs(steps), np.full(7, 100.0)])
    lat = np.concatenate([np.full(7, 40.0), 55.8271 - np.abs(steps)])
    assert worst_m(to_wgs84(*from_wgs84(lon, lat, Datum.GCJ_02), Datum.GCJ_02), (lon, lat)) <= 1e-6


@pytest.mark.parametrize("datum", SHIFTED)
def test_a_point_converts_alone_as_it_does_in_a_crowd(datum: Datum) -> None:
    points = china(1_000)
    crowd = to_wgs84(*points, datum)
    alone = [to_wgs84([x], [y], datum) for x, y in zip(*points, strict=True)]
    single = np.array([[x[0], y[0]] for x, y in alone])
    assert worst_m(crowd, (single[:, 0], single[:, 1])) <= 1e-8


@pytest.mark.parametrize("datum", Datum)
def test_nan_stays_nan_and_the_input_is_left_alone(datum: Datum) -> None:
    lon, lat = np.array([np.nan, 121.5, np.inf]), np.array([31.2, 31.2, 31.2])
    with np.errstate(invalid="ignore"):
        converted, _ = to_wgs84(lon, lat, datum)
    assert np.isnan(converted[0])
    assert np.isfinite(converted[1])
    assert not np.isfinite(converted[2])
    assert lon[1] == 121.5
    assert not np.shares_memory(converted, lon)


def test_scalars_and_any_shape_convert() -> None:
    lon, lat = to_wgs84(121.5, 31.2, Datum.BD_09)
    assert lon.shape == lat.shape == ()
    grid, _ = to_wgs84(np.full((2, 3), 121.5), np.full((2, 3), 31.2), Datum.BD_09)
    assert grid.shape == (2, 3)
    assert (grid == lon).all()


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="longitudes for"):
        to_wgs84([121.5, 121.6], [31.2], Datum.GCJ_02)


@pytest.mark.parametrize(
    ("text", "datum"),
    [
        ("WGS-84", Datum.WGS_84),
        ("wgs84", Datum.WGS_84),
        ("EPSG:4326", Datum.WGS_84),
        ("GCJ-02", Datum.GCJ_02),
        (" gcj_02 ", Datum.GCJ_02),
        ("火星坐标系", Datum.GCJ_02),
        ("BD09", Datum.BD_09),
        ("bd09ll", Datum.BD_09),
        ("百度坐标系", Datum.BD_09),
        ("高德", Datum.GCJ_02),
        ("高德地图", Datum.GCJ_02),
        ("腾讯", Datum.GCJ_02),
        ("火星", Datum.GCJ_02),
        ("百度", Datum.BD_09),
        ("ＷＧＳ－８４", Datum.WGS_84),
        ("ｇｃｊ０２", Datum.GCJ_02),
        ("CGCS2000", Datum.WGS_84),
        ("ＣＧＣＳ２０００坐标系", Datum.WGS_84),
        ("2000国家大地坐标系", Datum.WGS_84),
    ],
)
def test_usual_spellings_of_a_datum_are_read(text: str, datum: Datum) -> None:
    assert Datum.parse(text) is datum


@pytest.mark.parametrize("text", ["", "系", "BD09MC", "wgs", "02", "Beijing 54"])
def test_a_datum_that_cannot_be_converted_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnknownDatumError, match="GCJ-02"):
        Datum.parse(text)
