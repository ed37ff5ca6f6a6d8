"""Authorise, capture, void, reverse, lapse: what each does to money, voucher, order, counters."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from merchants.auth import Caller
from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    refunded,
    refusal_of,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import (
    Attempt,
    Campaign,
    LimitCounter,
    OrderClaim,
    QuotaBucket,
    Redemption,
    RequestRecord,
    Transfer,
    Voucher,
)
from vouchers.services.campaigns import lifecycle, terms
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.redemption import holds, lapse_due
from vouchers.states import (
    AccountKind,
    LimitKind,
    RedemptionState,
    TierKind,
    TransferReason,
    VoucherState,
)

pytestmark = pytest.mark.django_db

FACE_FEN = 2_000
TTL = timedelta(minutes=15)
INSTANT = timedelta(microseconds=1)
MIDNIGHT = NOON + timedelta(hours=12)
END = NOON + timedelta(minutes=10)
"""Some vouchers' end: later than they are authorised, earlier than they are captured."""


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(funding=cast.CO_FUNDED)


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


def fen(campaign: Campaign, *kinds: AccountKind) -> tuple[int, ...]:
    totals = totals_fen(campaign)
    return tuple(totals[kind] for kind in kinds)


def state_of(redemption: Redemption) -> RedemptionState:
    return RedemptionState(Redemption.objects.get(pk=redemption.pk).state)


def voucher_state(voucher: Voucher) -> VoucherState:
    return VoucherState(Voucher.objects.get(pk=voucher.pk).state)


def counted() -> set[tuple[int, int]]:
    """What the counters hold: redemptions and fen."""
    return set(LimitCounter.objects.values_list("used_count", "used_fen"))


def said(answer: Any) -> tuple[int, str, str]:
    """Status, code and rule of a refusal."""
    status, body = decoded(answer)
    return status, body.get("code", ""), body.get("rule", "")


OUTSTANDING_AUTHORISED_PAYABLE = (
    AccountKind.OUTSTANDING,
    AccountKind.AUTHORISED,
    AccountKind.PAYABLE,
)


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
        told: dict[str, Any] = {"amount_fen": 100_000, field: value}
        with nothing_moves(), pytest.raises(Refused) as refused:
            captured(authorisation, caller=here, **told)
        assert refused.value.refusal.code == "malformed_request"
        assert refused.value.refusal.facts["field"] == f"$.{field}"


class TestCaptureOfPercentages:
    """15 % off, at most ¥50, paid 60 to 40: the final order decides how much of it."""

    FACE_FEN = 5_000

    @pytest.fixture
    def campaign(self) -> Campaign:
        draft = cast.spring_campaign(funding=cast.CO_FUNDED)
        terms.add_tier(
            campaign=draft,
            code="off15pc",
            name="八五折",
            kind=TierKind.PERCENT,
            percent_bp=1_500,
            face_fen=self.FACE_FEN,
            split={"city": 3_000, "group": 2_000},
            by=cast.mei(),
            at=NOON,
        )
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
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (self.FACE_FEN, 0, 0)
        assert_proven()

    def test_the_expiry_sets_the_rest_free_and_the_capture_the_difference(
        self, campaign: Campaign, alices: Voucher, authorisation: Redemption, here: Caller
    ) -> None:
        def room() -> list[int | None]:
            cells = QuotaBucket.objects.exclude(cell__source=None).order_by("cell__source__code")
            return list(cells.values_list("headroom_fen", flat=True))

        assert expire_tranche(tranche_id=alices.tranche_id, at=END) == 0
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 1_500, 0)
        assert totals_fen(campaign)[AccountKind.FREE] == 500_000_000 - 1_500
        assert room() == [300_000_000 - 900, 200_000_000 - 600]
        captured(authorisation, caller=here, amount_fen=8_000, at=END)
        assert fen(campaign, *OUTSTANDING_AUTHORISED_PAYABLE) == (0, 0, 1_200)
        assert totals_fen(campaign)[AccountKind.FREE] == 500_000_000 - 1_200
        assert room() == [300_000_000 - 720, 200_000_000 - 480]
        assert_proven()


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

    def test_of_an_order_of_the_other_books_touches_nothing(
        self, authorisation: Redemption
    ) -> None:
        tester = till_of(cast.nanjing_road(), is_test=True)
        with nothing_moves():
            answer = reversed_(cast.nanjing_road(), "A-1", caller=tester)
            assert said(answer)[:2] == (409, "order_already_used")

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


class TestLapse:
    """What nobody captured in time goes back, once."""

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
