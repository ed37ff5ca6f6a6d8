"""Redemptions found again: by what a till knows of them, within days, the newest first."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from merchants.models import Credential, OwnNumber
from merchants.services import issue_credential
from tests.support import cast
from tests.support.http_till import PATH, HttpTill, http_till, open_campaign, sent, shown, till_key
from tests.support.till import answer_to, code_of, issue_vouchers, order, till_of
from tests.support.web_server import Server
from vouchers.api.redemption.lookups import FOUND_MAX, LOOK_BACK
from vouchers.models import Campaign, Redemption

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def campaign() -> Campaign:
    """Since more days than a search looks back."""
    now = timezone.now()
    starts_at = now - LOOK_BACK - timedelta(days=4)
    return cast.running_campaign(
        at=now, starts_at=starts_at, ends_at=now + timedelta(days=20), limits={}
    )


@pytest.fixture
def client(express_server: Server) -> Iterator[httpx.Client]:
    with express_server.client() as client:
        yield client


def found(client: httpx.Client, key: str, query: str) -> list[dict[str, Any]]:
    """What a search answers."""
    answer = sent(client, HttpTill("search", key, []).look(f"{PATH}?{query}"))
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()
    return rows


def test_an_older_redemption_is_found_by_its_day_or_its_key(
    campaign: Campaign, client: httpx.Client
) -> None:
    then = timezone.now() - LOOK_BACK - timedelta(days=2)
    (voucher,) = issue_vouchers(campaign, [cast.alice()], at=then - timedelta(days=1))
    key = till_key(cast.nanjing_road())
    store = cast.nanjing_road()
    credential = Credential.objects.get(terminal__store=store)
    caller = till_of(store, credential_id=credential.pk)
    asked = order(
        voucher,
        store,
        cast.alice(),
        at=then,
        key="OLD-1",
        caller=caller,
        order_no="A-1",
        receipt_no="K-1",
        payment_ref="P-1",
    )
    assert answer_to(asked)[0] == 201
    day = Redemption.objects.get().business_day
    for number in ("order_no=a-1", "receipt_no=k-1", "payment_ref=p-1"):
        assert found(client, key, number) == []
        (one,) = found(client, key, f"{number}&business_day={day}")
        assert one["voucher"] == code_of(voucher)
        assert found(client, key, f"{number}&business_day={day + timedelta(days=1)}") == []
    assert len(found(client, key, "idempotency_key=old-1")) == 1
    assert found(client, key, "idempotency_key=old-1&order_no=A-2") == []


def test_the_newest_come_first_and_not_more_than_a_hundred(client: httpx.Client) -> None:
    """All the orders of one receipt."""
    key = till_key(cast.nanjing_road())
    count = FOUND_MAX + 1
    hand = http_till(open_campaign(timezone.now()), "many", key, size=count, holder=cast.alice())
    lines = [
        hand.order(number, receipt_no="K-1") | {"idempotency_key": f"k{number}"}
        for number in range(count)
    ]
    assert sent(client, hand.post(f"{PATH}/batch", {"redemptions": lines})).status_code == 200
    rows = found(client, key, "receipt_no=K-1")
    assert [row["voucher"] for row in rows] == hand.codes[:0:-1]


def test_a_till_finds_those_of_its_own_store(campaign: Campaign, client: httpx.Client) -> None:
    key = till_key(cast.nanjing_road())
    hand = http_till(campaign, "own", key, size=1, holder=cast.alice())
    shown(client, hand, 0, receipt_no="K-1")
    assert len(found(client, key, "receipt_no=K-1&store=Nanjing_Road")) == 1
    assert found(client, key, "receipt_no=K-1&store=xujiahui") == []
    assert found(client, till_key(cast.xujiahui()), "receipt_no=K-1") == []


def test_an_integrator_looks_up_by_its_own_store_number(
    campaign: Campaign, client: httpx.Client
) -> None:
    store = cast.nanjing_road()
    foreign = cast.store(store.external_id, of=cast.rival())
    credential, key = issue_credential(
        name="pos",
        kind=Credential.Kind.INTEGRATOR,
        scopes=["redeem", "quote"],
        merchants=[cast.huilian(), cast.rival()],
        at=timezone.now(),
    )
    OwnNumber.objects.create(credential=credential, store_no="s-1", store=store)
    OwnNumber.objects.create(credential=credential, store_no="s-2", store=foreign)
    hand = http_till(campaign, "own-no", till_key(store), size=1, holder=cast.alice())
    shown(client, hand, 0, receipt_no="K-9")
    assert len(found(client, key, "receipt_no=K-9&store=S-1")) == 1
    # Both chains have a store of that number; the integrator's own says which.
    assert found(client, key, "receipt_no=K-9&store=s-2") == []
    assert len(found(client, key, f"receipt_no=K-9&store={store.external_id}")) == 1
    assert found(client, till_key(store), "receipt_no=K-9&store=S-1") == []


def test_what_was_done_under_a_key_is_found_by_it(client: httpx.Client) -> None:
    """Every act of a till; and nothing under the key of one that did nothing."""
    key = till_key(cast.nanjing_road(), scopes=("redeem", "refund"))
    hand = http_till(open_campaign(timezone.now()), "acts", key, size=5, holder=cast.alice())
    ids = [shown(client, hand, number, capture=number != 0)["id"] for number in range(4)]
    refund = {"store": "nanjing_road", "amount_fen": 1_000, "refund_no": "R-1"}
    acts: dict[str, tuple[str, Any]] = {
        "captured": (f"/{ids[0]}/capture", {"order_amount_fen": 20_000}),
        "voided": (f"/{ids[1]}/void", b""),
        "refunded": (f"/{ids[2]}/refunds", refund),
        "reversed": ("/reverse", {"store": "nanjing_road", "order_no": f"{hand.name}003"}),
    }
    for number, (name, (path, body)) in enumerate(acts.items()):
        answer = sent(client, hand.post(PATH + path, body, key=name))
        assert (answer.status_code, answer.json()["id"]) == (200, ids[number]), answer.text
        (one,) = found(client, key, f"idempotency_key={hand.name}-{name}")
        assert one["id"] == ids[number], name
        (made,) = found(client, key, f"idempotency_key={hand.name}-shown {number}")
        assert made == one
    nothing: dict[str, tuple[str, Any]] = {
        "below": (f"/{ids[2]}/refunds", refund | {"amount_fen": 10**9, "refund_no": "R-2"}),
        "absent": ("/reverse", {"store": "nanjing_road", "order_no": "never sent"}),
    }
    for (name, (path, body)), status in zip(nothing.items(), (422, 200), strict=True):
        answer = sent(client, hand.post(PATH + path, body, key=name))
        assert answer.status_code == status, answer.text
        assert found(client, key, f"idempotency_key={hand.name}-{name}") == []


def test_a_till_finds_its_refund_of_what_a_sister_store_sold(client: httpx.Client) -> None:
    sold = till_key(cast.nanjing_road())
    hand = http_till(open_campaign(timezone.now()), "sister", sold, size=1, holder=cast.alice())
    id_ = shown(client, hand, 0)["id"]
    key = till_key(cast.xujiahui(), scopes=("redeem", "refund"))
    refunding = HttpTill(hand.name, key, hand.codes)
    body = {"store": "xujiahui", "amount_fen": 1_000, "refund_no": "R-1"}
    answer = sent(client, refunding.post(f"{PATH}/{id_}/refunds", body, key="r"))
    assert answer.status_code == 200, answer.text
    (one,) = found(client, key, f"idempotency_key={hand.name}-r")
    assert one["id"] == id_
    assert found(client, key, f"order_no={one['order_no']}") == []
