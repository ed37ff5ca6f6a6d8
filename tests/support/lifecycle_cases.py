"""What a till may do after it has shown a voucher, and what it must hear.

Cases run in order: one that makes a redemption leaves its id in `HttpTill.ids` under its own name.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tests.support.http_till import PATH, Call, HttpTill
from tests.support.redemption_cases import Case

AUTHORISED = "authorised"
CAPTURED = "redeemed"
REFUND_SCOPE = "refunds only"
REDEEM_SCOPE = "redeems only"
SISTER = "another store of the merchant"
RIVAL = "another merchant"
STATE = "redemption_state"
NOWHERE = 999_999_999_999

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


def final(fen: Any = 25_000, **change: Any) -> Body:
    """The body of a capture."""
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
    yield asked(404, "voucher_not_usable", name="another resident's", resident="bob")
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
    yield Case("captured", act(AUTHORISED, capture, final(18_000), key="c"), 200)
    yield Case(
        "captured again",
        act(AUTHORISED, capture, b'{ "order_amount_fen": 18000 }', key="c"),
        200,
        replays=True,
    )
    yield Case(
        "captured under another key",
        act(AUTHORISED, capture, final(18_000), key="c2"),
        409,
        "redemption_state",
    )
    yield Case(
        "the capture's key for another order",
        act(AUTHORISED, capture, final(19_000), key="c"),
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
        act("to be captured below the threshold", capture, final(9_999), key="low"),
        200,
    )
    yield made(CAPTURED, 3)
    yield Case(
        "a redemption that was captured at once",
        act(CAPTURED, capture, final(), key="at once"),
        409,
        "redemption_state",
    )


def _voids() -> Iterator[Case]:
    on = "authorised, in time voided"
    yield Case("an authorisation voided", act(on, "void", key="v"), 200)
    yield Case("voided again", act(on, "void", key="v"), 200, replays=True)
    yield Case("voided, then captured", act(on, "capture", final(), key="vc"), 409, STATE)
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
    for verb, body in (("void", b""), ("capture", final())):
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


def _strangers() -> Iterator[Case]:
    """What is another merchant's answers as what is not there."""
    bodies: dict[str, Body | bytes] = {
        "capture": final(),
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
