"""The facts a batch of redemptions is judged on, read and locked in two pipelines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from merchants.errors import Refusal
from vouchers.models.campaigns.facts import ParticipationRow, StorePeriod, StoreRow
from vouchers.models.issuing.vouchers import LockedVoucher
from vouchers.models.redemption.requests import StoredAnswer
from vouchers.rules.limits.limits import CounterKey, LimitRule, Subjects, Used, counter_keys
from vouchers.rules.limits.tallies import RiskCase
from vouchers.rules.redemption.redeem import ShopperFacts, StoreFacts
from vouchers.rules.redemption.tills import Till
from vouchers.services.limits.counters import lock_and_ask, with_members
from vouchers.services.limits.links import Asked, Links, links_of
from vouchers.services.limits.risk import RiskFacts, lock_and_ask_tallies
from vouchers.services.redemption.batch_known import Known, Pending, read_first, send_first
from vouchers.services.redemption.risk_cases import risk_case
from vouchers.services.redemption.shown import CodeFacts
from vouchers.services.redemption.tranche_terms import TrancheTerms
from vouchers.sql.pipeline import pipeline

LimitKeys = Sequence[tuple[CounterKey, LimitRule]]


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
    # None where the store is unknown.
    tills: Sequence[Till | None]
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
                return _store_facts(store, True, period.category or store.category)
        return _store_facts(store, False, store.category)


def _store_facts(store: StoreRow, participates: bool, category: str) -> StoreFacts:
    return StoreFacts(
        store.id,
        store.merchant_id,
        store.is_open,
        participates,
        category,
        store.suspended_until_at,
    )


def gather(batch: Sequence[Pending], *, for_update: bool = True) -> Facts:
    """Lock and read in the common order; the reads follow the locks, so they see what is committed.
    Without `for_update` the same is read, nothing is locked and there are no fresh ids.

    First pipeline: request keys, orders and tranches locked; answers, claims, vouchers (locked),
    terms, stores, shoppers, fresh ids. Second: limit counters locked and read, merges, and the
    states of holders whose voucher a proxy shows; then, where risk rules are in force, their
    tallies locked and read. Links and the counters of merged residents are read between and after
    them, only where there are any.
    """
    with pipeline() as raw:
        sent = send_first(raw, batch, for_update=for_update)
    known = read_first(batch, sent)
    links = _links(batch, known)
    limit_keys = [
        _limit_keys(*each, known) for each in zip(batch, known.stores, links, strict=True)
    ]
    counters = with_members({key for keys in limit_keys for key, _ in keys}, known.merges())
    cases = [
        _risk_case(*each, known) for each in zip(batch, known.stores, known.tills, strict=True)
    ]
    holders, states = known.holders, known.states
    with pipeline() as raw:
        asked = lock_and_ask(raw, counters, holders, holders - states.keys(), for_update=for_update)
        tallies = lock_and_ask_tallies(raw, cases, for_update=for_update)
    used, same_people, states_of_unseen = asked.read()
    keys, locked = sent.keys.rows(), sent.locks.rows()[: len(batch) if for_update else 0]
    return Facts(
        got_keys=[row.is_locked for row in locked],
        switched_off={row.caller_id for row in keys if row.is_off},
        answers={row.answer[:2]: row.answer for row in keys if row.answer is not None},
        claims={
            (row.store_id, row.order_no): "reversed" if row.redemption_id is None else "used"
            for row in sent.claims.rows()
        },
        vouchers=known.vouchers,
        terms=known.terms,
        stores=known.stores,
        tills=known.tills,
        codes=sent.codes.facts(),
        participations=_participations(known.places),
        shoppers={
            number: ShopperFacts(row.id, row.state, frozenset(row.may_show_for))
            for number, row in known.shoppers.items()
        },
        holder_states=states | states_of_unseen,
        limit_keys=limit_keys,
        used=used,
        links=links,
        same_people=same_people,
        risk=tallies.facts(),
        ids=[row[1:] for row in locked] if for_update else [(0, 0)] * len(batch),
    )


def _participations(
    places: Sequence[StorePeriod],
) -> Mapping[tuple[int, int], Sequence[ParticipationRow]]:
    """By campaign and store; a store that was wanted twice has its periods twice."""
    found: dict[tuple[int, int], list[ParticipationRow]] = {}
    for place in places:
        period = place.period
        if period is not None:
            found.setdefault((period.campaign_id, period.store_id), []).append(period)
    return found


def _limit_keys(
    pending: Pending, store: StoreRow | Refusal, links: Links, known: Known
) -> LimitKeys:
    voucher = known.vouchers.get(pending.voucher_id or 0)
    tranche = known.terms.get(pending.tranche_id or 0)
    if voucher is None or tranche is None or isinstance(store, Refusal):
        return []
    subjects = Subjects(voucher.resident_id, store.id, store.merchant_id, links or ())
    return counter_keys(tranche.campaign.limits, subjects, pending.request.at, tranche.facts.zone)


def _risk_case(
    pending: Pending, store: StoreRow | Refusal, till: Till | None, known: Known
) -> RiskCase | None:
    request = pending.request
    voucher = known.vouchers.get(pending.voucher_id or 0)
    tranche = known.terms.get(pending.tranche_id or 0)
    shopper = known.shoppers.get(pending.code.resident_no)
    if voucher is None or tranche is None or shopper is None:
        return None
    if isinstance(store, Refusal) or till is None:
        return None
    return risk_case(
        request, tranche, store, till, holder_id=voucher.resident_id, shopper_id=shopper.id
    )


def _links(batch: Sequence[Pending], known: Known) -> list[Links]:
    asking = {id_ for id_, found in known.terms.items() if found.campaign.limits_links}
    if not asking:
        return [None] * len(batch)
    asked: list[Asked | None] = []
    for pending in batch:
        voucher, order = known.vouchers.get(pending.voucher_id or 0), pending.request.order
        if voucher is None or pending.tranche_id not in asking:
            asked.append(None)
            continue
        shopper = known.shoppers.get(pending.code.resident_no)
        by_proxy = shopper is not None and shopper.id != voucher.resident_id
        asked.append(Asked(voucher.resident_id, order.device, by_proxy))
    return links_of(asked)
