"""The first pipeline of a batch of redemptions: what is locked and asked for at once, and what the
second pipeline needs of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from merchants.errors import Refusal
from merchants.references import folded
from vouchers.models.campaigns.facts import (
    FIND_CAMPAIGNS,
    FIND_STORES_IN,
    CampaignRow,
    StorePeriod,
    StoreRow,
)
from vouchers.models.issuing.runs import FIND_TRANCHES, SERIAL_BITS, TrancheRow
from vouchers.models.issuing.vouchers import LOCK_VOUCHERS, READ_VOUCHERS, LockedVoucher
from vouchers.models.locks import LOCK_REDEMPTIONS, ORDER_CLAIM, LockedKey
from vouchers.models.redemption.redemptions import FIND_CLAIMS, StoredClaim, claimed_no
from vouchers.models.redemption.requests import FIND_KEYS, KeyRow
from vouchers.models.residents.residents import FIND_SHOPPERS, Shopper
from vouchers.rules.redemption.shown import WrongKey
from vouchers.rules.redemption.tills import Till
from vouchers.services.acts.idempotency import request_lock
from vouchers.services.limits.counters import SamePeople, find_same_people
from vouchers.services.redemption.requests import RedeemRequest
from vouchers.services.redemption.shown import AskedCodes, ShownCode, ask, counted_for
from vouchers.services.redemption.stores import merchants_of, resolve
from vouchers.services.redemption.tranche_terms import TrancheTerms, campaign_terms, tranche_terms
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire


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


class Sent(NamedTuple):
    """What the first pipeline asks for; read once it has ended."""

    locks: Result[LockedKey]
    keys: Result[KeyRow]
    claims: Result[StoredClaim]
    vouchers: Result[LockedVoucher]
    tranches: Result[TrancheRow]
    campaigns: Result[CampaignRow]
    places: Result[StorePeriod]
    codes: AskedCodes
    people: Result[Shopper]


class Known(NamedTuple):
    """What the first pipeline has read, on which it depends what the second locks."""

    vouchers: Mapping[int, LockedVoucher]
    terms: Mapping[int, TrancheTerms]
    places: Sequence[StorePeriod]
    stores: Sequence[StoreRow | Refusal]
    # None where the store is unknown.
    tills: Sequence[Till | None]
    shoppers: Mapping[str, Shopper]

    @property
    def holders(self) -> set[int]:
        """Whose vouchers are shown."""
        return {row.resident_id for row in self.vouchers.values()}

    @property
    def states(self) -> dict[int, str]:
        """The states of those who show them."""
        return {row.id: row.state for row in self.shoppers.values()}

    def merges(self) -> SamePeople:
        """Merges of the holders as they stand before anything of theirs is locked."""
        is_any_merged = any(row.is_merged for row in self.shoppers.values())
        return find_same_people(self.holders) if is_any_merged else {}


def send_first(raw: Wire, batch: Sequence[Pending], *, for_update: bool) -> Sent:
    """Lock keys, orders, tranches and vouchers, and ask for all that depends on nothing read."""
    orders = [(folded(p.request.order.store), folded(p.request.order.order_no)) for p in batch]
    merchant_ids = [merchants_of(p.request.caller) for p in batch]
    tranche_ids = sorted({p.tranche_id for p in batch if p.tranche_id is not None})
    voucher_ids = sorted({p.voucher_id for p in batch if p.voucher_id is not None})
    by_tranche = {"tranche_ids": tranche_ids}
    by_number = _stores_wanted(orders, merchant_ids)
    find_vouchers = LOCK_VOUCHERS if for_update else READ_VOUCHERS
    # In the common order: arguments are evaluated, and so sent, as they are written.
    return Sent(
        locks=_send_locks(raw, batch if for_update else (), orders, tranche_ids),
        keys=FIND_KEYS.send(
            raw,
            {
                "caller_ids": [p.request.caller.credential_id for p in batch],
                "keys": [p.request.key for p in batch],
            },
        ),
        claims=FIND_CLAIMS.send(
            raw,
            {
                "store_nos": [store_no for store_no, _ in orders],
                "merchant_ids": merchant_ids,
                "order_nos": [
                    claimed_no(p.request.order.order_no, is_test=p.request.caller.is_test)
                    for p in batch
                ],
            },
        ),
        vouchers=find_vouchers.send(raw, {"voucher_ids": voucher_ids}),
        tranches=FIND_TRANCHES.send(raw, by_tranche),
        campaigns=FIND_CAMPAIGNS.send(raw, by_tranche),
        places=FIND_STORES_IN.send(
            raw, {**by_tranche, **by_number, "terminals": _terminals_named(batch)}
        ),
        codes=ask(
            raw,
            [p.code for p in batch],
            keys=[key for p in batch for key in _counted(p)],
            stores=by_number,
        ),
        people=FIND_SHOPPERS.send(
            raw, {"resident_nos": sorted({p.code.resident_no for p in batch})}
        ),
    )


def _send_locks(
    raw: Wire,
    locking: Sequence[Pending],
    orders: Sequence[tuple[str, str]],
    tranche_ids: Sequence[int],
) -> Result[LockedKey]:
    return LOCK_REDEMPTIONS.send(
        raw,
        {
            "request_keys": [request_lock(p.request) for p in locking],
            # By the number alone, which is known before the store is: an order of another
            # merchant's store of that number waits for nothing but a moment.
            "order_keys": sorted({ORDER_CLAIM.key(*order) for order in orders if locking}),
            "tranche_ids": tranche_ids if locking else [],
        },
    )


def read_first(batch: Sequence[Pending], sent: Sent) -> Known:
    """What was asked for, and the store that each request means."""
    by_campaign = {row.id: campaign_terms(row) for row in sent.campaigns.rows()}
    places = sent.places.rows()
    stores = _stores(batch, places)
    return Known(
        vouchers={row.id: row for row in sent.vouchers.rows()},
        terms={
            row.id: tranche_terms(row, by_campaign[row.campaign_id]) for row in sent.tranches.rows()
        },
        places=places,
        stores=stores,
        tills=_tills(batch, stores, places),
        shoppers={row.external_id: row for row in sent.people.rows()},
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


def _stores(batch: Sequence[Pending], places: Sequence[StorePeriod]) -> list[StoreRow | Refusal]:
    """By request its store, of those read for the whole batch."""
    numbered: dict[str, dict[int, StoreRow]] = {}
    for place in places:
        row = place.store
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


def _terminals_named(batch: Sequence[Pending]) -> list[str]:
    """Numbers of tills, folded. An enrolled till that names itself is known from its key."""
    named = {
        (folded(p.request.order.terminal), folded(p.request.caller.terminal_code)) for p in batch
    }
    return sorted({terminal for terminal, own in named if terminal not in ("", own)})


def _tills(
    batch: Sequence[Pending],
    stores: Sequence[StoreRow | Refusal],
    places: Sequence[StorePeriod],
) -> list[Till | None]:
    """By request the till of its store."""
    on_file = {place.store.id: place.terminals for place in places}
    return [
        None
        if isinstance(store, Refusal)
        else Till.of(
            enrolled=pending.request.caller.terminal_code,
            named=pending.request.order.terminal,
            on_file=on_file[store.id],
        )
        for pending, store in zip(batch, stores, strict=True)
    ]


def _counted(pending: Pending) -> list[WrongKey]:
    """The counters of wrong codes, but for the store's, which is not known yet."""
    request = pending.request
    return counted_for(pending.code, request.caller, store_id=None, at=request.at)
