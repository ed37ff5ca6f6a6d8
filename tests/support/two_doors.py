"""Two servers on one database, shown the same calls: their answers are the same bytes.

Each is shown vouchers, orders, campaigns and keys of its own, which differ in a name alone.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from tests.support.http_till import Call, HttpTill, sent
from tests.support.redemption_cases import Case

# When something happened, or will.
INSTANTS = frozenset(
    f"{act}_at"
    for act in (
        *("captured", "expires", "redeemed", "refunded", "reversed", "voided"),
        *("claimed", "valid_from", "valid_until"),
    )
)
# What is shown of a voucher: another one at every call.
SHOWN = ("code", "digits", "qr_svg", "code128_svg")
NO_CONTENT = 204
# What Django says of every page and the server of every answer; of no use to a till.
OF_EVERY_PAGE = frozenset(
    {
        "allow",
        "connection",
        "content-language",
        "content-security-policy",
        "cross-origin-opener-policy",
        "date",
        "permissions-policy",
        "referrer-policy",
        "server",
        "vary",
        "x-content-type-options",
        "x-frame-options",
    }
)


@dataclass(frozen=True, slots=True)
class Door:
    """One of the two servers and the hand that is shown there."""

    client: httpx.Client
    hand: HttpTill

    def send(self, call: Call) -> httpx.Response:
        """The answer to a call."""
        return sent(self.client, call)

    def plain(self, answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body, without what differs by nature: ids, times, codes, names."""
        body, headers = answer.content, dict(answer.headers)
        for number, code in enumerate(self.hand.codes):
            body = body.replace(code.encode(), f"voucher {number:012d}".encode())
        body = body.replace(self.hand.name.encode(), b"hand")
        body = body.replace(self.hand.name.upper().encode(), b"HAND")
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        for one in _objects(said):
            for name in ("id", "claim"):
                if isinstance(one.get(name), int):
                    body = body.replace(b'"%s":%d,' % (name.encode(), one[name]), b'"id":1,')
            for name in SHOWN if "qr_svg" in one else ():
                body = body.replace(msgspec.json.encode(one[name]), b'"shown"')
            for name in INSTANTS & one.keys():
                body = body.replace(one[name].encode(), name.encode())
                headers["content-length"] = "…"
            if one.get("claim") or "qr_svg" in one:
                headers["content-length"] = "…"
        if answer.status_code == NO_CONTENT:
            headers.pop("content-length", None)  # of nothing: one server says 0, the other nothing
        assert headers.pop("x-request-id")
        kept = {name: value for name, value in headers.items() if name not in OF_EVERY_PAGE}
        return answer.status_code, kept, body


def _objects(said: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, at any depth."""
    if isinstance(said, dict):
        yield said
    for inner in (
        said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    ):
        yield from _objects(inner)


def faults_of(case: Case, answer: httpx.Response) -> Iterator[str]:
    """What is wrong with one door's answer to a case, against the contract."""
    if answer.status_code != case.status:
        yield f"status {answer.status_code}, not {case.status}: {answer.text[:200]}"
        return
    if case.status >= 400:
        if answer.headers["content-type"] != "application/problem+json":
            yield f"content type {answer.headers['content-type']}"
            return
        said = answer.json()
        if (said["status"], said["code"]) != (case.status, case.code):
            yield f"{said['status']} {said['code']}, not {case.code}"
        if case.field and said["facts"].get("field") != case.field:
            yield f"names {said['facts']}, not {case.field}"
        if case.field and not said["facts"].get("problem_zh"):
            yield f"says nothing in Chinese: {said['facts']}"
    if case.status == 401 and answer.headers.get("www-authenticate") != "Bearer":
        yield "does not ask for a bearer key"
    if (answer.headers.get("idempotent-replayed") == "true") != case.replays:
        yield f"replayed: {answer.headers.get('idempotent-replayed')}"


def remember(hand: HttpTill, case: Case, made: dict[str, Any]) -> None:
    """Keep what a case made: the id, and the code of a voucher that was claimed."""
    hand.ids[case.name] = made["claim"] if "claim" in made else made["id"]
    if "claim" in made:
        hand.codes.append(made["voucher"])


def faults_in(doors: tuple[Door, Door], played: Iterable[Case]) -> Iterator[str]:
    """What is wrong with the answers of both doors to the cases, played in order."""
    for case in played:
        answers = [door.send(case.call(door.hand)) for door in doors]
        for door, answer in zip(doors, answers, strict=True):
            yield from (f"{case.name} at {door.hand.name}: {it}" for it in faults_of(case, answer))
            if answer.status_code == 201:
                remember(door.hand, case, answer.json())
        express, rest = (door.plain(answer) for door, answer in zip(doors, answers, strict=True))
        if express != rest:
            yield f"{case.name}: {express} is not {rest}"
