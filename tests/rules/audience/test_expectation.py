"""What a previewed audience would cost under the quota."""

from datetime import date

from vouchers.rules.audience.expectation import Expectation, OfferedTier, expect
from vouchers.rules.ledger.quotas import Cell, Cells, Price, Room

CITY, GROUP = 1, 2
PRICE = Price(3_000, ((CITY, 2_000), (GROUP, 1_000)))
TIERS = [OfferedTier(1, "30off", 2, PRICE)]
SOURCES = (Cell(1, source_id=CITY), Cell(2, source_id=GROUP))


def expected(
    rooms: dict[int, Room],
    *cells: Cell,
    people: int = 100,
    tiers: list[OfferedTier] = TIERS,
    by_district: dict[int, int] | None = None,
    by_store: dict[int, int] | None = None,
) -> Expectation:
    return expect(
        people=people,
        by_district=by_district or {},
        by_store=by_store or {},
        tiers=tiers,
        cells=Cells.of(cells),
        rooms=rooms,
        round_id=None,
        day=date(2026, 4, 1),
    )


RICH = {1: Room(10**9, None), 2: Room(10**9, None)}


def test_a_quota_above_the_audience_gives_everyone_theirs() -> None:
    found = expected(RICH, *SOURCES)
    (tier,) = found.tiers
    assert (tier.wanted, tier.issued, tier.cost_fen) == (200, 200, 600_000)
    assert found.by_source == {CITY: 400_000, GROUP: 200_000}


def test_the_scarcest_source_decides() -> None:
    found = expected({1: Room(10**9, None), 2: Room(50_999, None)}, *SOURCES)
    assert found.tiers[0].issued == 50
    assert found.by_source == {CITY: 100_000, GROUP: 50_000}


def test_a_quota_of_zero_issues_nothing() -> None:
    found = expected({**RICH, 3: Room(None, 0)}, *SOURCES, Cell(3, tier_id=1))
    assert (found.tiers[0].wanted, found.tiers[0].issued, found.cost_fen) == (200, 0, 0)


def test_empty_audience_costs_zero_and_empty_tiers_are_omitted() -> None:
    assert expected(RICH, *SOURCES, people=0).cost_fen == 0
    assert expected(RICH, *SOURCES, tiers=[]).tiers == ()


def test_a_source_without_a_cap_issues_nothing() -> None:
    assert expected({1: Room(10**9, None)}, SOURCES[0]).tiers[0].issued == 0


def test_a_later_tier_has_what_an_earlier_one_leaves() -> None:
    tiers = [OfferedTier(1, "a", 1, PRICE), OfferedTier(2, "b", 1, PRICE)]
    found = expected({1: Room(2_000 * 130, None), 2: Room(10**9, None)}, *SOURCES, tiers=tiers)
    assert [tier.issued for tier in found.tiers] == [100, 30]


def test_a_district_takes_no_more_than_its_quota_and_the_unknown_nothing() -> None:
    cells = (*SOURCES, Cell(3, district_id=310101))
    rooms = {**RICH, 3: Room(None, 20)}
    found = expected(rooms, *cells, by_district={310101: 60, 310104: 30, 0: 10})
    assert found.tiers[0].issued == 20 + 60
    assert found.tiers[0].wanted == 180
    assert not found.is_partial


def test_stores_share_out_by_who_is_nearest() -> None:
    cells = (*SOURCES, Cell(3, store_id=7))
    found = expected({**RICH, 3: Room(None, 5)}, *cells, by_store={7: 50, 8: 50})
    assert found.tiers[0].issued == 5 + 100


def test_quotas_that_a_preview_cannot_foresee_are_owned_up_to() -> None:
    assert expected({**RICH, 3: Room(None, 5)}, *SOURCES, Cell(3, channel="app")).is_partial
