"""No choice of a campaign is left out of the sentences that restate it."""

from typing import Any

import pytest
from django.utils import translation

from vouchers.admin.campaigns.setup.sections import SECTIONS
from vouchers.admin.campaigns.setup.sentences import in_short, sentences
from vouchers.rules.campaigns.declaration import CAMPAIGN, PARTS, Option, Unit

OTHER: dict[Unit, Any] = {
    Unit.TEXT: "other",
    Unit.FLAG: True,
    Unit.INSTANT: "2030-05-01T02:00:00Z",
    Unit.DURATION_S: 7_200,
    Unit.DISTANCE_M: 4_321,
    Unit.BASIS_POINTS: 1_234,
    Unit.NAMES: ["tobacco"],
    Unit.ADDRESSES: ["audit@example.org"],
    Unit.AUDIENCE: {"age_min": 60},
    Unit.WEIGHTS: {"age_60": 10},
}
CHOICES = {
    "point_kinds": ["work"],
    "selection_method": "random",
    "order_kinds": ["delivered"],
    "order_numbers": ["receipt_no"],
    "refund_policy": "forfeit",
}
DOCUMENT: dict[str, Any] = {
    "campaign": {
        **{option.name: "" for option in CAMPAIGN},
        "starts_at": "2026-05-01T02:00:00Z",
        "ends_at": "2026-07-01T02:00:00Z",
        "zone": "Asia/Shanghai",
        "validity_s": 86_400,
        "radius_m": 3_000,
        "authorise_ttl_s": 900,
        "point_kinds": ["home"],
        "order_kinds": [],
        "order_numbers": [],
        "excluded_categories": [],
        "anchor_recipients": [],
        "audience_filter": {},
        "need_weights": {},
        "selection_method": "nearest",
        "refund_policy": "return",
        "is_test": False,
        "presence_required": False,
        "senior_share_bp": 0,
        "small_shop_share_bp": 0,
        "hold_out_bp": 0,
    },
    **{part.name: [] for part in PARTS},
}
TIER = {
    "code": "off20",
    "name": "100−20",
    "kind": "threshold",
    "face_fen": 2_000,
    "threshold_fen": 10_000,
    "threshold_basis": "post_discount",
    "percent_bp": None,
    "per_resident": 2,
    "shares_fen": {"city": 2_000},
}


def said(**change: Any) -> str:
    document = {**DOCUMENT, "campaign": {**DOCUMENT["campaign"], **change}}
    with translation.override("en"):
        return str(sentences(document))


@pytest.mark.parametrize("option", CAMPAIGN, ids=lambda option: option.name)
def test_another_choice_is_another_sentence(option: Option) -> None:
    other = (
        "Asia/Tokyo" if option.name == "zone" else CHOICES.get(option.name, OTHER.get(option.unit))
    )
    assert said(**{option.name: other}) != said()


def test_each_section_has_its_sentences() -> None:
    assert sentences(DOCUMENT).keys() == {section.key for section in SECTIONS}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "100−20 takes ¥20.00 off an order of ¥100.00 or more (after the shop's discounts)."),
        (
            {"kind": "percent", "percent_bp": 1_250},
            "100−20 takes 12.5 % off an order of ¥100.00 or more, at most ¥20.00",
        ),
        (
            {"kind": "flat", "threshold_fen": 0},
            "100−20 takes ¥20.00 off any order.",
        ),
    ],
)
def test_a_tier_is_said_by_its_kind(change: dict[str, Any], words: str) -> None:
    with translation.override("en"):
        assert words in sentences({**DOCUMENT, "tiers": [{**TIER, **change}]})["tiers"][0]


def test_a_tier_in_short_says_who_gets_what_how_often() -> None:
    limits = [
        {"kind": "resident_day", "limit_count": 1, "limit_fen": None},
        {"kind": "resident_week", "limit_count": 3, "limit_fen": None},
        {"kind": "store_day", "limit_count": 9, "limit_fen": None},
    ]
    with translation.override("en"):
        (line,) = in_short({**DOCUMENT, "tiers": [TIER], "limits": limits})
    assert line == (
        "A resident with a place (home) within 3,000 m of any of 0 stores gets 2 vouchers “100−20”,"
        " usable for 1 day, once a day, 3 times a week."
    )


@pytest.mark.parametrize(
    "narrowed",
    [
        {"campaign": {**DOCUMENT["campaign"], "audience_filter": {"age_min": 60}}},
        {"geofences": [{"kind": "within_district"}]},
    ],
)
def test_in_short_says_that_there_are_further_conditions(narrowed: dict[str, Any]) -> None:
    document = {**DOCUMENT, "tiers": [TIER]}
    with translation.override("en"):
        assert len(in_short(document)) == 1
        assert in_short({**document, **narrowed})[1:] == [
            "Only to those who meet the further conditions of the audience."
        ]


@pytest.mark.django_db
def test_areas_are_said_by_their_kind() -> None:
    area = {"type": "Polygon", "coordinates": [[[121, 31], [122, 31], [122, 32], [121, 31]]]}
    fences = [
        {"kind": kind, "district": district, "street": street, "geometry": geometry}
        for kind, district, street, geometry in (
            ("include_polygon", None, None, area),
            ("within_district", 310101, None, None),
            ("within_district", 310115, None, None),
            ("within_street", None, 310101002, area),
        )
    ]
    with translation.override("en"):
        plain, said = (
            sentences({**DOCUMENT, "geofences": rows})["audience"] for rows in ([], fences)
        )
    assert [line for line in said if line not in plain] == [
        "Residents inside 1 polygon of the map are reached too.",
        "Only residents of these districts are reached: 310101, 310115.",
        "Only places within these streets count: 310101002.",
    ]
