"""The only writer of quota headroom: cells opened, headroom taken and given back; allocations.

Buckets are the last rows any transaction locks, in (cell, number) order, FOR NO KEY UPDATE; what is
decided is decided on the numbers read under that lock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from itertools import chain
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from merchants.errors import Refused
from vouchers.models import Allocation, Campaign, QuotaBucket, QuotaCell, TierSplit
from vouchers.models.ledger.quotas import LOCK_BUCKETS, SAVE_BUCKETS, BucketRow
from vouchers.rules.ledger.quotas import (
    DIMENSIONS,
    Cell,
    Cells,
    Need,
    PlannedVouchers,
    Price,
    Room,
    Slice,
    Split,
    lay_evenly,
    room_of,
    short,
)
from vouchers.services import sold_out
from vouchers.sql.pipeline import pipeline
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire


class AllocationShare(NamedTuple):
    """Money that vouchers of an allocation give up, by source, and how many of them give up their
    place. A percentage voucher can give up money and keep its place: it was used for less."""

    allocation_id: int
    split: Split
    vouchers: int


Buckets = Mapping[int, Sequence[QuotaBucket]]
"""By cell id, in order of number."""


class LockedNeeds(NamedTuple):
    """What is wanted of cells (by id), and their buckets, locked by the caller's transaction."""

    buckets: Buckets
    needs: Mapping[int, Need]

    @property
    def have_room(self) -> bool:
        """Whether every cell can take what is wanted of it."""
        return not short(rooms_of(self.buckets), self.needs)


def open_cells(*, campaign: Campaign) -> int:
    """Lay what every cell of a campaign holds evenly over as many sub-buckets as it asks for.

    A cell without a bucket holds its cap; one that has some (a source's own, into which money flows
    while the campaign is a draft) what is left in them. Called inside the transaction of the
    launch, when nothing is issued yet. Returns how many buckets were made; running again makes
    none.
    """
    cells = campaign.cells.select_for_update(no_key=True, of=("self",)).order_by("id")
    return sum(_open(cell) for cell in cells)


def _open(cell: QuotaCell) -> int:
    held = list(cell.buckets.order_by("number").select_for_update(no_key=True))
    fresh = [QuotaBucket(cell=cell, number=n) for n in range(len(held), cell.bucket_count)]
    if fresh:
        left = room_of(map(_room, held)) if held else Room(cell.cap_fen, cell.cap_count)
        _lay([*held, *fresh], left)
        QuotaBucket.objects.bulk_create(fresh)
        _save(held)
    return len(fresh)


def cells_of_campaign(campaign_id: int) -> Cells:
    """Every cell of a campaign, in order of id."""
    rows = QuotaCell.objects.filter(campaign_id=campaign_id).order_by("id")
    return Cells.of(Cell(*row) for row in rows.values_list("id", *DIMENSIONS, "source_id"))


def slice_of(allocation: Allocation) -> Slice:
    """An allocation's dimensions as the rules know them."""
    return Slice(**{name: getattr(allocation, name) for name in DIMENSIONS})


def allocations_for(*, campaign_id: int, slices: Iterable[Slice]) -> dict[Slice, int]:
    """Allocation ids of slices (as `Cells.narrowed` leaves them), made where they are missing."""
    wanted = list(dict.fromkeys(slices))
    known = _allocations(campaign_id)
    missing = [item for item in wanted if item not in known]
    if missing:
        Allocation.objects.bulk_create(
            [
                Allocation(
                    campaign_id=campaign_id, **dict(zip(DIMENSIONS, astuple(item), strict=True))
                )
                for item in missing
            ],
            ignore_conflicts=True,
        )
        known = _allocations(campaign_id)
    return {item: known[item] for item in wanted}


def _allocations(campaign_id: int) -> dict[Slice, int]:
    rows = Allocation.objects.filter(campaign_id=campaign_id).values_list(*DIMENSIONS, "id")
    return {Slice(*dimensions): id_ for *dimensions, id_ in rows}


