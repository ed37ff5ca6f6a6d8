"""An authorisation does everything a redemption does, but its money only waits."""

from datetime import timedelta

import pytest

from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.standing import (
    FACE_FEN,
    OUTSTANDING_AUTHORISED_PAYABLE,
    TTL,
    counted,
    fen,
    voucher_state,
)
from tests.support.till import (
    answer_to,
    authorised,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    refusal_of,
)
from vouchers.models import (
    Campaign,
    Redemption,
    Voucher,
)
from vouchers.states import (
    LimitKind,
    VoucherState,
)

pytestmark = pytest.mark.django_db


class TestAuthorise:
    """Everything a redemption does, but the money only waits."""

    def test_sets_the_discount_aside_and_says_until_when(
        self, campaign: Campaign, alices: Voucher
    ) -> None:
        request = order(alices, cast.nanjing_road(), cast.alice(), capture=False)
        status, body = answer_to(request)
        assert (status, body["state"], body["discount_fen"]) == (201, "authorised", FACE_FEN)
        assert body["by_source"] == [
            {"source": "city", "fen": 1_200},
            {"source": "group", "fen": 800},
        ]
        assert body["expires_at"] == "2026-04-01T04:15:00Z"
        assert voucher_state(alices) == VoucherState.AUTHORISED
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, FACE_FEN, 0)
        row = Redemption.objects.get(pk=body["id"])
        assert (row.authorised_fen, row.expires_at) == (FACE_FEN, NOON + TTL)
        assert_proven()

    def test_lasts_as_long_as_the_campaign_says(self) -> None:
        draft = cast.spring_campaign()
        Campaign.objects.filter(pk=draft.pk).update(authorise_ttl_s=60)
        draft.refresh_from_db()
        (voucher,) = issue_vouchers(cast.launched(draft), [cast.alice()])
        redemption = authorised(voucher, cast.nanjing_road(), cast.alice())
        assert redemption.expires_at == NOON + timedelta(minutes=1)

    def test_counts_as_a_redemption_does(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1})
        first, second = issue_vouchers(campaign, [cast.alice()] * 2)
        authorised(first, cast.nanjing_road(), cast.alice())
        assert counted() == {(1, FACE_FEN)}
        with nothing_moves():
            request = order(second, cast.nanjing_road(), cast.alice())
            assert refusal_of(request) == "resident_limit"

    def test_keeps_voucher_and_order_for_itself(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption
    ) -> None:
        (other,) = issue_vouchers(campaign, [cast.alice()])
        store, alice = cast.nanjing_road(), cast.alice()
        with nothing_moves():
            assert refusal_of(order(alices, store, alice)) == "voucher_redeemed"
            assert refusal_of(order(alices, store, alice, capture=False)) == "voucher_redeemed"
            assert refusal_of(order(other, store, alice, order_no="A-1")) == "order_already_used"

    def test_and_redeeming_go_in_one_batch(self, campaign: Campaign) -> None:
        vouchers = issue_vouchers(campaign, [cast.resident(f"r{n}") for n in range(6)])
        requests = [
            order(voucher, cast.nanjing_road(), voucher.resident, capture=bool(number % 2))
            for number, voucher in enumerate(vouchers)
        ]
        again = [order(vouchers[0], cast.nanjing_road(), vouchers[0].resident)]
        answers = [decoded(answer) for answer in redeem(requests=[*requests, *again])]
        assert [body.get("state") for _, body in answers[:6]] == ["authorised", "captured"] * 3
        assert answers[6][1]["code"] == "voucher_redeemed"
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 3 * FACE_FEN, 3 * FACE_FEN)
        assert_proven()

    def test_replays_its_answer_and_refuses_to_become_a_redemption(self, alices: Voucher) -> None:
        store, alice = cast.nanjing_road(), cast.alice()
        request = order(alices, store, alice, key="k", capture=False)
        first, again = redeem(requests=[request])[0], redeem(requests=[request])[0]
        assert (again.body, again.is_replay) == (first.body, True)
        with nothing_moves():
            assert refusal_of(order(alices, store, alice, key="k")) == "idempotency_key_reused"
