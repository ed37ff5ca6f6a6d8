"""What a till may send, good and bad, and what it must hear: the contract of both doors."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.http_till import PATH, Call, HttpTill

AMOUNT = "order_amount_fen"
TEXTS = {
    "voucher": 64,
    "store": 40,
    "order_no": 64,
    "resident": 64,
    "merchant": 40,
    "category": 40,
    "terminal": 40,
    "device": 80,
    "payment_ref": 64,
    "receipt_no": 64,
}
REFERENCES = (
    "merchant",
    "store",
    "order_no",
    "resident",
    "terminal",
    "device",
    "payment_ref",
    "receipt_no",
)
ODD_NUMBERS = (
    " ",
    "   ",
    "A-1 ",
    " A-1",
    "A-1\n",
    "A\t1",
    "A\r1",
    "A-1\u200b",
    "\ufeffA-1",
    "A\u202e1",
    "Ａ-1",
    "Caf\u00e9",
    "Cafe\u0301",
)
REQUIRED = ("voucher", "store", "order_no", AMOUNT, "resident")
MOST_FEN = 10_000_000_000
MOST_BYTES = 64 * 1024
NO_BODIES = (
    ("empty", b""),
    ("not JSON", b"voucher=1"),
    ("cut off", b'{"voucher": "'),
    ("byte order mark", b"\xef\xbb\xbf{}"),
    ("an array", b"[]"),
    ("null", b"null"),
    ("a text", b'"voucher"'),
    ("NaN", b'{"order_amount_fen": NaN}'),
    ("half a surrogate", b'{"voucher": "\\ud800"}'),
    ("nested too deep", b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    ("nested at the limit of one door", b'{"x": ' + b"[" * 960 + b"]" * 960 + b"}"),
)
NO_KEYS = (
    ("no idempotency key", None),
    ("an empty one", b""),
    ("one too long", b"k" * 256),
    ("one with a tab", b"a\tb"),
    ("one that is not ASCII", "k-é".encode()),
    ("one with a bare control", b"a\x80b"),
)
NO_BEARERS = (
    ("no authorization", None),
    ("an empty one", b""),
    ("another scheme", b"Basic dmtfbGl2ZV8="),
    ("no key in it", b"Bearer"),
    ("a guessed key", b"Bearer vk_live_main_" + b"A" * 43),
    ("a key of the sandbox that is none", b"Bearer vk_test_main_" + b"A" * 43),
    ("no ASCII", b"Bearer \xe5\x88\xb8"),
    ("a very long one", b"Bearer " + b"k" * 5_000),
)
NO_MEDIA_TYPES = (
    b"text/plain",
    b"application/xml",
    b"text/xml; charset=utf-8",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"application/json; charset=gbk",
    b"application/jsonp",
    b"json",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A call and its answer: status, refusal code, and the field a malformed request names."""

    name: str
    call: Callable[[HttpTill], Call]
    status: int
    code: str = ""
    field: str = ""
    replays: bool = False


def cases() -> list[Case]:
    """Every case in order; later ones may rest on what earlier ones did."""
    return [*_good(), *_malformed(), *_headers(), *_media_types(), *_refused(), *_other_addresses()]


def _good() -> Iterator[Case]:
    def first(hand: HttpTill, **change: Any) -> Call:
        return hand.call(hand.order(0, **change), key="first")

    yield Case("good", first, 201)
    yield Case("replayed", first, 201, replays=True)
    yield Case("replayed in another spelling", _respelled, 201, replays=True)
    yield Case("changed body", lambda h: first(h, device="x"), 422, "idempotency_key_reused")
    yield Case(
        "unknown fields are ignored",
        lambda h: h.call(h.order(1, cashier="Wang", items=[{"sku": "1", "n": 2}] * 80), key="more"),
        201,
    )
    yield Case(
        "every field there is",
        lambda h: h.call(
            h.order(
                2,
                eligible_amount_fen=20_000,
                order_kind="delivered",
                category="食品 🍜",
                terminal="T-7",
                merchant="huilian",
                device="d" * 80,
                payment_ref=f"{h.name}-p",
                receipt_no=f"{h.name}-r",
                currency="CNY",
                capture=True,
            ),
            key="whole",
        ),
        201,
    )
    yield Case(
        "nothing eligible is said with null",
        lambda h: h.call(_with(h, 3, "eligible_amount_fen", b"null"), key="null"),
        201,
    )
    yield Case(
        "a field given twice counts as given last",
        lambda h: h.call(_with(h, 4, AMOUNT, b"10000"), key="twice"),
        201,
    )
    yield Case("the largest amount", _amount(5, str(MOST_FEN)), 201)
    yield Case(
        "a code in fours", lambda h: h.call(h.order(18, voucher=_in_fours(h, 18)), key="18"), 201
    )
    yield Case(
        "a code in full width",
        lambda h: h.call(h.order(19, voucher=_full_width(h, 19)), key="19"),
        201,
    )
    yield Case("the longest key", lambda h: h.call(h.order(6), key="k" * (254 - len(h.name))), 201)


