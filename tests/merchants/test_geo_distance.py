"""The definition of distance, and the errors that the fast formulas claim."""

import numpy as np
import pytest
from geopy.distance import geodesic
from numpy.typing import NDArray

from merchants.geo import LocalMetric, chord_distance_m, distance_m, is_farther_m

Floats = NDArray[np.float64]


def pairs(reach_m: float, size: int = 1_500) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Origins up to 60 degrees north and south, points about `reach_m` away, and geopy's metres."""
    rng = np.random.default_rng(7)
    lon1, lat1 = rng.uniform(73, 135, size), rng.uniform(-60, 60, size)
    bearing = rng.uniform(0, 2 * np.pi, size)
    north_deg = reach_m * np.cos(bearing) / 111_200.0
    east_deg = reach_m * np.sin(bearing) / 111_200.0 / np.cos(np.radians(lat1))
    lon2, lat2 = lon1 + east_deg, lat1 + north_deg
    columns = zip(lon1, lat1, lon2, lat2, strict=True)
    return lon1, lat1, lon2, lat2, np.array([distance_m(*pair) for pair in columns])


def test_distance_is_geopys_geodesic_with_latitude_first() -> None:
    ours = distance_m(121.4737, 31.2304, 121.5, 31.25)
    assert ours == geodesic((31.2304, 121.4737), (31.25, 121.5)).m
    assert 3_300 < ours < 3_400


@pytest.mark.filterwarnings("ignore:Latitude normalization")
@pytest.mark.parametrize("lat", [float("nan"), 91.0])
def test_distance_refuses_an_invalid_latitude(lat: float) -> None:
    with pytest.raises(ValueError, match=r"[Ll]atitude|finite"):
        distance_m(121.0, lat, 121.0, 31.0)


@pytest.mark.parametrize("reach_m", [0.0, 1.0, 3_000.0, 5_000.0, 10_000.0])
def test_the_chord_is_within_a_hundredth_of_a_millimetre(reach_m: float) -> None:
    lon1, lat1, lon2, lat2, truth = pairs(reach_m)
    assert np.abs(chord_distance_m(lon1, lat1, lon2, lat2) - truth).max() < 1e-5


@pytest.mark.parametrize("reach_m", [0.0, 1.0, 3_000.0, 5_000.0, 10_000.0])
def test_the_local_metric_is_within_a_tenth_of_a_millimetre(reach_m: float) -> None:
    lon1, lat1, lon2, lat2, truth = pairs(reach_m)
    local = LocalMetric.at(lon1, lat1)
    assert np.abs(local.distance_m(np.arange(lon1.size), lon2, lat2) - truth).max() < 1e-4


def test_is_farther_agrees_with_the_definition_at_any_limit() -> None:
    store = (121.4737, 31.2304)
    for degrees in (0.0, 0.0001, 0.009, 0.3, 5.0):
        point = (store[0] + degrees, store[1] - degrees / 3)
        exact_m = distance_m(*store, *point)
        for limit_m in (exact_m - 0.001, exact_m, exact_m + 0.001, exact_m * 0.98, exact_m * 1.02):
            assert is_farther_m(*store, *point, limit_m) == (exact_m > limit_m)
