"""Places judged together: of a campaign that stays within streets only those inside count."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from merchants.geo import contains
from tests.rules.audience.test_figures import STORE, Floats, block_of
from vouchers.rules.audience.filters import (
    NO_KIND,
    POINT_KINDS,
    TARGETED,
    Coverage,
    Judged,
    Untargeted,
)
from vouchers.rules.audience.store_cover import NO_STORE, StoreCircles
from vouchers.rules.audience.targeting import Rings

LON, LAT = STORE
RADIUS_M = 3_000
KINDS = ("home", "work")


def box(west: float, south: float, east: float, north: float) -> dict[str, object]:
    """A street, by degrees from the store."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[[LON + x, LAT + y] for x, y in corners]]}


STREETS = [box(-0.02, -0.02, 0.01, 0.0), box(-0.02, 0.0, 0.01, 0.03)]
BEYOND = box(0.0, 0.025, 0.05, 0.05)
"""A polygon beside the circle, partly in the second street."""

offsets = st.floats(-0.06, 0.06)
places = st.lists(st.tuples(offsets, offsets, offsets, offsets), min_size=1, max_size=20)


def coverage(*streets: dict[str, object]) -> Coverage:
    circles = StoreCircles.of([LON], [LAT], [RADIUS_M])
    return Coverage.of(circles, Rings.of([("A", 0, 1_000), ("B", 1_000, 9_999)]), [BEYOND], streets)


def judged(home: Floats, work: Floats, kinds: tuple[str, ...], area: Coverage) -> Judged:
    return area.judge(block_of(home, work=work), kinds)


@given(places)
def test_a_point_counts_where_it_is_reached_and_lies_in_a_street(
    found: list[tuple[float, float, float, float]],
) -> None:
    points = np.array(found).reshape(-1, 2, 2) + STORE
    home, work = points[:, 0], points[:, 1]
    within = judged(home, work, KINDS, coverage(*STREETS))
    alone = [judged(home, work, (kind,), coverage()) for kind in KINDS]
    reached = np.array([one.reason == TARGETED for one in alone])
    inside = np.array(
        [
            np.any([contains(street, *of_kind.T) for street in STREETS], axis=0)
            for of_kind in (home, work)
        ]
    )
    metres = np.where(reached & inside, [one.distance_m for one in alone], np.inf)
    is_in = (reached & inside).any(axis=0)
    expected = np.where(is_in, TARGETED, Untargeted.OUTSIDE_STREETS)
    expected[~reached.any(axis=0)] = Untargeted.OUTSIDE
    assert within.reason.tolist() == expected.tolist()
    assert within.kind[~is_in].tolist() == [NO_KIND] * int((~is_in).sum())
    in_circle = is_in & (metres.min(axis=0) <= RADIUS_M)
    assert within.distance_m[in_circle].tolist() == metres.min(axis=0)[in_circle].tolist()
    placed = coverage(*STREETS).place(*home.T).nearest.store_index
    assert (placed != NO_STORE).tolist() == (reached & inside)[0].tolist()
    assert {POINT_KINDS[kind] for kind in within.kind[is_in].tolist()} <= set(KINDS)
