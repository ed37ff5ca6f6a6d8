"""Which coordinates are accepted, and the reason given for the rest."""

import numpy as np
import pytest

from merchants.geo import FAULTS, CoordinateFault, check_coordinates, coordinate_faults

CASES = [
    (121.47, 31.23, None),
    (-70.6, -33.4, None),
    (73.5, 39.4, None),
    (float("nan"), 31.23, CoordinateFault.NOT_FINITE),
    (121.47, float("inf"), CoordinateFault.NOT_FINITE),
    (31.23, 121.47, CoordinateFault.SWAPPED_AXES),
    (44.0, 87.6, CoordinateFault.SWAPPED_AXES),
    (481.47, 31.23, CoordinateFault.OUT_OF_RANGE),
    (121.47, -90.5, CoordinateFault.OUT_OF_RANGE),
    (121.47, 60.5, CoordinateFault.POLAR),
    (179.98, 31.2, CoordinateFault.ANTIMERIDIAN),
    (-179.98, 31.2, CoordinateFault.ANTIMERIDIAN),
    (0.0, 0.0, CoordinateFault.NULL_ISLAND),
    (-0.0, 1e-7, CoordinateFault.NULL_ISLAND),
]


@pytest.mark.parametrize(("lon", "lat", "fault"), CASES)
def test_each_fault_is_recognised(lon: float, lat: float, fault: CoordinateFault | None) -> None:
    assert check_coordinates(lon, lat) is fault


def test_arrays_get_the_verdicts_of_their_elements() -> None:
    lon, lat, faults = zip(*CASES, strict=True)
    expected = [0 if fault is None else 1 + FAULTS.index(fault) for fault in faults]
    assert coordinate_faults(np.array(lon), np.array(lat)).tolist() == expected


def test_arrays_of_northern_places_alone_are_judged_alike() -> None:
    found = coordinate_faults([121.47, 179.98, -179.98], [31.23, 31.2, 31.2])
    assert found.tolist() == [0] + [1 + FAULTS.index(CoordinateFault.ANTIMERIDIAN)] * 2


def test_every_fault_has_a_code_and_a_sentence() -> None:
    sentences = {fault.sentence for fault in CoordinateFault}
    assert len(sentences) == len(CoordinateFault)
    assert all(sentence.endswith(".") for sentence in sentences)
    assert all(fault.value.startswith("coordinates_") for fault in CoordinateFault)
