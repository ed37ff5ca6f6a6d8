"""A preview's figures: near the truth for a city, silent about one person."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from merchants.geo import CoordinateFault
from vouchers.rules.audience.facts import NO, REGISTERED_SHIFT, YES, Facts
from vouchers.rules.audience.figures import Figures, Tally, shown
from vouchers.rules.audience.filters import Block, Coverage, Untargeted
from vouchers.rules.audience.squares import CELLS_PER_DEGREE
from vouchers.rules.audience.store_cover import StoreCircles
from vouchers.rules.audience.targeting import Rings

STORE = (121.4737, 31.2304)
CELL_DEG = 1 / CELLS_PER_DEGREE
ORIGIN = np.array([180.0, 90.0])
Floats = NDArray[np.float64]


def block_of(
    home: Floats, *, work: Floats | None = None, reason: Any = 0, **attributes: Any
) -> Block:
    """Residents at these places, a row of longitude and latitude each."""
    size = len(home)
    places = np.full((2, 3, size), np.nan)
    places[:, 0] = home.T
    if work is not None:
        places[:, 1] = work.T
    given_: dict[str, Any] = {
        "district_id": np.full(size, 310101, np.int32),
        "street": np.full(size, "外滩"),
        "birth_year": np.full(size, 1960, np.int16),
        "tags": np.zeros(size, np.int64),
    } | attributes
    facts = Facts(
        resident_id=np.arange(1, size + 1),
        bucket=np.zeros(size, np.int16),
        flags=np.zeros(size, np.int16),
        longitude_deg=places[0],
        latitude_deg=places[1],
        attributes=given_,
    )
    return Block(facts, np.full(size, reason, np.int8))


def coverage(radius_m: float, *stores: tuple[float, float], polygons: Any = ()) -> Coverage:
    lons, lats = zip(*(stores or [STORE]), strict=True)
    circles = StoreCircles.of(lons, lats, [radius_m] * len(lons))
    return Coverage.of(circles, Rings.of([("A", 0, 1_000), ("B", 1_000, 9_999)]), polygons)


def figures(block: Block, area: Coverage, kinds: tuple[str, ...] = ("home",)) -> Figures:
    tally = Tally(kinds, 2026)
    tally.add(block)
    return tally.figures(area)


def homes(people: int, spread_deg: float = 0.05, seed: int = 1) -> Floats:
    random = np.random.default_rng(seed)
    return np.asarray(np.array(STORE) + random.normal(0, spread_deg, (people, 2)))


def elsewhere_in_the_cell(places: Floats, seed: int) -> Floats:
    """Everyone moved to another place of the same cell."""
    random = np.random.default_rng(seed)
    corners = np.floor((places + ORIGIN) * CELLS_PER_DEGREE)
    inside = random.uniform(0.001, 0.999, places.shape)
    return np.asarray((corners + inside) * CELL_DEG - ORIGIN)


def test_figures_are_near_what_a_run_measures() -> None:
    places = homes(40_000)
    for radius_m in (1_500, 3_000, 5_000):
        area = coverage(radius_m)
        judged = area.judge(block_of(places), ("home",))
        truth = int((judged.reason == 0).sum())
        counted = figures(block_of(places), area).targeted
        assert counted == pytest.approx(truth, rel=0.02)


def test_the_parts_add_up_to_the_whole_but_for_rounding() -> None:
    found = figures(block_of(homes(5_000)), coverage(3_000))
    assert found.targeted is not None
    for parts in (found.rings, found.stores, found.districts, found.streets, found.ages):
        counts = [count or 0 for count in parts.values()]
        assert sum(counts) == pytest.approx(found.targeted, abs=10 * len(counts))
    assert set(found.rings) == {0, 1}
    assert list(found.streets) == [(310101, "外滩")]
    assert list(found.ages) == [60]


def test_a_store_adds_those_whom_no_other_reaches() -> None:
    east = (STORE[0] + 0.02, STORE[1])
    far = (STORE[0] + 0.4, STORE[1])
    places = homes(20_000)
    found = figures(block_of(places), coverage(2_000, STORE, east, far))
    alone = figures(block_of(places), coverage(2_000, STORE))
    without = figures(block_of(places), coverage(2_000, east, far))
    assert found.targeted is not None
    assert without.targeted is not None
    assert found.only_by_store[0] == pytest.approx(found.targeted - without.targeted, abs=20)
    assert 2 not in found.only_by_store
    assert alone.only_by_store[0] == alone.targeted


def test_whom_a_polygon_reaches_anyway_no_store_adds() -> None:
    west, south = STORE[0] - 0.1, STORE[1] - 0.1
    corners = [(west, south), (west + 0.2, south), (west + 0.2, south + 0.2), (west, south + 0.2)]
    square = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    found = figures(block_of(homes(5_000, 0.03)), coverage(1_000, polygons=[square]))
    assert found.only_by_store == {}
    assert found.targeted == pytest.approx(4_990, abs=20)


def test_someone_with_two_places_is_counted_once() -> None:
    places = homes(4_000, 0.002)
    found = figures(block_of(places, work=places), coverage(3_000), ("home", "work"))
    assert found.targeted == 4_000
    assert sum(count or 0 for count in found.rings.values()) == 4_000


def test_without_usable_places_the_reach_is_zero() -> None:
    nowhere = np.full((30, 2), np.nan)
    swapped = np.tile(STORE[::-1], (20, 1))
    found = figures(block_of(np.concatenate([nowhere, swapped])), coverage(3_000))
    assert found.targeted == 0
    assert found.untargeted == {"no_point": 30, "bad_coordinates": 20}
    assert found.coordinates == {CoordinateFault.SWAPPED_AXES: 20}


def test_an_empty_city_has_honest_zeros() -> None:
    found = figures(block_of(np.empty((0, 2))), coverage(3_000))
    assert (found.examined, found.targeted, found.untargeted) == (0, 0, {})


def test_reasons_are_counted_and_few_people_hidden() -> None:
    reasons = np.array([Untargeted.NO_CONSENT] * 14 + [Untargeted.FROZEN] * 9 + [0] * 20)
    found = figures(block_of(homes(43, 0.0001), reason=reasons), coverage(3_000))
    assert found.untargeted == {"no_consent": 10}
    assert found.targeted == 20


def test_tags_and_unknown_ages_are_counted() -> None:
    tags = np.array([1 << 63 - 63 | -(1 << 63)] * 20 + [2] * 20)
    years = np.array([0] * 20 + [2010] * 20, np.int16)
    found = figures(block_of(homes(40, 0.001), tags=tags, birth_year=years), coverage(3_000))
    assert found.tags == {0: 20, 1: 20, 63: 20}
    assert found.ages == {0: 20, None: 20}


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(2_000, 4_000))
@settings(max_examples=30, deadline=None)
def test_no_preview_tells_where_in_a_cell_anybody_lives(
    seed: int, people: int, radius_m: int
) -> None:
    """Two cities that differ in where each home lies in its cell are one to any two previews a
    metre apart, so that their difference can be nobody's doing."""
    places = homes(people, 0.02, seed)
    moved = elsewhere_in_the_cell(places, seed + 1)
    for radius in (radius_m, radius_m + 1):
        area = coverage(radius)
        assert figures(block_of(places), area) == figures(block_of(moved), area)


