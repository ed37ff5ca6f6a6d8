"""Orders good and bad, to try whether a baseline keeps the same rules as the engine.

A world with every kind of tier, tranche, store, resident and limit, and requests that are spoilt in
every way a rule can refuse. Deterministic from a seed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import msgspec

from merchants.auth import Caller
from merchants.models import Store
from tests.support import cast, draft_rows, till
from tests.support.cast import NOON
from vouchers.models import Campaign, Proxy, Resident, Voucher
from vouchers.services.campaigns import lifecycle, terms
from vouchers.states import LimitKind, ResidentState, ThresholdBasis, TierKind

TICK = timedelta(seconds=0.7)
LIMITS = {
    LimitKind.RESIDENT_DAY: (4, None),
    LimitKind.RESIDENT_WEEK: (5, 20_000),
    LimitKind.RESIDENT_CAMPAIGN: (6, None),
    LimitKind.STORE_MINUTE: (60, None),
    LimitKind.STORE_DAY: (None, 9_000_000),
    LimitKind.MERCHANT_DAY: (None, 15_000_000),
    LimitKind.MERCHANT_CAMPAIGN: (8_000, None),
}
FRESH = 0.55
"""Share of the orders that nothing is wrong with but what came before."""


class Sent(NamedTuple):
    """A request as a till sends it."""

    caller: Caller
    key: str
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A request in the making."""

    caller: Caller
    key: str
    at: datetime
    fields: dict[str, Any]

    def having(self, **fields: Any) -> "Draft":
        """The same with other fields of the body."""
        return replace(self, fields={**self.fields, **fields})


@dataclass(frozen=True, slots=True)
class World:
    """What there is to redeem, where, and by whom."""

    stores: Sequence[Store]
    callers: Sequence[Caller]
    vouchers: Sequence[Voucher]
    odd_vouchers: Sequence[Voucher]
    """Not yet valid, expired, of a paused or a test campaign, of people who are not active."""
    numbers: dict[int, str]
    """Resident's number by id."""


