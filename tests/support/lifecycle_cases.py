"""What a till may do after it has shown a voucher, good and bad, and what it must hear.

Cases run in order: one that makes a redemption leaves its id in `HttpTill.ids` under its own name.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.http_till import PATH, Call, HttpTill
from tests.support.redemption_cases import MOST_BYTES, MOST_FEN, ODD_NUMBERS, Case

AUTHORISED = "authorised"
CAPTURED = "redeemed"
REFUND_SCOPE = "refunds only"
REDEEM_SCOPE = "redeems only"
SISTER = "another store of the merchant"
RIVAL = "another merchant"
STATE = "redemption_state"
NOWHERE = 999_999_999_999

ACTS = ("capture", "void", "refunds")
Body = dict[str, Any]


def lifecycle_cases() -> list[Case]:
    """Every case in order."""
    return [
        *_quotes(),
        *_captures(),
        *_voids(),
        *_reversals(),
        *_refunds(),
        *_lookups(),
        *_malformed(),
        *_strangers(),
    ]


def act(on: str, verb: str, body: Body | bytes = b"", *, key: str, by: str = "") -> Any:
    """A call of one act on the redemption that the case `on` made."""

    def call(hand: HttpTill) -> Call:
        named = {"authorization": b"Bearer " + hand.keys[by].encode()} if by else {}
        filled = _filled(body, hand)
        return hand.post(f"{PATH}/{hand.ids[on]}/{verb}", filled, key=key, **named)

    return call


def post(path: str, body: Body | bytes, *, key: str, by: str = "") -> Callable[[HttpTill], Call]:
    """A call of an address that names no redemption."""

    def call(hand: HttpTill) -> Call:
        named = {"authorization": b"Bearer " + hand.keys[by].encode()} if by else {}
        return hand.post(PATH + path, _filled(body, hand), key=key, **named)

    return call


def _filled(body: Body | bytes, hand: HttpTill) -> Any:
    """`{hand}` in texts is the hand's name, so that numbers are its own."""
    if isinstance(body, bytes):
        return body
    return {
        name: value.replace("{hand}", hand.name) if isinstance(value, str) else value
        for name, value in body.items()
    }


def made(name: str, number: int, **change: Any) -> Case:
    """A voucher shown; the redemption is known by the case's name from now on."""
    return Case(name, lambda h: h.call(h.order(number, **change), key=name), 201)


def _final(fen: Any = 25_000, **change: Any) -> Body:
    return {"order_amount_fen": fen, **change}


QUOTE = f"{PATH}/quote"


def _quotes() -> Iterator[Case]:
    def asked(status: int, code: str = "", *, name: str, **change: Any) -> Case:
        return Case(
            f"quoted: {name}",
            lambda h: h.post(QUOTE, h.order(10, **change), idempotency_key=None),
            status,
            code,
        )

    yield asked(200, name="good, without an idempotency key")
    yield asked(200, name="as an authorisation", capture=False)
    yield asked(422, "below_threshold", name="below the threshold", order_amount_fen=9_999)
    yield asked(404, "voucher_not_usable", name="somebody else's", resident="bob")
    yield asked(404, "store_not_found", name="another merchant's store", store="rival_shop")
    yield asked(400, "malformed_request", name="without its store", store=None)
    yield made("quoted before", 10)
    yield asked(409, "voucher_redeemed", name="used meanwhile", order_no="another")
    yield Case(
        "a key that may not quote",
        lambda h: h.post(QUOTE, h.order(11), authorization=b"Bearer " + h.keys[RIVAL].encode()),
        403,
        "forbidden",
    )


def _captures() -> Iterator[Case]:
    capture = "capture"
    yield made(AUTHORISED, 0, capture=False)
    yield made("authorised, in time voided", 1, capture=False)
    yield Case(
        "an authorised voucher on another order",
        lambda h: h.call(h.order(0, order_no=f"{h.name}-other"), key="other"),
        409,
        "voucher_redeemed",
    )
    yield Case("captured", act(AUTHORISED, capture, _final(18_000), key="c"), 200)
    yield Case(
        "captured again",
        act(AUTHORISED, capture, b'{ "order_amount_fen": 18000 }', key="c"),
        200,
        replays=True,
    )
    yield Case(
        "captured under another key",
        act(AUTHORISED, capture, _final(18_000), key="c2"),
        409,
        "redemption_state",
    )
    yield Case(
        "the capture's key for another order",
        act(AUTHORISED, capture, _final(19_000), key="c"),
        422,
        "idempotency_key_reused",
    )
    yield Case(
        "a key used for another act",
        act(AUTHORISED, "void", key="c"),
        422,
        "idempotency_key_reused",
    )
    yield made("to be captured below the threshold", 2, capture=False)
    yield Case(
        "a final order that earns nothing is voided",
        act("to be captured below the threshold", capture, _final(9_999), key="low"),
        200,
    )
    yield made(CAPTURED, 3)
    yield Case(
        "a redemption that was captured at once",
        act(CAPTURED, capture, _final(), key="at once"),
        409,
        "redemption_state",
    )


