"""Exact limits: which counters a redemption counts in, and whether each still has room."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from merchants.errors import Refusal
from vouchers.states import LimitKind

EPOCH = date(1970, 1, 1)


class LimitRule(NamedTuple):
    """A limit of a campaign; None does not limit."""

    campaign_id: int
    kind: int
    limit_count: int | None
    limit_fen: int | None


class CounterKey(NamedTuple):
    """One counter: kind, subject and window. Sorts in the locking order."""

    kind: int
    campaign_id: int
    subject_id: int
    window_no: int


class Used(NamedTuple):
    """What a counter holds."""

    redemptions: int
    fen: int


NOTHING_USED = Used(0, 0)

_KINDS: Mapping[int, tuple[str, str]] = {
    LimitKind.RESIDENT_DAY: ("resident", "day"),
    LimitKind.RESIDENT_WEEK: ("resident", "week"),
    LimitKind.RESIDENT_CAMPAIGN: ("resident", "campaign"),
    LimitKind.LINK_DAY: ("link", "day"),
    LimitKind.LINK_WEEK: ("link", "week"),
    LimitKind.LINK_CAMPAIGN: ("link", "campaign"),
    LimitKind.STORE_MINUTE: ("store", "minute"),
    LimitKind.STORE_DAY: ("store", "day"),
    LimitKind.STORE_WEEK: ("store", "week"),
    LimitKind.STORE_CAMPAIGN: ("store", "campaign"),
    LimitKind.MERCHANT_DAY: ("merchant", "day"),
    LimitKind.MERCHANT_WEEK: ("merchant", "week"),
    LimitKind.MERCHANT_CAMPAIGN: ("merchant", "campaign"),
    LimitKind.CLAIM_DAY: ("claim", "day"),
    LimitKind.CLAIM_WEEK: ("claim", "week"),
    LimitKind.CLAIM_CAMPAIGN: ("claim", "campaign"),
}
"""By kind what a counter counts, and in which window."""

COUNTED = frozenset(_KINDS)
"""The kinds a redemption or a claim is counted by; a limit of another kind can't be promised."""

BY_LINK = frozenset(kind for kind, (subject, _) in _KINDS.items() if subject == "link")

OF_CLAIMS = frozenset(kind for kind, (subject, _) in _KINDS.items() if subject == "claim")
"""The kinds a claim is counted by, for each of its links; a redemption is not."""

SHARED = frozenset(
    kind for kind, (subject, _) in _KINDS.items() if subject in {"store", "merchant"}
)
"""The kinds whose counters redemptions of different people share. They are read without a lock and
added to last; the row's CHECK refuses more than the limit, and the batch runs again."""

# A shared device is refused like the customer's own limit: it does not show whose else it is.
_REFUSED_AS: Mapping[str, str] = {
    "resident": "resident_limit",
    "link": "resident_limit",
    "claim": "resident_limit",
    "store": "store_limit",
    "merchant": "merchant_limit",
}

LINK_BITS: Final = 63


class Subjects(NamedTuple):
    """The subjects a redemption is counted for, and of a claim those of `OF_CLAIMS`. `links` and
    `claim_links` are `link_no`s, each once."""

    resident_id: int
    store_id: int
    merchant_id: int
    links: tuple[int, ...] = ()
    claim_links: tuple[int, ...] = ()


def link_no(value_hash: bytes) -> int:
    """The number a link (device, phone, card, account) is counted under: the first 63 bits of its
    keyed hash's first 8 bytes, so that it fits a signed column.

    Two of n links share a number with a chance of about n² / 2⁶⁴: 5 in a million for ten million
    links. Then they share one limit: some residents are refused early, none gets more.
    """
    return int.from_bytes(value_hash[:8]) & ((1 << LINK_BITS) - 1)


def link_nos(
    *, of_holder: Iterable[int], device: int | None, shown_by_proxy: bool
) -> tuple[int, ...]:
    """The links a redemption or a claim counts for, ascending: the holder's own, and the device
    named with it. A declared proxy's device is not the holder's, so it does not count: a volunteer
    may serve five elders with one phone."""
    shown = () if device is None or shown_by_proxy else (device,)
    return tuple(sorted({*of_holder, *shown}))


