"""Acts on a redemption that are malformed: refused at both doors alike, naming the field."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.http_till import PATH, Call, HttpTill
from tests.support.lifecycle_cases import AUTHORISED, Body, act, final, post, refund
from tests.support.redemption_cases import MOST_BYTES, MOST_FEN, ODD_NUMBERS, Case

ACTS = ("capture", "void", "refunds")


def malformed_acts() -> list[Case]:
    """Every case, to be played after `lifecycle_cases`."""
    return [*_bodies(), *_fields(), *_headers()]


def bad(name: str, call: Any, field: str = "$") -> Case:
    """A call that is malformed, naming the field."""
    return Case(name, call, 400, "malformed_request", field)


GOOD: dict[str, Body] = {
    "capture": final(),
    "refunds": refund(1, "{hand}-bad"),
    "reverse": {"store": "nanjing_road", "order_no": "{hand}bad"},
}
NO_BODIES = (
    ("empty", b""),
    ("cut off", b'{"store": "'),
    ("an array", b"[]"),
    ("not UTF-8", b"\xff"),
    ("nested too deep", b'{"x": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
)
TOO_LARGE = (MOST_BYTES + 1, 10_000_000)
NO_NUMBERS = (*ODD_NUMBERS, "a\x00b", "A'; --\u2028")
NO_AMOUNTS = ("1", 1.5, True, None, -1, 0, MOST_FEN + 1, 10**40)


def _sent(verb: str, content: Body | bytes) -> Callable[[HttpTill], Call]:
    if verb == "reverse":
        return post("/reverse", content, key="bad")
    call: Callable[[HttpTill], Call] = act(AUTHORISED, verb, content, key="bad")
    return call


def _bodies() -> Iterator[Case]:
    for verb, body in GOOD.items():
        for name, content in NO_BODIES:
            yield bad(f"{verb}: {name}", _sent(verb, content))
        for size in TOO_LARGE:
            call = _sent(verb, b" " * size)
            yield Case(f"{verb}: {size} bytes", call, 413, "body_too_large")
        for field in body:
            left = {name: value for name, value in body.items() if name != field}
            yield bad(f"{verb} without {field}", _sent(verb, left), f"$.{field}")
            for value in NO_AMOUNTS if field.endswith("_fen") else NO_NUMBERS:
                changed = body | {field: value}
                yield bad(f"{verb}: {field} {value!a}", _sent(verb, changed), f"$.{field}")


def _fields() -> Iterator[Case]:
    yield bad(
        "eligible beyond the final order",
        act(AUTHORISED, "capture", final(100, eligible_amount_fen=101), key="bad"),
        "$.eligible_amount_fen",
    )
    for field in ("payment_ref", "receipt_no"):
        for text in (*NO_NUMBERS, "é" * 65, 7):
            yield bad(
                f"capture: {field} {text!a}",
                act(AUTHORISED, "capture", final(**{field: text}), key="bad"),
                f"$.{field}",
            )
    yield bad(
        "captured in another currency",
        act(AUTHORISED, "capture", final(currency="USD"), key="bad"),
        "$.currency",
    )
    yield Case(
        "a field given twice counts as given last",
        act(AUTHORISED, "refunds", _twice(refund(1, "{hand}"), "amount_fen", 10**9), key="two"),
        422,
        "refund_too_large",
    )


def _headers() -> Iterator[Case]:
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
