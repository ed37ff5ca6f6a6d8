"""Examples in the OpenAPI description: what a channel does for one resident."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from merchants.geo import CoordinateFault
from vouchers.api.examples import (
    RESIDENT_NO,
    answer_example,
    refusal_example,
    request_example,
)
from vouchers.http.presenting import paper_body, presented_body
from vouchers.queries.redemption import IssuedPaper, PresentedCode

VOUCHER = "81000000100000012345"
HOME: dict[str, Any] = {"longitude": 121.4737, "latitude": 31.2304, "datum": "GCJ-02"}
ENDS_AT = datetime(2026, 12, 4, 16, tzinfo=UTC)

REGISTER = request_example(
    "register",
    {
        "birth_year": 1951,
        "district": 310_101,
        "is_registered": True,
        "points": {"home": HOME},
        "consent_targeting": "2026-03",
        "national_id": "11010519491231002X",
        "phone": "+86 138 0013 8000",
    },
)
REGISTERED = answer_example(
    "registered",
    {
        "resident": RESIDENT_NO,
        "state": "active",
        "places": ["home"],
        "consents": ["targeting"],
        "is_identified": True,
    },
)
IDENTITY_TAKEN = refusal_example(
    "on file under another number", "resident_refused", "identity_taken"
)
MOVE = request_example("move", HOME)
NO_PLACE = refusal_example(
    "longitude and latitude exchanged",
    "coordinates_invalid",
    CoordinateFault.SWAPPED_AXES.value,
    longitude=HOME["latitude"],
    latitude=HOME["longitude"],
)
CONSENT = request_example("agree", {"text_version": "2026-03"})
PROXY = request_example("a daughter", {"relation": "daughter"})
OWN_PROXY = refusal_example("the resident themselves", "proxy_is_holder")
HELD = answer_example(
    "a voucher",
    {
        "code": VOUCHER,
        "state": "issued",
        "campaign": "autumn",
        "campaign_name": "秋季消费券",
        "tier": "off20",
        "tier_name": "满100减20",
        "kind": "threshold",
        "face_fen": 2_000,
        "threshold_fen": 10_000,
        "threshold_basis": "pre_discount",
        "percent_bp": None,
        "valid_from_at": "2026-11-27T02:00:00Z",
        "valid_until_at": "2026-12-04T16:00:00Z",
    },
)
_STORE = {"merchant": "huilian", "store": "0001", "name": "南京路店"}
REACHED = answer_example(
    "reached",
    {
        "resident": RESIDENT_NO,
        "campaign": "autumn",
        "targeted": True,
        "reason": None,
        "conditions": [],
        "point": "home",
        "store": _STORE,
        "distance_m": 1_812.4,
        "outside_m": 0.0,
        "ring": "A",
        "because": "targeted: home, nearest participating store 南京路店 1,812 m, ring A",
        "because_zh": "已圈定：居住地，最近参与门店 南京路店，距离 1,812 米，圈层 A",
        "asked_at": "2026-11-27T02:00:00.012000Z",
    },
)
NO_CAMPAIGN = refusal_example("not yet launched", "not_found", "campaign_unknown")
SHOW = request_example("by its holder", {"resident": RESIDENT_NO})
SHOWN = answer_example(
    "a code for a minute",
    msgspec.to_builtins(
        presented_body(
            PresentedCode(
                VOUCHER, "900000482110391746", datetime(2026, 11, 27, 11, 3, 33, tzinfo=UTC)
            )
        )
    ),
)
NOT_THEIRS = refusal_example("another person's, or none", "voucher_not_usable")
PRINT = request_example("at a desk", {"resident": RESIDENT_NO, "national_id": "11010519491231002X"})
PRINTED = answer_example(
    "a paper",
    msgspec.to_builtins(
        paper_body(IssuedPaper(VOUCHER, "700000009174408125", ENDS_AT, has_replaced=False))
    ),
)
