"""The textbook endpoint, a baseline for speed, does the work that its figure stands for."""

import msgspec
import pytest

from tests.benchmarks import textbook
from tests.support import cast
from tests.support.till import issue_vouchers, order
from vouchers.api.schema import RedeemSchema
from vouchers.models import Leg, Redemption
from vouchers.services.redemption.requests import RedeemRequest

pytestmark = pytest.mark.django_db


def served(request: RedeemRequest) -> tuple[int, bytes]:
    """Status and body that the textbook answers to a request."""
    sent = msgspec.to_builtins(request.order)
    serializer = RedeemSchema(data={name: value for name, value in sent.items() if value})
    serializer.is_valid(raise_exception=True)
    return textbook.redeem(
        caller=request.caller,
        key=request.key,
        print_=request.fingerprint,
        order=serializer.validated_data,
        at=request.at,
    )


def test_it_redeems_once_writes_the_legs_and_refuses_a_second_use() -> None:
    campaign, alice, store = cast.running_campaign(), cast.alice(), cast.nanjing_road()
    (voucher,) = issue_vouchers(campaign, [alice])
    legs = Leg.objects.count()
    request = order(voucher, store, alice)
    status, body = served(request)
    assert status == 201
    assert served(request) == (status, body), "one effect per key"
    redemption = Redemption.objects.get()
    assert (redemption.discount_fen, redemption.state) == (2_000, 2)
    assert Leg.objects.count() > legs
    assert served(order(voucher, store, alice))[0] >= 400
    assert Redemption.objects.count() == 1
