"""Every risk rule just below and just above its figure, through the whole path of a redemption."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from merchants.models import Store
from merchants.services import enrol_terminal
from tests.support import cast
from tests.support.cast import DAY, NOON, PEOPLES_SQUARE, north_of
from tests.support.risk import Watched, rule
from tests.support.till import (
    answer_to,
    issue_vouchers,
    merchant_of,
    order,
    redeem,
    refunded,
    till_of,
    voided,
)
from vouchers.models import Campaign, Proxy, Redemption, Resident, RiskTally, Signal
from vouchers.states import RiskKind

pytestmark = pytest.mark.django_db

Fields = dict[str, Any]
FACE_FEN = 2_000
MINUTE = timedelta(minutes=1)


def used(
    campaign: Campaign,
    *,
    by: Resident | None = None,
    of: Resident | None = None,
    store: Store | None = None,
    at: datetime = NOON,
    **fields: Any,
) -> str:
    """Use a fresh voucher; "201", or the code of the refusal."""
    holder = of or by or cast.alice()
    (voucher,) = issue_vouchers(campaign, [holder])
    place = store or cast.nanjing_road()
    status, body = answer_to(order(voucher, place, by or holder, at=at, **fields))
    return "201" if status == 201 else str(body["code"])


def kinds() -> list[str]:
    """The kinds of the signals there are."""
    return list(Signal.objects.order_by("id").values_list("kind", flat=True))


class TestTerminalMinute:
    def test_as_many_as_allowed_pass_in_a_minute_and_no_more(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=2))
        assert [used(campaign) for _ in range(3)] == ["201", "201", "risk_refused"]
        assert Redemption.objects.count() == 2
        assert used(campaign, at=NOON + MINUTE) == "201"

    def test_an_enrolled_till_cannot_hide_behind_other_numbers(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=1))
        assert used(campaign, terminal="A") == "201"
        assert used(campaign) == used(campaign, terminal="B") == "risk_refused"
        assert Redemption.objects.get().terminal == "T1", "what the key says, not the order"

    def test_numbers_that_no_till_of_the_store_has_are_one_till(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=2))
        enrol_terminal(store=cast.xujiahui(), code="X9")
        key = merchant_of(cast.nanjing_road())
        sent = [used(campaign, caller=key, terminal=f"X{n}") for n in range(3)]
        assert sent == ["201", "201", "risk_refused"]
        assert used(campaign, caller=key) == "risk_refused", "as do orders that name none"
        assert used(campaign, caller=key, terminal="X9") == "risk_refused", "of another store"
        assert used(campaign) == "201", "the enrolled till has not been there"
        kept = Redemption.objects.order_by("id").values_list("terminal", flat=True)
        assert list(kept) == ["X0", "X1", "T1"], "the evidence says what was sent"

    def test_a_till_on_file_is_the_same_whoever_s_key_names_it(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=2))
        enrol_terminal(store=cast.nanjing_road(), code="T1")
        enrol_terminal(store=cast.nanjing_road(), code="T2")
        key = merchant_of(cast.nanjing_road())
        assert used(campaign) == used(campaign, caller=key, terminal="t1") == "201"
        assert used(campaign) == used(campaign, caller=key, terminal="T1") == "risk_refused"
        assert used(campaign, caller=key, terminal="T2") == used(campaign, caller=key) == "201"
        kept = Redemption.objects.order_by("id").values_list("terminal", flat=True)
        assert list(kept) == ["T1", "T1", "T2", ""]

    def test_another_till_has_a_minute_of_its_own(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=1))
        assert used(campaign) == used(campaign, store=cast.xujiahui()) == "201"

    def test_in_one_batch_they_add_up(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=2))
        vouchers = issue_vouchers(campaign, [cast.alice()] * 4)
        store, alice = cast.nanjing_road(), cast.alice()
        answers = redeem(requests=[order(voucher, store, alice) for voucher in vouchers])
        assert [answer.status for answer in answers] == [201, 201, 422, 422]


class TestMerchantDay:
    def test_the_last_fen_may_be_used_and_no_more(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.MERCHANT_DAY, fen=2 * FACE_FEN))
        assert used(campaign) == used(campaign, store=cast.xujiahui()) == "201"
        assert used(campaign) == "risk_refused"
        assert used(campaign, at=NOON + DAY) == "201"

    def test_a_fen_less_is_too_little(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.MERCHANT_DAY, fen=2 * FACE_FEN - 1))
        assert [used(campaign), used(campaign)] == ["201", "risk_refused"]


class TestDeviceShared:
    def test_one_resident_more_than_allowed_is_refused(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.DEVICE_SHARED, people=2))
        alice, carol, bob = cast.alice(), cast.carol(), cast.bob()
        assert used(campaign, by=alice, device="d-1") == "201"
        assert used(campaign, by=alice, device="D-1") == "201"
        assert used(campaign, by=carol, device="d-1") == "201"
        assert used(campaign, by=bob, device="D-1") == "risk_refused"
        assert used(campaign, by=alice, device="d-1") == "201"
        assert used(campaign, by=bob, device="d-2") == used(campaign, by=bob) == "201"

    def test_a_declared_proxy_serves_elders_with_one_device(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.DEVICE_SHARED, people=1))
        elders = [cast.resident(f"elder{number}") for number in range(3)]
        for elder in elders:
            Proxy.objects.create(holder=elder, proxy=cast.carol(), declared_at=NOON)
        codes = [used(campaign, of=elder, by=cast.carol(), device="d") for elder in elders]
        assert codes == ["201"] * 3


class TestStoreDistance:
    def test_a_position_within_reach_passes_and_one_beyond_does_not(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.STORE_DISTANCE, metres=1_000))
        for km, code in ((0.99, "201"), (1.01, "risk_refused")):
            longitude, latitude = north_of(PEOPLES_SQUARE, km=km)
            shown: Fields = {"longitude": longitude, "latitude": latitude, "datum": "WGS-84"}
            assert used(campaign, **shown) == code
        (signal,) = Signal.objects.all()
        assert signal.facts["limit_m"] == 1_000
        assert 1_000 < int(signal.facts["distance_m"]) < 1_020

    def test_a_position_is_read_in_its_datum(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.STORE_DISTANCE, metres=100))
        longitude, latitude = PEOPLES_SQUARE
        shown: Fields = {"longitude": longitude, "latitude": latitude}
        assert used(campaign, **shown, datum="WGS-84") == "201"
        assert used(campaign, **shown, datum="GCJ-02") == "risk_refused"

    def test_what_is_delivered_or_shows_no_position_is_not_judged(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.STORE_DISTANCE, metres=1))
        far: Fields = {"longitude": 121.0, "latitude": 31.0, "datum": "WGS-84"}
        assert used(campaign) == used(campaign, order_kind="delivered", **far) == "201"


class TestImpossibleTravel:
    """Xujiahui is 5.2 km from Nanjing Road: at 60 km/h five minutes and a quarter."""

    def test_who_could_have_travelled_passes_and_who_could_not_does_not(
        self, watched: Watched
    ) -> None:
        campaign = watched(rule(RiskKind.IMPOSSIBLE_TRAVEL, km_per_hour=60, metres=0))
        assert used(campaign, at=NOON) == "201"
        assert used(campaign, store=cast.xujiahui(), at=NOON + 5 * MINUTE) == "risk_refused"
        assert used(campaign, store=cast.xujiahui(), at=NOON + 6 * MINUTE) == "201"
        assert used(campaign, store=cast.xujiahui(), at=NOON + 6 * MINUTE) == "201"

    def test_neighbouring_shops_do_not_count_as_travel(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.IMPOSSIBLE_TRAVEL, km_per_hour=60, metres=6_000))
        assert used(campaign) == used(campaign, store=cast.xujiahui()) == "201"

    def test_an_order_to_be_delivered_is_nowhere(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.IMPOSSIBLE_TRAVEL, km_per_hour=60, metres=0))
        assert used(campaign) == "201"
        assert used(campaign, store=cast.xujiahui(), order_kind="delivered") == "201"


class TestThresholdHugging:
    """Off20 has a threshold of ¥100; within 2 % is up to ¥102."""

    def test_only_orders_that_hug_speak_and_only_beyond_the_share(self, watched: Watched) -> None:
        hugging = rule(RiskKind.THRESHOLD_HUGGING, share_percent=50, orders=4)
        campaign = watched(hugging)
        amounts_fen = (10_000, 10_201, 10_200, 60_000)
        assert [used(campaign, amount_fen=fen) for fen in amounts_fen] == ["201"] * 4
        # 3 of 5, more than half.
        assert used(campaign, amount_fen=10_100) == "risk_refused"
        assert used(campaign, amount_fen=10_201) == "201"

    def test_exactly_the_share_passes(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.THRESHOLD_HUGGING, share_percent=50, orders=2))
        assert used(campaign, amount_fen=60_000) == used(campaign, amount_fen=10_000) == "201"
        assert used(campaign, amount_fen=10_000) == "risk_refused"


class TestSplitOrders:
    def test_a_second_order_within_minutes_is_refused_and_a_later_one_not(
        self, watched: Watched
    ) -> None:
        campaign = watched(rule(RiskKind.SPLIT_ORDERS, minutes=10))
        assert used(campaign) == "201"
        assert used(campaign, at=NOON + 10 * MINUTE) == "risk_refused"
        assert used(campaign, at=NOON + 10 * MINUTE + timedelta(seconds=1)) == "201"
        assert used(campaign, store=cast.xujiahui()) == used(campaign, by=cast.carol()) == "201"


class TestNightHours:
    def test_the_night_begins_and_ends_on_the_full_hour_of_the_campaign(
        self, watched: Watched
    ) -> None:
        campaign = watched(rule(RiskKind.NIGHT_HOURS, from_hour=23, to_hour=6))
        eleven = NOON + timedelta(hours=11)
        assert used(campaign, at=eleven - MINUTE) == "201"
        assert used(campaign, at=eleven) == "risk_refused"
        assert used(campaign, at=eleven + timedelta(hours=7) - MINUTE) == "risk_refused"
        assert used(campaign, at=eleven + timedelta(hours=7)) == "201"


class TestFewPeople:
    def test_many_orders_of_the_same_two_are_refused_and_a_third_person_is_not(
        self, watched: Watched
    ) -> None:
        campaign = watched(rule(RiskKind.FEW_PEOPLE, orders=4, people=2))
        alice, carol, bob = cast.alice(), cast.carol(), cast.bob()
        assert [used(campaign, by=one) for one in (alice, carol, alice)] == ["201"] * 3
        assert used(campaign, by=carol) == "risk_refused"
        assert used(campaign, by=bob) == used(campaign, by=carol) == "201"


class TestTerminalRoaming:
    def test_a_number_not_on_file_in_two_stores_of_a_merchant_a_day(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_ROAMING, stores=1))
        enrol_terminal(store=cast.nanjing_road(), code="N8")
        named: Fields = {"caller": merchant_of(cast.nanjing_road()), "terminal": "n9"}
        assert used(campaign, **named) == used(campaign, **named | {"terminal": "N9"}) == "201"
        assert used(campaign, store=cast.xujiahui(), **named) == "risk_refused"
        assert used(campaign, store=cast.xujiahui(), at=NOON + DAY, **named) == "201"
        assert used(campaign, store=cast.xujiahui(), **named | {"terminal": "N8"}) == "201"

    def test_two_stores_both_have_a_till_t1(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.TERMINAL_ROAMING, stores=1))
        stores = (cast.nanjing_road(), cast.xujiahui())
        assert [used(campaign, store=store) for store in stores] == ["201", "201"]
        for store in stores:
            enrol_terminal(store=store, code="T1")
        named: Fields = {"caller": merchant_of(cast.nanjing_road()), "terminal": "T1"}
        assert [used(campaign, store=store, **named) for store in stores] == ["201", "201"]


class TestRefundRate:
    def test_a_store_that_refunds_more_than_its_share(self, watched: Watched) -> None:
        campaign = watched(rule(RiskKind.REFUND_RATE, share_percent=50, orders=2))
        assert used(campaign) == used(campaign) == used(campaign) == "201"
        till = till_of(cast.nanjing_road())
        first, second, _ = Redemption.objects.order_by("id")
        assert refunded(first, caller=till).status == 200
        assert used(campaign) == "201"
        assert refunded(second, caller=till).status == 200
        assert used(campaign) == "201"
        third = Redemption.objects.order_by("-id")[0]
        assert refunded(third, caller=till).status == 200
        # 3 of 5.
        assert used(campaign) == "risk_refused"
        assert used(campaign, store=cast.xujiahui()) == "201"


def test_what_was_undone_goes_on_counting(watched: Watched) -> None:
    campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=1))
    assert used(campaign) == "201"
    voided(Redemption.objects.get(), caller=till_of(cast.nanjing_road()))
    assert used(campaign) == "risk_refused"


def test_without_rules_nothing_is_tallied(campaign: Campaign) -> None:
    assert used(campaign) == "201"
    assert not RiskTally.objects.exists()