def _voids() -> Iterator[Case]:
    on = "authorised, in time voided"
    yield Case("an authorisation voided", act(on, "void", key="v"), 200)
    yield Case("voided again", act(on, "void", key="v"), 200, replays=True)
    yield Case("voided, then captured", act(on, "capture", _final(), key="vc"), 409, STATE)
    yield made("voucher free again", 1)


def _reversals() -> Iterator[Case]:
    reverse = "/reverse"
    order = {"store": "nanjing_road", "order_no": "{hand}001"}
    late = {"store": "nanjing_road", "order_no": "{hand}004"}
    yield Case("an order reversed", post(reverse, order, key="r"), 200)
    yield Case("reversed again", post(reverse, order, key="r"), 200, replays=True)
    yield Case("reversed under another key", post(reverse, order, key="r2"), 200)
    yield Case(
        "a reversal in another case",
        post(reverse, order | {"order_no": "{hand}001", "store": "Nanjing_Road"}, key="r3"),
        200,
    )
    yield Case("an order reversed before it arrives", post(reverse, late, key="early"), 200)
    yield Case(
        "the original arrives late",
        lambda h: h.call(h.order(4), key="late"),
        409,
        "order_reversed",
    )
    yield Case(
        "no such store",
        post(reverse, order | {"store": "nowhere"}, key="rn"),
        404,
        "store_not_found",
    )
    yield Case(
        "a store of another merchant",
        post(reverse, order | {"store": "rival_shop"}, key="rr"),
        404,
        "store_not_found",
    )


def refund(fen: Any, refund_no: str, **change: Any) -> Body:
    """The body of a refund in Nanjing Road."""
    return {"store": "nanjing_road", "amount_fen": fen, "refund_no": refund_no, **change}


def _refunds() -> Iterator[Case]:
    refunds, part = "refunds", refund(11_500, "{hand}-F1")
    yield Case("some money refunded", act(CAPTURED, refunds, part, key="f1"), 200)
    yield Case("refunded again", act(CAPTURED, refunds, part, key="f1"), 200, replays=True)
    yield Case(
        "the number of a refund used twice",
        act(CAPTURED, refunds, refund(1, "{hand}-f1"), key="f2"),
        409,
        STATE,
    )
    yield Case(
        "more than was paid",
        act(CAPTURED, refunds, refund(11_501, "{hand}-F3"), key="f3"),
        422,
        "refund_too_large",
    )
    yield Case("voided after a refund", act(CAPTURED, "void", key="fv"), 409, STATE)
    yield Case(
        "in a store of another merchant",
        act(CAPTURED, refunds, refund(1, "{hand}-F4", store="rival_shop"), key="f4"),
        404,
        "store_not_found",
    )
    yield Case(
        "the rest, at another store of the merchant",
        act(
            CAPTURED,
            refunds,
            refund(11_500, "{hand}-F5", store="xujiahui"),
            key="f5",
            by=SISTER,
        ),
        200,
    )
    yield Case(
        "nothing is left",
        act(CAPTURED, refunds, refund(1, "{hand}-F6"), key="f6"),
        409,
        STATE,
    )
    for verb, body in (("void", b""), ("capture", _final())):
        yield Case(f"refunded, then {verb}", act(CAPTURED, verb, body, key=f"f{verb}"), 409, STATE)
    yield Case(
        "a key without the scope",
        act(AUTHORISED, refunds, part, key="fs", by=REDEEM_SCOPE),
        403,
        "forbidden",
    )
    yield Case(
        "a key that may only refund",
        act(AUTHORISED, "void", key="fo", by=REFUND_SCOPE),
        403,
        "forbidden",
    )


def _lookups() -> Iterator[Case]:
    def one(on: str, by: str = "") -> Callable[[HttpTill], Call]:
        return lambda hand: hand.look(f"{PATH}/{hand.ids[on]}", by=by)

    yield Case("as it stands, with its refunds", one(CAPTURED), 200)
    yield Case("as it stands, captured", one(AUTHORISED), 200)
    yield Case("a sister store's", one(CAPTURED, SISTER), 404, "not_found")
    yield Case("another merchant's", one(CAPTURED, RIVAL), 404, "not_found")
    yield Case("by the reversed order", lambda h: h.look(f"{PATH}?order_no={h.name}001"), 200)


def bad(name: str, call: Any, field: str = "$") -> Case:
    """A call that is malformed, naming the field."""
    return Case(name, call, 400, "malformed_request", field)


