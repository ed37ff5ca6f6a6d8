"""A quote: what redeeming would give or be refused, by the same rules, and nothing done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from django.db import connection, transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import (
    answer_to,
    authorised,
    issue_vouchers,
    nothing_moves,
    order,
    till_of,
    voided,
)
from vouchers.models import Attempt, Campaign, Redemption, RequestRecord
from vouchers.services.campaigns import lifecycle
from vouchers.services.redemption import RedeemRequest, quote
from vouchers.services.redemption.outcomes import Quoted
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign(funding=cast.CO_FUNDED, limits={LimitKind.RESIDENT_DAY: 1})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def quoted(request: RedeemRequest) -> Any:
    return quote(caller=request.caller, order=request.order, at=request.at)


def test_a_quote_is_what_redeeming_gives_and_moves_nothing(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    with nothing_moves():
        found = quoted(request)
    assert isinstance(found, Quoted)
    assert not RequestRecord.objects.exists()
    assert not Attempt.objects.exists()
    status, body = answer_to(request)
    assert status == 201
    for name in found.__struct_fields__:
        assert body[name] == _plain(getattr(found, name)), name


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [{"source": share.source, "fen": share.fen} for share in value]
    return value


def _used(campaign: Campaign) -> RedeemRequest:
    first, second = issue_vouchers(campaign, [cast.alice()] * 2)
    assert answer_to(order(first, cast.nanjing_road(), cast.alice()))[0] == 201
    return order(second, cast.nanjing_road(), cast.alice())


def _paused(campaign: Campaign) -> RedeemRequest:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    lifecycle.pause(campaign=campaign, by=cast.mei(), at=NOON)
    return order(voucher, cast.nanjing_road(), cast.alice())


def _on(*, at: datetime = NOON, **change: Any) -> Callable[[Campaign], RedeemRequest]:
    def request(campaign: Campaign) -> RedeemRequest:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        asked = order(voucher, cast.nanjing_road(), cast.alice(), at=at)
        return replace(asked, order=msgspec.structs.replace(asked.order, **change))

    return request


@pytest.mark.parametrize(
    ("asking", "code"),
    [
        (_used, "resident_limit"),
        (_paused, "campaign_not_running"),
        (_on(order_amount_fen=9_999), "below_threshold"),
        (_on(at=NOON + timedelta(days=15)), "voucher_expired"),
        (_on(store="nowhere"), "store_not_found"),
        (_on(store="rival_shop"), "store_not_found"),
        (_on(resident="bob"), "voucher_not_usable"),
        (_on(voucher="8" + "0" * 19), "voucher_not_usable"),
    ],
)
def test_a_quote_is_refused_as_redeeming_would_be(
    campaign: Campaign, asking: Callable[[Campaign], RedeemRequest], code: str
) -> None:
    cast.rival_shop(), cast.bob()
    request = asking(campaign)
    before = Attempt.objects.count()
    with nothing_moves():
        found = quoted(request)
    assert found.code == code
    recorded = Attempt.objects.count() - before
    assert recorded == (1 if code == "voucher_not_usable" else 0)
    assert answer_to(request)[1]["code"] == code


def test_a_wrong_code_is_recorded_whichever_call_it_is_guessed_by(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.bob())
    quoted(request)
    attempt = Attempt.objects.get()
    assert (attempt.code, attempt.rule) == ("voucher_not_usable", "holder_or_proxy")
    assert (attempt.caller_id, attempt.voucher_id) == (request.caller.credential_id, voucher.pk)
    assert attempt.facts["act"] == "quote"


def test_a_quote_sees_what_became_of_the_voucher(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    store = cast.nanjing_road()
    request = order(voucher, store, cast.alice())
    redemption = authorised(voucher, store, cast.alice())
    assert quoted(request).code == "voucher_redeemed"
    voided(redemption, caller=till_of(store))
    assert isinstance(quoted(request), Quoted)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_quote_takes_no_lock_and_waits_for_none() -> None:
    campaign = cast.running_campaign(limits=cast.LIMITS)
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    found: list[Any] = []
    is_done = Event()

    def ask() -> None:
        try:
            found.append(quoted(request))
        finally:
            connection.close()
            is_done.set()

    with transaction.atomic():
        # A redemption of the voucher that has not committed: it holds the voucher's row, the
        # order and the counters.
        assert answer_to(request)[0] == 201
        asking = Thread(target=ask)
        asking.start()
        assert is_done.wait(10), "the quote waits for a lock"
        transaction.set_rollback(True)
    asking.join()
    assert isinstance(found[0], Quoted)
    assert not Redemption.objects.exists()
