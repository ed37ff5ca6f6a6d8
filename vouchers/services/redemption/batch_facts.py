"""The facts a batch of redemptions is judged on, read and locked in two pipelines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from merchants.errors import Refusal
from merchants.references import folded
from vouchers.models.campaigns.facts import (
    FIND_CAMPAIGNS,
    FIND_STORES_IN,
    ParticipationRow,
    StorePeriod,
    StoreRow,
)
from vouchers.models.issuing.runs import FIND_TRANCHES, SERIAL_BITS
from vouchers.models.issuing.vouchers import LOCK_VOUCHERS, READ_VOUCHERS, LockedVoucher
from vouchers.models.locks import LOCK_REDEMPTIONS, ORDER_CLAIM
from vouchers.models.redemption.redemptions import FIND_CLAIMS
from vouchers.models.redemption.requests import FIND_KEYS, StoredAnswer
from vouchers.models.residents.residents import FIND_SHOPPERS, Shopper
from vouchers.rules.limits.limits import (
    CounterKey,
    LimitRule,
    Subjects,
    Used,
    counter_keys,
)
from vouchers.rules.limits.tallies import RiskCase
from vouchers.rules.redemption.redeem import ShopperFacts, StoreFacts
from vouchers.rules.redemption.shown import WrongKey
from vouchers.services.acts.idempotency import request_lock
from vouchers.services.limits.counters import find_same_people, lock_and_ask, with_members
from vouchers.services.limits.links import Asked, Links, links_of
from vouchers.services.limits.risk import RiskFacts, lock_and_ask_tallies
from vouchers.services.redemption.requests import RedeemRequest
from vouchers.services.redemption.risk_cases import risk_case
from vouchers.services.redemption.shown import CodeFacts, ShownCode, ask, counted_for
from vouchers.services.redemption.stores import merchants_of, resolve
from vouchers.services.redemption.tranche_terms import (
    TrancheTerms,
    campaign_terms,
    tranche_terms,
)
from vouchers.sql.pipeline import pipeline

LimitKeys = Sequence[tuple[CounterKey, LimitRule]]


@dataclass(frozen=True, slots=True)
class Pending:
    """A request of the batch and what its code stands for."""

    request: RedeemRequest
    code: ShownCode

    @property
    def voucher_id(self) -> int | None:
        """The code's voucher; None where the code is not ours."""
        return self.code.voucher_id

    @property
    def tranche_id(self) -> int | None:
        return None if self.voucher_id is None else self.voucher_id >> SERIAL_BITS


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a batch may decide on. Keys are ids, or the numbers the caller used (of orders
    folded, under their store's id); sequences have one item for every request."""

    got_keys: Sequence[bool]
    # Credentials that are not active any more, or whose till is not.
    switched_off: Collection[int]
    answers: Mapping[tuple[int, str], StoredAnswer]
    claims: Mapping[tuple[int, str], str]
    vouchers: Mapping[int, LockedVoucher]
    terms: Mapping[int, TrancheTerms]
    # A refusal where the number is no store of the caller's, or several.
    stores: Sequence[StoreRow | Refusal]
    codes: CodeFacts
    participations: Mapping[tuple[int, int], Sequence[ParticipationRow]]
    shoppers: Mapping[str, ShopperFacts]
    holder_states: Mapping[int, str]
    # The counters a request would count in; none where voucher or store are unknown.
    limit_keys: Sequence[LimitKeys]
    used: Mapping[CounterKey, Used]
    # The links a request counts for; None where its campaign limits none.
    links: Sequence[Links]
    # By resident the others whom a merge declares to be the same person.
    same_people: Mapping[int, Sequence[int]]
    # What the campaigns' risk rules look at.
    risk: RiskFacts
    # For a redemption and its transfer.
    ids: Sequence[tuple[int, ...]]

    def store_in(self, store: StoreRow, campaign_id: int, at: datetime) -> StoreFacts:
        """The store and whether it takes part in the campaign at `at`."""
        for period in self.participations.get((campaign_id, store.id), ()):
            ends_at = period.valid_until_at
            if period.valid_from_at <= at and (ends_at is None or at < ends_at):
                category = period.category or store.category
                return StoreFacts(store.id, store.merchant_id, store.is_open, True, category)
        return StoreFacts(store.id, store.merchant_id, store.is_open, False, store.category)


def gather(batch: Sequence[Pending], *, for_update: bool = True) -> Facts:
    """Lock and read in the common order; the reads follow the locks, so they see what is committed.
    Without `for_update` the same is read, nothing is locked and there are no fresh ids.

    First pipeline: request keys, orders and tranches locked; answers, claims, vouchers (locked),
    terms, stores, shoppers, fresh ids. Second: limit counters locked and read, merges, and the
    states of holders whose voucher a proxy shows; then, where risk rules are in force, their
    tallies locked and read. Links and the counters of merged residents are
    read between and after them, only where there are any.
    """
    orders = [(folded(p.request.order.store), folded(p.request.order.order_no)) for p in batch]
    merchant_ids = [merchants_of(p.request.caller) for p in batch]
    tranche_ids = sorted({p.tranche_id for p in batch if p.tranche_id is not None})
    by_tranche = {"tranche_ids": tranche_ids}
    by_number = _stores_wanted(orders, merchant_ids)
    locking = batch if for_update else ()
    with pipeline() as raw:
        locks = LOCK_REDEMPTIONS.send(
            raw,
            {
                "request_keys": [request_lock(p.request) for p in locking],
                # By the number alone, which is known before the store is: an order of another
                # merchant's store of that number waits for nothing but a moment.
                "order_keys": sorted({ORDER_CLAIM.key(*order) for order in orders if locking}),
                "tranche_ids": tranche_ids if locking else [],
            },
        )
        asked_keys = FIND_KEYS.send(
            raw,
            {
                "caller_ids": [p.request.caller.credential_id for p in batch],
                "keys": [p.request.key for p in batch],
            },
        )
        claims = FIND_CLAIMS.send(
            raw,
            {
                "store_nos": [store_no for store_no, _ in orders],
                "merchant_ids": merchant_ids,
                "order_nos": [order_no for _, order_no in orders],
            },
        )
        voucher_ids = sorted({p.voucher_id for p in batch if p.voucher_id is not None})
        find_vouchers = LOCK_VOUCHERS if for_update else READ_VOUCHERS
        found_vouchers = find_vouchers.send(raw, {"voucher_ids": voucher_ids})
        tranches = FIND_TRANCHES.send(raw, by_tranche)
        campaigns = FIND_CAMPAIGNS.send(raw, by_tranche)
        found_stores = FIND_STORES_IN.send(raw, {**by_tranche, **by_number})
        shown = ask(
            raw,
            [p.code for p in batch],
            keys=[key for p in batch for key in _counted(p)],
            stores=by_number,
        )
        people = FIND_SHOPPERS.send(
            raw, {"resident_nos": sorted({p.code.resident_no for p in batch})}
        )
    vouchers = {row.id: row for row in found_vouchers.rows()}
    by_campaign = {row.id: campaign_terms(row) for row in campaigns.rows()}
    terms = {row.id: tranche_terms(row, by_campaign[row.campaign_id]) for row in tranches.rows()}
    places = found_stores.rows()
    stores = _stores(batch, places)
    shoppers = {row.external_id: row for row in people.rows()}
    links = _links(batch, vouchers, terms, shoppers)
    limit_keys = [
        _limit_keys(p, vouchers, terms, store, found)
        for p, store, found in zip(batch, stores, links, strict=True)
    ]
    holders = {row.resident_id for row in vouchers.values()}
    merges = find_same_people(holders) if any(row.is_merged for row in shoppers.values()) else {}
    counters = with_members({key for keys in limit_keys for key, _ in keys}, merges)
    states = {row.id: row.state for row in shoppers.values()}
    unseen = holders - states.keys()
    cases = [
        _risk_case(p, vouchers, terms, store, shoppers)
        for p, store in zip(batch, stores, strict=True)
    ]
    with pipeline() as raw:
        asked = lock_and_ask(raw, counters, holders, unseen, for_update=for_update)
        tallies = lock_and_ask_tallies(raw, cases, for_update=for_update)
    used, same_people, states_of_unseen = asked.read()
    keys = asked_keys.rows()
    locked = locks.rows()[: len(locking)]
    return Facts(
        got_keys=[row.is_locked for row in locked],
        switched_off={row.caller_id for row in keys if row.is_off},
        answers={row.answer[:2]: row.answer for row in keys if row.answer is not None},
        claims={
            (row.store_id, row.order_no): "reversed" if row.redemption_id is None else "used"
            for row in claims.rows()
        },
        vouchers=vouchers,
        terms=terms,
        stores=stores,
        codes=shown.facts(),
        participations=_participations(places),
        shoppers={
            number: ShopperFacts(row.id, row.state, frozenset(row.may_show_for))
            for number, row in shoppers.items()
        },
        holder_states=states | states_of_unseen,
        limit_keys=limit_keys,
        used=used,
        links=links,
        same_people=same_people,
        risk=tallies.facts(),
        ids=[row[1:] for row in locked] if for_update else [(0, 0)] * len(batch),
    )


def _stores_wanted(
    orders: Sequence[tuple[str, str]], merchant_ids: Sequence[str]
) -> dict[str, list[str]]:
    """The parameters of FIND_STORES_IN: every number once for the same merchants."""
    numbers = [store_no for store_no, _ in orders]
    wanted = sorted(set(zip(numbers, merchant_ids, strict=True)))
    return {
        "store_nos": [store_no for store_no, _ in wanted],
        "merchant_ids": [merchants for _, merchants in wanted],
    }


def _participations(
    places: Sequence[StorePeriod],
) -> Mapping[tuple[int, int], Sequence[ParticipationRow]]:
    """By campaign and store; a store that was wanted twice has its periods twice."""
    found: dict[tuple[int, int], list[ParticipationRow]] = {}
    for _, period in places:
        if period is not None:
            found.setdefault((period.campaign_id, period.store_id), []).append(period)
    return found


def _stores(batch: Sequence[Pending], places: Sequence[StorePeriod]) -> list[StoreRow | Refusal]:
    """By request its store, of those read for the whole batch."""
    numbered: dict[str, dict[int, StoreRow]] = {}
    for row, _ in places:
        numbered.setdefault(folded(row.external_id), {})[row.id] = row
    orders = [(pending.request.caller, pending.request.order) for pending in batch]
    return [
        resolve(
            numbered.get(folded(order.store), {}).values(),
            caller=caller,
            store_no=order.store,
            merchant=order.merchant,
        )
        for caller, order in orders
    ]


def _counted(pending: Pending) -> list[WrongKey]:
    """The counters of wrong codes, but for the store's, which is not known yet."""
    request = pending.request
    return counted_for(pending.code, request.caller, store_id=None, at=request.at)


def _limit_keys(
    pending: Pending,
    vouchers: Mapping[int, LockedVoucher],
    terms: Mapping[int, TrancheTerms],
    store: StoreRow | Refusal,
    links: Links,
) -> LimitKeys:
    voucher = vouchers.get(pending.voucher_id or 0)
    tranche = terms.get(pending.tranche_id or 0)
    if voucher is None or tranche is None or isinstance(store, Refusal):
        return []
    subjects = Subjects(voucher.resident_id, store.id, store.merchant_id, links or ())
    return counter_keys(tranche.campaign.limits, subjects, pending.request.at, tranche.facts.zone)


def _risk_case(
    pending: Pending,
    vouchers: Mapping[int, LockedVoucher],
    terms: Mapping[int, TrancheTerms],
    store: StoreRow | Refusal,
    shoppers: Mapping[str, Shopper],
) -> RiskCase | None:
    request = pending.request
    voucher = vouchers.get(pending.voucher_id or 0)
    tranche = terms.get(pending.tranche_id or 0)
    shopper = shoppers.get(pending.code.resident_no)
    if voucher is None or tranche is None or shopper is None or isinstance(store, Refusal):
        return None
    return risk_case(request, tranche, store, holder_id=voucher.resident_id, shopper_id=shopper.id)


def _links(
    batch: Sequence[Pending],
    vouchers: Mapping[int, LockedVoucher],
    terms: Mapping[int, TrancheTerms],
    shoppers: Mapping[str, Shopper],
) -> list[Links]:
    asking = {id_ for id_, found in terms.items() if found.campaign.limits_links}
    if not asking:
        return [None] * len(batch)
    asked: list[Asked | None] = []
    for pending in batch:
        voucher, order = vouchers.get(pending.voucher_id or 0), pending.request.order
        if voucher is None or pending.tranche_id not in asking:
            asked.append(None)
            continue
        shopper = shoppers.get(pending.code.resident_no)
        by_proxy = shopper is not None and shopper.id != voucher.resident_id
        asked.append(Asked(voucher.resident_id, order.device, by_proxy))
    return links_of(asked)
