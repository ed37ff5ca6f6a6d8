"""People counted by squares of ground: at least ten to each, whatever the campaign."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.audience.squares import ANYWHERE, LEAST, POINTS, Census, Ground, cells_of

CITY = (121.4, 31.2)
CELL_DEG = 1 / 400

places = st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(1, 25))


def census(crowds: list[tuple[int, int, int]]) -> Census:
    made = Census()
    for column, row, people in crowds:
        made.add(0, at(column, row, people))
    return made


def at(column: int, row: int, people: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """So many people in a cell, counted from the city's corner."""
    lon = np.full(people, CITY[0] + (column + 0.5) * CELL_DEG)
    lat = np.full(people, CITY[1] + (row + 0.5) * CELL_DEG)
    return cells_of(lon, lat)


def test_a_cell_of_ten_is_a_square_and_nine_join_their_neighbours() -> None:
    squares = census([(0, 0, 10), (1, 0, 9), (1, 1, 4)]).squares()
    assert squares.people.tolist() == [10, 13]
    assert squares.level[0] == 0
    assert squares.level[1] > 0


def test_the_last_nine_are_not_counted() -> None:
    assert census([(0, 0, 9)]).squares().people.size == 0


def test_people_too_far_apart_for_a_square_are_counted_without_a_place() -> None:
    squares = census([(0, 0, 6), (200, 200, 6)]).squares()
    assert squares.people.tolist() == [12]
    assert squares.level.tolist() == [ANYWHERE]


def test_a_category_has_squares_of_its_own() -> None:
    made = census([(0, 0, 40)])
    made.add(1, at(0, 0, 3))
    squares = made.squares()
    assert squares.people[squares.category == 1].size == 0


@given(st.lists(places, max_size=30))
def test_every_square_holds_ten_and_at_most_nine_people_are_left_out(
    crowds: list[tuple[int, int, int]],
) -> None:
    people = sum(count for *_, count in crowds)
    squares = census(crowds).squares()
    assert (squares.people >= LEAST).all()
    assert people - LEAST < squares.people.sum() <= people


@given(st.lists(places, max_size=30))
def test_squares_do_not_depend_on_the_order_of_reading(
    crowds: list[tuple[int, int, int]],
) -> None:
    again = sorted(crowds, key=lambda crowd: crowd[::-1])
    for one, other in zip(census(crowds).squares(), census(again).squares(), strict=True):
        assert one.tolist() == other.tolist()


def test_the_points_of_a_square_lie_evenly_inside_it() -> None:
    squares = census([(0, 0, 10)]).squares()
    ground = Ground.of([squares])
    assert ground.longitude_deg.size == POINTS
    assert set(cells_of(ground.longitude_deg, ground.latitude_deg)) == set(at(0, 0, 1))


def test_a_square_counts_by_its_share_and_the_placeless_by_the_mean() -> None:
    squares = census([(0, 0, 12), (4, 0, 36), (100, 0, 5), (0, 190, 5)]).squares()
    ground = Ground.of([squares])
    west = ground.longitude_deg < CITY[0] + CELL_DEG / 2
    shares = dict(zip(squares.people.tolist(), ground.shares(squares, west), strict=True))
    assert shares[36] == 0
    half = float(shares[12])
    assert sorted(squares.level.tolist()) == [0, 0, ANYWHERE]
    placeless = ground.shares(squares, west)[squares.level == ANYWHERE][0]
    assert placeless == half * 12 / 48
