"""A co-funded campaign, and one authorisation in it, for the tests of what a till does."""

import pytest

from merchants.auth import Caller
from tests.support import cast
from tests.support.standing import END
from tests.support.till import (
    authorised,
    issue_vouchers,
    till_of,
)
from vouchers.models import (
    Campaign,
    Redemption,
    Voucher,
)


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign(funding=cast.CO_FUNDED)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def alices(campaign: Campaign) -> Voucher:
    """A 满100减20 in Alice's hand, good until ten past twelve."""
    return issue_vouchers(campaign, [cast.alice()], valid_until_at=END)[0]


@pytest.fixture
def here() -> Caller:
    return till_of(cast.nanjing_road())


@pytest.fixture
def authorisation(alices: Voucher) -> Redemption:
    """Alice's voucher authorised on the order A-1."""
    return authorised(alices, cast.nanjing_road(), cast.alice(), order_no="A-1")
