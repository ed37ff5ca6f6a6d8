"""Authorisations that were not captured in time are voided by the sweep."""

import pytest

from merchants.auth import Caller
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.standing import (
    END,
    FACE_FEN,
    INSTANT,
    OUTSTANDING_AUTHORISED_PAYABLE,
    TTL,
    counted,
    fen,
    said,
    state_of,
    voucher_state,
)
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    issue_vouchers,
    nothing_moves,
    order,
)
from vouchers.models import (
    Campaign,
    Redemption,
    Transfer,
    Voucher,
)
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.redemption import lapse_due
from vouchers.states import (
    AccountKind,
    RedemptionState,
    TransferReason,
    VoucherState,
)

pytestmark = pytest.mark.django_db


class TestLapse:
    """What was not captured in time goes back, once."""

    def test_gives_everything_back_when_the_time_is_over(
        self, campaign: Campaign, here: Caller
    ) -> None:
        (voucher,) = issue_vouchers(campaign, [cast.alice()])
        redemption = authorised(voucher, cast.nanjing_road(), cast.alice(), order_no="A-1")
        with nothing_moves():
            assert lapse_due(at=NOON + TTL - INSTANT) == 0
        assert lapse_due(at=NOON + TTL) == 1
        assert state_of(redemption) == RedemptionState.VOIDED
        assert voucher_state(voucher) == VoucherState.ISSUED
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (FACE_FEN, 0, 0)
        assert counted() == {(0, 0)}
        assert Transfer.objects.filter(reason=TransferReason.LAPSE).count() == 1
        assert_proven()
        with nothing_moves():
            assert lapse_due(at=NOON + TTL) == 0
            assert said(captured(redemption, caller=here, at=NOON))[2] == "capture_state"
        again = order(voucher, cast.nanjing_road(), cast.alice(), order_no="A-1", at=NOON + TTL)
        assert answer_to(again)[0] == 201

    def test_after_the_vouchers_end_sets_the_money_free(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption
    ) -> None:
        expire_tranche(tranche_id=alices.tranche_id, at=END)
        assert lapse_due(at=NOON + TTL) == 1
        assert totals_fen(campaign)[AccountKind.FREE] == 500_000_000
        assert_proven()

    def test_leaves_alone_what_is_not_due(self, campaign: Campaign, here: Caller) -> None:
        vouchers = issue_vouchers(campaign, [cast.resident(f"r{n}") for n in range(4)])
        store = cast.nanjing_road()
        first, second, third = [
            authorised(voucher, store, voucher.resident, at=NOON + number * TTL)
            for number, voucher in enumerate(vouchers[:3])
        ]
        captured(first, caller=here)
        answer_to(order(vouchers[3], store, vouchers[3].resident))
        assert lapse_due(at=NOON + 2 * TTL) == 1
        states = [state_of(redemption) for redemption in (first, second, third)]
        assert states == [
            RedemptionState.CAPTURED,
            RedemptionState.VOIDED,
            RedemptionState.AUTHORISED,
        ]
        assert_proven()
