"""The express door and REST framework's door are one: the same bytes and headers for every call.

The first is the ASGI application, the second the same project under WSGI, both served by granian
on the same database. Each is shown vouchers, orders and keys of its own.
"""

from collections.abc import Iterator
from itertools import count

import pytest
from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import Call, HttpTill, http_till, open_campaign, till_key
from tests.support.lifecycle_cases import (
    REDEEM_SCOPE,
    REFUND_SCOPE,
    RIVAL,
    SISTER,
    lifecycle_cases,
)
from tests.support.malformed_acts import malformed_acts
from tests.support.redemption_cases import cases
from tests.support.two_doors import Door, faults_in
from tests.support.web_server import Server
from vouchers.models import Attempt, Campaign, Redemption, RequestRecord

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

VOUCHERS = 24


@pytest.fixture
def campaign() -> Campaign:
    cast.rival_shop()
    cast.bob()
    return open_campaign(timezone.now())


@pytest.fixture
def doors(
    campaign: Campaign, express_server: Server, rest_server: Server
) -> Iterator[tuple[Door, Door]]:
    """The express door and the other one, each with a hand of Alice's vouchers."""
    key = till_key(cast.nanjing_road(), scopes=("quote", "redeem", "refund"))
    first, second = (
        Door(
            server.client(),
            http_till(campaign, name, key, size=VOUCHERS, holder=cast.alice()),
        )
        for server, name in ((express_server, "asgi"), (rest_server, "wsgi"))
    )
    with first.client, second.client:
        yield first, second


def test_every_call_is_answered_alike_and_as_promised(doors: tuple[Door, Door]) -> None:
    assert "\n".join(faults_in(doors, cases())) == ""
    good = sum(case.status == 201 and not case.replays for case in cases())
    assert Redemption.objects.count() == 2 * good
    assert_nothing_is_kept_of_what_was_never_asked()
    assert_proven()


def test_of_a_header_sent_twice_neither_door_takes_the_first_or_the_last(
    doors: tuple[Door, Door],
) -> None:
    answers = []
    for door in doors:
        call = door.hand.call(door.hand.order(0), key="a")
        twice = [(name.encode(), value) for name, value in call.headers.items()]
        twice.append((b"idempotency-key", f"{door.hand.name}-b".encode()))
        made = door.client.post(call.path, content=call.body, headers=twice)
        again = door.send(door.hand.call(door.hand.order(0), key="b"))
        kept = door.client.get(
            call.path,
            params={"idempotency_key": f"{door.hand.name}-a,{door.hand.name}-b"},
            headers={"authorization": f"Bearer {door.hand.key}"},
        )
        assert (made.status_code, again.status_code) == (201, 409), door.hand.name
        assert [one["id"] for one in kept.json()] == [made.json()["id"]], door.hand.name
        bearers = [*twice, (b"authorization", b"Bearer x")]
        answers.append(door.client.post(call.path, content=call.body, headers=bearers))
    assert {answer.status_code for answer in answers} == {401}


def test_every_later_act_is_answered_alike_and_as_promised(doors: tuple[Door, Door]) -> None:
    everything = ("redeem", "refund")
    others = {
        SISTER: till_key(cast.xujiahui(), scopes=everything),
        RIVAL: till_key(cast.rival_shop(), scopes=everything),
        REFUND_SCOPE: till_key(cast.nanjing_road(), code="T2", scopes=("refund",)),
        REDEEM_SCOPE: till_key(cast.nanjing_road(), code="T3"),
    }
    for door in doors:
        door.hand.keys.update(others)
    played = [*lifecycle_cases(), *malformed_acts()]
    assert "\n".join(faults_in(doors, played)) == ""
    for code in ("not_found", "idempotency_key_reused"):
        assert not Attempt.objects.filter(code=code).exists()
    assert_nothing_is_kept_of_what_was_never_asked()
    assert_proven()


