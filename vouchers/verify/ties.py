"""The subledgers tied to the journal: the sum of the rows equals what was posted to the account."""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping

from vouchers.verify.archive import Archive
from vouchers.verify.faults import Fault
from vouchers.verify.journal import Postings, Slot
from vouchers.verify.redemptions import Tally
from vouchers.verify.vouchers import Stock


def check_ties(postings: Postings, stock: Stock, tally: Tally) -> Iterator[Fault]:
    """Per source and allocation, account by account."""
    outstanding = stock.face_sums()
    for slot, fen in tally.rests.items():
        outstanding[slot] = outstanding.get(slot, 0) + fen
    for kinds, rows in (
        (("reserved",), stock.reserved()),
        (("outstanding",), outstanding),
        (("authorised",), tally.authorised),
        (("payable", "risk_held"), tally.owed),
        (("risk_held",), tally.held),
        (("settled",), tally.settled),
        (("recoverable",), tally.recoverable),
    ):
        yield from _tie(" + ".join(kinds), postings.of_kind(*kinds), rows)
    if postings.begun != tally.begun:
        yield Fault(
            "redemptions.jsonl",
            None,
            f"{tally.begun['count']} redemptions, {postings.begun['count']} posted, or others",
            f"核销 {tally.begun['count']} 笔，入账 {postings.begun['count']} 笔，或并非同一批",
        )


def check_settlements(archive: Archive, postings: Postings, tally: Tally) -> Iterator[Fault]:
    """Lines add up to totals, files are those that were hashed and say the same, paid ones were
    posted, and cash had arrived for them."""
    paid: dict[int, int] = defaultdict(int)
    for row in archive.rows("settlements"):
        content, id_ = row["content"].encode(), row["id"]
        if hashlib.sha256(content).hexdigest() != row["sha256"]:
            yield archive.fault("the file is not what was hashed", "结算文件与哈希不符")
        stated = (row["line_count"], row["total_fen"])
        if (tally.line_count[id_], tally.line_fen.get(id_, 0)) != stated:
            yield archive.fault("the lines miss its total", "明细与合计不符")
        amounts = [int(line["amount_fen"]) for line in csv.DictReader(io.StringIO(row["content"]))]
        if (len(amounts), sum(amounts)) != stated:
            yield archive.fault("the file says another total", "结算文件与合计不符")
        is_paid = row["state"] == "paid"
        posted = [postings.by_settlement.get((reason, id_), 0) for reason in ("settle", "net")]
        owed = [tally.to_settle.get(id_, 0), tally.to_net.get(id_, 0)]
        if posted != (owed if is_paid else [0, 0]):
            yield archive.fault(
                f"posted {posted} fen, owed {owed}", f"入账 {posted} 分，应为 {owed} 分"
            )
        if is_paid:
            paid[row["source"]] += row["total_fen"]
    yield from _check_cash(archive, postings, paid)


def check_collections(archive: Archive, postings: Postings) -> Iterator[Fault]:
    """What merchants paid back is spread over refunds whole, and was posted."""
    lines: dict[int, int] = defaultdict(int)
    for row in archive.rows("collection_lines"):
        lines[row["collection"]] += row["amount_fen"]
    for row in archive.rows("collections"):
        sums = (lines[row["id"]], postings.by_collection.get(row["id"], 0))
        if sums != (row["amount_fen"], row["amount_fen"]):
            yield archive.fault("the lines miss its amount", "明细与金额不符")


def _check_cash(archive: Archive, postings: Postings, paid: Mapping[int, int]) -> Iterator[Fault]:
    cash: dict[int, int] = defaultdict(int)
    for row in archive.rows("cash_receipts"):
        cash[row["source"]] += row["amount_fen"]
    for row in archive.rows("collections"):
        cash[row["source"]] += row["amount_fen"]
    for (source, _), fen in postings.of_kind("repaid").items():
        cash[source] -= fen
    for source, fen in paid.items():
        if fen > cash[source]:
            yield Fault(
                "settlements.jsonl",
                None,
                f"source {source} paid {fen} fen out of {cash[source]} received",
                f"出资方 {source} 拨付 {fen} 分，到账仅 {cash[source]} 分",
            )


def _tie(account: str, booked: Mapping[Slot, int], rows: Mapping[Slot, int]) -> Iterator[Fault]:
    for slot in booked.keys() | rows.keys():
        booked_fen, rows_fen = booked.get(slot, 0), rows.get(slot, 0)
        if booked_fen != rows_fen:
            source, allocation = slot
            yield Fault(
                "journal.jsonl",
                None,
                f"{account} of source {source}, allocation {allocation}: "
                f"posted {booked_fen} fen, the rows say {rows_fen}",
                f"出资方 {source} 配额组合 {allocation} 的 {account}："
                f"流水 {booked_fen} 分，明细 {rows_fen} 分",
            )
