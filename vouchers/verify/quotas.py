"""Quota cells: what is left of each is its cap minus what counts in it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from vouchers.verify.archive import Archive, Row
from vouchers.verify.arrows import IN_HAND
from vouchers.verify.faults import Fault
from vouchers.verify.journal import Postings
from vouchers.verify.vouchers import Stock

DIMENSIONS: Final = ("tier", "round", "district", "store", "channel", "day")


def check_cells(archive: Archive, postings: Postings, stock: Stock) -> Iterator[Fault]:
    """Every cell, in fen and in vouchers; nothing is left below zero."""
    slices = {row["id"]: row for row in archive.rows("allocations")}
    fens: dict[tuple[int | None, int], int] = defaultdict(int)
    repaid_fen: dict[int, int] = defaultdict(int)
    for (kind, source, allocation), fen in postings.balances.items():
        if allocation is not None and kind not in IN_HAND:
            fens[allocation, source] += fen
        elif kind == "repaid":
            repaid_fen[source] += fen
    counts: dict[int, int] = defaultdict(int)
    paid_by: dict[tuple[int, int], int] = defaultdict(int)
    for allocation, split, count in stock.counted():
        counts[allocation] += count
        for source, fen in split:
            if fen:
                paid_by[allocation, source] += count
    for cell in archive.rows("cells"):
        source = cell["source"]
        inside = {id_ for id_, row in slices.items() if _counts_in(cell, row)}
        used_fen = sum(
            fen
            for (allocation, payer), fen in fens.items()
            if allocation in inside and source in (None, payer)
        )
        if source is None:
            used_count = sum(counts[allocation] for allocation in inside)
        else:
            used_count = sum(paid_by[allocation, source] for allocation in inside)
            if all(cell[name] is None for name in DIMENSIONS):
                used_fen += repaid_fen[source]
        yield from _compare(archive, cell, used_fen, used_count)


def _counts_in(cell: Row, item: Row) -> bool:
    return all(cell[name] is None or cell[name] == item[name] for name in DIMENSIONS)


def _compare(archive: Archive, cell: Row, used_fen: int, used_count: int) -> Iterator[Fault]:
    for place, name, used in ((1, "cap_fen", used_fen), (2, "cap_count", used_count)):
        if cell[name] is None:
            continue
        left = [bucket[place] for bucket in cell["buckets"]] or [cell[name]]
        if min(left) < 0 or sum(left) != cell[name] - used:
            yield archive.fault(
                f"{name} {cell[name]}, used {used}, but {sum(left)} left",
                f"{name} {cell[name]}，已用 {used}，余额却为 {sum(left)}",
            )
