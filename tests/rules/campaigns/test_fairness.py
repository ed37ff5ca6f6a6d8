"""Vouchers by store and money by district: sums to the fen, and nothing about fewer than ten."""

from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.campaigns.fairness import (
    DistrictShare,
    Groups,
    Missing,
    StorePlace,
    district_shares,
    store_loads,
)

TENS = st.none() | st.integers(0, 500).map(lambda tens: 10 * tens)
COUNTS = st.dictionaries(st.integers(1, 20), TENS, max_size=8)


@given(COUNTS, st.integers(0, 10**7), st.lists(st.floats(0, 1e6), max_size=30))
def test_the_loads_of_the_stores_add_up(
    people: dict[int, int | None], used: int, a_day: list[float]
) -> None:
    loads = store_loads(people, used, a_day)
    assert sum(load.used for load in loads) == (used if any(people.values()) else 0)
    assert {load.store_id for load in loads} == {key for key, count in people.items() if count}
    assert [load.used for load in loads] == sorted((load.used for load in loads), reverse=True)
    assert all(load.busiest <= load.used + 1e-6 for load in loads)


@given(COUNTS, st.integers(0, 10**11))
def test_the_money_of_the_districts_adds_up(people: dict[int, int | None], fen: int) -> None:
    rows = rows_of(people, fen=fen)
    given_fen = [row.money_fen for row in rows if not isinstance(row.money_fen, Missing)]
    assert sum(given_fen) == (fen if any(people.values()) else 0)


def rows_of(
    everyone: dict[int, int | None],
    seniors: dict[int, int | None] | None = None,
    hukou: tuple[dict[int, int | None], dict[int, int | None]] = ({}, {}),
    *,
    census: dict[int, int | None] | None = None,
    fen: int = 1_000,
    stores: dict[int, StorePlace] | None = None,
) -> list[DistrictShare]:
    groups = Groups(everyone, seniors or {}, *hukou)
    loads = store_loads({1: 30, 2: 10}, 40, [10.0, 30.0])
    return district_shares(groups, census or {}, fen, loads, stores or {})


def test_a_district_is_measured_against_its_census() -> None:
    poor, rich = rows_of({1: 100, 2: 300}, census={1: 1_000, 2: 1_000, 3: 500})[:2]
    assert (poor.money_fen, rich.money_fen) == (250, 750)
    assert (poor.reached, rich.reached) == (0.1, 0.3)
    assert (poor.each_fen, rich.each_fen) == (0.25, 0.75)


def test_a_district_that_is_not_reached_stands_there_with_nothing() -> None:
    row = rows_of({1: 100}, census={1: 1_000, 3: 500})[1]
    assert (row.adcode, row.people, row.money_fen, row.reached) == (3, 0, 0, 0.0)
    assert row.seniors is Missing.NOT_ON_FILE


def test_fewer_than_ten_people_are_a_dash_on_either_side_of_a_share() -> None:
    (few,) = rows_of({1: None}, census={1: 1_000})
    assert (few.people, few.money_fen, few.each_fen) == (None, Missing.FEW, Missing.FEW)
    (seniors,) = rows_of({1: 100}, {1: None})
    assert seniors.seniors is Missing.FEW
    told: tuple[dict[int, int | None], dict[int, int | None]] = ({1: 60}, {1: None})
    (hukou,) = rows_of({1: 100}, {1: 40}, told)
    assert hukou.seniors == 0.4
    assert hukou.registered is hukou.unregistered is Missing.FEW


def test_hukou_is_a_share_of_those_on_file() -> None:
    (row,) = rows_of({1: 100}, {}, ({1: 60}, {1: 20}))
    assert (row.registered, row.unregistered) == (0.75, 0.25)
    assert row.seniors == 0.0
    (unknown,) = rows_of({1: 100})
    assert unknown.registered is Missing.NOT_ON_FILE


def test_small_shops_count_in_the_district_where_they_lie() -> None:
    places = {1: StorePlace(1, is_small=False), 2: StorePlace(1, is_small=True)}
    first, second = rows_of({1: 100, 2: 100}, stores=places)
    assert first.small_shops == 0.25
    assert second.small_shops is Missing.NO_STORE
    assert first.census is None
    assert first.reached is Missing.NO_CENSUS


def test_the_busiest_day_has_its_part_of_the_vouchers() -> None:
    loads = store_loads({1: 30, 2: 10}, 40, [0.0, 10.0, 30.0])
    assert [(load.used, load.a_day, load.busiest) for load in loads] == [
        (30, 15.0, 22.5),
        (10, 5.0, 7.5),
    ]
