"""An integrator's own numbers of stores and tills, read as the engine's before anything is locked.

Everything behind goes by the engine's numbers: locks, claims, facts, answers. A number that the
integrator has not mapped is taken as the engine's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from merchants.auth import Caller
from merchants.references import folded
from vouchers.models.redemption.own_numbers import FIND_OWN_NUMBERS, OwnNumberRow
from vouchers.services.redemption.requests import RedeemRequest, RefundRequest, ReverseRequest
from vouchers.sql.pipeline import raw_connection

Known = Mapping[tuple[int, str, str], OwnNumberRow]
"""By caller, own store number and own till number, folded."""


class Place(NamedTuple):
    """Where an order was made, in the engine's numbers."""

    merchant: str
    store: str
    terminal: str


def with_known_stores(requests: Sequence[RedeemRequest]) -> Sequence[RedeemRequest]:
    """The requests in the engine's numbers; one statement, and none where no caller has its own."""
    if not any(request.caller.has_own_numbers for request in requests):
        return requests
    known = _find(
        [
            (request.caller, request.order.store, request.order.terminal)
            for request in requests
            if request.caller.has_own_numbers
        ]
    )
    return [_translated(request, known) for request in requests]


def of_refund(request: RefundRequest) -> RefundRequest:
    """The refund in the engine's numbers."""
    place = place_meant(request.caller, request.store, request.merchant)
    return replace(request, merchant=place.merchant, store=place.store)


def of_reversal(request: ReverseRequest) -> ReverseRequest:
    """The reversal in the engine's numbers."""
    place = place_meant(request.caller, request.store, request.merchant)
    return replace(request, merchant=place.merchant, store=place.store)


def place_meant(caller: Caller, store_no: str, merchant: str = "") -> Place:
    """The store that a caller's number means, in the engine's numbers; an empty merchant where the
    number is the engine's own."""
    if not caller.has_own_numbers:
        return Place(merchant, store_no, "")
    known = _find([(caller, store_no, "")])
    return _meant(known, caller, Place(merchant, store_no, ""))


def _translated(request: RedeemRequest, known: Known) -> RedeemRequest:
    order = request.order
    given = Place(order.merchant, order.store, order.terminal)
    meant = _meant(known, request.caller, given)
    if meant == given:
        return request
    return replace(request, order=msgspec.structs.replace(order, **meant._asdict()))


def _meant(known: Known, caller: Caller, given: Place) -> Place:
    """A till says its store too; a store's own number leaves the till as it was given."""
    number = caller.credential_id, folded(given.store)
    till = known.get((*number, folded(given.terminal)))
    store = known.get((*number, ""))
    if till is not None and given.terminal:
        return Place(till.merchant, till.store, till.terminal)
    if store is not None:
        return Place(store.merchant, store.store, given.terminal)
    return given


def _find(wanted: Sequence[tuple[Caller, str, str]]) -> Known:
    rows = FIND_OWN_NUMBERS.send(
        raw_connection(),
        {
            "credential_ids": [caller.credential_id for caller, _, _ in wanted],
            "store_nos": [folded(store_no) for _, store_no, _ in wanted],
            "terminal_nos": [folded(terminal_no) for _, _, terminal_no in wanted],
        },
    )
    return {(row.credential_id, row.store_no, row.terminal_no): row for row in rows.rows()}
