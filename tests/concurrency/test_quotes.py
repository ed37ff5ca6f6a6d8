"""A quote beside redemptions that have not committed: it waits for none of their locks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.risk import rule, with_rules
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Redemption
from vouchers.services.redemption import RedeemRequest, quote
from vouchers.services.redemption.outcomes import Quoted
from vouchers.states import RiskKind

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@contextmanager
def without_waiting(request: RedeemRequest) -> Iterator[list[Any]]:
    """The outcome of a quote asked for by another session, which must not wait for this one."""
    found: list[Any] = []
    is_done = Event()

    def ask() -> None:
        try:
            found.append(quote(request=request))
        finally:
            connection.close()
            is_done.set()

    asking = Thread(target=ask)
    asking.start()
    try:
        assert is_done.wait(10), "the quote waits for a lock"
        yield found
    finally:
        transaction.set_rollback(True)
    asking.join()


def test_a_quote_takes_no_lock_and_waits_for_none() -> None:
    campaign = cast.running_campaign(limits=cast.LIMITS)
    with_rules(campaign, rule(RiskKind.TERMINAL_MINUTE, orders=1))
    first, second = issue_vouchers(campaign, [cast.alice(), cast.carol()])
    store = cast.nanjing_road()
    request = order(first, store, cast.alice())
    refused = order(second, store, cast.carol())
    later = replace(refused, key="later", at=NOON + timedelta(minutes=1))
    with transaction.atomic():
        # A redemption of the voucher that has not committed: it holds the voucher's row, the
        # order, the counters and the till's tally.
        assert answer_to(request)[0] == 201
        with without_waiting(request) as found:
            assert isinstance(found[0], Quoted)
    assert not Redemption.objects.exists()
    assert answer_to(request)[0] == 201
    with transaction.atomic():
        # What is refused by the tally that was committed waits for it as little.
        assert answer_to(later)[0] == 201
        with without_waiting(refused) as found:
            assert found[0].code == "risk_refused"
