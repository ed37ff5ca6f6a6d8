"""A switch acts at the next request: campaign, merchant, store and till, in mid-traffic."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from threading import Event

import pytest
from django.db import transaction
from django.utils import timezone

from merchants.auth import CALLERS, Caller
from merchants.models import Credential, Merchant, State, Store, Terminal
from merchants.services import enrol_terminal, issue_credential
from tests.support import cast
from tests.support.cast import DAY
from tests.support.concurrency import naive
from tests.support.concurrency.invariants import assert_proven
from tests.support.concurrency.threads import PATIENCE_S, at_once
from tests.support.till import decoded, issue_vouchers, merchant_of, order, redeem
from vouchers.models import Campaign, Redemption, Voucher
from vouchers.services.campaigns import lifecycle, stops
from vouchers.services.redemption import RedeemRequest
from vouchers.states import CampaignState, VoucherState

pytestmark = pytest.mark.django_db(transaction=True)

TILLS = 4
ORDERS = 40

Sent = tuple[bool, str]
"""Whether the switch had been thrown when the request was sent, and what was answered."""


@pytest.fixture
def campaign() -> Campaign:
    """Running as of now: caches of callers go by the clock."""
    now = timezone.now()
    return cast.running_campaign(at=now, limits={}, starts_at=now - DAY, ends_at=now + 30 * DAY)


def _credential(store: Store) -> tuple[Credential, Caller]:
    """An enrolled till's credential, and the caller as the doors remember it."""
    now = timezone.now()
    credential, key_text = issue_credential(
        name="till",
        kind=Credential.Kind.TERMINAL,
        scopes=["redeem"],
        terminal=enrol_terminal(store=store, code="T1"),
        at=now,
        expires_at=now + timedelta(days=365),
    )
    caller = CALLERS.get(key_text, at=now)
    assert caller is not None
    return credential, caller


def pause(campaign: Campaign, credential: Credential) -> None:
    lifecycle.pause(campaign=campaign, by=cast.ren(), at=timezone.now())


def suspend_merchant(campaign: Campaign, credential: Credential) -> None:
    one = Merchant.objects.get(code="huilian")
    stops.suspend(row=one, why="now", by=cast.ren(), at=timezone.now(), until_at=None)


def suspend_store(campaign: Campaign, credential: Credential) -> None:
    Store.objects.filter(external_id="nanjing_road").update(state=State.SUSPENDED)


def suspend_till(campaign: Campaign, credential: Credential) -> None:
    one = Terminal.objects.get(code="T1")
    stops.suspend(row=one, why="now", by=cast.ren(), at=timezone.now(), until_at=None)


def switch_credential_off(campaign: Campaign, credential: Credential) -> None:
    stops.suspend(row=credential, why="now", by=cast.ren(), at=timezone.now(), until_at=None)


SWITCHES: dict[Callable[[Campaign, Credential], None], str] = {
    pause: "campaign_not_running",
    suspend_merchant: "store_closed",
    suspend_store: "store_closed",
    suspend_till: "unauthenticated",
    switch_credential_off: "unauthenticated",
}


def _in_mid_traffic(
    throw: Callable[[], None], sell: Callable[[int], list[Sent]], *, sold: Event
) -> list[Sent]:
    """What tills sent that were selling when the switch was thrown: after the first was sold."""

    def throw_it() -> list[Sent]:
        assert sold.wait(PATIENCE_S)
        throw()
        return []

    jobs: list[Callable[[], list[Sent]]] = [throw_it, *(partial(sell, n) for n in range(TILLS))]
    return [one for many in at_once(jobs) for one in many]


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.__name__)
def test_what_is_sent_after_the_switch_is_refused(
    campaign: Campaign, switch: Callable[[Campaign, Credential], None]
) -> None:
    credential, caller = _credential(cast.nanjing_road())
    _assert_it_acts_at_once(
        campaign, lambda: switch(campaign, credential), SWITCHES[switch], caller
    )


def test_a_till_stopped_while_its_merchants_key_sends_its_orders(campaign: Campaign) -> None:
    store = cast.nanjing_road()
    credential, _caller = _credential(store)
    key = merchant_of(store, credential_id=credential.pk + 1)
    switch = partial(suspend_till, campaign, credential)
    _assert_it_acts_at_once(campaign, switch, SWITCHES[suspend_till], key, terminal="t1")


def _assert_it_acts_at_once(
    campaign: Campaign, switch: Callable[[], None], code: str, caller: Caller, terminal: str = ""
) -> None:
    store = cast.nanjing_road()
    vouchers = issue_vouchers(campaign, [cast.alice()] * TILLS * ORDERS, at=timezone.now())
    thrown, sold = Event(), Event()

    def sell(number: int) -> list[Sent]:
        mine = vouchers[number::TILLS]
        return [
            _sent(
                order(
                    voucher,
                    store,
                    cast.alice(),
                    caller=caller,
                    at=timezone.now(),
                    terminal=terminal,
                )
            )
            for voucher in mine
        ]

    def _sent(request: RedeemRequest) -> Sent:
        was_thrown = thrown.is_set()
        (answer,) = redeem(requests=[request])
        if answer.status == HTTPStatus.CREATED:
            sold.set()
        return was_thrown, str(decoded(answer)[1].get("code", "201"))

    def throw() -> None:
        switch()
        thrown.set()

    sent = _in_mid_traffic(throw, sell, sold=sold)
    before = {code for was_thrown, code in sent if not was_thrown}
    after = {code for was_thrown, code in sent if was_thrown}
    assert "201" in before, "the switch came before the first order"
    assert after == {code}
    assert Redemption.objects.count() == sum(code == "201" for _, code in sent)
    assert_proven()


def test_control_a_till_that_looked_once_goes_on_selling(campaign: Campaign) -> None:
    """A till that asks whether the campaign runs before its first order, and remembers it."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * TILLS * ORDERS, at=timezone.now())
    thrown, sold = Event(), Event()

    def sell(number: int) -> list[Sent]:
        is_running = Campaign.objects.get(pk=campaign.pk).state == CampaignState.RUNNING
        return [(thrown.is_set(), spend(v)) for v in vouchers[number::TILLS] if is_running]

    def spend(voucher: Voucher) -> str:
        with transaction.atomic():
            Voucher.objects.filter(pk=voucher.pk).update(state=VoucherState.REDEEMED)
            naive.pay_face(voucher, cause_id=voucher.pk)
        sold.set()
        return "201"

    def throw() -> None:
        lifecycle.pause(campaign=campaign, by=cast.ren(), at=timezone.now())
        thrown.set()

    sent = _in_mid_traffic(throw, sell, sold=sold)
    assert (False, "201") in sent, "the switch came before the first order"
    assert (True, "201") in sent, "the tills had sold out: the races above would prove nothing"