def assert_nothing_is_kept_of_what_was_never_asked() -> None:
    """Malformed and unauthenticated calls leave no row behind."""
    assert not RequestRecord.objects.filter(key__endswith="-bad").exists()
    assert not Attempt.objects.filter(
        code__in=[
            "malformed_request",
            "body_too_large",
            "unauthenticated",
            "unsupported_media_type",
        ]
    ).exists()


def test_one_door_replays_what_the_other_answered(
    doors: tuple[Door, Door], campaign: Campaign
) -> None:
    numbers = count()
    for first, second in (doors, doors[::-1]):
        hand, number = first.hand, next(numbers)
        call = hand.call(hand.order(number), key=f"shared{number}")
        original, again = first.send(call), second.send(call)
        assert original.status_code == 201, original.text
        assert (again.status_code, again.content) == (201, original.content)
        assert again.headers["idempotent-replayed"] == "true"
        changed = hand.call(hand.order(number, device="x"), key=f"shared{number}")
        assert second.send(changed).json()["code"] == "idempotency_key_reused"
        refused = hand.call(hand.order(5, order_amount_fen=1), key=f"refused{number}")
        assert first.send(refused).content == second.send(refused).content
    assert Redemption.objects.count() == 2


def test_an_integrator_of_two_chains_names_the_merchant(doors: tuple[Door, Door]) -> None:
    """Its two merchants have a store of one number: refused at both doors alike until it does."""
    cast.store("nanjing_road", of=cast.rival())
    _, key = issue_credential(
        name="integrator",
        kind=Credential.Kind.INTEGRATOR,
        scopes=["redeem"],
        merchants=[cast.huilian(), cast.rival()],
        at=timezone.now(),
    )
    answers = []
    for door in doors:
        hand = HttpTill(door.hand.name, key, door.hand.codes)
        asked, named = (
            door.send(hand.call(hand.order(0, merchant=merchant), key="one"))
            for merchant in (None, "huilian")
        )
        assert (asked.status_code, asked.json()["rule"]) == (400, "store_ambiguous")
        assert (named.status_code, named.json()["merchant"]) == (201, "huilian")
        answers.append([door.plain(answer) for answer in (asked, named)])
    assert answers[0] == answers[1]
    assert_proven()


def test_keys_that_may_not_redeem(doors: tuple[Door, Door], campaign: Campaign) -> None:
    """Without the scope: 403 naming it. Of the sandbox: what is live is absent."""
    store = cast.nanjing_road()
    auditor = till_key(store, code="T2", scopes=("settlements",))
    tester = till_key(store, code="T3", is_test=True)
    answers = []
    for door in doors:
        hand = door.hand
        (made,) = (door.send(hand.call(hand.order(0), key="live")),)
        assert made.status_code == 201
        path = f"/api/v1/redemptions/{made.json()['id']}"
        as_auditor = HttpTill(hand.name, auditor, hand.codes)
        as_tester = HttpTill(hand.name, tester, hand.codes)
        forbidden = door.send(as_auditor.call(hand.order(1), key="a"))
        assert forbidden.status_code == 403
        assert forbidden.json()["facts"] == {"scope": "redeem"}
        absent = door.send(as_tester.call(hand.order(1), key="t"))
        assert (absent.status_code, absent.json()["code"]) == (404, "voucher_not_usable")
        headers = as_tester.call(b"", key="v").headers
        hidden = [
            door.send(Call(b"", headers, path, "GET")),
            door.send(Call(b"", headers, f"{path}/void", "POST")),
        ]
        assert [answer.status_code for answer in hidden] == [404, 404]
        found = door.send(Call(b"", headers, f"/api/v1/redemptions?order_no={hand.name}000", "GET"))
        assert found.json() == []
        answers.append([door.plain(answer) for answer in (forbidden, absent, *hidden, found)])
    assert answers[0] == answers[1]
    assert_proven()
