"""The books judged from sums: budget identity, quota cells, and the ties of the subledgers. Pure.

Everything is worked out here a second time, from rows alone: none of the code that moved the money
is used. A check gives back the rows that break it; no rows, and it holds.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from vouchers.states import AccountKind, RedemptionState, TrancheState, VoucherState

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
    says: str
    broken_count: int = 0
    rows: tuple[Row, ...] = ()


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
    appropriated_fen: int


class Slice(NamedTuple):
    """The dimensions of an allocation or a cell; None is "not told apart" or "all"."""

    tier_id: int | None
    round_id: int | None
    district_id: int | None
    store_id: int | None
    channel: str | None
    day: date | None


class Allocation(NamedTuple):
    """What the vouchers and legs of one allocation count in."""

    id: int
    campaign_id: int
    slice: Slice


class Cell(NamedTuple):
    """A quota cell and Σ of what its buckets say is left; None where that is unlimited."""

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


class Waiting(NamedTuple):
    """Vouchers reserved in shards that are not minted yet."""

    campaign_id: int
    allocation_id: int
    split: Split
    size: int


class Redeemed(NamedTuple):
    """Σ of what a source owes for live redemptions of an allocation, by state."""

    campaign_id: int
    source_id: int
    allocation_id: int
    state: int
    fen: int


class Rest(NamedTuple):
    """Σ of what live redemptions left of a source's shares, in tranches that have not expired."""

    campaign_id: int
    source_id: int
    allocation_id: int
    fen: int


class Paid(NamedTuple):
    """Σ of the lines of paid settlements."""

    campaign_id: int
    source_id: int
    allocation_id: int
    fen: int


@dataclass(frozen=True, slots=True)
class Books:
    """The sums of one moment, read in one snapshot."""

    balances: Sequence[Balance]
    sources: Sequence[Source]
    allocations: Sequence[Allocation]
    cells: Sequence[Cell]
    tranches: Sequence[Tranche]
    vouchers: Sequence[Vouchers]
    waiting: Sequence[Waiting]
    redeemed: Sequence[Redeemed]
    rests: Sequence[Rest]
    paid: Sequence[Paid]


def budget_identity(books: Books) -> Iterator[Row]:
    """Per source: appropriated = Σ of all other accounts, none of them negative."""
    terms: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for balance in books.balances:
        terms[balance.campaign_id, balance.source_id][balance.kind] += balance.fen
    for (campaign_id, source_id), by_kind in sorted(terms.items()):
        off_fen = sum(by_kind.values())
        negative = [kind for kind, fen in by_kind.items() if _is_wrong_side(kind, fen)]
        if off_fen or negative:
            yield {
                "campaign": campaign_id,
                "source": source_id,
                "off_fen": off_fen,
                "negative": ", ".join(sorted(negative)) or None,
                **by_kind,
            }


def allocation_identity(books: Books) -> Iterator[Row]:
    """Per source and allocation: what left free is somewhere else, and nowhere below zero."""
    terms: dict[Slot, dict[str, int]] = defaultdict(dict)
    for campaign_id, source_id, kind, allocation_id, fen in books.balances:
        terms[campaign_id, source_id, allocation_id][kind] = fen
    for (campaign_id, source_id, allocation_id), by_kind in terms.items():
        off_fen = sum(by_kind.values())
        negative = [kind for kind, fen in by_kind.items() if fen < 0 and kind not in IN_HAND]
        if off_fen or negative:
            yield {
                "campaign": campaign_id,
                "source": source_id,
                "allocation": allocation_id,
                "off_fen": off_fen,
                "negative": ", ".join(sorted(negative)) or None,
            }


def appropriated_figure(books: Books) -> Iterator[Row]:
    """A source's figure = what its account says."""
    booked: dict[int, int] = defaultdict(int)
    for balance in books.balances:
        if balance.kind == AccountKind.APPROPRIATED:
            booked[balance.source_id] -= balance.fen
    for source in books.sources:
        if source.appropriated_fen != booked[source.id]:
            yield {
                "campaign": source.campaign_id,
                "source": source.id,
                "figure_fen": source.appropriated_fen,
                "booked_fen": booked[source.id],
            }


