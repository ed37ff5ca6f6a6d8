"""Moves of many allocations are cut into transfers."""

import pytest

from vouchers.rules.ledger.quotas import Price
from vouchers.services.ledger.voucher_money import amounts_per_transfer

MOST_LINES = 2**15 - 1
"""Legs are numbered in a smallint."""


@pytest.mark.parametrize("sources", [1, 8, 9, 100])
def test_the_legs_of_a_transfer_can_be_numbered_however_many_sources_pay(sources: int) -> None:
    price = Price(sources, tuple((source_id, 1) for source_id in range(sources)))
    count = amounts_per_transfer([(1, price, 1)])
    assert 0 < count * sources * 2 <= MOST_LINES
    assert (count + 1) * sources * 2 > MOST_LINES - 1_000