def prices_of(tier_ids: Iterable[int]) -> dict[int, Price]:
    """By tier id the face and its shares in source order; terms are frozen, so these are too."""
    splits: dict[int, list[tuple[int, int]]] = {tier_id: [] for tier_id in tier_ids}
    rows = TierSplit.objects.filter(tier_id__in=splits).order_by("source_id")
    for tier_id, source_id, amount_fen in rows.values_list("tier_id", "source_id", "amount_fen"):
        splits[tier_id].append((source_id, amount_fen))
    return {
        tier_id: Price(sum(fen for _, fen in split), tuple(split))
        for tier_id, split in splits.items()
    }


def lock_shares(*, shares: Iterable[AllocationShare]) -> LockedNeeds:
    """Lock the room for money that is promised again to vouchers which kept their place, in every
    cell they count in; `take_locked` takes it. Refuses `quota_not_open`."""
    needs = _needs_of_shares(list(shares))
    return LockedNeeds(lock_buckets(cell_ids=needs), needs)


def give_back(*, vouchers: Mapping[int, int]) -> None:
    """Return what whole vouchers (allocation id → count) count to their cells, inside the caller's
    transaction."""
    _return(needs_of(vouchers))


def give_back_shares(*, shares: Iterable[AllocationShare]) -> None:
    """Return what is left of vouchers to their cells, inside the caller's transaction: on expiry,
    and on a void after it."""
    _return(_needs_of_shares(list(shares)))


def _return(needs: Mapping[int, Need]) -> None:
    returned = {cell_id: need.negative() for cell_id, need in needs.items()}
    take_locked(buckets=lock_buckets(cell_ids=needs), needs=returned)


def needs_of(vouchers: Mapping[int, int]) -> dict[int, Need]:
    """What vouchers (allocation id → count) take of every cell they count in."""
    allocations = list(Allocation.objects.filter(pk__in=list(vouchers)))
    prices = prices_of({allocation.tier_id for allocation in allocations})
    planned: dict[int, list[PlannedVouchers]] = {}
    for allocation in allocations:
        price, count = prices[allocation.tier_id], vouchers[allocation.pk]
        planned_part = PlannedVouchers(slice_of(allocation), price, count)
        planned.setdefault(allocation.campaign_id, []).append(planned_part)
    needs: dict[int, Need] = {}
    for campaign_id, wanted in planned.items():
        needs |= cells_of_campaign(campaign_id).needs(wanted)
    return needs


def _needs_of_shares(shares: Sequence[AllocationShare]) -> dict[int, Need]:
    allocations = Allocation.objects.in_bulk([share.allocation_id for share in shares])
    prices = prices_of({allocation.tier_id for allocation in allocations.values()})
    campaign_ids = {allocation.campaign_id for allocation in allocations.values()}
    cells = {campaign_id: cells_of_campaign(campaign_id) for campaign_id in campaign_ids}
    needs: dict[int, Need] = {}
    for share in shares:
        allocation = allocations[share.allocation_id]
        of_share = cells[allocation.campaign_id].parts(
            slice_of(allocation), prices[allocation.tier_id], share.split, share.vouchers
        )
        for cell_id, need in of_share.items():
            so_far = needs.get(cell_id, Need(0, 0))
            needs[cell_id] = Need(so_far.fen + need.fen, so_far.count + need.count)
    return needs


def lock_buckets(*, cell_ids: Iterable[int]) -> Buckets:
    """Lock the buckets of cells in the common order and read them under the lock.

    Refuses `quota_not_open` for a cell without a bucket: what is unknown can't be issued.
    """
    wanted = list(cell_ids)
    with pipeline() as raw:
        locked = send_locks(raw, cell_ids=wanted, hint=None)
    return locked_buckets(wanted, locked.rows())


def send_locks(raw: Wire, *, cell_ids: Iterable[int], hint: int | None) -> Result[BucketRow]:
    """As `lock_buckets`, among other statements; with a hint, of each cell only the bucket it
    chooses. `locked_buckets` reads the answer."""
    return LOCK_BUCKETS.send(raw, {"cell_ids": sorted(cell_ids), "hint": hint})


