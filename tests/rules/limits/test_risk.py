"""Risk rules on frozen facts: figures at their very edge."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.cast import NOON
from vouchers.rules.limits.risk import Finding, findings_on, verdict_on
from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule, RuleSet, check_rule, with_rule
from vouchers.rules.limits.tallies import (
    LOCKED,
    NOTHING_SEEN,
    Place,
    RiskCase,
    Seen,
    Tally,
    counted,
    hugs,
    subject_no,
)
from vouchers.states import RiskKind, RiskSetting, RiskVerdict, TallyKind

HERE, THERE = Place(121.4737, 31.2304), Place(121.4365, 31.1955)
STORE, OTHER = 10, 11
PLACES = {STORE: HERE, OTHER: THERE}
HOUR = timedelta(hours=1)


def rule(
    kind: RiskKind,
    verdict: RiskVerdict = RiskVerdict.REFUSE,
    setting: RiskSetting = RiskSetting.LIVE,
    **parameters: int,
) -> RiskRule:
    usual = {name: bounds.default for name, bounds in PARAMETERS[kind].items()}
    return RiskRule(kind, setting, verdict, usual | parameters)


def case(*rules: RiskRule, **facts: Any) -> RiskCase:
    usual: dict[str, Any] = {
        "campaign_id": 1,
        "zone": "Asia/Shanghai",
        "at": NOON,
        "holder_id": 5,
        "shopper_id": 5,
        "store_id": STORE,
        "merchant_id": 3,
        "terminal": "T1",
        "stray_terminal": "",
        "device": "d",
        "is_in_store": True,
        "counts_fen": 60_000,
        "threshold_fen": 10_000,
        "shown_at": None,
    }
    return RiskCase(rules=RuleSet(7, 1, rules), **(usual | facts))


def notices(looked_at: RiskCase, tallies: dict[TallyKind, Tally] | None = None) -> list[RiskKind]:
    seen = Seen(tallies or {}, 2_000, PLACES)
    return [found.rule.kind for found in findings_on(looked_at, seen)]


class TestNight:
    @pytest.mark.parametrize(
        ("start", "end", "hour", "is_night"),
        [
            (23, 6, 23, True),
            (23, 6, 5, True),
            (23, 6, 6, False),
            (23, 6, 22, False),
            (1, 5, 1, True),
            (1, 5, 5, False),
            (1, 5, 0, False),
            (0, 0, 0, False),
        ],
    )
    def test_half_open_and_over_midnight(
        self, start: int, end: int, hour: int, *, is_night: bool
    ) -> None:
        night = rule(RiskKind.NIGHT_HOURS, from_hour=start, to_hour=end)
        at = NOON + timedelta(hours=hour - 12)
        assert bool(notices(case(night, at=at))) == is_night


class TestTravel:
    def travelled(self, **of: Any) -> list[RiskKind]:
        """From the other store, an hour ago by default; 5.25 km."""
        travel = rule(RiskKind.IMPOSSIBLE_TRAVEL, **of.pop("limits", {}))
        looked_at = case(travel, **of.pop("facts", {}))
        before = Tally(1, 0, of.pop("last_at", NOON - HOUR), of.pop("last_store", OTHER))
        return notices(looked_at, {TallyKind.SHOPPER: before})

    def test_speed_is_judged_at_its_edge(self) -> None:
        kmh = {"metres": 0, "km_per_hour": 6}
        assert self.travelled(limits=kmh) == []
        assert self.travelled(limits=kmh | {"km_per_hour": 5}) == [RiskKind.IMPOSSIBLE_TRAVEL]

    def test_an_order_uploaded_late_is_judged_by_the_time_between(self) -> None:
        kmh = {"metres": 0, "km_per_hour": 6}
        assert self.travelled(limits=kmh, last_at=NOON + HOUR) == []

    def test_the_same_store_or_an_unknown_place_does_not_count_as_travel(self) -> None:
        kmh = {"metres": 0, "km_per_hour": 1}
        assert self.travelled(limits=kmh, last_store=STORE) == []
        assert self.travelled(limits=kmh, last_store=99) == []

    def test_a_proxy_travels_and_not_the_holder(self) -> None:
        travel = rule(RiskKind.IMPOSSIBLE_TRAVEL)
        assert case(travel, shopper_id=6).keys == case(travel, holder_id=8, shopper_id=6).keys


class TestHugging:
    @pytest.mark.parametrize(
        ("counts_fen", "is_hugging"),
        [(9_999, False), (10_000, True), (10_200, True), (10_201, False)],
    )
    def test_from_the_threshold_to_two_per_cent_above(
        self, counts_fen: int, *, is_hugging: bool
    ) -> None:
        looked_at = case(rule(RiskKind.THRESHOLD_HUGGING), counts_fen=counts_fen)
        assert hugs(looked_at, 2) == is_hugging

    def test_without_a_threshold_nothing_hugs(self) -> None:
        looked_at = case(rule(RiskKind.THRESHOLD_HUGGING), counts_fen=1, threshold_fen=0)
        assert not hugs(looked_at, 100)


class TestCounting:
    def counted(
        self, looked_at: RiskCase, tallies: dict[TallyKind, Tally] | None = None
    ) -> dict[int, Tally]:
        """By kind what stands afterwards."""
        after = counted(looked_at, Seen(tallies or {}, 2_000, {}))
        return {key.kind: tally for key, tally in after.items()}

    def test_a_pair_counts_its_subject_once(self) -> None:
        looked_at = case(rule(RiskKind.DEVICE_SHARED))
        first = self.counted(looked_at)
        assert first.keys() == {TallyKind.DEVICE_HOLDER, TallyKind.DEVICE_HOLDERS}
        again = {TallyKind(kind): tally for kind, tally in first.items()}
        assert self.counted(looked_at, again) == {}

    def test_a_second_one_of_a_pair_counts_too(self) -> None:
        before = {TallyKind.DEVICE_HOLDERS: Tally(1, 2_000, NOON, STORE)}
        after = self.counted(case(rule(RiskKind.DEVICE_SHARED)), before)
        assert after[TallyKind.DEVICE_HOLDERS].redemptions == 2

    def test_the_latest_time_and_place_are_never_set_back(self) -> None:
        later: datetime = NOON + HOUR
        before = {TallyKind.SHOPPER: Tally(1, 0, later, OTHER)}
        after = self.counted(case(rule(RiskKind.IMPOSSIBLE_TRAVEL)), before)
        assert after == {TallyKind.SHOPPER: Tally(2, 2_000, later, OTHER)}

    def test_refunds_are_not_counted_by_redemptions(self) -> None:
        looked_at = case(rule(RiskKind.REFUND_RATE))
        assert self.counted(looked_at).keys() == {TallyKind.STORE}

    def test_keys_are_in_the_writing_order_one_of_a_kind(self) -> None:
        keys = case(*(rule(kind) for kind in RiskKind), stray_terminal="N9").keys
        assert list(keys.values()) == sorted(keys.values())
        assert list(keys) == [key.kind for key in keys.values()] == sorted(TallyKind)

    @pytest.mark.parametrize("kind", RiskKind)
    def test_unlocked_counters_are_read_along_with_locked_ones(self, kind: RiskKind) -> None:
        keys = case(rule(kind)).keys
        assert not keys or not LOCKED.isdisjoint(keys)

    def test_numbers_are_compared_folded(self) -> None:
        device = rule(RiskKind.DEVICE_SHARED)
        assert case(device, device="d-1").keys == case(device, device="D-1").keys
        assert 0 <= subject_no("device", "D") < 1 << 63

    @pytest.mark.parametrize("facts", [{"device": ""}, {"shopper_id": 6}])
    def test_a_device_is_tallied_only_where_it_is_the_holders(self, facts: dict[str, Any]) -> None:
        assert not case(rule(RiskKind.DEVICE_SHARED), **facts).keys

    def test_nothing_was_seen_of_a_new_subject(self) -> None:
        assert Seen({}, 0, {}).before(TallyKind.SHOPPER) == NOTHING_SEEN


class TestVerdict:
    def found(self, *rules: RiskRule) -> Finding | None:
        return verdict_on([Finding(each, "store", STORE, {}) for each in rules])

    def test_the_gravest_live_verdict_decides_and_of_equals_the_first(self) -> None:
        hold = rule(RiskKind.NIGHT_HOURS, RiskVerdict.HOLD)
        refuse = rule(RiskKind.SPLIT_ORDERS, RiskVerdict.REFUSE)
        also = rule(RiskKind.MERCHANT_DAY, RiskVerdict.REFUSE)
        found = self.found(hold, refuse, also)
        assert found is not None
        assert found.rule is refuse

    def test_shadow_and_pay_decide_nothing(self) -> None:
        shadow = rule(RiskKind.NIGHT_HOURS, RiskVerdict.REFUSE, RiskSetting.SHADOW)
        assert self.found(shadow, rule(RiskKind.SPLIT_ORDERS, RiskVerdict.PAY)) is None
        assert self.found() is None


class TestVersions:
    def test_a_rule_that_is_off_is_not_looked_at(self) -> None:
        off = rule(RiskKind.SPLIT_ORDERS, setting=RiskSetting.OFF).document
        live = rule(RiskKind.NIGHT_HOURS).document
        rules = RuleSet.of([1, 1, [off, live]])
        assert rules is not None
        assert [each.kind for each in rules.rules] == [RiskKind.NIGHT_HOURS]
        assert RuleSet.of([1, 1, [off]]) is RuleSet.of(None) is None

    def test_a_changed_rule_takes_the_place_of_its_kind(self) -> None:
        first = with_rule([], rule(RiskKind.NIGHT_HOURS))
        second = with_rule(first, rule(RiskKind.SPLIT_ORDERS, minutes=3))
        third = with_rule(second, rule(RiskKind.SPLIT_ORDERS, minutes=4))
        assert [item["kind"] for item in third] == ["split_orders", "night_hours"]
        assert third[0]["parameters"] == {"minutes": 4}

    @pytest.mark.parametrize("kind", RiskKind)
    def test_the_usual_figures_are_within_the_bounds(self, kind: RiskKind) -> None:
        assert check_rule(rule(kind)) is None

    @pytest.mark.parametrize("value", [True, 1.0, "1", None])
    def test_only_whole_numbers_are_figures(self, value: Any) -> None:
        refusal = check_rule(rule(RiskKind.SPLIT_ORDERS, minutes=value))
        assert refusal is not None
        assert refusal.rule == "bounds"
