"""What became of an act, as the edges render it; a redemption itself is `RedemptionDetails`.

States are named as callers read them. Amounts are fen, instants UTC.
"""

from datetime import datetime

import msgspec

from merchants.errors import Refusal
from vouchers.queries.redemption import SourceShare


class Quoted(msgspec.Struct, frozen=True):
    """What a voucher would be worth on an order; nothing has been written."""

    discount_fen: int
    by_source: list[SourceShare]
    payable_fen: int
    voucher: str
    merchant: str
    store: str
    order_no: str
    order_amount_fen: int
    campaign: str


class Captured(msgspec.Struct, frozen=True):
    """An authorisation made final on the order as it was paid."""

    id: int
    state: str
    discount_fen: int
    by_source: list[SourceShare]
    payable_fen: int
    order_amount_fen: int
    # Of what was authorised: outstanding again, or free once the tranche is over.
    returned_fen: int
    captured_at: datetime


class CaptureVoided(msgspec.Struct, frozen=True):
    """An authorisation voided at its capture, because the final order earns no discount."""

    id: int
    state: str
    order_amount_fen: int
    returned_fen: int
    voucher_usable: bool
    voided_at: datetime
    reason: Refusal


class Voided(msgspec.Struct, frozen=True):
    """A redemption voided."""

    id: int
    state: str
    returned_fen: int
    voucher_usable: bool
    voided_at: datetime


class Reversed(msgspec.Struct, frozen=True):
    """An order that is and stays reversed.

    Without an `id` there was nothing to undo, now or any more: no redemption had arrived, or it had
    been undone before; then `voucher_usable` is None.
    """

    id: int | None
    state: str
    merchant: str
    store: str
    order_no: str
    returned_fen: int
    voucher_usable: bool | None
    reversed_at: datetime


class Refunded(msgspec.Struct, frozen=True):
    """A refund written; `id` and `state` are the redemption's."""

    id: int
    refund_no: str
    amount_fen: int
    clawback_fen: int
    by_source: list[SourceShare]
    voucher_usable: bool
    state: str
    refunded_at: datetime