def locked_buckets(cell_ids: Iterable[int], rows: Iterable[BucketRow]) -> Buckets:
    """By cell the buckets that were locked. Refuses `quota_not_open`."""
    found: dict[int, list[QuotaBucket]] = {cell_id: [] for cell_id in cell_ids}
    for row in rows:
        found[row.cell_id].append(
            QuotaBucket(
                id=row.id,
                cell_id=row.cell_id,
                number=row.number,
                headroom_fen=row.headroom_fen,
                headroom_count=row.headroom_count,
            )
        )
    if closed := [cell_id for cell_id, held in found.items() if not held]:
        raise Refused("quota_not_open", "quota_cell", cell=min(closed))
    return found


def rooms_of(buckets: Buckets) -> dict[int, Room]:
    """What each locked cell can still take."""
    return {cell_id: room_of(map(_room, held)) for cell_id, held in buckets.items()}


def have_room(*, wanted: Sequence[Mapping[int, Need]]) -> list[bool]:
    """By what is needed, whether every cell can take just now what is needed of it by that alone;
    locks nothing."""
    found: dict[int, list[QuotaBucket]] = {cell_id: [] for needs in wanted for cell_id in needs}
    for bucket in QuotaBucket.objects.filter(cell_id__in=list(found)):
        found[bucket.cell_id].append(bucket)
    return [
        LockedNeeds({cell_id: found[cell_id] for cell_id in needs}, needs).have_room
        for needs in wanted
    ]


def take_locked(*, buckets: Buckets, needs: Mapping[int, Need]) -> None:
    """Take what was decided from buckets that `lock_buckets` locked in this transaction, and lay
    what is left evenly over them. Raises ValueError for more than they hold together.

    Cells that are given something are not sold out any more once the transaction has committed.
    """
    refilled = [cell_id for cell_id, need in needs.items() if need.fen < 0 or need.count < 0]
    if refilled:
        transaction.on_commit(partial(sold_out.lift, refilled))
    _save(taken_from(buckets=buckets, needs=needs))


def taken_from(*, buckets: Buckets, needs: Mapping[int, Need]) -> list[QuotaBucket]:
    """The buckets that change when so much is taken from them, as `send_buckets` writes them."""
    rooms = rooms_of(buckets)
    changed = [_lay(buckets[cell_id], rooms[cell_id].less(need)) for cell_id, need in needs.items()]
    return list(chain.from_iterable(changed))


def resize_cells(*, buckets: Buckets, changes: Mapping[int, Need]) -> None:
    """Change the caps of cells by signed amounts (cell id → fen and vouchers), headroom with them.

    The buckets are those that `lock_buckets` locked in this transaction. Unlimited
    caps stay unlimited.
    """
    for cell_id, change in changes.items():
        QuotaCell.objects.filter(pk=cell_id).update(
            cap_fen=F("cap_fen") + change.fen, cap_count=F("cap_count") + change.count
        )
    take_locked(
        buckets=buckets, needs={cell_id: change.negative() for cell_id, change in changes.items()}
    )


def _lay(held: Sequence[QuotaBucket], room: Room) -> list[QuotaBucket]:
    """Spread a cell's room evenly over its buckets; returns those that change by it."""
    changed = []
    for bucket, part in zip(held, lay_evenly(room, len(held)), strict=True):
        if _room(bucket) != part:
            bucket.headroom_fen, bucket.headroom_count = part.fen, part.count
            changed.append(bucket)
    return changed


def _room(bucket: QuotaBucket) -> Room:
    return Room(bucket.headroom_fen, bucket.headroom_count)


def _save(buckets: Sequence[QuotaBucket]) -> None:
    if buckets:
        with pipeline() as raw:
            send_buckets(raw, buckets)


def send_buckets(raw: Wire, buckets: Sequence[QuotaBucket]) -> None:
    """Write buckets as they stand now, among other statements; their locks are held."""
    SAVE_BUCKETS.send(
        raw,
        {
            "bucket_ids": [bucket.pk for bucket in buckets],
            "fens": [bucket.headroom_fen for bucket in buckets],
            "counts": [bucket.headroom_count for bucket in buckets],
        },
    )
