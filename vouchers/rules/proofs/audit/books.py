"""The books judged in themselves: budget identity, arrows of money, quota cells, tranches. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from vouchers.rules.proofs.audit.facts import (
    IN_HAND,
    WHOLE,
    Allocation,
    Books,
    Cell,
    Legs,
    Row,
    Slot,
    Split,
    Vouchers,
)
from vouchers.states import (
    CAUSES,
    MONEY_ARROWS,
    AccountKind,
    RunState,
    ShardState,
    TrancheState,
    TransferReason,
    VoucherState,
)

UNALLOCATED: Final = frozenset(
    {TransferReason.APPROPRIATE, TransferReason.CUT, TransferReason.REPAY}
)
"""Reasons whose legs belong to no allocation; all others' do."""


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
    """Per source and allocation: the accounts sum to zero and none is negative."""
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
    """A source's figure = the balance of its account, in fen."""
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


def money_arrows(books: Books) -> Iterator[Row]:
    """Each reason has a cause of its kind and moved money only between accounts it may."""
    for legs in books.legs:
        why = legs.reason and legs.kind and _strays(legs)
        if why:
            yield {
                "reason": legs.reason,
                "cause": legs.cause,
                "account": legs.kind,
                "fen": legs.fen,
                "legs": legs.size,
                "first_transfer": legs.first_transfer_id,
                "why": why,
            }


def _strays(legs: Legs) -> str | None:
    if legs.reason not in {reason.value for reason in TransferReason}:
        return "no such reason"
    reason = TransferReason(legs.reason)
    ends = {arrow[1 if legs.is_credit else 0].value for arrow in MONEY_ARROWS[reason]}
    if legs.kind not in ends:
        return "no such arrow"
    if legs.cause not in {cause.value for cause in CAUSES[reason]}:
        return "another kind of cause"
    if (legs.allocation_id is None) != (reason in UNALLOCATED):
        return "its allocation"
    return None


def cell_headroom(books: Books) -> Iterator[Row]:
    """Every cell: Σ headroom of its buckets = cap − what counts in it, and not below zero.

    What was repaid to the treasury counts in the cell of the source's whole money.
    """
    used_fen, used_count = _use(books)
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


def _use(books: Books) -> tuple[Mapping[int, int], Mapping[int, int]]:
    """By cell id the fen and the vouchers that count in it."""
    cells_of = _matcher(books.cells)
    slices = {item.id: item for item in books.allocations}
    roots = {cell.source_id: cell.id for cell in books.cells if cell.slice == WHOLE}
    used_fen: dict[int, int] = defaultdict(int)
    used_count: dict[int, int] = defaultdict(int)
    for balance in books.balances:
        if balance.kind == AccountKind.REPAID and balance.source_id in roots:
            used_fen[roots[balance.source_id]] += balance.fen
        elif balance.kind not in IN_HAND and balance.allocation_id is not None:
            for cell in cells_of(slices.get(balance.allocation_id)):
                if cell.source_id in (None, balance.source_id):
                    used_fen[cell.id] += balance.fen
    for allocation_id, split, count in _counted(books):
        payers = {source_id for source_id, fen in split if fen}
        for cell in cells_of(slices.get(allocation_id)):
            if cell.source_id is None or cell.source_id in payers:
                used_count[cell.id] += count
    return used_fen, used_count


def tranche_holds(books: Books) -> Iterator[Row]:
    """Each partition holds as many vouchers as its tranche states, serials 0, 1, 2, …"""
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


def split_follows_shares(books: Books) -> Iterator[Row]:
    """A discount below the face is split as the face is, by largest remainder; one that was smaller
    on the final order than it was authorised, as that was."""
    for item in books.discounts:
        whole = item.face
        if item.authorised_fen is not None:
            whole = list(_shared_out(item.authorised_fen, item.face).items())
        if _shared_out(item.discount_fen, whole) != dict(item.split):
            yield {
                "discount_fen": item.discount_fen,
                "authorised_fen": item.authorised_fen,
                "split": str(list(item.split)),
                "face": str(list(item.face)),
                "redemptions": item.redemptions,
                "first_redemption": item.first_redemption_id,
            }


def _shared_out(total_fen: int, face: Split) -> Mapping[int, int]:
    """Largest remainder; of equal ones the earlier source is served first."""
    face_fen = sum(fen for _, fen in face)
    exact = [(source_id, *divmod(total_fen * fen, face_fen)) for source_id, fen in face]
    odd_fen = total_fen - sum(whole for _, whole, _ in exact)
    served = sorted(range(len(exact)), key=lambda place: -exact[place][2])[:odd_fen]
    return {
        source_id: whole + (place in served) for place, (source_id, whole, _) in enumerate(exact)
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
    for shard in books.shards:
        if shard.state != ShardState.DONE and shard.run_state == RunState.RESERVED:
            for allocation_id, size in shard.sizes:
                yield allocation_id, shard.split, size
    tranches = {tranche.id: tranche for tranche in books.tranches}
    for item in books.vouchers:
        tranche = tranches.get(item.tranche_id)
        if tranche is None or item.state == VoucherState.WITHDRAWN:
            continue
        if item.state == VoucherState.ISSUED and tranche.state == TrancheState.EXPIRED:
            continue
        yield item.allocation_id, tranche.split, item.size
