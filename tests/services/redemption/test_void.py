"""A void undoes an authorisation or a capture until the end of its business day."""

from datetime import timedelta

import pytest

from merchants.auth import Caller
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.standing import (
    FACE_FEN,
    MIDNIGHT,
    OUTSTANDING_AUTHORISED_PAYABLE,
    counted,
    fen,
    said,
    voucher_state,
)
from tests.support.till import (
    captured,
    decoded,
    nothing_moves,
    refunded,
    reversed_,
    voided,
)
from vouchers.models import (
    Campaign,
    OrderClaim,
    Redemption,
    Voucher,
)
from vouchers.services.redemption import holds
from vouchers.states import (
    AccountKind,
    VoucherState,
)

pytestmark = pytest.mark.django_db


class TestVoid:
    """Authorised or captured, until the end of the day."""

    def test_of_an_authorisation_gives_everything_back(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        status, body = decoded(voided(authorisation, caller=here))
        assert (status, body["returned_fen"], body["voucher_usable"]) == (200, FACE_FEN, True)
        assert voucher_state(alices) == VoucherState.ISSUED
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (FACE_FEN, 0, 0)
        assert counted() == {(0, 0)}
        assert not OrderClaim.objects.exists()
        assert_proven()

    def test_of_a_capture_gives_the_final_discount_back(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        captured(authorisation, caller=here)
        assert decoded(voided(authorisation, caller=here))[1]["returned_fen"] == FACE_FEN
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (FACE_FEN, 0, 0)
        assert_proven()

    def test_of_an_authorisation_after_the_day_is_refused(
        self, authorisation: Redemption, here: Caller
    ) -> None:
        with nothing_moves():
            answer = voided(authorisation, caller=here, at=MIDNIGHT)
            assert said(answer) == (409, "redemption_state", "void_cut_off")

    @pytest.mark.parametrize("amount_fen", [1, 98_000])
    def test_of_what_has_been_refunded_is_refused(
        self, authorisation: Redemption, here: Caller, amount_fen: int
    ) -> None:
        captured(authorisation, caller=here)
        assert refunded(authorisation, caller=here, amount_fen=amount_fen).status == 200
        rules = {1: "void_refunded", 98_000: "void_state"}
        with nothing_moves():
            answer = voided(authorisation, caller=here)
            assert said(answer) == (409, "redemption_state", rules[amount_fen])
            answer = reversed_(cast.nanjing_road(), "A-1", caller=here)
            assert said(answer)[2] == rules[amount_fen].replace("void", "reverse")

    @pytest.mark.parametrize("undo", ["void", "reverse"])
    def test_of_a_held_redemption_releases_the_hold(
        self,
        campaign: Campaign,
        alices: Voucher,
        authorisation: Redemption,
        here: Caller,
        undo: str,
    ) -> None:
        captured(authorisation, caller=here)
        opened = holds.hold(
            redemption=authorisation,
            reason="many at once",
            by=cast.member("ruo", "risk officer"),
            at=NOON,
        )
        assert totals_fen(campaign)[AccountKind.RISK_HELD] == FACE_FEN
        at = NOON + timedelta(minutes=1)
        answer = (
            voided(authorisation, caller=here, at=at)
            if undo == "void"
            else reversed_(cast.nanjing_road(), "A-1", caller=here, at=at)
        )
        assert answer.status == 200
        opened.refresh_from_db()
        assert (opened.released_at, opened.released_by) == (at, f"key {here.credential_id}")
        assert totals_fen(campaign)[AccountKind.RISK_HELD] == 0
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (FACE_FEN, 0, 0)
        assert voucher_state(alices) == VoucherState.ISSUED
        assert_proven()
