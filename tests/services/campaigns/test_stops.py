"""The red button on a merchant or a store: who may, what it leaves in the history."""

from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from merchants.errors import Refused
from merchants.models import Merchant, State, Store
from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import issue_vouchers, order, refusal_of
from vouchers.services.campaigns import lifecycle
from vouchers.services.campaigns.stops import stop_merchant, stop_store

pytestmark = pytest.mark.django_db

WHY = "one device, many residents"


def of_merchant(by: User) -> bool:
    return stop_merchant(merchant=cast.huilian(), why=WHY, by=by, at=NOON)


def of_store(by: User) -> bool:
    return stop_store(store=cast.nanjing_road(), why=WHY, by=by, at=NOON)


@pytest.mark.parametrize("stop", [of_merchant, of_store])
def test_no_order_is_taken_from_then_on(stop: Callable[[User], bool]) -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    assert stop(cast.ren())
    assert refusal_of(order(voucher, cast.nanjing_road(), cast.alice())) == "store_closed"


@pytest.mark.parametrize("stop", [of_merchant, of_store])
def test_the_reason_is_in_the_history_under_the_name_of_who_did_it(
    stop: Callable[[User], bool],
) -> None:
    cast.nanjing_road()
    stop(cast.mei())
    line = LogEntry.objects.latest("id")
    assert line.user == cast.mei()
    assert WHY in line.change_message


@pytest.mark.parametrize("stop", [of_merchant, of_store])
def test_an_approver_may_not(stop: Callable[[User], bool]) -> None:
    cast.nanjing_road()
    with pytest.raises(Refused, match="not_permitted"):
        stop(cast.li())
    assert not LogEntry.objects.exists()
    assert set(Merchant.objects.values_list("state", flat=True)) == {State.ACTIVE}
    assert set(Store.objects.values_list("state", flat=True)) == {State.ACTIVE}


def test_what_is_closed_stays_closed() -> None:
    shop = cast.closed_shop()
    assert not stop_store(store=shop, why=WHY, by=cast.ren(), at=NOON)
    shop.refresh_from_db()
    assert shop.state == State.CLOSED
    assert not LogEntry.objects.exists()


def test_a_campaign_is_paused_with_a_reason_that_is_kept() -> None:
    campaign = cast.running_campaign()
    pause = partial(lifecycle.pause, campaign=campaign, at=NOON)
    pause(by=cast.ren(), why=WHY)
    assert WHY in LogEntry.objects.latest("id").change_message
