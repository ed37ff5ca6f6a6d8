"""What the audit reads and what it finds: sums of the books of one moment, and broken rows. Pure.

Everything is worked out a second time, from rows alone: none of the code that moved the money is
used. The checks are in `audit_books` (the books in themselves), `audit_ties` (the accounts and
their rows) and `audit_acts` (what single acts posted). A check gives back the rows that break it;
no rows, and it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from vouchers.states import AccountKind

Row = Mapping[str, str | int | float | None]
"""A broken row, as it is shown to people and stored in the report."""

Split = Sequence[tuple[int, int]]
Slot = tuple[int, int, int | None]
"""(campaign id, source id, allocation id): what an amount is kept apart by."""

DIMENSIONS: Final = ("tier_id", "round_id", "district_id", "store_id", "channel", "day")
IN_HAND: Final = frozenset({AccountKind.APPROPRIATED, AccountKind.FREE})
"""Where money is that no voucher has taken."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: how many rows break it, and the first of them."""

    invariant: int
    name: str
    statement: str
    broken_count: int = 0
    rows: tuple[Row, ...] = ()
    took_s: float = 0.0


class Legs(NamedTuple):
    """Σ of legs alike: one account and allocation, one direction, one reason and cause.

    `reason` and `cause` are None where the legs have lost their transfer; `campaign_id`,
    `source_id` and `kind` where they name no account.
    """

    reason: str | None
    cause: str | None
    campaign_id: int | None
    source_id: int | None
    kind: str | None
    allocation_id: int | None
    is_credit: bool
    size: int
    fen: int
    first_transfer_id: int


class Balance(NamedTuple):
    """Σ of the legs of one account and allocation."""

    campaign_id: int
    source_id: int
    kind: str
    allocation_id: int | None
    fen: int


class Source(NamedTuple):
    """A funding source and the figure its changes compare themselves with."""

    id: int
    campaign_id: int
    code: str
    appropriated_fen: int


class Slice(NamedTuple):
    """The dimensions of an allocation or a cell; None is "not distinguished" or "all"."""

    tier_id: int | None
    round_id: int | None
    district_id: int | None
    store_id: int | None
    channel: str | None
    day: date | None


WHOLE: Final = Slice(None, None, None, None, None, None)


class Allocation(NamedTuple):
    """What the vouchers and legs of one allocation count in."""

    id: int
    campaign_id: int
    slice: Slice


class Cell(NamedTuple):
    """A quota cell and the sum of its buckets' headroom; None is unlimited."""

    id: int
    campaign_id: int
    slice: Slice
    source_id: int | None
    cap_fen: int | None
    cap_count: int | None
    headroom_fen: int | None
    headroom_count: int | None


class Tranche(NamedTuple):
    """A tranche as its row promises it."""

    id: int
    campaign_id: int
    tier_id: int
    # None: it grows by claims.
    shard_id: int | None
    state: str
    voucher_count: int
    split: Split


class Vouchers(NamedTuple):
    """How many vouchers of a tranche and allocation are in a state, and the serials they span."""

    tranche_id: int
    allocation_id: int
    state: int
    size: int
    first_serial: int
    last_serial: int


class Shard(NamedTuple):
    """A shard of a run; `sizes` are its vouchers by allocation while it has no tranche."""

    id: int
    run_id: int
    campaign_id: int
    state: str
    run_state: str
    split: Split
    sizes: Sequence[tuple[int, int]]


class Redeemed(NamedTuple):
    """Σ of a source's shares of the redemptions of an allocation that are in a state."""

    campaign_id: int
    source_id: int
    allocation_id: int
    state: int
    fen: int


class Amount(NamedTuple):
    """Σ of something by source and allocation."""

    campaign_id: int
    source_id: int
    allocation_id: int
    fen: int


class Parts(NamedTuple):
    """Σ of refunds' parts alike. `line` is the state of the settlement that took that source's
    share of the redemption; None where none has."""

    campaign_id: int
    source_id: int
    allocation_id: int
    origin: str
    target: str
    line: str | None
    fen: int


class Lines(NamedTuple):
    """Σ of the lines of paid settlements; those of refunds are negative."""

    campaign_id: int
    source_id: int
    allocation_id: int
    kind: str
    fen: int


class Posted(NamedTuple):
    """Σ of what the transfers of one reason and cause brought to a kind of account."""

    reason: str
    cause: str
    cause_id: int
    campaign_id: int
    source_id: int
    allocation_id: int | None
    kind: str
    transfers: int
    fen: int


class Discount(NamedTuple):
    """A discount and its split as redemptions of a split of the face have them, what they had been
    authorised for, and how many there are."""

    face: Split
    discount_fen: int
    authorised_fen: int | None
    split: Split
    redemptions: int
    first_redemption_id: int


@dataclass(frozen=True, slots=True)
class Books:
    """The sums of one moment, read in one snapshot."""

    legs: Sequence[Legs]
    posted: Sequence[Posted]
    sources: Sequence[Source]
    allocations: Sequence[Allocation]
    cells: Sequence[Cell]
    tranches: Sequence[Tranche]
    vouchers: Sequence[Vouchers]
    shards: Sequence[Shard]
    redeemed: Sequence[Redeemed]
    discounts: Sequence[Discount]
    rests: Sequence[Amount]
    parts: Sequence[Parts]
    lines: Sequence[Lines]
    collected: Sequence[Amount]
    held: Sequence[Amount]

    @property
    def balances(self) -> list[Balance]:
        """By account and allocation; legs that name no account are in none."""
        sums: dict[tuple[int, int, str, int | None], int] = {}
        for legs in self.legs:
            if legs.campaign_id is None or legs.source_id is None or legs.kind is None:
                continue
            key = (legs.campaign_id, legs.source_id, legs.kind, legs.allocation_id)
            sums[key] = sums.get(key, 0) + legs.fen
        return [Balance(*key, fen) for key, fen in sums.items()]
