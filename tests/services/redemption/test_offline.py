"""Orders that a till took offline and sends later: bounded in age, and booked as they arrive."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import answer_to, issue_vouchers, nothing_moves, order, refusal_of
from vouchers.models import Campaign, Redemption
from vouchers.rules.redemption.redeem import CLOCKS_DIFFER
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db

AGE = settings.HUIMIN_OFFLINE_MAX_AGE
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.mark.parametrize(
    "occurred_at",
    [NOON, NOON - SECOND, NOON - AGE, NOON + CLOCKS_DIFFER, NOON.astimezone(UTC)],
)
def test_an_order_of_late_is_taken_and_keeps_its_time(
    campaign: Campaign, occurred_at: datetime
) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()], at=NOON - 5 * cast.DAY)
    request = order(voucher, cast.nanjing_road(), cast.alice(), occurred_at=occurred_at.isoformat())
    status, body = answer_to(request)
    assert status == 201, body
    assert datetime.fromisoformat(body["occurred_at"]) == occurred_at
    redemption = Redemption.objects.get()
    assert (redemption.occurred_at, redemption.redeemed_at) == (occurred_at, NOON)


@pytest.mark.parametrize(
    ("occurred_at", "rule"),
    [
        (NOON - AGE - SECOND, "order_too_old"),
        (datetime(2000, 1, 1, tzinfo=UTC), "order_too_old"),
        (NOON + CLOCKS_DIFFER + SECOND, "order_in_future"),
        (datetime(2099, 12, 31, 23, 59, tzinfo=UTC), "order_in_future"),
    ],
)
def test_an_order_too_old_or_of_the_future_is_refused(
    campaign: Campaign, occurred_at: datetime, rule: str
) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice(), occurred_at=occurred_at.isoformat())
    with nothing_moves():
        status, body = answer_to(request)
    assert (status, body["code"], body["rule"]) == (422, "order_time", rule)


def test_an_order_answered_in_time_is_answered_alike_ever_after(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])

    def asked(at: datetime) -> tuple[int, dict[str, object]]:
        return answer_to(
            order(
                voucher,
                cast.nanjing_road(),
                cast.alice(),
                at=at,
                key="offline-1",
                order_no="A-1",
                occurred_at=NOON.isoformat(),
            )
        )

    first = asked(NOON)
    assert first[0] == 201
    assert asked(NOON + AGE + 2 * cast.DAY) == first


def test_it_is_booked_and_counted_on_the_day_it_arrives(campaign: Campaign) -> None:
    """Yesterday's sale counts today: yesterday's settlement may be made, and its limits are read
    under locks of yesterday's windows that no redemption takes any more."""
    first, second, third = issue_vouchers(campaign, [cast.alice()] * 3, at=NOON - 5 * cast.DAY)
    yesterday, store, alice = NOON - cast.DAY, cast.nanjing_road(), cast.alice()
    assert answer_to(order(first, store, alice, at=yesterday))[0] == 201
    late = order(second, store, alice, occurred_at=yesterday.isoformat())
    status, body = answer_to(late)
    assert (status, body["business_day"]) == (201, "2026-04-01")
    assert refusal_of(order(third, store, alice)) == "resident_limit"


def test_a_voucher_that_ended_meanwhile_is_refused(campaign: Campaign) -> None:
    """What was promised for it is free again, and may be another resident's by now."""
    ends_at = NOON - timedelta(hours=1)
    (voucher,) = issue_vouchers(campaign, [cast.alice()], valid_until_at=ends_at)
    taken_at = ends_at - timedelta(hours=1)
    late = order(voucher, cast.nanjing_road(), cast.alice(), occurred_at=taken_at.isoformat())
    with nothing_moves():
        assert refusal_of(late) == "voucher_expired"
