"""An integrator says stores and tills by numbers of its own; the engine goes by its own."""

from dataclasses import replace

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from merchants.auth import Caller, authenticate
from merchants.models import Credential, OwnNumber, Terminal
from merchants.services import issue_credential
from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.http.answers import render
from vouchers.http.redemption import reverse_request
from vouchers.models import Redemption
from vouchers.services import redemption as redemptions
from vouchers.services.redemption import RedeemRequest, RefundRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def integrator() -> Caller:
    """Calls Nanjing Road 9001 and its till T1 K1; acts for two chains that both have the number."""
    store = cast.nanjing_road()
    cast.store(store.external_id, of=cast.rival())
    credential, key = issue_credential(
        name="pos",
        kind=Credential.Kind.INTEGRATOR,
        scopes=["redeem"],
        merchants=[cast.huilian(), cast.rival()],
        at=NOON,
    )
    till = Terminal.objects.create(store=store, code="T1")
    OwnNumber.objects.create(credential=credential, store_no="s-9001", store=store)
    OwnNumber.objects.create(
        credential=credential, store_no="s-9001", terminal_no="K1", store=store, terminal=till
    )
    caller = authenticate(key, at=NOON)
    assert caller is not None
    assert caller.has_own_numbers
    return caller


def named(request: RedeemRequest, store_no: str, terminal_no: str = "") -> RedeemRequest:
    """The request, by these numbers."""
    order = msgspec.structs.replace(request.order, store=store_no, terminal=terminal_no)
    return replace(request, order=order)


def test_an_order_is_redeemed_where_the_own_numbers_say(integrator: Caller) -> None:
    store = cast.nanjing_road()
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    request = named(order(voucher, store, cast.alice(), caller=integrator), "S-9001", "k1")
    status, body = answer_to(request)
    assert status == 201, body
    assert (body["merchant"], body["store"]) == ("huilian", store.external_id)
    assert Redemption.objects.get().terminal == "T1"
    assert answer_to(request) == (201, body)


def test_a_number_that_is_not_mapped_is_the_engines_own(integrator: Caller) -> None:
    store = cast.nanjing_road()
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    status, body = answer_to(
        order(voucher, store, cast.alice(), caller=integrator, merchant="huilian", terminal="T7")
    )
    assert status == 201, body
    assert Redemption.objects.get().terminal == "T7"


def test_the_numbers_of_another_caller_mean_nothing(integrator: Caller) -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    stranger = replace(integrator, credential_id=integrator.credential_id + 1)
    request = order(voucher, cast.nanjing_road(), cast.alice(), caller=stranger)
    status, body = answer_to(named(request, "s-9001"))
    assert (status, body["code"]) == (404, "store_not_found")


def test_a_reversal_and_a_refund_go_by_them_too(integrator: Caller) -> None:
    first, second = issue_vouchers(cast.running_campaign(), [cast.alice()] * 2)
    store = cast.nanjing_road()
    made = [
        answer_to(named(order(it, store, cast.alice(), caller=integrator), "s-9001"))[1]
        for it in (first, second)
    ]
    reversal = reverse_request(
        caller=integrator,
        key="reverse",
        path="/api/v1/redemptions/reverse",
        body=b'{"store": "s-9001", "order_no": "%s"}' % made[0]["order_no"].encode(),
        at=NOON,
    )
    assert redemptions.reverse(request=reversal, render=render).status == 200
    refund = RefundRequest(
        caller=integrator,
        key="refund",
        fingerprint=bytes(32),
        at=NOON,
        redemption_id=made[1]["id"],
        store="s-9001",
        refund_no="R-1",
        amount_fen=made[1]["payable_fen"],
    )
    assert redemptions.refund(request=refund, render=render).status == 200


def test_callers_without_own_numbers_ask_nothing_more() -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    with CaptureQueriesContext(connection) as queries:
        answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
    assert not [query for query in queries if "ownnumber" in query["sql"]]
