"""What a channel may send to claim, good and bad, and what it must hear: at both doors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.cast import PEOPLES_SQUARE

PATH = "/api/v1/claims"
HERE = {"longitude": PEOPLES_SQUARE[0], "latitude": PEOPLES_SQUARE[1], "datum": "GCJ-02"}
GOOD = {"resident": "alice", "tier": "grab-now/off20"}


@dataclass(frozen=True, slots=True)
class Case:
    """A body under a key of its own, and the answer: status, code, and the field named."""

    name: str
    body: Any
    status: int
    code: str = ""
    field: str = ""
    key: str = ""


def _wrong(name: str, change: Mapping[str, Any], field: str) -> Case:
    body = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    return Case(name, json.dumps(body).encode(), 400, "malformed_request", field)


CASES = (
    _wrong("no resident", {"resident": None}, "$.resident"),
    _wrong("no tier", {"tier": None}, "$.tier"),
    _wrong("a tier without its campaign", {"tier": "off20"}, "$.tier"),
    _wrong("a tier that is a number", {"tier": 20}, "$.tier"),
    _wrong("a resident with a blank", {"resident": "alice "}, "$.resident"),
    _wrong("a resident with NUL", {"resident": "ali\x00ce"}, "$.resident"),
    _wrong("a longitude alone", {"longitude": 121.4}, "$.datum"),
    _wrong("a position without datum", {**HERE, "datum": None}, "$.datum"),
    _wrong("a datum of Mars", {**HERE, "datum": "MARS"}, "$.datum"),
    _wrong("a longitude off the Earth", {**HERE, "longitude": 999}, "$.longitude"),
    _wrong("a latitude off the Earth", {**HERE, "latitude": 91}, "$.longitude"),
    _wrong("a latitude as a text", {**HERE, "latitude": "north"}, "$.latitude"),
    Case("no JSON", b"resident=alice", 400, "malformed_request", "$"),
    Case("nobody", {**GOOD, "resident": "nobody"}, 404, "not_found"),
    Case("no such tier", {**GOOD, "tier": "grab-now/off99"}, 404, "not_found"),
    Case("who lives too far away", {**GOOD, "resident": "bob"}, 422, "not_targeted"),
    Case("a good one, with a position", {**GOOD, **HERE, "new": [1]}, 201, key="good"),
    Case("the same again", {**GOOD, **HERE, "new": [1]}, 201, key="good"),
    Case("another under its key", GOOD, 422, "idempotency_key_reused", key="good"),
    Case("a second one for the same", GOOD, 422, "resident_limit"),
    Case("the last unit", {**GOOD, "resident": "carol"}, 201),
    Case("one too late", {**GOOD, "resident": "eve"}, 409, "sold_out"),
    Case("two too late", {**GOOD, "resident": "eve"}, 409, "sold_out"),
    Case("three too late", {**GOOD, "resident": "eve"}, 409, "sold_out"),
)
"""In this order, of a round with two units."""