GOOD: dict[str, Body] = {
    "capture": _final(),
    "refunds": refund(1, "{hand}-bad"),
    "reverse": {"store": "nanjing_road", "order_no": "{hand}bad"},
}
NO_BODIES = (
    ("empty", b""),
    ("cut off", b'{"store": "'),
    ("an array", b"[]"),
    ("not UTF-8", b"\xff"),
    ("nested too deep", b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    ("too large", b" " * (MOST_BYTES + 1)),
    ("ten million bytes", b"[" + b" " * 10_000_000 + b"]"),
)
NO_NUMBERS = (*ODD_NUMBERS, "a\x00b", "A'; --\u2028")
NO_AMOUNTS = ("1", 1.5, True, None, -1, 0, MOST_FEN + 1, 10**40)


def _sent(verb: str, content: Body | bytes) -> Callable[[HttpTill], Call]:
    if verb == "reverse":
        return post("/reverse", content, key="bad")
    call: Callable[[HttpTill], Call] = act(AUTHORISED, verb, content, key="bad")
    return call


def _malformed_bodies() -> Iterator[Case]:
    for verb, body in GOOD.items():
        for name, content in NO_BODIES:
            yield bad(f"{verb}: {name}", _sent(verb, content))
        for field in body:
            left = {name: value for name, value in body.items() if name != field}
            yield bad(f"{verb} without {field}", _sent(verb, left), f"$.{field}")
            for value in NO_AMOUNTS if field.endswith("_fen") else NO_NUMBERS:
                changed = body | {field: value}
                yield bad(f"{verb}: {field} {value!a}", _sent(verb, changed), f"$.{field}")


def _malformed() -> Iterator[Case]:
    yield from _malformed_bodies()
    yield bad(
        "eligible beyond the final order",
        act(AUTHORISED, "capture", _final(100, eligible_amount_fen=101), key="bad"),
        "$.eligible_amount_fen",
    )
    for field in ("payment_ref", "receipt_no"):
        for text in (*NO_NUMBERS, "é" * 65, 7):
            yield bad(
                f"capture: {field} {text!a}",
                act(AUTHORISED, "capture", _final(**{field: text}), key="bad"),
                f"$.{field}",
            )
    yield bad(
        "captured in another currency",
        act(AUTHORISED, "capture", _final(currency="USD"), key="bad"),
        "$.currency",
    )
    yield Case(
        "a field given twice counts as given last",
        act(AUTHORISED, "refunds", _twice(refund(1, "{hand}"), "amount_fen", 10**9), key="two"),
        422,
        "refund_too_large",
    )
    for verb in ACTS:
        yield Case(
            f"{verb} without an idempotency key",
            _without_key(verb),
            400,
            "idempotency_key_required",
        )
        yield Case(f"{verb} sent as text", _as_text(verb), 415, "unsupported_media_type")


def _twice(body: Body, field: str, value: Any) -> bytes:
    text = json.dumps(body)
    return f'{text[:-1]}, "{field}": {json.dumps(value)}}}'.encode()


def _without_key(verb: str) -> Callable[[HttpTill], Call]:
    return lambda h: h.post(f"{PATH}/{h.ids[AUTHORISED]}/{verb}", b"{}", idempotency_key=None)


def _as_text(verb: str) -> Callable[[HttpTill], Call]:
    return lambda h: h.post(
        f"{PATH}/{h.ids[AUTHORISED]}/{verb}", b"{}", key="bad", content_type=b"text/plain"
    )


def _strangers() -> Iterator[Case]:
    """What is another merchant's answers as what is not there."""
    bodies: dict[str, Body | bytes] = {
        "capture": _final(),
        "void": b"",
        "refunds": refund(1, "{hand}-rival", store="rival_shop"),
    }
    for verb, body in bodies.items():
        yield Case(
            f"{verb}: another merchant's",
            act(AUTHORISED, verb, body, key=f"x{verb}", by=RIVAL),
            404,
            "not_found",
        )
        yield Case(
            f"{verb}: of none",
            post(f"/{NOWHERE}/{verb}", body, key=f"n{verb}"),
            404,
            "not_found",
        )
        yield Case(
            f"{verb}: beyond 64 bits",
            post(f"/{'9' * 30}/{verb}", body, key=f"b{verb}"),
            404,
            "not_found",
        )
        yield Case(
            f"{verb}: with an unknown key",
            lambda h, verb=verb: h.post(  # type: ignore[misc]
                f"{PATH}/{h.ids[AUTHORISED]}/{verb}",
                b"{}",
                authorization=b"Bearer vk_live_main_" + b"A" * 43,
            ),
            401,
            "unauthenticated",
        )
    yield Case(
        "another merchant's order of the number is not reversed",
        post("/reverse", {"store": "nanjing_road", "order_no": "{hand}003"}, key="xr", by=RIVAL),
        404,
        "store_not_found",
    )
    yield Case("another method", lambda h: h.look(f"{PATH}/reverse"), 405, "method_not_allowed")
