"""A redemption judged by the risk rules of its campaign. Pure.

A rule looks at the redemption itself and at tallies of what was before (`tallies`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from merchants.errors import Fact
from merchants.geo import distance_m, is_farther_m
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.rules.limits.tallies import RiskCase, Seen, hugs
from vouchers.states import RiskKind, RiskSetting, RiskVerdict, TallyKind

Facts = dict[str, Fact]


class Finding(NamedTuple):
    """What a rule noticed about a subject, and the facts it was decided on."""

    rule: RiskRule
    subject: str
    subject_id: int
    facts: Facts


def findings_on(case: RiskCase, seen: Seen) -> list[Finding]:
    """What the rules in force notice, in the order of the rules."""
    found = ((rule, _NOTICES[rule.kind](case, seen, rule.parameters)) for rule in case.rules.rules)
    return [
        Finding(rule, *_SUBJECTS[rule.kind](case), facts)
        for rule, facts in found
        if facts is not None
    ]


def verdict_on(findings: Sequence[Finding]) -> Finding | None:
    """The finding that decides: the first of a live rule with the gravest verdict; None pays."""
    live = [found for found in findings if found.rule.setting is RiskSetting.LIVE]
    for verdict in (RiskVerdict.REFUSE, RiskVerdict.HOLD):
        for found in live:
            if found.rule.verdict is verdict:
                return found
    return None


# What the rules notice


Parameters = Mapping[str, int]
Notice = Callable[[RiskCase, Seen, Parameters], Facts | None]


def _terminal_minute(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    orders = seen.before(TallyKind.TERMINAL_MINUTE).redemptions + 1
    if orders <= limits["orders"]:
        return None
    return {"terminal": case.terminal, "orders": orders, "limit": limits["orders"]}


def _merchant_day(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    fen = seen.before(TallyKind.MERCHANT_DAY).fen + seen.discount_fen
    return {"subsidy_fen": fen, "limit_fen": limits["fen"]} if fen > limits["fen"] else None


def _device_shared(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    if not case.is_on_own_device:
        return None
    is_new = seen.is_first(TallyKind.DEVICE_HOLDER)
    people = seen.before(TallyKind.DEVICE_HOLDERS).redemptions + is_new
    if people <= limits["people"]:
        return None
    return {"device": case.device, "people": people, "limit": limits["people"]}


def _store_distance(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    """An order that is delivered, or shows no position, or whose store has none, is not judged."""
    shown, store = case.shown_at, seen.places.get(case.store_id)
    if not case.is_in_store or shown is None or store is None:
        return None
    if not is_farther_m(*store, *shown, limits["metres"]):
        return None
    return {"distance_m": round(distance_m(*store, *shown)), "limit_m": limits["metres"]}


def _impossible_travel(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    """Within `metres` nothing is noticed: neighbours' clocks and doors are not that exact."""
    before = seen.before(TallyKind.SHOPPER)
    if before.last_at is None or before.last_store_id in (None, case.store_id):
        return None
    here, there = seen.places.get(case.store_id), seen.places.get(before.last_store_id or 0)
    if here is None or there is None:
        return None
    elapsed_s = abs((case.at - before.last_at).total_seconds())
    reach_m = max(limits["metres"], elapsed_s * limits["km_per_hour"] / 3.6)
    if not is_farther_m(*there, *here, reach_m):
        return None
    return {
        "from_store": before.last_store_id or 0,
        "distance_m": round(distance_m(*there, *here)),
        "elapsed_s": round(elapsed_s),
        "km_per_hour": limits["km_per_hour"],
    }


