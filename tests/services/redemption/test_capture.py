"""A capture: the discount is what the terms give on the order as it was paid."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from merchants.auth import Caller
from merchants.errors import Refused
from tests.support import cast, draft_rows
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
    voucher_state,
)
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    till_of,
)
from vouchers.models import (
    Attempt,
    Campaign,
    QuotaBucket,
    Redemption,
    RequestRecord,
    Transfer,
    Voucher,
)
from vouchers.services.campaigns import lifecycle
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.states import (
    AccountKind,
    TransferReason,
    VoucherState,
)

pytestmark = pytest.mark.django_db


class TestCapture:
    """The discount is what the terms give on the order as it was paid."""

    def test_of_the_same_order_makes_the_discount_payable(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        at = NOON + timedelta(minutes=5)
        status, body = decoded(captured(authorisation, caller=here, amount_fen=12_000, at=at))
        assert status == 200
        assert body == {
            "id": authorisation.pk,
            "state": "captured",
            "discount_fen": FACE_FEN,
            "by_source": [{"source": "city", "fen": 1_200}, {"source": "group", "fen": 800}],
            "payable_fen": 10_000,
            "order_amount_fen": 12_000,
            "returned_fen": 0,
            "voucher_usable": False,
            "captured_at": "2026-04-01T04:05:00Z",
        }
        assert voucher_state(alices) == VoucherState.REDEEMED
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 0, FACE_FEN)
        row = Redemption.objects.get(pk=authorisation.pk)
        assert (row.order_amount_fen, row.captured_at) == (12_000, at)
        assert counted() == {(1, FACE_FEN)}
        assert_proven()

    @pytest.mark.parametrize(
        ("final", "code"),
        [
            ({"amount_fen": 9_999}, "below_threshold"),
            ({"amount_fen": 50_000, "eligible_amount_fen": 9_999}, "below_threshold"),
        ],
    )
    def test_below_the_threshold_voids_it_and_says_why(
        self,
        campaign: Campaign,
        alices: Voucher,
        authorisation: Redemption,
        here: Caller,
        final: Mapping[str, Any],
        code: str,
    ) -> None:
        status, body = decoded(captured(authorisation, caller=here, **final))
        assert (status, body["state"], body["code"]) == (200, "voided", code)
        assert (body["discount_fen"], body["payable_fen"]) == (0, final["amount_fen"])
        assert (body["returned_fen"], body["voucher_usable"]) == (FACE_FEN, True)
        assert body["because"] == "The order is ¥0.01 short of the ¥100 this voucher needs."
        assert body["because_zh"] == "订单未满 100元，还差 0.01元。"
        assert voucher_state(alices) == VoucherState.ISSUED
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (FACE_FEN, 0, 0)
        assert counted() == {(0, 0)}
        assert Attempt.objects.get().code == code
        again = order(alices, cast.nanjing_road(), cast.alice(), order_no="A-1")
        assert answer_to(again)[0] == 201
        assert_proven()

    def test_with_nothing_left_to_pay_voids_it(self, here: Caller) -> None:
        campaign = cast.running_campaign(tiers={"flat": (5_000, 5_001)})
        (voucher,) = issue_vouchers(campaign, [cast.alice()], tier="flat")
        redemption = authorised(voucher, cast.nanjing_road(), cast.alice())
        _, body = decoded(captured(redemption, caller=here, amount_fen=5_001))
        assert (body["state"], body["payable_fen"]) == ("captured", 1)

    def test_is_possible_though_the_voucher_and_the_campaign_have_stopped(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        """The promise was made in time."""
        expire_tranche(tranche_id=alices.tranche_id, at=END)
        lifecycle.pause(campaign=campaign, by=cast.mei(), at=END)
        late = NOON + TTL - INSTANT
        _, body = decoded(captured(authorisation, caller=here, at=late))
        assert body["state"] == "captured"
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 0, FACE_FEN)
        assert_proven()

    def test_that_voids_after_the_expiry_sets_the_money_free(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        def citys_room() -> int:
            return QuotaBucket.objects.get(cell__source__code="city").headroom_fen or 0

        before = citys_room()
        expire_tranche(tranche_id=alices.tranche_id, at=END)
        _, body = decoded(captured(authorisation, caller=here, amount_fen=1, at=END))
        assert (body["state"], body["voucher_usable"]) == ("voided", False)
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 0, 0)
        assert totals_fen(campaign)[AccountKind.FREE] == 500_000_000
        assert citys_room() == before + 1_200
        assert_proven()

    def test_is_refused_at_its_end(self, authorisation: Redemption, here: Caller) -> None:
        with nothing_moves():
            answer = captured(authorisation, caller=here, at=NOON + TTL)
            assert said(answer) == (409, "redemption_state", "capture_expired")
        assert Attempt.objects.get().rule == "capture_expired"

    def test_of_what_was_captured_at_once_is_refused(self, alices: Voucher, here: Caller) -> None:
        _, body = answer_to(order(alices, cast.nanjing_road(), cast.alice()))
        redemption = Redemption.objects.get(pk=body["id"])
        with nothing_moves():
            answer = captured(redemption, caller=here)
            assert said(answer) == (409, "redemption_state", "capture_state")

    def test_answers_the_same_key_alike_and_another_order_with_a_refusal(
        self, authorisation: Redemption, here: Caller
    ) -> None:
        first = captured(authorisation, caller=here, key="c")
        with nothing_moves():
            again = captured(authorisation, caller=here, key="c")
            assert (again.body, again.is_replay) == (first.body, True)
            changed = captured(authorisation, caller=here, key="c", amount_fen=10_001)
            assert said(changed)[:2] == (422, "idempotency_key_reused")

    def test_of_another_merchant_or_of_the_sandbox_is_not_found(
        self, authorisation: Redemption
    ) -> None:
        strangers = (till_of(cast.rival_shop()), till_of(cast.nanjing_road(), is_test=True))
        with nothing_moves():
            for caller in strangers:
                assert said(captured(authorisation, caller=caller))[:2] == (404, "not_found")
        assert not RequestRecord.objects.filter(key__startswith="capture").exists()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("order_amount_fen", -1),
            ("order_amount_fen", 0),
            ("order_amount_fen", 100.5),
            ("order_amount_fen", 10_000_000_001),
            ("order_amount_fen", None),
            ("eligible_amount_fen", -1),
            ("eligible_amount_fen", 100_001),
            ("currency", "USD"),
        ],
    )
    def test_of_a_malformed_order_is_refused_naming_the_field(
        self, authorisation: Redemption, here: Caller, field: str, value: object
    ) -> None:
        body: dict[str, Any] = {"amount_fen": 100_000, field: value}
        with nothing_moves(), pytest.raises(Refused) as refused:
            captured(authorisation, caller=here, **body)
        assert refused.value.refusal.code == "malformed_request"
        assert refused.value.refusal.facts["field"] == f"$.{field}"


class TestCaptureOfPercentages:
    """15 % off, at most ¥50, paid 60 to 40: the final order decides how much of it."""

    @pytest.fixture
    def campaign(self) -> Campaign:
        draft = cast.spring_campaign(funding=cast.CO_FUNDED)
        draft_rows.add_percentage_tier(campaign=draft, by=cast.mei(), at=NOON)
        return cast.launched(draft)

    @pytest.fixture
    def alices(self, campaign: Campaign) -> Voucher:
        return issue_vouchers(campaign, [cast.alice()], tier="off15pc", valid_until_at=END)[0]

    @pytest.fixture
    def authorisation(self, alices: Voucher) -> Redemption:
        """¥15.00 of the ¥50.00 set aside, the rest still in hand."""
        store = cast.nanjing_road()
        return authorised(alices, store, cast.alice(), amount_fen=10_000, order_no="A-1")

    def test_the_rest_of_the_face_stays_in_hand(
        self, campaign: Campaign, authorisation: Redemption
    ) -> None:
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (3_500, 1_500, 0)
        assert_proven()

    def test_a_smaller_order_gives_the_difference_back(
        self, campaign: Campaign, authorisation: Redemption, here: Caller
    ) -> None:
        _, body = decoded(captured(authorisation, caller=here, amount_fen=8_007))
        assert (body["discount_fen"], body["returned_fen"]) == (1_201, 299)
        assert [share["fen"] for share in body["by_source"]] == [721, 480]
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (3_799, 0, 1_201)
        assert counted() == {(1, 1_201)}
        assert Transfer.objects.filter(reason=TransferReason.CAPTURE).count() == 1
        assert_proven()

    def test_a_larger_order_gets_no_more_than_was_authorised(
        self, campaign: Campaign, authorisation: Redemption, here: Caller
    ) -> None:
        _, body = decoded(captured(authorisation, caller=here, amount_fen=20_000))
        assert (body["discount_fen"], body["payable_fen"]) == (1_500, 18_500)
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (3_500, 0, 1_500)
        assert_proven()

    def test_an_order_of_a_few_fen_earns_nothing_and_voids_it(
        self, campaign: Campaign, authorisation: Redemption, here: Caller
    ) -> None:
        _, body = decoded(captured(authorisation, caller=here, amount_fen=6))
        assert (body["state"], body["code"]) == ("voided", "payable_too_small")
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (draft_rows.PERCENTAGE_FEN, 0, 0)
        assert_proven()

    def test_the_expiry_sets_the_rest_free_and_the_capture_the_difference(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        def room() -> list[int | None]:
            buckets = QuotaBucket.objects.filter(cell__campaign=campaign)
            of_sources = buckets.exclude(cell__source=None).order_by("cell__source__code")
            return list(of_sources.values_list("headroom_fen", flat=True))

        assert expire_tranche(tranche_id=alices.tranche_id, at=END) == 0
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 1_500, 0)
        assert totals_fen(campaign)[AccountKind.FREE] == 500_000_000 - 1_500
        assert room() == [300_000_000 - 900, 200_000_000 - 600]
        captured(authorisation, caller=here, amount_fen=8_000, at=END)
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 0, 1_200)
        assert totals_fen(campaign)[AccountKind.FREE] == 500_000_000 - 1_200
        assert room() == [300_000_000 - 720, 200_000_000 - 480]
        assert_proven()
