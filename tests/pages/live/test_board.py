"""The live screen and the first page show the same figures, the sandbox in none of them."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.models import Credential
from merchants.services.credentials import issue_credential
from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.cast import DAY
from tests.support.claims import TEN, app, asking, grab, verdict
from tests.support.till import answer_to, issue_vouchers, order, till_of
from vouchers.models import Campaign
from vouchers.queries.live.board import Board, board

pytestmark = pytest.mark.django_db

FACE_FEN, ORDER_FEN = 2_000, 100_000


def used_and_refused(*, is_test: bool) -> Campaign:
    """A campaign of today, in which one order used a voucher and another was refused it."""
    now, mall = timezone.now(), cast.nanjing_road()
    shopper = cast.ada() if is_test else cast.alice()
    campaign = cast.running_campaign(
        at=now, starts_at=now - DAY, ends_at=now + DAY, validity_s=3_600, is_test=is_test
    )
    key, _text = issue_credential(
        name=f"till {is_test}",
        kind=Credential.Kind.MERCHANT,
        scopes=["redeem"],
        merchants=[mall.merchant],
        is_test=is_test,
        at=now,
    )
    caller = till_of(mall, credential_id=key.pk, is_test=is_test)
    (voucher,) = issue_vouchers(campaign, [shopper], at=now)
    statuses = [
        answer_to(order(voucher, mall, shopper, at=now, caller=caller))[0] for _ in range(2)
    ]
    assert statuses == [201, 409]
    unknown = answer_to(order("0" * 20, mall, shopper, at=now, caller=caller))
    assert unknown[0] == 404
    return campaign


def first_page() -> Client:
    client = signed_in(cast.member("shen", "auditor"))
    client.cookies.load({"django_language": "en"})
    return client


class TestOneOfEach:
    @pytest.fixture
    def live(self) -> Campaign:
        used_and_refused(is_test=True)
        return used_and_refused(is_test=False)

    @pytest.fixture
    def shown(self, live: Campaign) -> Board:
        return board(at=timezone.now())

    def test_the_live_screen_leaves_the_sandbox_out(self, live: Campaign, shown: Board) -> None:
        assert [money.campaign for money in shown.campaigns] == [live]
        assert (shown.rates.redeemed, shown.rates.refused) == (1, 2)
        assert shown.rates.today_fen == FACE_FEN
        assert shown.rates.today_orders_fen == ORDER_FEN
        assert sum(count for _code, count in shown.refusals) == 2
        assert sum(place.use.refused for place in shown.districts) == 2

    def test_the_first_page_agrees_with_it(self, live: Campaign, shown: Board) -> None:
        found = first_page().get(reverse("admin:index")).context
        assert [value for _name, value, _unit in found["cards"]] == [
            "1",
            "¥20.00",
            "¥1,000.00",
            "2",
        ]
        assert [row["campaign"] for row in found["campaigns"]] == [live]
        assert [bar.value for bar in found["days"]] == ["1 · ¥20.00"]
        assert shown.rates.today_count == 1


@pytest.mark.parametrize(("is_test", "issued"), [(True, 0), (False, 1)])
def test_claims_of_the_sandbox_are_not_issued(is_test: bool, issued: int) -> None:
    campaign = grab(units=1, is_test=is_test)
    resident = cast.ada() if is_test else cast.alice()
    claim = asking(resident, campaign, caller=app(is_test=is_test))
    assert verdict(claim)[0] == 201
    assert board(at=TEN + timedelta(seconds=1)).rates.issued == issued