def business_day(at: datetime, zone: str) -> date:
    """The calendar day of `at` in the campaign's zone (账务日)."""
    return at.astimezone(ZoneInfo(zone)).date()


def local_time(at: datetime, zone: str) -> str:
    """`at` in ISO 8601 with the zone's offset, as the facts of a refusal have it."""
    return at.astimezone(ZoneInfo(zone)).isoformat()


def window_no(kind: int, at: datetime, zone: str) -> int:
    """Number of the window `at` falls in: days since 1970-01-01, the Monday of the week, minutes
    since the epoch, or 0 for the whole campaign."""
    if kind == LimitKind.STORE_MINUTE:
        return int(at.timestamp()) // 60
    _, window = _KINDS[kind]
    if window == "campaign":
        return 0
    days = (business_day(at, zone) - EPOCH).days
    # 1970-01-01 was a Thursday: day −3 was a Monday.
    return days - (days + 3) % 7 if window == "week" else days


def counter_keys(
    rules: Iterable[LimitRule], subjects: Subjects, at: datetime, zone: str
) -> list[tuple[CounterKey, LimitRule]]:
    """The counters one redemption or claim counts in under its campaign's `rules`: of a limit on
    links one for each link."""
    who: Mapping[str, Sequence[int]] = {
        "resident": (subjects.resident_id,),
        "link": subjects.links,
        "claim": subjects.claim_links,
        "store": (subjects.store_id,),
        "merchant": (subjects.merchant_id,),
    }
    return [
        (
            CounterKey(rule.kind, rule.campaign_id, subject_id, window_no(rule.kind, at, zone)),
            rule,
        )
        for rule in rules
        for subject_id in who[_KINDS[rule.kind][0]]
    ]


def judge_limits(
    keys: Iterable[tuple[CounterKey, LimitRule]],
    used: Mapping[CounterKey, Used],
    discount_fen: int,
    *,
    zone: str,
    same_person: Collection[int] = (),
) -> Refusal | None:
    """The first limit this redemption, or claim, would exceed, or None. Limits are inclusive.

    `same_person` are the other residents that a merge declares to be the holder: each keeps
    counters of their own, but a resident's limit is one for all of them together.
    """
    for key, rule in keys:
        so_far = _used_by(counters_of_person(key, same_person), used)
        if rule.limit_count is not None and so_far.redemptions + 1 > rule.limit_count:
            return _over(key, {"limit": str(rule.limit_count)}, zone)
        if rule.limit_fen is not None and so_far.fen + discount_fen > rule.limit_fen:
            return _over(key, {"limit_fen": rule.limit_fen}, zone)
    return None


def counters_of_person(key: CounterKey, same_person: Collection[int]) -> list[CounterKey]:
    """The counters that a limit on `key` looks at: its own, and those of the same person."""
    if _KINDS[key.kind][0] != "resident":
        return [key]
    return [key, *(key._replace(subject_id=resident_id) for resident_id in same_person)]


def _used_by(keys: Iterable[CounterKey], used: Mapping[CounterKey, Used]) -> Used:
    found = [used.get(key, NOTHING_USED) for key in keys]
    return Used(sum(one.redemptions for one in found), sum(one.fen for one in found))


def _over(key: CounterKey, limit: Mapping[str, str | int], zone: str) -> Refusal:
    kind = LimitKind(key.kind)
    subject, window = _KINDS[kind]
    facts = {**limit, "window": window}
    if window != "campaign":
        facts["next_at"] = _next_window(window, key.window_no, zone)
    return Refusal(_REFUSED_AS[subject], kind.name.lower(), facts)


def _next_window(window: str, number: int, zone: str) -> str:
    """When the next one begins: an instant after a minute, else a day of the campaign's zone."""
    if window == "minute":
        return local_time(datetime.fromtimestamp((number + 1) * 60, UTC), zone)
    return (EPOCH + timedelta(days=number + (7 if window == "week" else 1))).isoformat()