def _in_fours(hand: HttpTill, number: int) -> str:
    code = hand.codes[number]
    return f" {code[:4]} {code[4:8]}-{code[8:12]} {code[12:16]}-{code[16:]} "


def _full_width(hand: HttpTill, number: int) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in hand.codes[number])


def _malformed() -> Iterator[Case]:
    for name, body in (*NO_BODIES, ("not UTF-8", b'{"voucher": "\xff"}')):
        yield _bad(f"body: {name}", lambda h, body=body: h.call(body, key="bad"), "$")  # type: ignore[misc]
    for size in (MOST_BYTES + 1, 1_000_000, 3_000_000):
        yield Case(
            f"body: {size} bytes",
            lambda h, body=b" " * size: h.call(body, key="bad"),  # type: ignore[misc]
            413,
            "body_too_large",
        )
    yield Case(
        "body: compressed",
        lambda h: h.call(b"\x1f\x8b\x08", key="bad", content_encoding=b"gzip"),
        415,
        "unsupported_media_type",
    )
    yield _bad("two bodies", lambda h: h.call(_twice(h.order(7)), key="bad"), "$")
    for field in REQUIRED:
        yield _bad(f"without {field}", _order(**{field: None}), f"$.{field}")
    for name, value in (
        ("text", '"25000"'),
        ("fraction", "250.00"),
        ("exponent", "25e3"),
        ("truth", "true"),
        ("null", "null"),
        ("list", "[25000]"),
        ("object", '{"fen": 1}'),
        ("negative", "-1"),
        ("zero", "0"),
        ("one too much", str(MOST_FEN + 1)),
        ("beyond 64 bits", "9" * 40),
        ("beyond all bounds", "9" * 5_000),
        ("infinite", "1e999"),
    ):
        yield _bad(f"amount: {name}", _amount(7, value), f"$.{AMOUNT}")
    for field, most in TEXTS.items():
        path = f"$.{field}"
        yield _bad(f"{field} too long", _order(**{field: "é" * (most + 1)}), path)
        yield _bad(f"{field} a number", _order(**{field: 7}), path)
        yield _bad(f"{field} with NUL", _order(**{field: "a\x00b"}), path)
    for field in REFERENCES:
        for text in ODD_NUMBERS:
            yield _bad(f"{field} {text!a}", _order(**{field: text}), f"$.{field}")
    for code in ("8", "8123 4567", "812345678901234567890", "voucher", "８" * 19):
        yield _bad(f"code {code!a}", _order(voucher=code), "$.voucher")
    for field in ("voucher", "store", "order_no", "resident"):
        yield _bad(f"{field} empty", _order(**{field: ""}), f"$.{field}")
    eligible = "eligible_amount_fen"
    yield _bad("eligible beyond the order", _order(**{eligible: 25_001}), f"$.{eligible}")
    yield _bad("eligible negative", _order(**{eligible: -1}), f"$.{eligible}")
    yield _bad("no such kind of order", _order(order_kind="flown"), "$.order_kind")
    yield _bad("capture a text", _order(capture="false"), "$.capture")
    yield _bad("capture a number", _order(capture=0), "$.capture")
    yield _bad("another currency", _order(currency="USD"), "$.currency")
    yield _bad("currency in small letters", _order(currency="cny"), "$.currency")


def _headers() -> Iterator[Case]:
    def case(name: str, status: int, code: str, **headers: bytes | None) -> Case:
        return Case(name, lambda h: h.call(h.order(7), key="h", **headers), status, code)

    no_key = "idempotency_key_required"
    for name, header in NO_KEYS:
        yield case(name, 400, no_key, idempotency_key=header)
    for name, header in NO_BEARERS:
        yield case(name, 401, "unauthenticated", authorization=header)
    yield Case(
        "whose key it is comes before whether the body is sound",
        lambda h: h.call(b" " * (MOST_BYTES + 1), key="x", authorization=None),
        401,
        "unauthenticated",
    )
    yield Case(
        "the idempotency key comes before the body",
        lambda h: h.call(b"", idempotency_key=None),
        400,
        no_key,
    )
    yield Case("scheme in small letters", _bearer(8, b"bearer %s"), 201)
    yield Case("blanks before the key", _bearer(9, b"Bearer   %s"), 201)
    for number, (name, header) in enumerate(
        (
            ("accept", b"text/html"),
            ("accept", b"application/xml"),
            ("accept", b"nonsense"),
            ("accept_language", b"en"),
            ("content_type", b"application/json; charset=utf-8"),
            ("content_type", b'Application/JSON;charset="UTF-8"'),
            ("content_type", b"application/json; profile=till"),
            ("content_type", b""),
        ),
        start=10,
    ):
        yield Case(
            f"{name}: {header.decode()}",
            lambda h, n=number, header=header, name=name: h.call(  # type: ignore[misc]
                h.order(n), key=f"{name}{n}", **{name: header}
            ),
            201,
        )


def _media_types() -> Iterator[Case]:
    """A body that says it is not JSON is not read as JSON."""
    for media_type in NO_MEDIA_TYPES:
        yield Case(
            f"sent as {media_type.decode()}",
            lambda h, it=media_type: h.call(h.order(7), key="bad", content_type=it),  # type: ignore[misc]
            415,
            "unsupported_media_type",
        )