def test_a_reason_of_one_person_looks_like_a_reason_of_none() -> None:
    """Whether the one elder of a street has a tag must not show in who is left over."""
    homes = np.tile(STORE, (31, 1))
    reasons = [np.full(31, Untargeted.FILTERED, np.int8) for _ in range(2)]
    reasons[0][-1] = Untargeted.OUTSIDE_DISTRICT
    with_one, with_none = (figures(block_of(homes, reason=it), coverage(3_000)) for it in reasons)
    assert with_one == with_none


@given(st.integers(0, 2**32 - 1), st.integers(50, 3_000), st.floats(1_000, 5_000))
@settings(max_examples=20, deadline=None)
def test_a_metre_more_moves_no_figure_by_one_person(
    seed: int, people: int, radius_m: float
) -> None:
    """The unrounded figures differ by shares of squares of ten people or more; what is shown
    differs by nothing or by tens."""
    places = homes(people, 0.02, seed)
    before = figures(block_of(places), coverage(radius_m))
    after = figures(block_of(places), coverage(radius_m + 1))
    for name in ("rings", "stores", "districts", "streets", "ages", "tags", "untargeted"):
        for counts in (getattr(before, name), getattr(after, name)):
            assert all(n is None or n % 10 == 0 for n in counts.values())
    assert (before.targeted or 0) <= (after.targeted or 0)


def test_one_home_on_the_very_edge_changes_nothing() -> None:
    """The resident between 3,000 and 3,001 m whom differencing looks for."""
    crowd = homes(500, 0.02)
    north = np.array([[STORE[0], STORE[1] + 3_000.5 / 110_860]])
    inside = np.array([[STORE[0], STORE[1] + 3_000.5 / 110_860 - 0.0004]])
    for radius in (3_000, 3_001):
        at_edge, within = (
            figures(block_of(np.concatenate([crowd, home])), coverage(radius))
            for home in (north, inside)
        )
        assert at_edge == within


@pytest.mark.parametrize(
    ("people", "text"), [(0, 0), (1, None), (9.99, None), (10, 10), (14.9, 10), (15, 20)]
)
def test_counts_are_shown_in_tens(people: float, text: int | None) -> None:
    assert shown(people) == text


def test_ages_fall_into_bands() -> None:
    years = np.repeat(np.array([2027, 2008, 2009, 1946, 1930], np.int16), 10)
    found = figures(block_of(homes(50, 0.0001), birth_year=years), coverage(3_000))
    assert found.ages == {0: 20, 18: 10, 80: 20}


def test_seniors_and_households_are_counted_by_district_as_far_as_they_are_on_file() -> None:
    places = np.repeat([STORE], 100, axis=0)
    born = np.where(np.arange(100) < 40, 1966, 1967).astype(np.int16)
    born[90:] = 0
    block = block_of(places, birth_year=born)
    block.facts.flags[:60] = YES << REGISTERED_SHIFT
    block.facts.flags[60:65] = NO << REGISTERED_SHIFT
    found = figures(block, coverage(3_000))
    assert found.districts == {310101: 100}
    assert (found.seniors, found.registered) == ({310101: 40}, {310101: 60})
    assert found.unregistered == {}, "five people are in no square"
