"""Exact caps: which counters a redemption counts in, and whether each still has room."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from merchants.errors import Refusal
from vouchers.states import CapKind

EPOCH = date(1970, 1, 1)


class CapRule(NamedTuple):
    """A limit of a campaign; None does not limit."""

    campaign_id: int
    kind: int
    limit_count: int | None
    limit_fen: int | None


class CounterKey(NamedTuple):
    """One counter: what is counted, of whom, in which window. Sorts in the locking order."""

    kind: int
    campaign_id: int
    subject_id: int
    window_no: int


class Used(NamedTuple):
    """What a counter holds."""

    redemptions: int
    fen: int


NOTHING_USED = Used(0, 0)

_SUBJECT: Mapping[int, str] = {
    CapKind.RESIDENT_DAY: "resident",
    CapKind.RESIDENT_WEEK: "resident",
    CapKind.RESIDENT_CAMPAIGN: "resident",
    CapKind.STORE_MINUTE: "store",
    CapKind.STORE_DAY: "store",
    CapKind.MERCHANT_DAY: "merchant",
    CapKind.MERCHANT_CAMPAIGN: "merchant",
}
COUNTED = frozenset(_SUBJECT)
"""The kinds a redemption is counted by; a cap of another kind can't be promised."""

_WINDOW: Mapping[int, tuple[str, str]] = {
    CapKind.RESIDENT_DAY: ("day", "日"),
    CapKind.RESIDENT_WEEK: ("week", "周"),
    CapKind.RESIDENT_CAMPAIGN: ("campaign", "活动"),
    CapKind.STORE_MINUTE: ("minute", "分钟"),
    CapKind.STORE_DAY: ("day", "日"),
    CapKind.MERCHANT_DAY: ("day", "日"),
    CapKind.MERCHANT_CAMPAIGN: ("campaign", "活动"),
}


class Subjects(NamedTuple):
    """Whom a redemption is counted for."""

    resident_id: int
    store_id: int
    merchant_id: int


def business_day(at: datetime, zone: str) -> date:
    """The calendar day of `at` in the campaign's zone (账务日)."""
    return at.astimezone(ZoneInfo(zone)).date()


def window_no(kind: int, at: datetime, zone: str) -> int:
    """Number of the window `at` falls in: days since 1970-01-01, the Monday of the week, minutes
    since the epoch, or 0 for the whole campaign."""
    if kind == CapKind.STORE_MINUTE:
        return int(at.timestamp()) // 60
    name, _ = _WINDOW[kind]
    if name == "campaign":
        return 0
    days = (business_day(at, zone) - EPOCH).days
    # 1970-01-01 was a Thursday: day −3 was a Monday.
    return days - (days + 3) % 7 if name == "week" else days


def counter_keys(
    rules: Iterable[CapRule], subjects: Subjects, at: datetime, zone: str
) -> list[tuple[CounterKey, CapRule]]:
    """The counters one redemption counts in under its campaign's `rules`."""
    who: Mapping[str, int] = {
        "resident": subjects.resident_id,
        "store": subjects.store_id,
        "merchant": subjects.merchant_id,
    }
    return [
        (
            CounterKey(
                rule.kind,
                rule.campaign_id,
                who[_SUBJECT[rule.kind]],
                window_no(rule.kind, at, zone),
            ),
            rule,
        )
        for rule in rules
    ]


def judge_caps(
    keys: Iterable[tuple[CounterKey, CapRule]],
    used: Mapping[CounterKey, Used],
    discount_fen: int,
) -> Refusal | None:
    """The first cap this redemption would exceed, or None. Limits are inclusive."""
    for key, rule in keys:
        so_far = used.get(key, NOTHING_USED)
        if rule.limit_count is not None and so_far.redemptions + 1 > rule.limit_count:
            return _over(key, {"limit": str(rule.limit_count)})
        if rule.limit_fen is not None and so_far.fen + discount_fen > rule.limit_fen:
            return _over(key, {"limit_fen": rule.limit_fen})
    return None


def _over(key: CounterKey, limit: Mapping[str, str | int]) -> Refusal:
    kind = CapKind(key.kind)
    window, window_zh = _WINDOW[kind]
    facts = {**limit, "window": window, "window_zh": window_zh}
    if kind == CapKind.STORE_MINUTE:
        minute_s = (key.window_no + 1) * 60
        facts["next_at"] = datetime.fromtimestamp(minute_s, UTC).isoformat()
    if kind == CapKind.STORE_DAY:
        facts["next_at"] = (EPOCH + timedelta(days=key.window_no + 1)).isoformat()
    return Refusal(f"{_SUBJECT[kind]}_limit", kind.name.lower(), facts)