def _refused() -> Iterator[Case]:
    def case(name: str, status: int, code: str, number: int = 20, **change: Any) -> Case:
        return Case(name, lambda h: h.call(h.order(number, **change), key=name), status, code)

    yield case("used", 409, "voucher_redeemed", number=0, order_no="another")
    yield case("below threshold", 422, "below_threshold", order_amount_fen=9_999)
    yield case("too little of it eligible", 422, "below_threshold", eligible_amount_fen=9_999)
    yield case("a guessed code", 404, "voucher_not_usable", voucher="8" + "0" * 19)
    yield case("another resident's", 404, "voucher_not_usable", resident="bob")
    yield case("of an unknown resident", 404, "voucher_not_usable", resident="unknown")
    yield case("another merchant's store", 404, "store_not_found", store="rival_shop")
    yield case("no such store", 404, "store_not_found", store="nowhere")
    yield Case(
        "an order that has had its voucher",
        lambda h: h.call(h.order(20, order_no=h.order(0)["order_no"]), key="again"),
        409,
        "order_already_used",
    )
    yield Case(
        "the same order in another case",
        lambda h: h.call(h.order(20, order_no=h.order(0)["order_no"].swapcase()), key="swapped"),
        409,
        "order_already_used",
    )
    yield Case(
        "a key in another case",
        lambda h: h.call(h.order(0), key="FIRST"),
        201,
        replays=True,
    )


def _other_addresses() -> Iterator[Case]:
    """What Django alone answers, whichever server it stands behind."""

    def get(path: str, method: str = "GET") -> Callable[[HttpTill], Call]:
        def call(hand: HttpTill) -> Call:
            sent = hand.call(b"", key=f"{method}{path}")
            return Call(b"", sent.headers, PATH + path, method)

        return call

    yield Case("a search", lambda h: get(f"?order_no={h.name}000")(h), 200)
    yield Case("a search by key", lambda h: get(f"?idempotency_key={h.name}-first")(h), 200)
    nul = "malformed_request"
    yield Case("a search for nothing", get(""), 400, nul, "order_no")
    yield Case("a search by receipt", lambda h: get(f"?receipt_no={h.name}-R")(h), 200)
    yield Case(
        "a search by payment",
        lambda h: get(f"?payment_ref={h.name}-p&store=NANJING_ROAD")(h),
        200,
    )
    yield Case(
        "a search of another day",
        lambda h: get(f"?receipt_no={h.name}-r&business_day=2026-01-01")(h),
        200,
    )
    yield Case("no day", get("?receipt_no=r&business_day=1.1."), 400, nul, "business_day")
    yield Case("a search for NUL", get("?order_no=a%00b"), 400, nul, "order_no")
    yield Case("a key with NUL", get("?idempotency_key=%00"), 400, nul, "idempotency_key")
    yield Case("another format", lambda h: get(f"?order_no={h.name}000&format=xml")(h), 200)
    yield Case("no such redemption", get("/999999999999"), 404, "not_found")
    yield Case("none of that size", get("/" + "9" * 30), 404, "not_found")
    yield Case("no such void", get("/999999999999/void", "POST"), 404, "not_found")
    yield Case("a void sent as XML", _void_as_xml, 415, "unsupported_media_type")
    yield Case("an id that is none", get("/-1"), 404, "address_unknown")
    yield Case("an address that is none", get("s", "POST"), 404, "address_unknown")
    yield Case("another method", get("", "DELETE"), 405, "method_not_allowed")


def _void_as_xml(hand: HttpTill) -> Call:
    sent = hand.call(b"<void/>", key="bad", content_type=b"application/xml")
    return Call(sent.body, sent.headers, f"{PATH}/1/void")


def _respelled(hand: HttpTill) -> Call:
    """The first order with its fields in another order and room between them."""
    body = dict(reversed(hand.order(0).items()))
    return hand.call(json.dumps(body, indent=3, ensure_ascii=False).encode(), key="first")


def _twice(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode() * 2


def _with(hand: HttpTill, number: int, field: str, value: bytes) -> bytes:
    """An order with one more field, as written."""
    body = json.dumps(hand.order(number)).encode()
    return body[:-1] + b', "' + field.encode() + b'": ' + value + b"}"


def _amount(number: int, value: str) -> Callable[[HttpTill], Call]:
    def call(hand: HttpTill) -> Call:
        body = json.dumps(hand.order(number, order_amount_fen=-77)).replace("-77", value)
        return hand.call(body.encode(), key=f"amount {value[:20]}")

    return call


def _order(**change: Any) -> Callable[[HttpTill], Call]:
    return lambda hand: hand.call(hand.order(7, **change), key="bad")


def _bearer(number: int, pattern: bytes) -> Callable[[HttpTill], Call]:
    return lambda hand: hand.call(
        hand.order(number), key=f"b{number}", authorization=pattern % hand.key.encode()
    )


def _bad(name: str, call: Callable[[HttpTill], Call], field: str) -> Case:
    return Case(name, call, 400, "malformed_request", field)