def build_world(size: int) -> World:
    """A world for about `size` requests, in the database in use."""
    people = [cast.resident(f"person-{n}", consents=False) for n in range(max(size // 6, 20))]
    _declare_proxies(people)
    frozen = cast.resident("frozen", state=ResidentState.FROZEN, consents=False)
    shops = [cast.nanjing_road(), cast.xujiahui(), cast.closed_shop(), cast.rival_shop()]
    spring = _spring()
    vouchers = [
        voucher
        for tier in spring.tiers.order_by("id")
        for voucher in till.issue_vouchers(
            spring,
            [people[n % len(people)] for n in range(size // 6 + 1)],
            tier=tier.code,
        )
    ]
    late, early = NOON + timedelta(minutes=1), NOON + 2 * cast.DAY
    paused = cast.running_campaign(code="paused")
    sandbox = cast.running_campaign(code="sandbox", is_test=True)
    testers = [cast.resident(f"test-person-{n}", consents=False) for n in range(10)]
    odd = [
        *till.issue_vouchers(spring, people[:10], valid_until_at=late),
        *till.issue_vouchers(spring, people[:10], at=early),
        *till.issue_vouchers(spring, [frozen, cast.dan()]),
        *till.issue_vouchers(paused, people[:10]),
        *till.issue_vouchers(sandbox, testers),
    ]
    lifecycle.pause(campaign=paused, by=cast.mei(), at=NOON)
    return World(
        stores=shops,
        callers=[till.till_of(shop, credential_id=n) for n, shop in enumerate(shops, 1)],
        vouchers=vouchers,
        odd_vouchers=odd,
        numbers=dict(Resident.objects.values_list("id", "external_id")),
    )


def _declare_proxies(people: Sequence[Resident]) -> None:
    for holder, proxy in zip(people[::2], people[1::2], strict=False):
        Proxy.objects.create(holder=holder, proxy=proxy, declared_at=NOON)
    Proxy.objects.filter(holder=people[0]).update(ended_at=NOON)


def _spring() -> Campaign:
    campaign = cast.spring_campaign(funding=cast.CO_FUNDED, limits={}, per_resident=10)
    for kind, (limit_count, limit_fen) in LIMITS.items():
        draft_rows.add(
            "limits",
            campaign=campaign,
            kind=kind,
            limit_count=limit_count,
            limit_fen=limit_fen,
            by=cast.mei(),
            at=NOON - cast.DAY,
        )
    common: dict[str, Any] = {
        "campaign": campaign,
        "name": "券",
        "by": cast.mei(),
        "at": NOON - cast.DAY,
    }
    terms.add_tier(
        code="flat",
        kind=TierKind.FLAT,
        face_fen=3_001,
        split={"city": 1_000, "group": 2_001},
        **common,
    )
    terms.add_tier(
        code="tenth",
        kind=TierKind.PERCENT,
        percent_bp=1_111,
        face_fen=5_003,
        split={"city": 3_333, "group": 1_670},
        **common,
    )
    terms.add_tier(
        code="before",
        threshold_fen=20_000,
        threshold_basis=ThresholdBasis.PRE_DISCOUNT,
        face_fen=2_000,
        split={"city": 2_000},
        **common,
    )
    Campaign.objects.filter(pk=campaign.pk).update(
        excluded_categories=["tobacco"], order_kinds=["in_store"]
    )
    campaign.refresh_from_db()
    return cast.launched(campaign)


def requests(world: World, count: int, seed: int) -> list[Sent]:
    """`count` requests in order of arrival: about half are good, the others spoilt."""
    rng = Random(seed)
    sent: list[Sent] = []
    for number in range(count):
        draft = _good(world, rng, number)
        if rng.random() > FRESH:
            draft = rng.choice(FAULTS)(draft, world, rng, sent)
        body = msgspec.json.encode(draft.fields)
        sent.append(Sent(draft.caller, draft.key, body, draft.at))
    return sent


def _good(world: World, rng: Random, number: int) -> Draft:
    voucher = world.vouchers[number * 7919 % len(world.vouchers)]
    place = rng.choices((0, 1), (3, 1))[0]
    return Draft(
        caller=world.callers[place],
        key=f"key-{number}",
        at=NOON + number * TICK + timedelta(microseconds=1 + rng.randrange(1_000)),
        fields={
            "voucher": till.code_of(voucher),
            "store": world.stores[place].external_id,
            "order_no": f"O{number}",
            "order_amount_fen": rng.choice((60_000, 50_000, 54_321, 99_999)),
            "resident": world.numbers[voucher.resident_id],
        },
    )


Fault = Callable[[Draft, World, Random, Sequence[Sent]], Draft]


def _repeat(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    """The same request again, or another body under its key."""
    if not sent:
        return draft
    first = rng.choice(sent[-300:])
    fields = msgspec.json.decode(first.body)
    if rng.random() < 0.3:
        fields["order_amount_fen"] += 1
    return Draft(first.caller, first.key, draft.at, fields)


def _used(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    """A voucher, or an order, of an earlier request."""
    if not sent:
        return draft
    first = msgspec.json.decode(rng.choice(sent[-300:]).body)
    names = ("voucher", "resident") if rng.random() < 0.5 else ("order_no",)
    return draft.having(**{name: first[name] for name in names})


def _odd(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    voucher = rng.choice(world.odd_vouchers)
    return draft.having(voucher=till.code_of(voucher), resident=world.numbers[voucher.resident_id])


def _foreign(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    """Shown by a stranger, a proxy, an unknown resident."""
    return draft.having(resident=rng.choice([*world.numbers.values(), "unknown", "person-1"]))


def _amount(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    whole_fen = rng.choice((1, 2_000, 3_001, 3_002, 9_999, 10_000, 19_999, 20_000, 50_000))
    eligible_fen = rng.choice((None, 0, 8, 9, whole_fen // 2, whole_fen))
    return draft.having(
        order_amount_fen=whole_fen,
        **({} if eligible_fen is None else {"eligible_amount_fen": min(eligible_fen, whole_fen)}),
    )


def _store(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    """Another store: its own till's, another till's, closed, taking no part, unknown."""
    place = rng.randrange(len(world.stores))
    number = rng.choice((world.stores[place].external_id, "unknown"))
    return replace(
        draft.having(store=number), caller=rng.choice((draft.caller, world.callers[place]))
    )


def _goods(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    return draft.having(
        category=rng.choice(("tobacco", "food", "cakes")),
        order_kind=rng.choice(("in_store", "delivered")),
    )


def _forged(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    code = str(draft.fields["voucher"])
    forged = f"{code[:-1]}{(int(code[-1]) + 1) % 10}"
    return draft.having(voucher=rng.choice((forged, "8" + "0" * 19, f"9{code[1:]}")))


def _sandbox(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    return replace(draft, caller=replace(draft.caller, is_test=True))


def _greedy(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    """One of few people, who will meet their limits."""
    few = world.vouchers[:: max(len(world.vouchers) // 97, 1)]
    voucher = rng.choice(few)
    return draft.having(voucher=till.code_of(voucher), resident=world.numbers[voucher.resident_id])


def _hurried(draft: Draft, world: World, rng: Random, sent: Sequence[Sent]) -> Draft:
    """In the minute of an earlier one, so that stores meet their limit."""
    return replace(draft, at=sent[-1].at) if sent else draft


FAULTS: Sequence[Fault] = (
    _repeat,
    _used,
    _odd,
    _foreign,
    _amount,
    _store,
    _goods,
    _forged,
    _sandbox,
    _greedy,
    _hurried,
)