def cell_headroom(books: Books) -> Iterator[Row]:
    """Every cell: Σ headroom of its buckets = cap − what counts in it, and not below zero."""
    cells_of = _matcher(books.cells)
    slices = {item.id: item for item in books.allocations}
    used_fen: dict[int, int] = defaultdict(int)
    used_count: dict[int, int] = defaultdict(int)
    for balance in books.balances:
        if balance.kind in IN_HAND or balance.allocation_id is None:
            continue
        for cell in cells_of(slices.get(balance.allocation_id)):
            if cell.source_id in (None, balance.source_id):
                used_fen[cell.id] += balance.fen
    for allocation_id, split, count in _counted(books):
        payers = {source_id for source_id, fen in split if fen}
        for cell in cells_of(slices.get(allocation_id)):
            if cell.source_id is None or cell.source_id in payers:
                used_count[cell.id] += count
    for cell in books.cells:
        fen_left = _left(cell.cap_fen, used_fen[cell.id])
        count_left = _left(cell.cap_count, used_count[cell.id])
        negative = min(cell.headroom_fen or 0, cell.headroom_count or 0) < 0
        if negative or (fen_left, count_left) != (cell.headroom_fen, cell.headroom_count):
            yield {
                "campaign": cell.campaign_id,
                "cell": cell.id,
                "cap_fen": cell.cap_fen,
                "used_fen": used_fen[cell.id],
                "headroom_fen": cell.headroom_fen,
                "cap_count": cell.cap_count,
                "used_count": used_count[cell.id],
                "headroom_count": cell.headroom_count,
            }


def reserved_tie(books: Books) -> Iterator[Row]:
    """Σ face of vouchers in shards not minted yet = the reserved account."""
    rows: dict[Slot, int] = defaultdict(int)
    for item in books.waiting:
        for source_id, fen in item.split:
            rows[item.campaign_id, source_id, item.allocation_id] += fen * item.size
    return _tie(books, [AccountKind.RESERVED], rows)


def outstanding_tie(books: Books) -> Iterator[Row]:
    """In tranches not expired, Σ face of issued vouchers, and what percentages left of the faces
    of redeemed ones = the outstanding account."""
    rows = _faces(books, VoucherState.ISSUED)
    for rest in books.rests:
        rows[rest.campaign_id, rest.source_id, rest.allocation_id] += rest.fen
    return _tie(books, [AccountKind.OUTSTANDING], rows)


def authorised_tie(books: Books) -> Iterator[Row]:
    """Σ face of authorised vouchers = the authorised account."""
    return _tie(books, [AccountKind.AUTHORISED], _faces(books, VoucherState.AUTHORISED))


def payable_tie(books: Books) -> Iterator[Row]:
    """Σ of captured redemptions that are not paid = payable + held for risk."""
    rows: dict[Slot, int] = defaultdict(int)
    for item in books.redeemed:
        if item.state == RedemptionState.CAPTURED:
            rows[item.campaign_id, item.source_id, item.allocation_id] += item.fen
    for line in books.paid:
        rows[line.campaign_id, line.source_id, line.allocation_id] -= line.fen
    return _tie(books, [AccountKind.PAYABLE, AccountKind.RISK_HELD], rows)


def settled_tie(books: Books) -> Iterator[Row]:
    """Σ of the lines of paid settlements = settled + recoverable."""
    rows: dict[Slot, int] = {
        (item.campaign_id, item.source_id, item.allocation_id): item.fen for item in books.paid
    }
    return _tie(books, [AccountKind.SETTLED, AccountKind.RECOVERABLE], rows)


def tranche_holds(books: Books) -> Iterator[Row]:
    """Each partition holds as many vouchers as its tranche says, serials 0, 1, 2, …"""
    tranches = {tranche.id: tranche for tranche in books.tranches}
    held: dict[int, list[Vouchers]] = {tranche_id: [] for tranche_id in tranches}
    for item in books.vouchers:
        held.setdefault(item.tranche_id, []).append(item)
    for tranche_id, items in sorted(held.items()):
        tranche = tranches.get(tranche_id)
        promised = tranche.voucher_count if tranche else 0
        count = sum(item.size for item in items)
        first = min((item.first_serial for item in items), default=0)
        last = max((item.last_serial for item in items), default=-1)
        if (count, first, last) != (promised, 0, promised - 1):
            yield {
                "tranche": tranche_id,
                "promised": promised,
                "vouchers": count,
                "first_serial": first,
                "last_serial": last,
            }


