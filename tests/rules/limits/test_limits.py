"""Limits: for whom a redemption is counted, in which window, and when no room is left."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from merchants.errors import Refusal
from vouchers.errors import CATALOGUE, explain
from vouchers.rules.limits.limits import (
    COUNTED,
    CounterKey,
    LimitRule,
    Subjects,
    Used,
    business_day,
    counter_keys,
    judge_limits,
    link_no,
    link_nos,
    window_no,
)
from vouchers.states import LimitKind

SHANGHAI = "Asia/Shanghai"
ZONES = (SHANGHAI, "UTC", "Asia/Urumqi", "America/New_York", "Asia/Kathmandu")
WHO = Subjects(resident_id=11, store_id=22, merchant_id=33, links=(44, 55), claim_links=(66, 77))
IDS = {"resident": (11,), "store": (22,), "merchant": (33,), "link": (44, 55), "claim": (66, 77)}
DAYS = tuple(kind for kind in LimitKind if kind.name.endswith("_DAY"))
WEEKS = tuple(kind for kind in LimitKind if kind.name.endswith("_WEEK"))
WHOLE = tuple(kind for kind in LimitKind if kind.name.endswith("_CAMPAIGN"))

instants = st.integers(1_700_000_000, 2_000_000_000).map(
    lambda second: datetime.fromtimestamp(second, UTC)
)
zones = st.sampled_from(ZONES)
kinds = st.sampled_from(sorted(COUNTED))


def local(*when: int) -> datetime:
    """An instant by the clocks of Shanghai."""
    return datetime(*when, tzinfo=ZoneInfo(SHANGHAI))  # type: ignore[arg-type,misc]


class TestWindows:
    def test_a_day_ends_at_midnight_in_shanghai_not_in_greenwich(self) -> None:
        before, midnight = local(2026, 4, 1, 23, 59, 59), local(2026, 4, 2)
        assert business_day(before, SHANGHAI) == date(2026, 4, 1)
        assert business_day(midnight, SHANGHAI) == date(2026, 4, 2)
        for kind in DAYS:
            assert window_no(kind, midnight, SHANGHAI) == window_no(kind, before, SHANGHAI) + 1
        greenwich = datetime(2026, 4, 1, 0, 0, tzinfo=UTC)
        just_before = greenwich - timedelta(seconds=1)
        assert business_day(just_before, SHANGHAI) == business_day(greenwich, SHANGHAI)

    @pytest.mark.parametrize("week", WEEKS)
    def test_a_week_begins_on_monday_at_midnight_in_shanghai(self, week: LimitKind) -> None:
        sunday, monday = local(2026, 4, 5, 23, 59, 59), local(2026, 4, 6)
        assert window_no(week, monday, SHANGHAI) == window_no(week, sunday, SHANGHAI) + 7
        assert window_no(week, monday + timedelta(days=6), SHANGHAI) == window_no(
            week, monday, SHANGHAI
        )

    @given(instants, instants, zones)
    @example(local(2026, 12, 31, 23), local(2027, 1, 1, 1), SHANGHAI)
    def test_two_instants_share_a_week_iff_the_calendar_says_so(
        self, one: datetime, other: datetime, zone: str
    ) -> None:
        weeks = [business_day(at, zone).isocalendar()[:2] for at in (one, other)]
        numbers = [window_no(LimitKind.RESIDENT_WEEK, at, zone) for at in (one, other)]
        assert (numbers[0] == numbers[1]) == (weeks[0] == weeks[1])

    @given(instants, instants, zones, st.sampled_from(DAYS))
    def test_two_instants_share_a_day_iff_the_calendar_says_so(
        self, one: datetime, other: datetime, zone: str, kind: LimitKind
    ) -> None:
        same_day = one.astimezone(ZoneInfo(zone)).date() == other.astimezone(ZoneInfo(zone)).date()
        assert (window_no(kind, one, zone) == window_no(kind, other, zone)) == same_day

    @given(instants, zones)
    def test_a_minute_is_half_open(self, at: datetime, zone: str) -> None:
        start = at.replace(second=0, microsecond=0)
        number = window_no(LimitKind.STORE_MINUTE, start, zone)
        assert number == window_no(LimitKind.STORE_MINUTE, at, zone)
        end = start + timedelta(minutes=1)
        last = end - timedelta(microseconds=1)
        assert window_no(LimitKind.STORE_MINUTE, last, zone) == number
        assert window_no(LimitKind.STORE_MINUTE, end, zone) == number + 1

    @given(instants, instants, zones, st.sampled_from(WHOLE))
    def test_the_whole_campaign_is_one_window(
        self, one: datetime, other: datetime, zone: str, kind: LimitKind
    ) -> None:
        assert window_no(kind, one, zone) == window_no(kind, other, zone)

    @given(instants, st.timedeltas(timedelta(0), timedelta(days=400)), zones, kinds)
    def test_windows_never_run_backwards(
        self, at: datetime, later: timedelta, zone: str, kind: LimitKind
    ) -> None:
        assert window_no(kind, at, zone) <= window_no(kind, at + later, zone)

    @given(instants, kinds)
    def test_the_clock_of_the_caller_makes_no_difference(
        self, at: datetime, kind: LimitKind
    ) -> None:
        elsewhere = at.astimezone(ZoneInfo("America/New_York"))
        assert window_no(kind, elsewhere, SHANGHAI) == window_no(kind, at, SHANGHAI)


class TestCounters:
    @given(st.sets(kinds), instants)
    def test_a_redemption_counts_once_for_every_rule_and_subject(
        self, of: set[LimitKind], at: datetime
    ) -> None:
        rules = [LimitRule(5, kind, 1, None) for kind in of]
        keys = counter_keys(rules, WHO, at, SHANGHAI)
        assert keys == [
            (CounterKey(rule.kind, 5, subject_id, window_no(rule.kind, at, SHANGHAI)), rule)
            for rule in rules
            for subject_id in IDS[LimitKind(rule.kind).name.split("_")[0].lower()]
        ]
        assert len({key for key, _ in keys}) == len(keys)

    def test_every_limit_there_is_is_counted_by_day_week_and_campaign(self) -> None:
        assert set(LimitKind) == COUNTED
        assert {kind.name for kind in LimitKind} == {"STORE_MINUTE"} | {
            f"{subject.upper()}_{window}"
            for subject in IDS
            for window in ("DAY", "WEEK", "CAMPAIGN")
        }

    def test_every_kind_that_is_counted_has_a_refusal(self) -> None:
        for kind in COUNTED:
            rule = LimitRule(1, kind, 0, None)
            keys = counter_keys([rule], WHO, local(2026, 4, 1), SHANGHAI)
            refusal = judge_limits(keys, {}, 1, zone=SHANGHAI)
            assert refusal is not None
            assert refusal.code in CATALOGUE
            assert refusal.rule == LimitKind(kind).name.lower()


class TestJudging:
    @staticmethod
    def judged(rule: LimitRule, used: Used, discount_fen: int = 100) -> Refusal | None:
        keys = counter_keys([rule], WHO, local(2026, 4, 1, 12), SHANGHAI)
        return judge_limits(keys, {key: used for key, _ in keys}, discount_fen, zone=SHANGHAI)

    @given(kinds, st.integers(0, 50), st.integers(0, 50))
    def test_a_limit_by_number_is_inclusive(self, kind: LimitKind, limit: int, used: int) -> None:
        refusal = self.judged(LimitRule(1, kind, limit, None), Used(used, 0))
        assert (refusal is None) == (used + 1 <= limit)

    @given(kinds, st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 5_000))
    def test_a_limit_by_money_is_inclusive(
        self, kind: LimitKind, limit_fen: int, used_fen: int, discount_fen: int
    ) -> None:
        rule = LimitRule(1, kind, None, limit_fen)
        refusal = self.judged(rule, Used(1_000, used_fen), discount_fen)
        assert (refusal is None) == (used_fen + discount_fen <= limit_fen)

    @given(kinds, st.integers(0, 3), st.integers(0, 300), st.integers(0, 3), st.integers(0, 300))
    def test_both_limits_hold_at_once(
        self, kind: LimitKind, limit: int, limit_fen: int, used: int, used_fen: int
    ) -> None:
        refusal = self.judged(LimitRule(1, kind, limit, limit_fen), Used(used, used_fen))
        assert (refusal is None) == (used + 1 <= limit and used_fen + 100 <= limit_fen)

    @given(
        st.lists(st.tuples(kinds, st.integers(1, 3)), unique_by=lambda limit: limit[0]), st.data()
    )
    def test_the_first_limit_without_room_answers(
        self, limits: list[tuple[LimitKind, int]], data: st.DataObject
    ) -> None:
        rules = [LimitRule(1, kind, limit, None) for kind, limit in limits]
        keys = counter_keys(rules, WHO, local(2026, 4, 1), SHANGHAI)
        used = {key: Used(data.draw(st.integers(0, 3)), 0) for key, _ in keys}
        full = [rule for key, rule in keys if used[key].redemptions >= (rule.limit_count or 0)]
        refusal = judge_limits(keys, used, 1, zone=SHANGHAI)
        names = [LimitKind(rule.kind).name.lower() for rule in full]
        assert (refusal.rule if refusal else None) == (names[0] if names else None)

    def test_no_limit_limits_nothing(self) -> None:
        used = Used(2**31, 2**62)
        assert self.judged(LimitRule(1, LimitKind.RESIDENT_DAY, None, None), used) is None

    def test_zero_is_zero(self) -> None:
        assert self.judged(LimitRule(1, LimitKind.RESIDENT_DAY, 0, None), Used(0, 0)) is not None
        assert self.judged(LimitRule(1, LimitKind.RESIDENT_DAY, None, 0), Used(0, 0)) is not None

    @pytest.mark.parametrize(
        ("kind", "code", "next_at"),
        [
            (LimitKind.RESIDENT_DAY, "resident_limit", "2026-04-02"),
            (LimitKind.RESIDENT_CAMPAIGN, "resident_limit", None),
            (LimitKind.MERCHANT_DAY, "merchant_limit", "2026-04-02"),
            (LimitKind.MERCHANT_CAMPAIGN, "merchant_limit", None),
            (LimitKind.STORE_MINUTE, "store_limit", "2026-04-01T12:01:00+08:00"),
            (LimitKind.STORE_DAY, "store_limit", "2026-04-02"),
            (LimitKind.STORE_WEEK, "store_limit", "2026-04-06"),
            (LimitKind.STORE_CAMPAIGN, "store_limit", None),
            (LimitKind.LINK_DAY, "resident_limit", "2026-04-02"),
            (LimitKind.LINK_CAMPAIGN, "resident_limit", None),
        ],
    )
    def test_a_refusal_says_who_is_at_the_limit_and_when_to_come_back(
        self, kind: LimitKind, code: str, next_at: str | None
    ) -> None:
        refusal = self.judged(LimitRule(1, kind, 1, None), Used(1, 0))
        assert refusal is not None
        assert refusal.code == code
        assert refusal.facts["limit"] == "1"
        assert refusal.facts.get("next_at") == next_at
        wording = CATALOGUE[code].wording(refusal.rule)
        assert wording.retryable == (next_at is not None)
        for language in ("en", "zh"):
            assert "–" not in explain(refusal, language)

    def test_a_shared_device_is_refused_as_the_customers_own_limit_and_names_no_resident(
        self,
    ) -> None:
        refusal = self.judged(LimitRule(1, LimitKind.LINK_WEEK, 1, None), Used(1, 0))
        assert refusal is not None
        assert (refusal.code, refusal.rule) == ("resident_limit", "link_week")
        assert set(refusal.facts) == {"limit", "window", "next_at"}

    def test_one_full_link_of_several_is_enough(self) -> None:
        rules = [LimitRule(1, LimitKind.LINK_DAY, 2, None)]
        keys = counter_keys(rules, WHO, local(2026, 4, 1), SHANGHAI)
        (_, _), (second, _) = keys
        assert judge_limits(keys, {second: Used(1, 0)}, 1, zone=SHANGHAI) is None
        assert judge_limits(keys, {second: Used(2, 0)}, 1, zone=SHANGHAI) is not None


class TestSamePerson:
    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 300)), min_size=1, max_size=4),
        st.integers(0, 8),
        st.integers(0, 900),
    )
    def test_a_residents_limit_counts_what_all_members_of_a_merge_have_used(
        self, used: list[tuple[int, int]], limit: int, limit_fen: int
    ) -> None:
        rules = [LimitRule(1, LimitKind.RESIDENT_WEEK, limit, limit_fen)]
        keys = counter_keys(rules, WHO, local(2026, 4, 1), SHANGHAI)
        ((own, _),) = keys
        people = [11, *range(100, 99 + len(used))]
        books = {
            own._replace(subject_id=who): Used(*one) for who, one in zip(people, used, strict=True)
        }
        refusal = judge_limits(keys, books, 100, zone=SHANGHAI, same_person=people[1:])
        count, fen = sum(one for one, _ in used), sum(one for _, one in used)
        assert (refusal is None) == (count + 1 <= limit and fen + 100 <= limit_fen)

    def test_a_merge_joins_no_counters_of_stores_and_merchants(self) -> None:
        for kind in COUNTED:
            keys = counter_keys([LimitRule(1, kind, 1, None)], WHO, local(2026, 4, 1), SHANGHAI)
            books = {key._replace(subject_id=99): Used(1, 0) for key, _ in keys}
            refused = judge_limits(keys, books, 1, zone=SHANGHAI, same_person=[99]) is not None
            assert refused == LimitKind(kind).name.startswith("RESIDENT")


class TestLinks:
    @given(st.binary(min_size=32, max_size=32))
    def test_a_links_number_fits_a_signed_column_and_depends_on_its_first_eight_bytes(
        self, value_hash: bytes
    ) -> None:
        number = link_no(value_hash)
        assert 0 <= number < 2**63
        assert number == link_no(value_hash[:8] + bytes(24))

    def test_numbers_are_the_hashes_bits(self) -> None:
        assert link_no(bytes(7) + b"\x05" + bytes(24)) == 5
        assert link_no(b"\x80" + bytes(6) + b"\x05" + bytes(24)) == 5

    def test_the_device_given_counts_once_beside_the_holders_own_links(self) -> None:
        assert link_nos(of_holder=[9, 3], device=5, shown_by_proxy=False) == (3, 5, 9)
        assert link_nos(of_holder=[9, 3], device=3, shown_by_proxy=False) == (3, 9)
        assert link_nos(of_holder=[9, 3], device=None, shown_by_proxy=False) == (3, 9)

    def test_a_volunteers_phone_is_not_the_elders(self) -> None:
        assert link_nos(of_holder=[9, 3], device=5, shown_by_proxy=True) == (3, 9)
