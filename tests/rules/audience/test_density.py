"""How densely an audience lives: blocks of ten and more, fixed before anyone is chosen."""

from hypothesis import given
from hypothesis import strategies as st

from tests.rules.audience.test_squares import CELL_DEG, CITY, census
from vouchers.rules.audience.density import THIN_SHARE, Ground, Inhabited
from vouchers.rules.audience.squares import LEAST, TOP_LEVEL, Census

places = st.tuples(st.integers(0, 70), st.integers(0, 70), st.integers(1, 25))


def crowd(*people: tuple[int, int, int]) -> Census:
    """Everyone of (column, row, people)."""
    return census(list(people))


def sizes(found: list[Inhabited]) -> list[tuple[int, int]]:
    """(cells a side, people) of each block."""
    return sorted((round(block.size_deg / CELL_DEG), block.people) for block in found)


def test_cells_of_ten_are_blocks_and_the_number_is_in_tens() -> None:
    everyone = crowd((0, 0, 14), (1, 0, 16))
    assert sizes(Ground.of(everyone).inhabited(everyone)) == [(1, 10), (1, 20)]


def test_a_cell_of_nine_makes_one_block_of_its_four() -> None:
    everyone = crowd((0, 0, 30), (1, 0, 9), (40, 40, 12))
    assert sizes(Ground.of(everyone).inhabited(everyone))[:2] == [(1, 10), (2, 40)]


def test_a_few_among_many_are_left_out_and_do_not_make_a_block_larger() -> None:
    everyone = crowd((0, 0, 600), (1, 0, 9), (30, 30, 3))
    assert sizes(Ground.of(everyone).inhabited(everyone)) == [(1, 600)]


def test_density_blocks_do_not_depend_on_the_audience() -> None:
    everyone = crowd((0, 0, 30), (1, 0, 30))
    wanted = crowd((0, 0, 12), (1, 0, 9))
    assert sizes(Ground.of(everyone).inhabited(wanted)) == [(1, 10)]


def test_a_resident_outside_every_block_is_not_drawn() -> None:
    assert Ground.of(crowd((0, 0, 30))).inhabited(crowd((60, 60, 30))) == []


def test_a_larger_city_has_larger_blocks() -> None:
    everyone = crowd(*((column, row, 10) for column in range(8) for row in range(8)))
    assert sizes(Ground.of(everyone).inhabited(everyone)) == [(1, 10)] * 64
    assert sizes(Ground.of(everyone, most=20).inhabited(everyone))[-1] == (2, 40)


@given(st.lists(places, max_size=30))
def test_blocks_hold_ten_lie_apart_and_lose_nobody_but_in_thin_country(
    people: list[tuple[int, int, int]],
) -> None:
    everyone = crowd(*people)
    ground = Ground.of(everyone)
    found = ground.inhabited(everyone)
    assert all(block.people >= LEAST for block in found)
    assert len(found) == sum(map(len, ground.by_level))
    taken: set[tuple[int, int]] = set()
    for block in found:
        left = round((block.west_deg - CITY[0]) / CELL_DEG)
        low = round((block.south_deg - CITY[1]) / CELL_DEG)
        side = range(round(block.size_deg / CELL_DEG))
        cells = {(left + x, low + y) for x in side for y in side}
        assert not cells & taken
        taken |= cells
    # At each of five levels one in fifty, and a square of 9 km with fewer than ten people.
    squares_of_the_city = 16
    unseen = sum(count for column, row, count in people if (column, row) not in taken)
    assert (
        unseen
        <= sum(count for *_, count in people) * TOP_LEVEL / THIN_SHARE + LEAST * squares_of_the_city
    )