def voucher_allocations(books: Books) -> Iterator[Row]:
    """Vouchers count in an allocation of their own campaign and tier."""
    tranches = {tranche.id: tranche for tranche in books.tranches}
    known = {item.id: (item.campaign_id, item.slice.tier_id) for item in books.allocations}
    for item in books.vouchers:
        tranche = tranches.get(item.tranche_id)
        wanted = tranche and (tranche.campaign_id, tranche.tier_id)
        if wanted != known.get(item.allocation_id):
            yield {
                "tranche": item.tranche_id,
                "allocation": item.allocation_id,
                "vouchers": item.size,
            }


def _is_wrong_side(kind: str, fen: int) -> bool:
    return fen > 0 if kind == AccountKind.APPROPRIATED else fen < 0


def _left(cap: int | None, used: int) -> int | None:
    return None if cap is None else cap - used


def _matcher(cells: Iterable[Cell]) -> Callable[[Allocation | None], Iterator[Cell]]:
    """Finds the cells an allocation counts in: those that name nothing it differs in."""
    by_names: dict[tuple[int, ...], dict[tuple[object, ...], list[Cell]]] = {}
    for cell in cells:
        names = tuple(i for i, value in enumerate(cell.slice) if value is not None)
        values = (cell.campaign_id, *(cell.slice[i] for i in names))
        by_names.setdefault(names, {}).setdefault(values, []).append(cell)

    def cells_of(item: Allocation | None) -> Iterator[Cell]:
        if item is None:
            return
        for names, by_values in by_names.items():
            values = (item.campaign_id, *(item.slice[i] for i in names))
            yield from by_values.get(values, ())

    return cells_of


def _counted(books: Books) -> Iterator[tuple[int, Split, int]]:
    """(allocation id, split, count) of vouchers that hold a place: expired and withdrawn don't."""
    for waiting in books.waiting:
        yield waiting.allocation_id, waiting.split, waiting.size
    tranches = {tranche.id: tranche for tranche in books.tranches}
    for item in books.vouchers:
        tranche = tranches.get(item.tranche_id)
        if tranche is None or item.state == VoucherState.WITHDRAWN:
            continue
        if item.state == VoucherState.ISSUED and tranche.state == TrancheState.EXPIRED:
            continue
        yield item.allocation_id, tranche.split, item.size


def _faces(books: Books, state: VoucherState) -> dict[Slot, int]:
    rows: dict[Slot, int] = defaultdict(int)
    tranches = {tranche.id: tranche for tranche in books.tranches}
    for item in books.vouchers:
        tranche = tranches.get(item.tranche_id)
        if tranche is None or item.state != state:
            continue
        if state == VoucherState.ISSUED and tranche.state == TrancheState.EXPIRED:
            continue
        for source_id, fen in tranche.split:
            rows[tranche.campaign_id, source_id, item.allocation_id] += fen * item.size
    return rows


def _tie(books: Books, kinds: Sequence[AccountKind], rows: Mapping[Slot, int]) -> Iterator[Row]:
    """Where the accounts of these kinds and the sums of the rows differ."""
    booked: dict[Slot, int] = defaultdict(int)
    for campaign_id, source_id, kind, allocation_id, fen in books.balances:
        if kind in kinds:
            booked[campaign_id, source_id, allocation_id] += fen
    for slot in booked.keys() | rows.keys():
        booked_fen, rows_fen = booked.get(slot, 0), rows.get(slot, 0)
        if booked_fen != rows_fen:
            campaign_id, source_id, allocation_id = slot
            yield {
                "campaign": campaign_id,
                "source": source_id,
                "allocation": allocation_id,
                "booked_fen": booked_fen,
                "rows_fen": rows_fen,
            }
