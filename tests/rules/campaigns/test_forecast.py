"""A forecast: within the budget, in order, monotone, adding up, and the same each time."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers.rules.campaigns.forecast import Between, Cap, Forecast, Offer, Opening, Plan, forecast
from vouchers.rules.campaigns.rates import PRESETS, STEPS, USUAL, Rate, observed

CITY_AND_GROUP = ("city", "group")
SOME = settings(max_examples=25, deadline=None)


def offer(code: str, face_fen: int, group_fen: int = 0, per_resident: int = 1) -> Offer:
    shares = {"city": face_fen - group_fen, "group": group_fen}
    return Offer(code, face_fen, {k: v for k, v in shares.items() if v}, per_resident)


def plan(**changes: object) -> Plan:
    """¥1,000 of the city for a thousand people: one voucher of a yuan each, at the start."""
    simple = Plan(
        people=1_000,
        offers=[offer("one", 100)],
        openings=[Opening(0)],
        caps=[Cap(fen=100_000, source="city")],
        budget_fen=100_000,
        validity_days=10,
        days=30,
    )
    return replace(simple, **changes)  # type: ignore[arg-type]


def at_rate(it: Plan, used: float) -> Forecast:
    return forecast(it, {each.code: Rate(used) for each in it.offers})


@st.composite
def plans(draw: st.DrawFn, tiers: int = 3) -> Plan:
    """Several tiers, sources, rounds and cells, with more or less money than is asked for."""
    offers = []
    for number in range(draw(st.integers(1, tiers))):
        face_fen = draw(st.integers(100, 50_000))
        group_fen = draw(st.integers(0, face_fen))
        offers.append(offer(f"t{number}", face_fen, group_fen, draw(st.integers(1, 3))))
    days = draw(st.integers(1, 60))
    openings = [
        Opening(day, number, draw(st.floats(0, 1)))
        for number, day in enumerate(draw(st.lists(st.integers(0, days), max_size=5)), 1)
    ]
    money = {code: draw(st.integers(0, 50_000_000)) for code in CITY_AND_GROUP}
    cells = [
        Cap(
            fen=draw(st.none() | st.integers(0, 20_000_000)),
            count=draw(st.none() | st.integers(0, 5_000)),
            tier=draw(st.none() | st.sampled_from([it.code for it in offers])),
            round=draw(st.none() | st.integers(1, 5)),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]
    return Plan(
        people=draw(st.integers(0, 10_000)),
        offers=offers,
        openings=openings or [Opening(0)],
        caps=[*(Cap(fen=fen, source=code) for code, fen in money.items()), *cells],
        budget_fen=sum(money.values()),
        validity_days=draw(st.integers(1, days)),
        days=days,
    )


@SOME
@given(plans(), st.floats(0, 1))
def test_the_expected_use_stays_within_every_source_and_adds_up_to_the_fen(
    it: Plan, used: float
) -> None:
    found = at_rate(it, used)
    assert sum(found.by_source.values()) == found.used_fen <= it.budget_fen
    for cap in it.caps:
        if cap.source:
            assert found.by_source.get(cap.source, 0) <= (cap.fen or 0)
    for tier, each in zip(found.tiers, it.offers, strict=True):
        assert tier.cost_fen == tier.used * each.face_fen
        assert tier.used <= tier.issued


@SOME
@given(plans(), st.floats(0, 1))
def test_the_band_is_in_order_and_only_falls(it: Plan, used: float) -> None:
    found = at_rate(it, used)
    assert len(found.left_fen) == len(found.used_a_day) == it.days
    for least, middle, most in found.left_fen:
        assert 0 <= least <= middle <= most <= it.budget_fen
    for column in zip(*found.left_fen, strict=True):
        assert list(column) == sorted(column, reverse=True)
    assert found.likely_fen[0] <= found.likely_fen[1]
    for when in (found.handed_out, found.used_up):
        assert (when.p95 is None) or (when.p50 is not None and when.p50 <= when.p95)
    assert min(found.used_a_day) >= -1e-6


@SOME
@given(plans(tiers=1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_never_uses_less_of_one_tier(it: Plan, one: float, other: float) -> None:
    it = replace(it, caps=[cap for cap in it.caps if cap.round is None])
    low, high = sorted((one, other))
    assert at_rate(it, low).used_fen <= at_rate(it, high).used_fen


@SOME
@given(plans(), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_never_uses_less_of_one_opening(it: Plan, one: float, other: float) -> None:
    it = replace(it, openings=it.openings[:1])
    low, high = sorted((one, other))
    assert at_rate(it, low).used_fen <= at_rate(it, high).used_fen


def test_the_same_plan_has_the_same_forecast() -> None:
    assert at_rate(plan(), 0.6) == at_rate(plan(), 0.6)


def test_the_middle_of_the_plays_is_the_rate_and_the_band_that_of_the_docstring() -> None:
    found = at_rate(plan(), 0.85)
    least, middle, most = found.left_fen[-1]
    assert middle == pytest.approx(15_000, abs=50)
    assert (100_000 - most) / 1_000 == pytest.approx(75, abs=0.7)
    assert (100_000 - least) / 1_000 == pytest.approx(92, abs=0.7)
    assert found.left_fen[9:] == (found.left_fen[9],) * 21, "nothing is used after its validity"


def test_money_for_all_is_handed_out_at_once_and_used_up_when_all_use_it() -> None:
    half = at_rate(plan(), 0.5)
    assert (half.handed_out, half.used_up) == (Between(0, 0), Between(None, None))
    whole = at_rate(plan(), 1.0)
    assert whole.used_fen == 100_000
    assert whole.used_up == Between(9, 9)


def test_a_budget_larger_than_the_demand_has_no_day_of_exhaustion() -> None:
    found = at_rate(plan(people=100), 1.0)
    assert found.used_fen == 10_000
    assert found.handed_out == found.used_up == Between(None, None)


def test_what_was_not_used_is_handed_out_again_in_a_later_round() -> None:
    twice = plan(openings=[Opening(0, 1), Opening(10, 2)])
    assert at_rate(twice, 0.5).used_fen > 1.45 * at_rate(plan(), 0.5).used_fen
    same_day = plan(openings=[Opening(0, 1), Opening(0, 2), Opening(10, 3), Opening(20, 4)])
    assert at_rate(same_day, 0.5).used_fen > at_rate(twice, 0.5).used_fen
    too_early = plan(openings=[Opening(0, 1), Opening(9, 2)])
    assert at_rate(too_early, 0.5).used_fen == at_rate(plan(), 0.5).used_fen


def test_a_rounds_cell_and_a_tiers_cell_hold() -> None:
    cells = [Cap(fen=100_000, source="city"), Cap(count=200, round=1), Cap(fen=5_000, tier="one")]
    found = at_rate(plan(caps=cells, openings=[Opening(0, 1), Opening(1, 2)]), 1.0)
    assert found.tiers[0].issued == 50
    only_round = at_rate(plan(caps=cells[:2], openings=[Opening(0, 1)]), 1.0)
    assert only_round.tiers[0].issued == 200
    assert only_round.handed_out == Between(None, None), "the source still has money"


def test_only_those_who_ask_take_part_in_a_claimed_round() -> None:
    assert at_rate(plan(openings=[Opening(0, 1, 0.25)]), 1.0).used == 250


def test_rates_of_past_vouchers_need_a_hundred_of_them() -> None:
    even = [5] * STEPS
    assert observed(99, even) is None
    found = observed(200, even)
    assert found is not None
    assert found.used == 0.5
    assert found.curve == pytest.approx([step / STEPS for step in range(1, STEPS + 1)])
    assert observed(200, [0] * STEPS) == Rate(0.0)


def test_presets_rise_and_have_their_sources_in_both_languages() -> None:
    assert [it.used for it in PRESETS] == sorted(it.used for it in PRESETS)
    assert USUAL in PRESETS
    assert all(it.source.en and it.source.zh for it in PRESETS)
    assert len(USUAL.name.zh) > 0
    assert list(Rate(0.5).curve) == sorted(Rate(0.5).curve)
    assert Rate(0.5).curve[-1] == 1
