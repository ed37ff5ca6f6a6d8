"""A reversal undoes an order by its number and leaves a tombstone."""

import pytest

from merchants.auth import Caller
from merchants.errors import Refused
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.standing import (
    FACE_FEN,
    MIDNIGHT,
    OUTSTANDING_AUTHORISED_PAYABLE,
    counted,
    fen,
    said,
    state_of,
    voucher_state,
)
from tests.support.till import (
    answer_to,
    captured,
    decoded,
    nothing_moves,
    order,
    refusal_of,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import (
    Attempt,
    Campaign,
    OrderClaim,
    Redemption,
    Voucher,
)
from vouchers.states import (
    RedemptionState,
    VoucherState,
)

pytestmark = pytest.mark.django_db


class TestReverse:
    """By order number, for a till that lost the answer."""

    @pytest.mark.parametrize("capture", [True, False])
    def test_of_a_live_redemption_undoes_it_and_leaves_a_tombstone(
        self, campaign: Campaign, alices: Voucher, here: Caller, capture: bool
    ) -> None:
        store = cast.nanjing_road()
        request = order(alices, store, cast.alice(), order_no="A-1", capture=capture)
        _, made = answer_to(request)
        status, body = decoded(reversed_(store, "A-1", caller=here))
        assert status == 200
        assert body == {
            "id": made["id"],
            "state": "reversed",
            "merchant": "huilian",
            "store": "nanjing_road",
            "order_no": "A-1",
            "returned_fen": FACE_FEN,
            "voucher_usable": True,
            "reversed_at": "2026-04-01T04:00:00Z",
        }
        assert voucher_state(alices) == VoucherState.ISSUED
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (FACE_FEN, 0, 0)
        assert OrderClaim.objects.get().redemption_id is None
        assert counted() == {(0, 0)}
        assert_proven()
        with nothing_moves():
            late = order(alices, store, cast.alice(), order_no="A-1")
            assert refusal_of(late) == "order_reversed"
        assert answer_to(order(alices, store, cast.alice(), order_no="A-2"))[0] == 201

    @pytest.mark.parametrize("capture", [True, False])
    def test_before_the_original_arrives_refuses_it_for_ever(
        self, alices: Voucher, here: Caller, capture: bool
    ) -> None:
        store = cast.nanjing_road()
        status, body = decoded(reversed_(store, "A-1", caller=here))
        assert (status, body["id"], body["state"]) == (200, None, "reversed")
        with nothing_moves():
            late = order(alices, store, cast.alice(), order_no="A-1", capture=capture)
            assert refusal_of(late) == "order_reversed"
        assert_proven()

    def test_again_does_no_harm(
        self, authorisation: Redemption, campaign: Campaign, here: Caller
    ) -> None:
        store = cast.nanjing_road()
        first = reversed_(store, "A-1", caller=here, key="r")
        with nothing_moves():
            replayed = reversed_(store, "A-1", caller=here, key="r")
            assert (replayed.body, replayed.is_replay) == (first.body, True)
            status, body = decoded(reversed_(store, "A-1", caller=here))
            assert (status, body["state"], body["returned_fen"]) == (200, "reversed", 0)
            assert said(reversed_(store, "A-9", caller=here, key="r"))[:2] == (
                422,
                "idempotency_key_reused",
            )

    def test_of_a_voided_order_leaves_a_tombstone(
        self, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        store = cast.nanjing_road()
        voided(authorisation, caller=here)
        assert decoded(reversed_(store, "A-1", caller=here))[1]["returned_fen"] == 0
        assert state_of(authorisation) == RedemptionState.VOIDED
        late = order(alices, store, cast.alice(), order_no="A-1")
        assert refusal_of(late) == "order_reversed"
        assert_proven()

    def test_is_refused_after_the_day_and_leaves_no_tombstone(
        self, authorisation: Redemption, here: Caller
    ) -> None:
        captured(authorisation, caller=here)
        with nothing_moves():
            answer = reversed_(cast.nanjing_road(), "A-1", caller=here, at=MIDNIGHT)
            assert said(answer) == (409, "redemption_state", "reverse_cut_off")
        assert OrderClaim.objects.get().redemption_id == authorisation.pk

    def test_in_another_merchants_store_is_as_if_it_were_not_there(
        self, authorisation: Redemption
    ) -> None:
        rival, here = till_of(cast.rival_shop()), till_of(cast.nanjing_road())
        with nothing_moves():
            foreign = reversed_(cast.nanjing_road(), "A-1", caller=rival)
            assert said(foreign)[:2] == (404, "store_not_found")
            other = reversed_(cast.xujiahui(), "A-1", caller=here)
            assert said(other)[:2] == (404, "store_not_found")
        assert set(Attempt.objects.values_list("code", flat=True)) == {"store_not_found"}

    def test_in_the_sandbox_does_not_know_the_live_order_of_that_number(
        self, authorisation: Redemption
    ) -> None:
        tester = till_of(cast.nanjing_road(), is_test=True)
        status, body = decoded(reversed_(cast.nanjing_road(), "A-1", caller=tester))
        assert (status, body["id"]) == (200, None)
        assert state_of(authorisation) is RedemptionState.AUTHORISED

    def test_works_in_a_store_that_has_closed(self) -> None:
        store = cast.closed_shop()
        assert decoded(reversed_(store, "A-1", caller=till_of(store)))[0] == 200

    @pytest.mark.parametrize(
        ("field", "value"), [("store", ""), ("order_no", "a\x00b"), ("order_no", "A-1 ")]
    )
    def test_of_a_malformed_order_is_refused_naming_the_field(
        self, here: Caller, field: str, value: str
    ) -> None:
        store = cast.nanjing_road()
        store.external_id = value if field == "store" else store.external_id
        with nothing_moves(), pytest.raises(Refused) as refused:
            reversed_(store, value if field == "order_no" else "A-1", caller=here)
        assert refused.value.refusal.code == "malformed_request"
        assert refused.value.refusal.facts["field"] == f"$.{field}"
