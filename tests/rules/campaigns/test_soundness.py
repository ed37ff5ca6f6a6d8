"""Terms are fit to be submitted, or every fault is named."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vouchers.rules.campaigns.soundness import faults
from vouchers.rules.campaigns.terms import (
    CellTerms,
    LimitTerms,
    RingTerms,
    RoundTerms,
    Terms,
    TierTerms,
)
from vouchers.states import LimitKind, TierKind

NOON = datetime(2026, 4, 1, 4, tzinfo=UTC)
DAY = timedelta(days=1)

OFF_20 = TierTerms("off20", TierKind.THRESHOLD, 2_000, 10_000, None, {"city": 1_200, "group": 800})
SOUND = Terms(
    starts_at=NOON,
    ends_at=NOON + 30 * DAY,
    validity_s=86_400,
    radii_m=(5_000,),
    store_count=3,
    point_kinds=("home",),
    appropriated_fen={"city": 120_000, "group": 80_000},
    tiers=(OFF_20,),
    rings=(RingTerms("A", 0, 3_000), RingTerms("B", 3_000, 5_000)),
)


BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[121, 31], [121.1, 31.1], [121.1, 31], [121, 31.1], [121, 31]]],
}


def cell(cap_fen: int | None = None, cap_count: int | None = None, **dims: str) -> CellTerms:
    """A cell on the slice that the dimensions name."""
    return CellTerms(frozenset(dims.items()), cap_fen, cap_count)


def test_sound_terms_have_no_fault() -> None:
    assert faults(SOUND, at=NOON - DAY) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"ends_at": NOON}, "ends_after_start"),
        ({"validity_s": 0}, "at_least"),
        ({"validity_s": 10 * 366 * 86_400 + 1}, "at_most"),
        ({"store_count": 0}, "has_stores"),
        ({"point_kinds": ()}, "has_point_kinds"),
        ({"point_kinds": ("moon",)}, "point_kinds_known"),
        ({"radii_m": (5_000, 0)}, "radius_in_range"),
        ({"audience_filter": {"shoe_size": 43}}, "filter_known"),
        ({"radii_m": (100_000,)}, "radius_in_range"),
        ({"areas": ({"type": "Point", "coordinates": [121, 31]},)}, "area_malformed"),
        ({"areas": (BOW_TIE,)}, "area_crosses_itself"),
        ({"tiers": ()}, "has_tiers"),
        ({"appropriated_fen": {"city": 120_000, "group": 0}}, "source_appropriated"),
        ({"tiers": (replace(OFF_20, threshold_fen=2_000),)}, "threshold_above_face"),
        ({"tiers": (replace(OFF_20, shares_fen={"city": 1_999}),)}, "shares_add_up"),
        ({"tiers": (replace(OFF_20, shares_fen={"bank": 2_000}),)}, "share_of_known_source"),
        ({"tiers": (replace(OFF_20, kind=TierKind.PERCENT),)}, "percentage_in_range"),
        ({"rings": (RingTerms("A", 1, 5_000),)}, "rings_from_zero"),
        ({"rings": (RingTerms("A", 0, 3_000),)}, "rings_reach_radius"),
        (
            {"rings": (RingTerms("A", 0, 3_000), RingTerms("B", 3_001, 5_000))},
            "rings_contiguous",
        ),
        ({"radii_m": (3_000, 6_000)}, "rings_reach_radius"),
        ({"rounds": (RoundTerms(1, NOON - DAY, NOON + DAY),)}, "round_within_campaign"),
        (
            {
                "rounds": (
                    RoundTerms(1, NOON, NOON + 2 * DAY),
                    RoundTerms(2, NOON + DAY, NOON + 3 * DAY),
                )
            },
            "rounds_apart",
        ),
        (
            {
                "limits": (
                    LimitTerms(LimitKind.RESIDENT_DAY, 3, None),
                    LimitTerms(LimitKind.RESIDENT_CAMPAIGN, 2, None),
                )
            },
            "limits_nest",
        ),
        (
            {
                "limits": (
                    LimitTerms(LimitKind.STORE_WEEK, 3, None),
                    LimitTerms(LimitKind.MERCHANT_WEEK, 2, None),
                )
            },
            "limits_nest",
        ),
        ({"cells": (cell(tier="off20"), cell(cap_count=1, tier="off20"))}, "cells_differ"),
        ({"cells": (cell(cap_count=101, tier="off20"),)}, "budget_covers"),
        ({"cells": (cell(cap_fen=202_000, tier="off20"),)}, "budget_covers"),
        ({"currency": "yuan"}, "currency_known"),
        ({"refund_policy": "never"}, "refund_policy_known"),
        ({"authorise_ttl_s": 59}, "at_least"),
        ({"authorise_ttl_s": 86_401}, "at_most"),
        ({"anchor_recipients": ("http://plain.example",)}, "recipient_known"),
        ({"anchor_recipients": ("unreachable",)}, "recipient_known"),
    ],
)
def test_each_fault_is_named_and_alone(change: dict[str, object], rule: str) -> None:
    found = faults(replace(SOUND, **change), at=NOON - DAY)  # type: ignore[arg-type]
    assert rule in {fault.rule for fault in found}
    dates = {"ends_after_start", "round_within_campaign", "rounds_apart"}
    assert {fault.code for fault in found} == {"dates_cross" if rule in dates else "terms_invalid"}


def test_a_campaign_that_is_over_cannot_be_submitted() -> None:
    assert [fault.rule for fault in faults(SOUND, at=SOUND.ends_at)] == ["not_over_yet"]
    assert faults(SOUND, at=SOUND.ends_at - timedelta(microseconds=1)) == []


def test_rounds_may_touch_because_periods_are_half_open() -> None:
    rounds = (RoundTerms(1, NOON, NOON + DAY), RoundTerms(2, NOON + DAY, NOON + 2 * DAY))
    assert faults(replace(SOUND, rounds=rounds), at=NOON) == []


def test_caps_of_tiers_may_use_the_budget_to_the_last_voucher() -> None:
    assert faults(replace(SOUND, cells=(cell(cap_count=100, tier="off20"),)), at=NOON) == []


def test_a_cell_within_another_cannot_promise_more() -> None:
    cells = (cell(cap_count=50, tier="off20"), cell(cap_count=51, tier="off20", district="310101"))
    (fault,) = faults(replace(SOUND, cells=cells), at=NOON)
    assert (fault.code, fault.rule) == ("cells_do_not_nest", "cells_nest")
    assert fault.facts == {"narrow": "district=310101, tier=off20", "wide": "tier=off20"}


def test_money_of_a_source_is_not_compared_with_money_of_the_whole_face() -> None:
    cells = (cell(cap_fen=60_000, tier="off20"), cell(cap_fen=70_000, tier="off20", source="city"))
    assert faults(replace(SOUND, cells=cells), at=NOON) == []


def test_all_faults_are_listed_at_once() -> None:
    broken = replace(SOUND, tiers=(), store_count=0, validity_s=0)
    found = [fault.rule for fault in faults(broken, at=NOON)]
    assert found == ["at_least", "has_tiers", "has_stores"]