def _threshold_hugging(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    if not hugs(case, limits["within_percent"]):
        return None
    orders = seen.before(TallyKind.STORE_DAY).redemptions + 1
    hugging = seen.before(TallyKind.STORE_HUGGING_DAY).redemptions + 1
    if orders < limits["orders"] or hugging * 100 <= limits["share_percent"] * orders:
        return None
    return {"orders": orders, "just_above": hugging, "share_percent": limits["share_percent"]}


def _split_orders(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    last_at = seen.before(TallyKind.HOLDER_STORE).last_at
    if last_at is None:
        return None
    elapsed_s = abs((case.at - last_at).total_seconds())
    if elapsed_s > limits["minutes"] * 60:
        return None
    return {"elapsed_s": round(elapsed_s), "minutes": limits["minutes"]}


def _night_hours(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    """From the one full hour to before the other, over midnight where the first is the later."""
    local = case.at.astimezone(ZoneInfo(case.zone))
    start, end = limits["from_hour"], limits["to_hour"]
    is_night = start <= local.hour < end if start <= end else not end <= local.hour < start
    return {"local_time": f"{local:%H:%M}", **limits} if is_night else None


def _few_people(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    orders = seen.before(TallyKind.TERMINAL_DAY).redemptions + 1
    is_new = seen.is_first(TallyKind.TERMINAL_SHOPPER_DAY)
    people = seen.before(TallyKind.TERMINAL_SHOPPERS_DAY).redemptions + is_new
    if orders < limits["orders"] or people > limits["people"]:
        return None
    return {"terminal": case.terminal, "orders": orders, "people": people}


def _terminal_roaming(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    """Tills on file are numbered by their store and stay in it: two stores both have a T1."""
    if not case.stray_terminal:
        return None
    is_new = seen.is_first(TallyKind.TERMINAL_STORE_DAY)
    stores = seen.before(TallyKind.TERMINAL_STORES_DAY).redemptions + is_new
    if stores <= limits["stores"]:
        return None
    return {"terminal": case.stray_terminal, "stores": stores, "limit": limits["stores"]}


def _refund_rate(case: RiskCase, seen: Seen, limits: Parameters) -> Facts | None:
    """The share that was refunded of the redemptions before this one."""
    orders = seen.before(TallyKind.STORE).redemptions
    refunds = seen.before(TallyKind.STORE_REFUNDS).redemptions
    if orders < limits["orders"] or refunds * 100 <= limits["share_percent"] * orders:
        return None
    return {"orders": orders, "refunds": refunds, "share_percent": limits["share_percent"]}


_NOTICES: Final[Mapping[RiskKind, Notice]] = {
    RiskKind.TERMINAL_MINUTE: _terminal_minute,
    RiskKind.MERCHANT_DAY: _merchant_day,
    RiskKind.DEVICE_SHARED: _device_shared,
    RiskKind.STORE_DISTANCE: _store_distance,
    RiskKind.IMPOSSIBLE_TRAVEL: _impossible_travel,
    RiskKind.THRESHOLD_HUGGING: _threshold_hugging,
    RiskKind.SPLIT_ORDERS: _split_orders,
    RiskKind.NIGHT_HOURS: _night_hours,
    RiskKind.FEW_PEOPLE: _few_people,
    RiskKind.TERMINAL_ROAMING: _terminal_roaming,
    RiskKind.REFUND_RATE: _refund_rate,
}


def _of_store(case: RiskCase) -> tuple[str, int]:
    return "store", case.store_id


_SUBJECTS: Final[Mapping[RiskKind, Callable[[RiskCase], tuple[str, int]]]] = {
    **dict.fromkeys(RiskKind, _of_store),
    RiskKind.MERCHANT_DAY: lambda case: ("merchant", case.merchant_id),
    RiskKind.TERMINAL_ROAMING: lambda case: ("merchant", case.merchant_id),
    RiskKind.DEVICE_SHARED: lambda case: ("device", case.device_no),
    RiskKind.STORE_DISTANCE: lambda case: ("resident", case.shopper_id),
    RiskKind.IMPOSSIBLE_TRAVEL: lambda case: ("resident", case.shopper_id),
    RiskKind.SPLIT_ORDERS: lambda case: ("resident", case.holder_id),
}
"""By kind whom a signal is about."""
