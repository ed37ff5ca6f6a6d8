"""A till with a key, and a hand full of vouchers to show at one door."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
from django.utils import timezone

from merchants.models import Credential, Store, Terminal
from merchants.services import enrol_terminal, issue_credential
from tests.support import cast
from tests.support.till import code_of, issue_vouchers
from vouchers.models import Campaign, Resident

PATH = "/api/v1/redemptions"
MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it goes over the wire."""

    body: bytes = b""
    headers: Mapping[str, bytes] = field(default_factory=dict)
    path: str = PATH
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class HttpTill:
    """What one door is shown. `name` keeps its orders and keys apart from the other door's."""

    name: str
    key: str
    codes: list[str]
    # Ids of redemptions made, by the name of the case that made them.
    ids: dict[str, int] = field(default_factory=dict)
    # Keys of other callers, by name.
    keys: dict[str, str] = field(default_factory=dict)

    def order(self, number: int, **change: Any) -> dict[str, Any]:
        """A good order of ¥250 for voucher `number`; a change to None leaves the field out."""
        body = {
            "voucher": self.codes[number],
            "store": "nanjing_road",
            "order_no": f"{self.name}{number:03d}",
            "order_amount_fen": 25_000,
            "resident": "alice",
            **change,
        }
        return {name: value for name, value in body.items() if value is not None}

    def call(self, body: Any, *, key: str = "", **headers: bytes | None) -> Call:
        """The request with this body under `key`; a header of None is left out."""
        given: dict[str, bytes | None] = {
            "authorization": b"Bearer " + self.key.encode(),
            "idempotency-key": f"{self.name}-{key}".encode(),
            "content-type": b"application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name: value for name, value in given.items() if value is not None}
        return Call(content, sent)

    def post(self, path: str, body: Any, *, key: str = "", **headers: bytes | None) -> Call:
        """The same at another address."""
        return replace(self.call(body, key=key, **headers), path=path)

    def look(self, path: str, *, by: str = "") -> Call:
        """A GET of an address, with the key of another caller if one is named."""
        bearer = b"Bearer " + (self.keys[by] if by else self.key).encode()
        return Call(b"", {"authorization": bearer}, path, "GET")


def sent(client: httpx.Client, call: Call) -> httpx.Response:
    """The answer to a call."""
    headers = [(name.encode(), value) for name, value in call.headers.items()]
    return client.request(call.method, call.path, content=call.body, headers=headers)


def shown(client: httpx.Client, hand: HttpTill, number: int, **change: Any) -> dict[str, Any]:
    """The redemption made of a voucher shown on a good order."""
    answer = sent(client, hand.call(hand.order(number, **change), key=f"shown {number}"))
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def open_campaign(now: datetime, **options: Any) -> Campaign:
    """The spring campaign, running by the real clock."""
    return cast.running_campaign(
        at=now, starts_at=now - timedelta(days=2), ends_at=now + MONTH, limits={}, **options
    )


def till_key(
    store: Store, *, code: str = "T1", scopes: tuple[str, ...] = ("redeem",), is_test: bool = False
) -> str:
    """The key of a terminal in a store."""
    terminal = Terminal.objects.filter(store=store, code=code).first()
    terminal = terminal or enrol_terminal(store=store, code=code)
    _, key = issue_credential(
        name=f"{store.external_id} {code}",
        kind=Credential.Kind.TERMINAL,
        scopes=scopes,
        terminal=terminal,
        is_test=is_test,
        at=timezone.now(),
    )
    return key


def http_till(campaign: Campaign, name: str, key: str, *, size: int, holder: Resident) -> HttpTill:
    """So many vouchers in one resident's hands."""
    yesterday = timezone.now() - timedelta(days=1)
    vouchers = issue_vouchers(campaign, [holder] * size, at=yesterday)
    return HttpTill(name, key, [code_of(voucher) for voucher in vouchers])
