"""What a channel asks for a resident besides claims, and what it must hear: at both doors.

The resident is each door's own; `HttpTill.codes` begins with the voucher they have claimed.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.support.claim_cases import claim_call, claiming
from tests.support.http_till import Call, HttpTill
from tests.support.redemption_cases import NO_BEARERS, NO_BODIES, NO_MEDIA_TYPES, Case

ROOT = "/api/v1"
HOME = {"longitude": 121.4737, "latitude": 31.2304, "datum": "WGS-84"}
CLAIMED = "claimed"
NATIONAL_IDS = {"asgi": "11010519491231002X", "wsgi": "440524188001010014"}


def holder(hand: HttpTill) -> str:
    """The number of the door's own resident."""
    return f"{hand.name}-lin"


def channel_cases() -> list[Case]:
    """Every case in order; the first claims the voucher that later ones show."""
    return [*_claims(), *_residents(), *_wallets(), *_shown(), *_printed()]


def _call(
    method: str, path: Callable[[HttpTill], str], body: Any = b"", **headers: Any
) -> Callable[[HttpTill], Call]:
    """A call of an address, without an idempotency key."""

    def call(hand: HttpTill) -> Call:
        content = body(hand) if callable(body) else body
        made = hand.call(content, idempotency_key=None, **headers)
        return replace(made, method=method, path=ROOT + path(hand))

    return call


def _claims() -> Iterator[Case]:
    def body(hand: HttpTill) -> Any:
        return claiming(resident=holder(hand))(hand)

    yield Case(CLAIMED, claim_call(body, key="claim"), 201)


def _residents() -> Iterator[Case]:
    def path(hand: HttpTill) -> str:
        return f"/residents/{hand.name}-new"

    whole = {"birth_year": 1949, "points": {"home": HOME}, "tags": [0, 5]}
    yield Case("registered", _call("PUT", path, whole), 200)
    yield Case("registered again", _call("PUT", path, whole), 200)
    yield from _malformed("PUT", path)
    for name, change, field in (
        ("born in a text", {"birth_year": "1949"}, "$.birth_year"),
        ("born too early", {"birth_year": 49}, "$.birth_year"),
        ("a tag too high", {"tags": [99]}, "$.tags[0]"),
        ("too many tags", {"tags": [1] * 100}, "$.tags"),
        ("NUL in the street", {"street": "a\x00b"}, "$.street"),
        ("a place without latitude", _place(latitude=None), "$.points[...].latitude"),
        ("a place in no datum", _place(datum="MARS"), "$.points[...].datum"),
        ("a school", {"points": {"school": HOME}}, "$.points"),
    ):
        yield Case(name, _call("PUT", path, change), 400, "malformed_request", field)
    yield Case(
        "an identity that is none",
        _call("PUT", path, {"national_id": "110105194912310021"}),
        422,
        "resident_refused",
    )
    yield Case("moved", _call("PUT", lambda h: f"{path(h)}/points/home", HOME), 204)
    agreed = {"text_version": "2026-01"}
    yield Case("agrees", _call("PUT", lambda h: f"{path(h)}/consents/targeting", agreed), 204)
    yield Case("withdraws", _call("DELETE", lambda h: f"{path(h)}/consents/targeting"), 204)
    proxy = {"relation": "son"}
    yield Case("a proxy", _call("PUT", lambda h: f"{path(h)}/proxies/bob", proxy), 204)
    yield Case("no proxy", _call("DELETE", lambda h: f"{path(h)}/proxies/bob"), 204)


def _place(**change: Any) -> dict[str, Any]:
    place = {name: value for name, value in {**HOME, **change}.items() if value is not None}
    return {"points": {"home": place}}


def _wallets() -> Iterator[Case]:
    def path(hand: HttpTill) -> str:
        return f"/residents/{holder(hand)}/vouchers"

    yield Case("a wallet", _call("GET", path), 200)
    nobodys = _call("GET", lambda _: "/residents/nobody/vouchers")
    yield Case("nobody's wallet", nobodys, 404, "not_found")
    after = _call("GET", lambda h: f"{path(h)}?after=1")
    yield Case("a page after nothing", after, 400, "malformed_request", "after")
    yield Case("a wallet posted to", _call("POST", path), 405, "method_not_allowed")


def _shown() -> Iterator[Case]:
    def path(hand: HttpTill) -> str:
        return f"/vouchers/{hand.codes[0]}/present"

    def by_holder(hand: HttpTill) -> dict[str, str]:
        return {"resident": holder(hand)}

    yield Case("shown", _call("POST", path, by_holder), 200)
    yield Case("shown again", _call("POST", path, by_holder), 200)
    stranger = _call("POST", path, {"resident": "bob"})
    yield Case("shown by a stranger", stranger, 404, "voucher_not_usable")
    yield Case("shown by nobody", _call("POST", path, {}), 400, "malformed_request", "$.resident")
    yield from _malformed("POST", path)
    guessed = _call("POST", lambda _: f"/vouchers/{'8' + '0' * 19}/present", by_holder)
    yield Case("a guessed code", guessed, 404, "voucher_not_usable")
    yield Case(
        "no code",
        _call("POST", lambda _: "/vouchers/8/present", by_holder),
        400,
        "malformed_request",
        "code",
    )


def _printed() -> Iterator[Case]:
    def path(hand: HttpTill) -> str:
        return f"/vouchers/{hand.codes[0]}/paper"

    def identified(hand: HttpTill) -> dict[str, str]:
        return {"resident": holder(hand), "national_id": NATIONAL_IDS[hand.name]}

    def mistaken(hand: HttpTill) -> dict[str, str]:
        return identified(hand) | {"national_id": "130503670401001"}

    yield Case("printed", _call("POST", path, identified), 200)
    yield Case("printed anew", _call("POST", path, identified), 200)
    yield Case("another's identity", _call("POST", path, mistaken), 404, "voucher_not_usable")
    without = _call("POST", path, lambda h: {"resident": holder(h)})
    yield Case("no identity", without, 400, "malformed_request", "$.national_id")
    yield from _malformed("POST", path)


def _malformed(method: str, path: Callable[[HttpTill], str]) -> Iterator[Case]:
    """What no address takes."""
    for name, body in NO_BODIES:
        call = _call(method, path, body)
        yield Case(f"{method} with a body: {name}", call, 400, "malformed_request", "$")
    for media_type in NO_MEDIA_TYPES:
        call = _call(method, path, {}, content_type=media_type)
        yield Case(f"{method} as {media_type.decode()}", call, 415, "unsupported_media_type")
    for name, header in NO_BEARERS:
        call = _call(method, path, {}, authorization=header)
        yield Case(f"{method} with {name}", call, 401, "unauthenticated")
    large = _call(method, path, b" " * 10_000_000)
    yield Case(f"{method} with ten megabytes", large, 413, "body_too_large")
