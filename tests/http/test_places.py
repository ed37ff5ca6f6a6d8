"""Positions in calls: all of one or nothing, in a known datum, on Earth."""

import pytest

from merchants.errors import Refused
from merchants.geo import Datum, distance_m, to_wgs84
from vouchers.http.places import wgs84

HERE = (121.4737, 31.2304)


def test_none_is_given() -> None:
    assert wgs84(None, None, "") is None


def test_wgs_84_is_taken_as_it_is() -> None:
    assert wgs84(*HERE, "WGS-84") == wgs84(*HERE, "wgs84") == HERE


@pytest.mark.parametrize("datum", [Datum.GCJ_02, Datum.BD_09])
def test_other_datums_are_converted(datum: Datum) -> None:
    found = wgs84(*HERE, datum.value)
    assert found is not None
    longitude, latitude = to_wgs84(*HERE, datum)
    assert distance_m(*found, float(longitude), float(latitude)) < 0.001
    assert distance_m(*found, *HERE) > 400


@pytest.mark.parametrize(
    ("longitude", "latitude", "datum", "field"),
    [
        (121.4, None, "WGS-84", "$.latitude"),
        (None, 31.2, "WGS-84", "$.longitude"),
        (121.4, 31.2, "", "$.datum"),
        (None, None, "WGS-84", "$.longitude"),
        (121.4, 31.2, "mars", "$.datum"),
        (31.2, 121.4, "WGS-84", "$.longitude"),
        (0.0, 0.0, "WGS-84", "$.longitude"),
        (200.0, 31.2, "WGS-84", "$.longitude"),
        (121.4, 89.0, "WGS-84", "$.latitude"),
        (121.4, 91.0, "WGS-84", "$.latitude"),
    ],
)
def test_an_invalid_position_is_refused_with_its_field(
    longitude: float | None, latitude: float | None, datum: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        wgs84(longitude, latitude, datum)
    assert refused.value.refusal.code == "malformed_request"
    assert refused.value.refusal.facts["field"] == field
