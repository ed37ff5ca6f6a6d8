"""What a channel may send to claim, good and bad, and what it must hear: at both doors."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.cast import PEOPLES_SQUARE
from tests.support.http_till import Call, HttpTill
from tests.support.redemption_cases import (
    MOST_BYTES,
    NO_BEARERS,
    NO_BODIES,
    NO_KEYS,
    NO_MEDIA_TYPES,
    ODD_NUMBERS,
    Case,
)

PATH = "/api/v1/claims"
HERE = {"longitude": PEOPLES_SQUARE[0], "latitude": PEOPLES_SQUARE[1], "datum": "GCJ-02"}
REVOKED = "revoked"
TEXTS = {"resident": 64, "tier": 61, "datum": 20}
DEGREES = ("longitude", "latitude")

Body = Callable[[HttpTill], Any]


def tier_at(hand: HttpTill, tier: str = "off20") -> str:
    """The tier of the campaign that a door has for itself."""
    return f"grab-{hand.name}/{tier}"


def claiming(**change: Any) -> Body:
    """A claim of Alice's; a change to None leaves the field out."""

    def body(hand: HttpTill) -> dict[str, Any]:
        whole = {"resident": "alice", "tier": tier_at(hand), **change}
        return {name: value for name, value in whole.items() if value is not None}

    return body


def claim_call(body: Body | bytes, key: str = "bad", **headers: bytes | None) -> Any:
    """The call with this body under `key`."""

    def call(hand: HttpTill) -> Call:
        content = body if isinstance(body, bytes) else body(hand)
        return hand.post(PATH, content, key=key, **headers)

    return call


def claim_cases() -> list[Case]:
    """Every case in order, of a round with two units."""
    return [*_bodies(), *_fields(), *_positions(), *_headers(), *_judged()]


def _bad(name: str, body: Body | bytes, field: str) -> Case:
    return Case(name, claim_call(body), 400, "malformed_request", field)


def _bodies() -> Iterator[Case]:
    for name, body in (*NO_BODIES, ("not UTF-8", b'{"resident": "\xff"}')):
        yield _bad(f"body: {name}", body, "$")
    yield _bad("two bodies", lambda hand: json.dumps(claiming()(hand)).encode() * 2, "$")
    for size in (MOST_BYTES + 1, 10_000_000):
        call = claim_call(b" " * size)
        yield Case(f"body: {size} bytes", call, 413, "body_too_large")
    compressed = claim_call(b"\x1f\x8b\x08", content_encoding=b"gzip")
    yield Case("body: compressed", compressed, 415, "unsupported_media_type")
    for media_type in NO_MEDIA_TYPES:
        call = claim_call(claiming(), content_type=media_type)
        yield Case(f"sent as {media_type.decode()}", call, 415, "unsupported_media_type")


def _fields() -> Iterator[Case]:
    for field in ("resident", "tier"):
        yield _bad(f"without {field}", claiming(**{field: None}), f"$.{field}")
        yield _bad(f"{field} empty", claiming(**{field: ""}), f"$.{field}")
        for text in ODD_NUMBERS:
            yield _bad(f"{field} {text!a}", claiming(**{field: text}), f"$.{field}")
    for field, most in TEXTS.items():
        for name, value in (("too long", "é" * (most + 1)), ("a number", 7), ("a list", ["a"])):
            yield _bad(f"{field} {name}", claiming(**{field: value}), f"$.{field}")
        yield _bad(f"{field} with NUL", claiming(**{**HERE, field: "a\x00b"}), f"$.{field}")
    yield _bad("a tier without its campaign", claiming(tier="off20"), "$.tier")


def _positions() -> Iterator[Case]:
    def bad(name: str, change: Mapping[str, Any], field: str) -> Case:
        return _bad(name, claiming(**change), f"$.{field}")

    yield bad("a longitude alone", {"longitude": 121.4}, "latitude")
    yield bad("a datum alone", {"datum": "WGS-84"}, "longitude")
    yield bad("a position without datum", {**HERE, "datum": None}, "datum")
    yield bad("a datum of Mars", {**HERE, "datum": "MARS"}, "datum")
    yield bad("a latitude off the Earth", {**HERE, "latitude": 91}, "latitude")
    yield bad("a place in the Arctic", {**HERE, "latitude": 78.2}, "latitude")
    yield bad("axes swapped", {**HERE, "longitude": 31.2, "latitude": 121.4}, "longitude")
    yield bad("no place", {**HERE, "longitude": 0, "latitude": 0}, "longitude")
    for field in DEGREES:
        for name, value in (
            ("off the Earth", "999"),
            ("a text", '"121.4"'),
            ("true", "true"),
            ("an object", "{}"),
            ("beyond 64 bits", "9" * 40),
            ("beyond all bounds", "9" * 5_000),
            ("infinite", "1e999"),
        ):
            yield _bad(f"{field} {name}", _written(field, value), f"$.{field}")


def _written(field: str, value: str) -> Body:
    """A claim with a position in which one number is written so."""

    def body(hand: HttpTill) -> bytes:
        text = json.dumps(claiming(**{**HERE, field: -77})(hand))
        return text.replace("-77", value).encode()

    return body


def _headers() -> Iterator[Case]:
    for name, header in NO_KEYS:
        call = claim_call(claiming(), idempotency_key=header)
        yield Case(name, call, 400, "idempotency_key_required")
    for name, header in NO_BEARERS:
        call = claim_call(claiming(), authorization=header)
        yield Case(name, call, 401, "unauthenticated")
    yield Case(
        "a revoked key",
        lambda hand: claim_call(claiming(), authorization=b"Bearer " + hand.keys[REVOKED].encode())(
            hand
        ),
        401,
        "unauthenticated",
    )
    yield Case(
        "whose key it is comes before whether the body is sound",
        claim_call(b" " * (MOST_BYTES + 1), authorization=None),
        401,
        "unauthenticated",
    )
    yield Case(
        "the idempotency key comes before the body",
        claim_call(b"", idempotency_key=None),
        400,
        "idempotency_key_required",
    )


def _judged() -> Iterator[Case]:
    def case(name: str, status: int, code: str = "", **change: Any) -> Case:
        return Case(name, claim_call(claiming(**change), key=name), status, code)

    def good(name: str, status: int, code: str = "", *, replays: bool = False, **of: Any) -> Case:
        return Case(name, claim_call(claiming(**of), key="good"), status, code, replays=replays)

    extra: dict[str, Any] = {**HERE, "new": [1]}
    yield case("nobody", 404, "not_found", resident="nobody")
    yield Case(
        "no such tier",
        claim_call(lambda hand: claiming(tier=tier_at(hand, "off99"))(hand), key="off99"),
        404,
        "not_found",
    )
    yield case("who lives too far away", 422, "not_targeted", resident="bob")
    yield good("a good one, with a position", 201, **extra)
    yield good("the same again", 201, replays=True, **extra)
    yield good("another under its key", 422, "idempotency_key_reused")
    yield case("a second one for the same", 422, "resident_limit")
    yield Case("a field given twice counts as given last", _given_twice(), 201)
    for name in ("one too late", "two too late", "three too late"):
        yield case(name, 409, "sold_out", resident="eve")


def _given_twice() -> Any:
    """The last unit, for Carol."""

    def body(hand: HttpTill) -> bytes:
        text = json.dumps(claiming()(hand))
        return f'{text[:-1]}, "resident": "carol"}}'.encode()

    return claim_call(body, key="twice")
